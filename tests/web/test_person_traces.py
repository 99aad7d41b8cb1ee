"""Everything about one person: for those who may see it, as far as they may, and no further."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from ledger.commands.recipients import erase_person, unmask_payee
from ledger.commands.sealing import person_id
from ledger.domain.campaign import campaign_id
from ledger.domain.disbursement import disbursement_id
from ledger.domain.officer import Role
from projections.batches import refused_rows
from projections.disbursements import Question, disbursement_list
from projections.runner import catch_up
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at
from tests.web.conftest import INSPECTOR
from tests.world import CAMPAIGN, DAY, Person, World, roster_row

EARLY = date(2016, 12, 1)


@pytest.fixture
def two_places(tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    """An office where one person is on file at X01, and is paid by X02."""
    world = World.at(tmp_path).settle_in()
    world.appoint("I-C01", "C01", Role.INSPECTOR, EARLY)
    world.receive("X02", 1_000_000)
    world.file(Person(1), Person(2))
    world.draft("P-1", roster_row(1, Person(1), 80_000), roster_row(2, Person(2), 1), union="X02")
    world.review("P-1", "R-X02")
    world.approve("P-1", "A-X02")
    person = person_id(world.ledger, Person(1).id_number)
    payment = disbursement_id(campaign_id(CAMPAIGN), person)
    unmask_payee(world.ledger, world.act("I-C01"), payment, ("name",), "核对来信")
    world.ledger.close()
    with office_at(world.home, chromium, DAY) as office:
        yield office
        office.settled()


def test_nobody_sees_of_a_person_what_happened_beyond_their_reach(two_places: Office) -> None:
    person = person_id(two_places.ledger, Person(1).id_number)
    path = f"/trace/people/{person}"
    seen = {}
    for staff in ("R-X01", "R-X02", "I-C01"):
        page = two_places.page(staff, path)
        seen[staff] = page.locator(".timeline summary strong").all_inner_texts()
        assert Person(1).id_number not in page.content()
    assert seen["R-X01"] == ["首次登记此人", "建档"]
    assert seen["R-X02"] == ["名册行通过", "从账户支取", "下达发放"]
    assert "查看未遮盖信息" in seen["I-C01"]
    assert set(seen["R-X01"] + seen["R-X02"]) < set(seen["I-C01"])

    page = two_places.page("R-X01", path)
    expect(page.locator("main")).to_contain_text("权限内没有发放。")
    page = two_places.page("R-X01-01", path)
    expect(page.get_by_role("alert")).to_contain_text("access.outside_reach")
    page.goto(f"/trace/people/{uuid4()}")
    expect(page.get_by_role("alert")).to_contain_text("ledger.not_on_record")

    other = person_id(two_places.ledger, Person(2).id_number)
    page = two_places.page("R-X02", f"/trace/people/{other}", "en")
    expect(page.get_by_role("heading", name="Refused roster rows")).to_be_visible()
    expect(page.locator("main")).to_contain_text("the amount is below the minimum")


def test_an_erased_person_is_still_there_and_nameless(two_places: Office) -> None:
    person = person_id(two_places.ledger, Person(1).id_number)
    act = World(two_places.home).act()
    erase_person(two_places.ledger, act, person, "本人要求")

    page = two_places.page("I-C01", f"/trace/people/{person}")

    expect(page.locator(".facts .pill").first).to_have_text("已销毁")
    assert "*" not in page.locator("h1").inner_text()
    page.locator(".timeline summary", has_text="销毁个人信息").click()
    expect(page.locator(".timeline details[open]")).to_contain_text("本人要求")
    expect(page.locator(".timeline details[open] .changes")).to_contain_text("正常保存")
    payment = disbursement_id(campaign_id(CAMPAIGN), person)
    page.goto(f"/trace/payments/{payment}")
    expect(page.locator(".timeline summary strong").last).to_have_text("销毁个人信息")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_event_opens_to_what_it_changed_why_and_its_proof(
    office: Office, language: str, size: str
) -> None:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        [returned] = disbursement_list(model, asked=Question(status="returned"), limit=1)
        assert refused_rows(model, returned.campaign_id)
    page = office.page(INSPECTOR, f"/trace/payments/{returned.disbursement_id}", language, size)
    page.locator(".facts a[href^='/trace/people/']").click()
    page.wait_for_url(f"**/trace/people/{returned.person_id}")
    row = page.locator(
        ".timeline li", has_text={"zh": "银行退回", "en": "Sent back by the bank"}[language]
    )
    row.locator("summary").click()
    words = {"zh": ("在途", "已退回", "出纳"), "en": ("In transit", "Returned", "Cashier")}
    before, after, role = words[language]
    change = row.locator(".changes tr", has_text=after)
    expect(change.locator("td").first).to_have_text(before)
    expect(row.locator(".facts")).to_contain_text(role)
    accessible(page)
    row.locator(":scope > a").click()
    page.wait_for_url("**/verify/*")
