"""A recipient's receipt: one payment behind an address that nobody can make up."""

from base64 import b64decode

import pytest

from api.receipts import token_of
from ledger.evidence.merkle import leaf_hash, verify_inclusion
from projections.disbursements import Disbursement, disbursement_list
from projections.runner import catch_up
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible
from tests.web.conftest import INSPECTOR


def payments(office: Office) -> list[Disbursement]:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        return disbursement_list(model, limit=2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_shows_its_payment_to_whoever_holds_it(
    office: Office, language: str, size: str
) -> None:
    payment = payments(office)[0]
    page = office.page("", f"/r/{token_of(office.home, payment.disbursement_id)}", language, size)

    accessible(page)
    assert f"{payment.amount_fen // 100:,}" in page.inner_text("main")
    links = page.locator("a").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    assert links == [f"/r/{token_of(office.home, payment.disbursement_id)}/proof.json"]


def test_an_altered_or_made_up_address_shows_nothing(office: Office) -> None:
    one, other = payments(office)
    mine, theirs = (token_of(office.home, each.disbursement_id) for each in (one, other))
    browser = office.browser()
    altered = mine[:-1] + ("0" if mine[-1] != "0" else "1")
    made_up = (altered, mine.upper(), mine[:32] + theirs[32:], mine[:32], "0" * 64)

    for token in made_up:
        for end in ("", "/proof.json"):
            assert browser.request.get(f"/r/{token}{end}").status == 404
    proof = browser.request.get(f"/r/{mine}/proof.json").json()
    assert proof["position"] == one.position
    leaf = leaf_hash(proof["envelope"].encode())
    assert leaf == b64decode(proof["leaf_hash"])
    _, size, root, *_ = proof["checkpoint"].split("\n")
    path = [b64decode(each) for each in proof["inclusion_path"]]
    verify_inclusion(leaf, one.position, int(size), path, b64decode(root))


def test_an_officers_slip_leads_to_the_receipt(office: Office) -> None:
    payment = payments(office)[0]
    page = office.page(INSPECTOR, f"/receipts/{payment.disbursement_id}")

    accessible(page)
    assert page.locator("main svg").count() == 1
    assert page.locator("main a").get_attribute("href") == (
        f"{office.url}/r/{token_of(office.home, payment.disbursement_id)}"
    )
