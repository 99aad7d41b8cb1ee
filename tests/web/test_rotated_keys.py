"""A ledger that went over to another key is verified in the browser, by the key noted before."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from api import bootstrap
from api.receipts import token_of
from ledger.commands.rotation import rotate_service_key
from ledger.evidence.keys import Algorithm
from ledger.store.home import Home
from projections.disbursements import Question, disbursement_list
from projections.runner import catch_up
from tests.campaign import copied
from tests.web.browsing import office_at
from tests.web.conftest import INSPECTOR, TODAY
from tests.web.test_proofs import ENTRY


def outcome_of(page: Page) -> Locator:
    return page.locator("[data-outcome]")


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.SM2_SM3])
def test_entries_before_and_after_a_rotation_hold_each_under_its_key(
    loaded: Home, tmp_path: Path, chromium: Browser, algorithm: Algorithm
) -> None:
    home = copied(loaded, tmp_path)
    noted = home.note_key().vkey()
    rotated = rotate_service_key(home, algorithm, "每年更换", bootstrap.now(), TODAY)
    [retired] = rotated.retired
    readable = algorithm is Algorithm.ED25519
    with office_at(home, chromium, TODAY) as office:
        last = office.ledger.size() - 1
        page = office.browser(INSPECTOR).new_page()
        page.goto(f"/verify/{ENTRY}")
        outcome = outcome_of(page)
        expect(outcome).to_have_attribute("data-state", "doubt")
        expect(page.locator('[data-name="in-force"][data-state="good"]')).to_have_count(2)
        ended = page.locator(f'[data-signer="{retired}"]').get_attribute("data-ended")
        assert ended == str(last)
        expect(page.locator('[data-state="bad"]')).to_have_count(0)

        page.locator("#trusted").fill(noted)
        page.locator("[data-verify] button").click()
        expect(page.locator('[data-name="succeeded"][data-state="good"]')).to_be_visible()
        for position in (ENTRY, last - 1, last):
            page.goto(f"/verify/{position}")
            expect(outcome).to_have_attribute("data-state", "good" if readable else "doubt")
            expect(page.locator('[data-state="bad"]')).to_have_count(0)
        with catch_up(office.ledger, home.read_models).asking() as model:
            [payment] = disbursement_list(model, asked=Question(status="settled"), limit=1)
        page = office.browser().new_page()
        page.goto(f"/r/{token_of(home, payment.disbursement_id)}")
        page.locator("details summary").click()
        page.locator("#trusted").fill(noted)
        page.locator("[data-verify] button").click()
        expect(page.locator('[data-name="succeeded"][data-state="good"]')).to_be_visible()
        expect(outcome_of(page)).to_have_attribute("data-state", "good" if readable else "doubt")
        office.settled()


def test_a_key_that_never_signed_for_the_ledger_vouches_for_nothing(
    loaded: Home, tmp_path: Path, chromium: Browser
) -> None:
    home, elsewhere = copied(loaded, tmp_path), Home(tmp_path / "elsewhere")
    elsewhere.create(home.origin())
    rotate_service_key(home, Algorithm.ED25519, "每年更换", bootstrap.now(), TODAY)
    with office_at(home, chromium, TODAY) as office:
        page = office.page(INSPECTOR, f"/verify/{ENTRY}")
        page.locator("#trusted").fill(elsewhere.note_key().vkey())
        page.locator("[data-verify] button").click()
        expect(page.locator('[data-name="trusted"]')).to_have_attribute("data-state", "bad")
        office.settled()
