"""A recipient's receipt: one payment behind an address that nobody can make up."""

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pypdfium2
import pytest
from playwright.sync_api import Page, Route, expect
from zxingcpp import read_barcodes

from api.payees import payment_of
from api.receipts import token_of
from ledger.commands.sealing import PAYEE, unseal
from ledger.commands.searching import KEPT
from ledger.domain.disbursement import Disbursement as Root
from ledger.domain.disbursement import Status
from ledger.evidence.merkle import leaf_hash, verify_inclusion
from ledger.store.home import Home
from projections.batches import batch_list
from projections.disbursements import (
    Disbursement,
    Question,
    disbursement_list,
    first_and_last_state,
)
from projections.runner import catch_up
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible
from tests.web.conftest import INSPECTOR


def payments(office: Office, status: str | None = None, limit: int = 2) -> list[Disbursement]:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        return disbursement_list(model, asked=Question(status=status), limit=limit)


def states(office: Office, payment: Disbursement) -> list[int]:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        return first_and_last_state(model, payment.disbursement_id)


def address(office: Office, payment: Disbursement) -> str:
    return f"/r/{token_of(office.home, payment.disbursement_id)}"


def verified(page: Page, vkey: str) -> None:
    """Give the ledger's key, as it was had from elsewhere, and have the page verify with it."""
    page.locator("details summary").click()
    page.locator("#trusted").fill(vkey)
    page.locator("[data-verify] button").click()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_is_read_and_verified_by_whoever_holds_it(
    office: Office, language: str, size: str
) -> None:
    payment = payments(office, Status.SETTLED)[0]
    page = office.page("", address(office, payment), language, size)

    outcome = page.locator("[data-outcome]")
    expect(outcome).to_contain_text("?")
    accessible(page)
    verified(page, office.home.note_key().vkey())
    expect(outcome).to_contain_text("✓")
    names = page.locator("[data-steps] li").evaluate_all("all => all.map(li => li.dataset.name)")
    once = ["leaf", "inclusion", "checkpoint", "key", "in-force", "signature", "matches"]
    assert names == ["trusted", *once, *once]
    accessible(page)
    assert f"{payment.amount_fen // 100:,}" in page.inner_text("main")
    links = page.locator("a").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    assert links == [f"{address(office, payment)}/proof.json"]


@pytest.mark.parametrize(
    ("status", "zh", "en"),
    [
        (Status.SETTLED, "转入您的银行卡（**** ", "reached your bank card (**** "),
        (Status.SIGNED, "由您本人签领", "You signed for"),
        (Status.RETURNED, "被银行退回，您没有收到", "The bank returned"),
    ],
)
def test_a_receipt_says_in_plain_words_what_became_of_the_money(
    office: Office, status: str, zh: str, en: str
) -> None:
    payment = payments(office, status)[0]
    for language, words in (("zh", zh), ("en", en)):
        browser = office.browser("", language, scripts=False)
        page = browser.new_page()
        page.goto(address(office, payment))
        assert words in page.locator(".summary").inner_text()
        expect(page.locator("[data-no-script]")).to_be_visible()
        if status == Status.RETURNED:
            assert {"zh": "怎么办", "en": "What to do"}[language] in page.inner_text("main")


def test_an_altered_entry_is_seen_on_the_page(office: Office) -> None:
    payment = payments(office, Status.SETTLED)[0]
    page = office.browser().new_page()

    def altered(route: Route) -> None:
        answer = route.fetch()
        entry = answer.json()
        entry["envelope"] = entry["envelope"].replace('"payload":"', '"payload":"IA==', 1)
        route.fulfill(response=answer, json=entry)

    page.route(f"**/entries/{payment.position}", altered)
    page.goto(address(office, payment))
    expect(page.locator("[data-outcome]")).to_contain_text("✗")


def test_an_altered_or_made_up_address_shows_nothing(office: Office, tmp_path: Path) -> None:
    one, other = payments(office)
    mine, theirs = (token_of(office.home, each.disbursement_id) for each in (one, other))
    elsewhere = Home(tmp_path / "other")
    elsewhere.create("other.local/log")
    altered = mine[:-1] + ("0" if mine[-1] != "0" else "1")
    made_up = (
        altered,
        mine.upper(),
        mine[:32] + theirs[32:],
        mine[:32],
        mine + "0",
        "0" * 64,
        token_of(elsewhere, one.disbursement_id),
    )
    browser = office.browser()

    for token in made_up:
        for end in ("", "/proof.json", "/log", f"/entries/{one.position}"):
            answer = browser.request.get(f"/r/{token}{end}")
            assert (answer.status, answer.json()["code"]) == (404, "receipt.unknown"), token


def test_what_is_carried_away_proves_instruction_and_outcome(office: Office) -> None:
    payment = payments(office, Status.SETTLED)[0]
    carried = office.browser().request.get(f"{address(office, payment)}/proof.json").json()

    assert [each["position"] for each in carried["entries"]] == states(office, payment)
    assert carried["vkey"] == office.home.note_key().vkey()
    for each in (*carried["entries"], *carried["keys"]):
        leaf = leaf_hash(each["envelope"].encode())
        assert leaf == b64decode(each["leaf_hash"])
        _, size, root, *_ = each["checkpoint"].split("\n")
        path = [b64decode(step) for step in each["inclusion_path"]]
        verify_inclusion(leaf, each["position"], int(size), path, b64decode(root))


def test_the_code_opens_its_own_entries_and_nothing_beside_them(office: Office) -> None:
    one, other = payments(office, Status.SETTLED)
    browser = office.browser().request
    mine = address(office, one)
    carried = browser.get(f"{mine}/proof.json").json()
    own = {each["position"] for each in (*carried["entries"], *carried["keys"])}
    near = {position + by for position in own for by in (-1, 1)} | set(states(office, other))

    for position in own:
        assert browser.get(f"{mine}/entries/{position}").status == 200
    for position in sorted(near - own):
        expected = 422 if position < 0 else 404
        assert browser.get(f"{mine}/entries/{position}").status == expected
    for closed in (
        f"/v1/log/entries/{one.position}",
        f"/v1/disbursements/{one.disbursement_id}",
        f"/receipts/{one.disbursement_id}",
        f"/verify/{one.position}",
        f"/trace/payments/{one.disbursement_id}",
        f"/batches/{one.batch_id}/slips.pdf",
    ):
        assert browser.get(closed).status == 401, closed
    for end in ("", "/proof.json"):
        text = browser.get(f"{mine}{end}").text()
        assert not [word for word in personal(office, one) if word in text]


def test_who_is_erased_has_no_receipt_any_more(workplace: Office) -> None:
    one = payments(workplace, Status.SETTLED)[0]
    workplace.ledger.vault.forget(person_of(workplace, one.disbursement_id))

    page = workplace.page("", address(workplace, one))
    expect(page.locator("[role=alert]")).to_have_attribute("data-code", "receipt.unknown")
    assert "¥" not in page.inner_text("main")
    assert page.request.get(f"{address(workplace, one)}/log").status == 404


def test_an_officers_slip_leads_to_the_receipt(office: Office) -> None:
    payment = payments(office)[0]
    page = office.page(INSPECTOR, f"/receipts/{payment.disbursement_id}")

    accessible(page)
    assert page.locator("main svg").count() == 1
    assert page.locator("main a[href*='/r/']").get_attribute("href") == (
        f"{office.url}{address(office, payment)}"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_slips_of_a_batch_lead_each_to_its_own_receipt(
    workplace: Office, language: str
) -> None:
    found, of_batch = smallest(workplace)
    gone = of_batch[0]
    workplace.ledger.vault.forget(person_of(workplace, gone.disbursement_id))
    browser = workplace.browser(INSPECTOR).request
    answer = browser.get(f"/batches/{found}/slips.pdf", headers={"accept-language": language})
    document = pypdfium2.PdfDocument(answer.body())

    text = "".join(page.get_textpage().get_text_range() for page in document)
    codes = [
        code.text for page in document for code in read_barcodes(page.render(scale=3).to_pil())
    ]
    assert {"zh": "扫码查看", "en": "Scan to see"}[language] in text
    left = [each for each in of_batch if payment_of(workplace.ledger, each).payee.state == KEPT]
    assert gone not in left
    assert sorted(codes) == sorted(f"{workplace.url}{address(workplace, each)}" for each in left)
    for each in left:
        assert not [word for word in personal(workplace, each) if word in text]
    assert len(document) == -(-len(left) // 8)
    further = workplace.browser(INSPECTOR).request.get(f"/batches/{found}/slips.pdf?part=2")
    assert further.status == 404


def smallest(office: Office) -> tuple[UUID, Sequence[Disbursement]]:
    """Return the batch with the fewest payments, and these."""
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        all_of = [
            (each.batch_id, disbursement_list(model, asked=Question(batch_id=each.batch_id)))
            for each in batch_list(model)
        ]
    return min((each for each in all_of if each[1]), key=lambda each: len(each[1]))


def person_of(office: Office, payment: UUID) -> UUID:
    found = office.ledger.load(Root, payment)
    assert found is not None
    return found.person_id


def personal(office: Office, payment: Disbursement) -> list[str]:
    """Return what must not be read of a payee: everything, but for what masks leave."""
    found = office.ledger.load(Root, payment.disbursement_id)
    assert found is not None
    clear = unseal(office.ledger, found.person_id, PAYEE, found.payee)
    return [clear[name] for name in ("name", "id_number", "phone", "card_number") if name in clear]
