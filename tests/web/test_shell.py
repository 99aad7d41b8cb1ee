"""What stands around every page: menu, keys, the way past them, darkness, and what is printed."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.browsing import LANGUAGES, Office, accessible
from tests.web.conftest import INSPECTOR


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_the_menu_unfolds(office: Office, *, scripts: bool) -> None:
    page = office.browser(INSPECTOR, size="phone", scripts=scripts).new_page()
    page.goto("/batches")
    menu = page.get_by_role("navigation", name="主菜单")
    expect(menu).to_have_count(0)
    page.get_by_text("菜单", exact=True).click()
    expect(menu.get_by_role("link", name="批次")).to_have_attribute("aria-current", "page")
    if scripts:
        accessible(page)
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        page.keyboard.press("Enter")
    menu.get_by_role("link", name="组织").click()
    expect(page).to_have_url(f"{office.url}/organisations")


def test_the_menu_says_where_a_page_belongs(office: Office) -> None:
    page = office.page(INSPECTOR, "/batches")
    page.locator("[data-row] a").first.click()
    page.wait_for_url("**/batches/*-*")
    entry = page.get_by_role("navigation").get_by_role("link", name="批次")
    expect(entry).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("language", LANGUAGES)
def test_keys_are_told_and_content_is_one_key_away(office: Office, language: str) -> None:
    page = office.page(INSPECTOR, "/batches", language)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog")
    expect(help_).to_contain_text({"zh": "回到上一级", "en": "Back up"}[language])
    page.keyboard.press("Escape")
    expect(help_).to_have_count(0)


def test_pages_can_be_read_in_the_dark(office: Office) -> None:
    page = office.browser(INSPECTOR).new_page()
    page.emulate_media(color_scheme="dark")
    for path in ("/overview", "/organisations", "/batches", "/search"):
        page.goto(path)
        accessible(page)


def test_a_print_says_who_made_it_when_and_of_what(office: Office) -> None:
    page = office.page(INSPECTOR, "/batches")
    foot = page.locator(".printed")
    expect(foot).to_be_hidden()
    page.emulate_media(media="print", color_scheme="dark")
    said = re.compile(rf"由 {INSPECTOR} 于 .+ 打印，依据日志前 {office.ledger.size():,} 条。")
    expect(foot).to_have_text(said)
    expect(page.locator("header.top nav")).to_have_count(2)
    expect(page.get_by_role("navigation")).to_have_count(0)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") in (
        "rgb(255, 255, 255)",
        "rgba(0, 0, 0, 0)",
    )
