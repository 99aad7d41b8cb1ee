"""A long return file on the page: tried and taken in as jobs, with scripts and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.web.pages import bank_returns
from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.disbursement import Disbursement, Status, disbursement_id
from ledger.domain.officer import Role
from tests.api.service import EARLY, TODAY
from tests.background.test_return_jobs import return_file
from tests.web.browsing import Office, accessible, office_at
from tests.world import CAMPAIGN, Person, World, roster_row

PEOPLE = [Person(1), Person(2)]
PATH = f"/batches/{batch_id('LONG-1')}"
TAKEN = {"zh": "银行回盘已登记。", "en": "The bank's return was taken in."}


@pytest.fixture
def workplace(
    tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    monkeypatch.setattr(bank_returns, "ROWS_AT_ONCE", 1)
    world = World.at(tmp_path).settle_in()
    world.appoint("K-X01", "X01", Role.CASHIER, EARLY)
    world.receive("X01", 1_000_000)
    world.file(*PEOPLE)
    world.pay("LONG-1", *(roster_row(at, each, 60_000) for at, each in enumerate(PEOPLE, 1)))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office
        office.settled()


@pytest.mark.parametrize(("language", "scripts"), [("zh", True), ("en", False)])
def test_a_long_file_is_followed_to_what_came_of_it(
    workplace: Office, language: str, *, scripts: bool
) -> None:
    page = workplace.browser("K-X01", language, scripts=scripts).new_page()
    size = workplace.ledger.size()

    send(page, return_file("LONG-1", PEOPLE[0]))
    wait(page, ".refusal")
    expect(page.get_by_role("alert")).to_have_attribute("data-code", "bank_file.incomplete")
    check(page, scripts=scripts)
    assert workplace.ledger.size() == size

    send(page, return_file("LONG-1", *PEOPLE))
    wait(page, "form[action*='/returns/']")
    tried = page.url
    expect(page.locator("tbody tr").first).to_contain_text("¥1,200.00")
    check(page, scripts=scripts)
    assert workplace.ledger.size() == size
    page.locator("form[action*='/returns/'] button").click()
    wait(page, ".bars")
    expect(page.get_by_role("status")).to_have_text(TAKEN[language])
    page.goto(tried)
    expect(page.locator("form[action*='/returns/']")).to_have_count(0)

    assert [each.status for each in payments(workplace)] == [Status.SETTLED] * 2


def payments(office: Office) -> list[Disbursement]:
    campaign = campaign_id(CAMPAIGN)
    found = []
    for each in PEOPLE:
        person = office.ledger.vault.subject_id("id_number", each.id_number)
        payment = office.ledger.load(Disbursement, disbursement_id(campaign, person))
        assert payment is not None
        found.append(payment)
    return found


def send(page: Page, content: bytes) -> None:
    page.goto(PATH)
    form = page.locator("form[action$='/returns']")
    form.locator("[name=file]").set_input_files(
        {"name": "return.txt", "mimeType": "text/plain", "buffer": content}
    )
    form.locator("button").click()


def wait(page: Page, there: str) -> None:
    """Wait for a part of a page; where no script renews it, by asking for it again."""
    for _ in range(40):
        if page.locator(there).count():
            return
        page.wait_for_timeout(250)
        again = page.locator("[data-no-script] a")
        if again.count() and again.is_visible():
            again.click()
    expect(page.locator(there)).to_be_visible()


def check(page: Page, *, scripts: bool) -> None:
    if not scripts:
        return
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        accessible(page)
