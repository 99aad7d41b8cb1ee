"""What reached the card before as well stands on the batch's page and among the findings."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ledger.commands import disbursements
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.domain.batch import batch_id
from tests.api.service import TODAY
from tests.web.browsing import LANGUAGES, office_at, saying
from tests.web.test_payment_outcome import looked_at
from tests.world import Person, World, failed, roster_row, settled

ONE, CARD = Person(1), "6299900000000000077"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_batch_and_the_findings_say_that_somebody_may_be_paid_twice(
    tmp_path: Path, chromium: Browser, language: str
) -> None:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    world.file(ONE)
    world.pay("W1", roster_row(1, ONE, 80_000))
    world.answer("W1", failed(1, ONE, 80_000))
    order = disbursements.Reissue(world.payment_id(ONE), "换卡", CARD)
    disbursements.reissue_payment(world.ledger, world.act(), order)
    export_batch(world.ledger, world.act(), BankFileOrder("W1"))
    world.answer("W1", settled(1, ONE, 80_000), sha="02" * 32)
    world.ledger.close()
    say = saying(language)
    with office_at(world.home, chromium, TODAY) as office:
        page = office.page("H-X01", f"/batches/{batch_id('W1')}", language)
        expect(page.locator("main")).to_contain_text(say("可能一款两付"))
        expect(page.locator("main")).to_contain_text(say("银行对先前那次的答复"))
        looked_at(page)
        page.get_by_role("link", name=say("查看疑点")).click()
        expect(page.locator("main")).to_contain_text(say("一款两付"))
        looked_at(page)
        office.settled()
