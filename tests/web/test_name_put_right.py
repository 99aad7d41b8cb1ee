"""A name that the roster has wrong is put right on the page of a payment that came back for it."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.service import TODAY
from tests.web.browsing import LANGUAGES, office_at, saying
from tests.web.test_administration import refused
from tests.web.test_payment_outcome import looked_at
from tests.world import Person, World, failed, roster_row

ONE, TWO = Person(1), Person(2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approver_puts_a_name_right_where_the_bank_doubted_it(
    tmp_path: Path, chromium: Browser, language: str
) -> None:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO)
    world.pay("W1", roster_row(1, ONE, 80_000, name="试错"), roster_row(2, TWO, 80_000))
    doubted = replace(failed(1, ONE, 80_000, "NAME_MISMATCH"), name="试错")
    world.answer("W1", doubted, failed(2, TWO, 80_000))
    first, second = (f"/trace/payments/{world.payment_id(each)}" for each in (ONE, TWO))
    world.ledger.close()
    say = saying(language)
    with office_at(world.home, chromium, TODAY) as office:
        page = office.page("A-X01", f"{second}/outcome", language)
        expect(page.locator("[name=name]")).to_have_count(0)
        page.goto(f"{office.url}{first}/outcome")
        looked_at(page)
        page.locator("[name=name]").fill("李大伟")
        page.locator("[name=reason]").fill("名册笔误")
        page.locator("main form button").first.click()
        assert refused(page) == "reissue.name_of_another"
        looked_at(page)

        page.locator("[name=name]").fill(ONE.name)
        page.locator("main form button").first.click()

        expect(page).to_have_url(f"{office.url}{first}")
        expect(page.locator("main")).to_contain_text(say("在途"))
        office.settled()
