"""Finding people, numbers, amounts and days, without any of them ever standing in an address."""

from collections import Counter
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from api.folder import open_folder
from ledger.vault.masking import mask_name
from projections.batches import batch_list, statements_of
from projections.disbursements import disbursement_list
from projections.organisations import tree_on
from projections.people import people_known_at
from projections.runner import catch_up
from tests.campaign import SCENARIO
from tests.web.browsing import LANGUAGES, Office, accessible
from tests.web.conftest import INSPECTOR

DOCUMENT = next(row.document for row in open_folder(SCENARIO).funds)
PERSON = next(row for row in open_folder(SCENARIO).archive.rows)


def seek(page: Page, kind: str, value: str, **days: str) -> None:
    page.goto("/search")
    page.locator("[name=kind]").select_option(kind)
    page.locator("[name=value]").fill(value)
    for name, day in days.items():
        page.locator(f"[name={name}]").fill(day)
    page.locator("main form button").click()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("id_number", PERSON.id_number),
        ("name", mask_name(PERSON.name)),
        ("card_number", PERSON.card_number),
    ],
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
    page.wait_for_url("**/trace/people/*")
    expect(page.locator("h1")).to_have_text(mask_name(PERSON.name))
    page.locator("[data-list] a[href^='/trace/payments/']").first.click()
    expect(page.locator(".way li").first).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_payments_are_found_by_amount_and_by_day(office: Office, language: str) -> None:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        payments = disbursement_list(model)
        [(amount, _), *_] = Counter(each.amount_fen for each in payments).most_common()
        answered = next(
            each for batch in batch_list(model) for each in statements_of(model, batch.batch_id)
        )
    alike = [each for each in payments if each.amount_fen == amount]
    day = alike[0].happened_on
    page = office.browser(INSPECTOR, language).new_page()

    seek(page, "amount", f"{amount // 100:,}.00")
    rows = page.locator("[data-row] a[href^='/trace/payments/']")
    expect(rows).to_have_count(min(len(alike), 50))
    accessible(page)
    page.get_by_role("link", name={"zh": "在台账中看全部", "en": "See all"}[language]).click()
    page.wait_for_url("**/ledger?*")

    seek(page, "amount", str(amount // 100), since=day, until=day)
    that_day = [each for each in alike if each.happened_on == day]
    expect(rows).to_have_count(min(len(that_day), 50))

    seek(page, "day", answered.happened_on)
    expect(page.locator("[data-row] a[href^='/batches/']").first).to_be_visible()
    expect(page.locator("a[href^='/verify/']").first).to_be_visible()
    accessible(page)


def test_the_few_within_reach_are_found_among_all_of_a_name(office: Office) -> None:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        near = {tree_on(model).by_code["X01"].organisation_id}
        paid = Counter(
            each.person_id for each in disbursement_list(model) if each.organisation_id in near
        )
        strangers = [UUID(int=number) for number in range(1_200)]
        found = people_known_at(model, [*strangers, *sorted(paid)], near, limit=10_000)
        some = people_known_at(model, [*strangers, *sorted(paid)], near, limit=3)
        elsewhere = people_known_at(model, sorted(paid), set(), limit=3)

    assert found == paid
    assert list(some) == sorted(paid)[:3]
    assert not elsewhere


def test_numbers_lead_to_what_they_name(office: Office) -> None:
    page = office.page(INSPECTOR, "/search")
    for kind, value, url in (("batch", "SWN20170016", "/batches/"), ("position", "7", "/verify/7")):
        seek(page, kind, value)
        page.wait_for_url(f"**{url}*")
    seek(page, "document", DOCUMENT)
    expect(page.locator("[data-row]").first).to_contain_text(DOCUMENT)
    page.locator("[data-row] a").first.click()
    page.wait_for_url("**/trace/lots/*")


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("batch", "NONE", "ledger.not_on_record"),
        ("position", "99999999", "log.no_such_position"),
        ("id_number", "not an ID number", "权限内没有找到。"),
        ("name", "无*人", "权限内没有找到。"),
        ("amount", "a lot", "金额请按元填写"),
        ("amount", "0.07", "权限内没有找到。"),
        ("day", "yesterday", "日期请写成"),
        ("day", "1999-01-01", "权限内没有找到。"),
    ],
)
def test_what_is_not_there_is_said_in_words(
    office: Office, kind: str, value: str, said: str
) -> None:
    page = office.browser(INSPECTOR, scripts=False).new_page()
    seek(page, kind, value)
    expect(page.locator("main")).to_contain_text(said)
