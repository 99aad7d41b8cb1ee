"""A statement that was taken in by mistake is withdrawn at the desk of its account."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.service import TODAY
from tests.commands.banking import BEGINS, LATER, Bank, entry, statement
from tests.web.browsing import LANGUAGES, office_at, saying
from tests.web.test_payment_outcome import looked_at
from tests.world import World


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approver_withdraws_a_statement_at_the_desk(
    tmp_path: Path, chromium: Browser, language: str
) -> None:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 500_000)
    bank = Bank(world)
    bank.keep()
    bank.take(statement(BEGINS, LATER, 0, entry(BEGINS, 500_000)), TODAY)
    world.ledger.close()
    say = saying(language)
    with office_at(world.home, chromium, TODAY) as office:
        page = office.page("H-X01", f"/bank/{bank.account_id}", language)
        expect(page.locator("form[action$=withdrawal]")).to_have_count(0)
        page = office.page("A-X01", f"/bank/{bank.account_id}", language)
        page.get_by_text(say("登记错了")).click()
        looked_at(page)
        form = page.locator("form[action$=withdrawal]")
        form.locator("[name=reason]").fill("是另一个账户的对账单")
        form.locator("button").click()

        expect(page.locator("main")).to_contain_text(say("撤回了对账单"))
        expect(page.locator("form[action$=withdrawal]")).to_have_count(0)
        looked_at(page)
        office.settled()
