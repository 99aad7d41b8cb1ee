"""Signing in and out, being led on, and choosing a language."""

import pytest
from playwright.sync_api import expect

from api.web.pages.sign_in import HOME, ours
from tests.web.browsing import Office
from tests.web.conftest import INSPECTOR

PASSWORD = "seven quiet herons at dawn"


@pytest.mark.parametrize("scripts", [True, False])
def test_whoever_asks_for_a_page_signs_in_first_and_is_led_on(
    office: Office, *, scripts: bool
) -> None:
    page = office.browser(scripts=scripts).new_page()
    page.goto("/overview?as_of=2017-01-31")
    expect(page).to_have_url(f"{office.url}/sign-in?next=%2Foverview%3Fas_of%3D2017-01-31")
    page.get_by_role("button", name="以演示纪检员身份进入").click()
    expect(page).to_have_url(f"{office.url}/overview")
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_role("heading", name="暖账")).to_be_visible()
    page.goto("/overview")
    expect(page).to_have_url(f"{office.url}/sign-in?next=%2Foverview")


def test_a_wrong_password_is_told_in_words_and_an_invitation_lets_in(office: Office) -> None:
    page = office.browser().new_page()
    page.goto("/sign-in")
    page.get_by_label("工号").fill(INSPECTOR)
    page.get_by_label("口令").fill("wrong one")
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("access.sign_in_failed")


def test_the_language_that_is_chosen_is_kept(office: Office) -> None:
    page = office.page(INSPECTOR, "/overview")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.goto("/overview")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("总览")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:1",
        "",
        "/\t/evil",
        "/\n/x",
    ],
)
def test_nobody_is_led_elsewhere(elsewhere: str) -> None:
    assert ours(elsewhere) == HOME
