"""A payment that will not be paid out: withdrawn by its approver, and paid again later."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.commands import bank_files
from ledger.commands.recipients import decide_change, request_change
from ledger.domain.recipient import Change
from tests.api.service import TODAY
from tests.commands.banking import BEGINS, LATER, Bank, entry, statement
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at, saying
from tests.web.test_administration import refused
from tests.world import Person, World, roster_row, settled

LEFT_OUT, SENT = Person(1), Person(2)
REASON = "本人已调离，卡已注销"


@pytest.fixture
def desk(tmp_path: Path, chromium: Browser) -> Iterator[tuple[Office, str, str]]:
    """Two payments approved; the bank was sent one, the data of the other may not be used."""
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    world.file(LEFT_OUT, SENT)
    world.pay("W1", roster_row(1, LEFT_OUT, 80_000), roster_row(2, SENT, 80_000))
    id_ = world.ledger.vault.subject_id("id_number", LEFT_OUT.id_number)
    for change in (Change.RESTRICT, Change.LIFT):
        request_change(world.ledger, world.act("H-X01"), id_, change, "本人要求")
        decide_change(world.ledger, world.act("A-X01"), id_, change)
        if change is Change.RESTRICT:
            bank_files.export_batch(world.ledger, world.act(), bank_files.BankFileOrder("W1"))
    unsent, sent = (f"/trace/payments/{world.payment_id(each)}" for each in (LEFT_OUT, SENT))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office, unsent, sent
        office.settled()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approver_takes_back_a_return_that_was_anothers(
    tmp_path: Path, chromium: Browser, language: str
) -> None:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    world.file(SENT)
    world.pay("W1", roster_row(1, SENT, 80_000))
    world.answer("W1", settled(1, SENT, 80_000))
    bank = Bank(world)
    bank.keep()
    bank.take(statement(BEGINS, LATER, 0, entry(LATER, 80_000)))
    bank.come_back(bank.lines[0], SENT)
    path = f"/trace/payments/{world.payment_id(SENT)}"
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        say = saying(language)
        page = office.page("A-X01", f"{path}/outcome", language)
        looked_at(page)

        form = page.locator("form[action$=return-correction]")
        form.locator("[name=reason]").fill("款是别人的")
        form.locator("button").click()

        expect(page).to_have_url(f"{office.url}{path}")
        expect(page.locator("main")).to_contain_text(say("已到账"))
        looked_at(page)
        office.settled()


def looked_at(page: Page) -> None:
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        accessible(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approver_withdraws_what_was_never_sent_and_has_it_paid_later(
    desk: tuple[Office, str, str], language: str
) -> None:
    office, path, _ = desk
    say = saying(language)
    page = office.browser("A-X01", language).new_page()
    page.goto(path)
    page.get_by_role("link", name=say("撤销付款")).click()
    looked_at(page)
    page.locator("[name=reason]").fill(" ")
    page.locator("main form button").click()
    assert refused(page) == "request.fields"

    page.locator("[name=reason]").fill(REASON)
    page.locator("main form button").click()
    expect(page).to_have_url(f"{office.url}{path}")
    expect(page.locator("main")).to_contain_text(say("已撤销付款"))
    expect(page.locator("main")).to_contain_text(REASON)
    looked_at(page)

    page.get_by_role("link", name=say("补发款项")).click()
    looked_at(page)
    page.locator("[name=card_number]").fill("12ab")
    page.locator("[name=reason]").fill("本人已回来")
    page.locator("main form button").click()
    assert refused(page) == "request.fields"
    page.locator("[name=card_number]").fill("6299900000000000077")
    page.locator("main form button").click()
    assert refused(page) == "duty.same_person"
    page.locator("[name=card_number]").fill("")
    page.locator("[name=bank_name]").fill("建设银行")
    page.locator("main form button").click()
    assert refused(page) == "duty.same_person"
    expect(page.locator("[name=bank_name]")).to_have_value("建设银行")
    page.locator("[name=bank_name]").fill("")
    page.locator("main form button").click()
    expect(page).to_have_url(f"{office.url}{path}")
    expect(page.locator("main")).to_contain_text(say("在途"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_bank_was_sent_is_not_withdrawn_and_the_page_says_why(
    desk: tuple[Office, str, str], language: str
) -> None:
    office, _, path = desk
    page = office.page("A-X01", f"{path}/outcome", language)

    page.locator("[name=reason]").fill(REASON)
    page.locator("main form button").click()

    assert refused(page) == "disbursement.already_sent"
    expect(page.locator("[name=reason]")).to_have_value(REASON)
    looked_at(page)


def test_who_may_not_withdraw_is_not_shown_the_way(desk: tuple[Office, str, str]) -> None:
    office, path, _ = desk

    page = office.page("H-X01", path)

    expect(page.locator(f'a[href="{path}/explanation"]')).to_be_visible()
    expect(page.locator(f'a[href="{path}/outcome"]')).to_have_count(0)
