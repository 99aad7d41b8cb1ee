"""A bank file that was not carried out, cancelled by an approver on a page of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.domain.batch import batch_id
from tests.api.service import TODAY
from tests.web.browsing import LANGUAGES, Office, office_at, saying
from tests.web.test_administration import refused
from tests.web.test_payment_outcome import looked_at
from tests.world import Person, World, roster_row, settled

ONE, TWO = Person(1), Person(2)
GROUND = "银行柜面书面确认未执行"
UNSENT = f"/batches/{batch_id('W1')}"
ANSWERED = f"/batches/{batch_id('W2')}"


@pytest.fixture
def desk(tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    """Two batches, a bank file of each; the bank answered for a payment of the second."""
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    people = ONE, TWO, Person(3), Person(4)
    world.file(*people)
    for code, some in (("W1", people[:2]), ("W2", people[2:])):
        world.pay(code, *(roster_row(n, each, 80_000) for n, each in enumerate(some, 1)))
        export_batch(world.ledger, world.act(), BankFileOrder(code))
    world.answer("W2", settled(1, people[2], 80_000), settled(2, people[3], 80_000))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office
        office.settled()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approver_cancels_a_file_and_the_next_holds_its_payments(
    desk: Office, language: str
) -> None:
    say = saying(language)
    page = desk.browser("A-X01", language).new_page()
    page.goto(f"{desk.url}{UNSENT}")
    page.get_by_role("button", name=say("作废银行未执行的文件")).click()
    looked_at(page)
    page.locator("[name=reason]").fill(" ")
    page.locator("main form button").click()
    assert refused(page) == "request.fields"
    page.locator("[name=reason]").fill(GROUND)
    page.locator("main form button").click()

    expect(page).to_have_url(f"{desk.url}{UNSENT}")
    expect(page.locator("main")).to_contain_text(say("银行文件作废"))
    expect(page.get_by_role("button", name=say("作废银行未执行的文件"))).to_have_count(0)
    looked_at(page)
    page.goto(f"{desk.url}{UNSENT}/bank-file/cancellation")
    expect(page.locator("main")).to_contain_text(say("没有有效的银行文件。"))
    looked_at(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_bank_answered_is_not_cancelled_and_the_page_says_why(
    desk: Office, language: str
) -> None:
    page = desk.page("A-X01", f"{ANSWERED}/bank-file/cancellation", language)

    page.locator("[name=reason]").fill(GROUND)
    page.locator("main form button").click()

    assert refused(page) == "batch.file_carried_out"
    expect(page.locator("[name=reason]")).to_have_value(GROUND)
    looked_at(page)


def test_who_may_not_cancel_is_not_shown_the_way(desk: Office) -> None:
    page = desk.page("H-X01", UNSENT)

    expect(page.locator(f'a[href="{UNSENT}/bank-file/cancellation"]')).to_have_count(0)
