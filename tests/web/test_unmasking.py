"""Data in clear: shown for a reason that is on record first, and told to whoever watches."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.disbursement import disbursement_id
from ledger.domain.officer import Role
from tests.api.service import AUDIT, EARLY, TODAY
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at
from tests.web.test_administration import administered, refused
from tests.world import CAMPAIGN, Person, roster_row

PAYEE = Person(1)
REASON = {"zh": "核对退回的发放", "en": "A payment that came back"}
FIELDS = {"zh": ("姓名", "银行卡号"), "en": ("Name", "Card number")}
KINDS = {"zh": ("查看未遮盖信息", "银行文件"), "en": ("Shown in clear", "Bank file")}


@pytest.fixture(scope="module")
def _watched(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    world = administered(tmp_path_factory.mktemp("watched"))
    world.appoint_without_key("J-C01", "C01", Role.INSPECTOR, EARLY)
    world.appoint_without_key("K-X01", "X01", Role.CASHIER, EARLY)
    world.receive("X01", 1_000_000)
    world.file(PAYEE)
    world.pay("SEEN-1", roster_row(1, PAYEE, 80_000))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office


@pytest.fixture
def workplace(_watched: Office) -> Iterator[Office]:
    yield _watched
    _watched.settled()


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_saw_what_when_and_why_is_told(workplace: Office, language: str) -> None:
    person = workplace.ledger.vault.subject_id("id_number", PAYEE.id_number)
    path = f"/trace/payments/{disbursement_id(campaign_id(CAMPAIGN), person)}"
    page = workplace.browser("J-C01", language, scripts=False).new_page()
    page.goto(path)
    page.locator(f'a[href="{path}/unmasking"]').click()
    page.locator("[name=reason]").fill(REASON[language])
    page.locator("main form button").click()
    assert refused(page) == "request.fields"
    expect(page.locator("[name=reason]")).to_have_value(REASON[language])
    for name in ("show_name", "show_card_number"):
        page.locator(f"[name={name}]").check()
    page.locator("main form button").click()
    clear = page.locator("[data-clear]")
    expect(clear).to_contain_text(PAYEE.name)
    expect(clear).to_contain_text(PAYEE.card)
    assert PAYEE.id_number not in page.content()
    assert page.url == f"{workplace.url}{path}/unmasking"
    page.goto(page.url)
    assert PAYEE.name not in page.content()

    cashier = workplace.browser("K-X01", language).request
    handed_out = cashier.post(
        f"/batches/{batch_id('SEEN-1')}/bank-file",
        form={"key": f"sent-{language}", "reason": "代发", "made_for": "徽商银行"},
        headers={"origin": workplace.url},
    )
    assert handed_out.ok, handed_out.text()
    watcher = workplace.page(AUDIT, "/admin/disclosures", language)
    rows = watcher.locator("[data-row]")
    for kind, said in zip(
        KINDS[language],
        (("J-C01", *FIELDS[language], REASON[language]), ("K-X01", "SEEN-1", "徽商银行", "代发")),
        strict=True,
    ):
        row = rows.filter(has_text=kind).first
        for each in said:
            expect(row).to_contain_text(each)
    assert PAYEE.name not in watcher.content()
    assert PAYEE.card not in watcher.content()
    for width, height in SIZES.values():
        watcher.set_viewport_size({"width": width, "height": height})
        accessible(watcher)
    table = watcher.request.get("/admin/disclosures.csv?kind=unmasked").text()
    assert REASON[language] in table
    assert "SEEN-1" not in table

    seen = workplace.page("J-C01", f"{path}/unmasking", language, "phone")
    accessible(seen)
    for staff, code in (("R-X01", "access.post_missing"), ("H-X02", "access.outside_reach")):
        seen = workplace.page(staff, f"{path}/unmasking", language)
        assert refused(seen) == code
