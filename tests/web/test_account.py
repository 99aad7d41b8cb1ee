"""One's own account: passkeys of a virtual authenticator, tokens and sessions."""

import pytest
from playwright.sync_api import Page, expect

from api.callers import COOKIE
from api.web.pages.account import SESSIONS_SHOWN
from tests.web.browsing import LANGUAGES, Office, accessible, saying
from tests.web.conftest import INSPECTOR

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def mine(workplace: Office, language: str) -> Page:
    """A page in a browser on a device that confirms its user."""
    page = workplace.browser(INSPECTOR, language).new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_passkey_is_added_lets_in_and_is_removed(mine: Page, language: str) -> None:
    say = saying(language)
    mine.goto("/my-account")
    mine.locator("[data-add-passkey] input").fill("办公室电脑")
    mine.get_by_role("button", name=say("在这台设备上添加")).click()
    added = mine.get_by_role("row", name="办公室电脑")
    expect(added).to_be_visible()
    accessible(mine)

    mine.context.clear_cookies(name=COOKIE)
    mine.goto("/sign-in?next=/my-account")
    mine.get_by_role("button", name=say("用通行密钥登录")).click()
    mine.wait_for_url("**/my-account")
    expect(mine.get_by_role("row", name=say("这一次"))).to_contain_text(say("通行密钥"))

    added.get_by_role("button").click()
    expect(mine.get_by_role("status")).to_have_text(say("通行密钥已删除。"))
    expect(added).to_have_count(0)
    mine.context.clear_cookies(name=COOKIE)
    mine.goto("/sign-in")
    mine.get_by_role("button", name=say("用通行密钥登录")).click()
    expect(mine.get_by_text(say("通行密钥未被接受，请重试或用口令登录。"))).to_be_visible()


def test_a_token_is_shown_once_works_and_is_ended(workplace: Office) -> None:
    browser = workplace.browser(INSPECTOR, scripts=False)
    page = browser.new_page()
    page.goto("/my-account")
    expect(page.get_by_text("添加通行密钥需要启用脚本。")).to_be_visible()
    form = page.locator('form[action="/my-account/tokens"]')
    form.locator("[name=label]").fill("每日对账")
    form.locator("[name=days]").fill("7")
    form.get_by_role("button").click()
    token = page.locator("[data-token]").inner_text()
    bearer = {"Authorization": f"Bearer {token}"}
    asked = workplace.browser().request
    assert asked.get("/v1/session", headers=bearer).status == 200
    assert asked.delete("/v1/passkeys/0123456789abcdef", headers=bearer).status == 403

    page.goto("/my-account")
    expect(page.locator("[data-token]")).to_have_count(0)
    page.get_by_role("button", name="作废令牌 每日对账").click()
    expect(page.get_by_role("status")).to_have_text("令牌已作废。")
    assert asked.get("/v1/session", headers=bearer).status == 401


def test_all_sessions_end_at_once_and_wrong_fields_are_named(workplace: Office) -> None:
    elsewhere = workplace.page(INSPECTOR, "/overview")
    browser = workplace.browser(INSPECTOR, "en", scripts=False)
    page = browser.new_page()
    page.goto("/my-account")
    form = page.locator('form[action="/my-account/tokens"]')
    form.locator("[name=label]").fill("nightly")
    form.evaluate("form => form.noValidate = true")
    form.locator("[name=days]").fill("900")
    form.get_by_role("button").click()
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("Days it is good for")
    expect(alert).to_contain_text("the number is too large")
    expect(form.locator("[name=label]")).to_have_value("nightly")
    page.get_by_role("button", name="End all sessions and tokens").click()
    expect(page).to_have_url(f"{workplace.url}/sign-in")
    elsewhere.reload()
    expect(elsewhere).to_have_url(f"{workplace.url}/sign-in?next=%2Foverview")


def test_of_many_sessions_the_one_in_use_stands_first_and_old_ones_are_folded(
    workplace: Office,
) -> None:
    page = workplace.page(INSPECTOR, "/my-account")
    for _ in range(SESSIONS_SHOWN):
        workplace.browser(INSPECTOR)
    page.reload()
    first = page.get_by_role("region", name="会话", exact=True).locator("tbody tr")
    expect(first).to_have_count(SESSIONS_SHOWN)
    expect(first.first).to_contain_text("这一次")
    earlier = page.locator("details").filter(has_text="更早的")
    row = earlier.locator("tbody tr").first
    expect(row).to_be_hidden()
    earlier.locator("summary").click()
    expect(row).to_be_visible()
    accessible(page)
