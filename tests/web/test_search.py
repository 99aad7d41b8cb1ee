"""Finding people and numbers, without either ever standing in an address."""

import pytest
from playwright.sync_api import expect

from api.folder import open_folder
from tests.web.browsing import LANGUAGES, Office, accessible
from tests.web.conftest import INSPECTOR, SCENARIO

DOCUMENT = next(row.document for row in open_folder(SCENARIO).funds)
PERSON = next(row for row in open_folder(SCENARIO).archive.rows)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "value"),
    [("id_number", PERSON.id_number), ("name", PERSON.name), ("card_number", PERSON.card_number)],
)
def test_a_person_is_found_and_followed_and_named_in_no_address(
    office: Office, kind: str, value: str, language: str
) -> None:
    page = office.page(INSPECTOR, "/overview", language)
    page.keyboard.press("/")
    page.wait_for_url("**/search")
    page.locator("[name=kind]").select_option(kind)
    page.locator("[name=value]").fill(value)
    page.keyboard.press("Enter")
    page.locator("[data-row]").first.wait_for()
    assert page.url == f"{office.url}/search"
    assert PERSON.id_number not in page.content()
    accessible(page)
    page.locator("[data-row] a").first.click()
    expect(page.locator(".way li").first).to_be_visible()


def test_numbers_lead_to_what_they_name(office: Office) -> None:
    page = office.page(INSPECTOR, "/search")
    for kind, value, url in (("batch", "SWN20170016", "/batches/"), ("position", "7", "/verify/7")):
        page.goto("/search")
        page.locator("[name=kind]").select_option(kind)
        page.locator("[name=value]").fill(value)
        page.get_by_role("button", name="查找").click()
        page.wait_for_url(f"**{url}*")
    page.goto("/search")
    page.locator("[name=kind]").select_option("document")
    page.locator("[name=value]").fill(DOCUMENT)
    page.get_by_role("button", name="查找").click()
    expect(page.locator("[data-row]").first).to_contain_text(DOCUMENT)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("batch", "NONE", "ledger.not_on_record"),
        ("position", "99999999", "log.no_such_position"),
        ("id_number", "not an ID number", "权限内没有找到。"),
    ],
)
def test_what_is_not_there_is_said_in_words(
    office: Office, kind: str, value: str, said: str
) -> None:
    page = office.browser(INSPECTOR, scripts=False).new_page()
    page.goto("/search")
    page.locator("[name=kind]").select_option(kind)
    page.locator("[name=value]").fill(value)
    page.get_by_role("button", name="查找").click()
    expect(page.locator("main")).to_contain_text(said)
