"""Money to and from another ledger on pages: sent, refused, taken back, taken in, acknowledged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ledger.anchoring.publications import announce
from ledger.domain.officer import Role
from ledger.domain.remittance import State
from ledger.packs.file import read_pack
from tests.api.service import ADMINISTRATORS, EARLY, TODAY
from tests.commands.test_refused_remittances import RefusingSide, taker_at
from tests.web.browsing import LANGUAGES, Office, accessible, office_at, saying
from tests.web.test_batches import confirm
from tests.world import EARMARK, Person, World, roster_row


@dataclass
class Border:
    """This ledger with its pages, and another that exchanges files with it."""

    office: Office
    here: RefusingSide
    there: RefusingSide
    language: str = "zh"

    def page(self, staff: str, path: str) -> Page:
        return self.office.page(staff, path, self.language)

    def publish(self) -> None:
        announce(self.office.ledger, self.office.served.maps, self.here.world.act())

    def bring(self, page: Page, file: bytes, name: str = "file.zip") -> None:
        page.goto("/remittances/files")
        page.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "application/zip", "buffer": file}
        )
        page.locator("form[action='/remittances/files'] button").click()


@pytest.fixture
def border(tmp_path: Path, chromium: Browser) -> Iterator[Border]:
    world = World.at(tmp_path).settle_in()
    world.appoint("K-C01", "C01", Role.CASHIER, EARLY)
    world.appoint("J-C01", "C01", Role.INSPECTOR, EARLY)
    world.administer(ADMINISTRATORS)
    world.receive("C01", 300_000, vintage=2015)
    world.receive("C01", 500_000)
    here, there = RefusingSide(world), taker_at(tmp_path / "other")
    there.know(here)
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        world.ledger = office.ledger
        yield Border(office, here, there)
        office.settled()
    there.world.ledger.close()


def key_made(border: Border, approver: Page, staff: str) -> None:
    """Have the officer make a key in this browser, and another confirm it."""
    approver.goto("/my-key")
    approver.locator("[data-make] button").click()
    key = approver.locator("[data-key]:has(.doubt)")
    expect(key).to_be_visible()
    confirm(border.office, staff, str(key.get_attribute("data-key")))


def looks_right(page: Page) -> None:
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        accessible(page)


def alert(page: Page) -> Locator:
    return page.locator("main > .refusal[data-code]")


@pytest.mark.parametrize("language", LANGUAGES)
def test_money_is_sent_refused_there_and_taken_back(border: Border, language: str) -> None:
    border.language = language
    say = saying(language)
    approver = border.page("A-C01", "/remittances/new")
    approver.locator("main a[href='/remittances/ledgers']").click()
    registered(border, approver)
    remittance = sent(border, approver)

    cashier = border.page("K-C01", remittance)
    expect(cashier.locator("h1 .doubt")).to_be_visible()
    expect(cashier.locator("a[href$='/proof']")).to_have_count(0)
    assert cashier.request.get(f"{remittance}/proof").status == 409
    border.publish()
    cashier.reload()
    with cashier.expect_download() as saved:
        cashier.locator("a[href$='/proof']").click()
    proof = Path(saved.value.path()).read_bytes()
    border.there.refuse(read_pack(proof).pack, reason="本单位已撤销")
    refusal = border.there.file(remittance.rpartition("/")[2])

    wrong_files(border, cashier, proof)
    border.bring(cashier, refusal)
    expect(cashier.locator(".facts")).to_contain_text("本单位已撤销")
    expect(cashier.locator(".facts .doubt")).to_contain_text(say("在途，待对方答复"))
    looks_right(cashier)
    form = cashier.locator("form[action$='/taking-back']")
    for amount, code in (("3999.99", "remittance.amount_differs"), ("abc", "amount.unreadable")):
        form.locator("[name=amount]").fill(amount)
        form.locator("button").click()
        expect(alert(cashier)).to_have_attribute("data-code", code)
        expect(form.locator("[name=amount]")).to_have_value(amount)
    form.locator("[name=amount]").fill("4,000.00")
    form.locator("button").click()
    expect(cashier.get_by_role("status")).to_contain_text(say("款项已退回原资金批次。"))
    expect(cashier.locator("h1 .stale")).to_be_visible()
    assert border.here.world.fund("C01").balance == 800_000
    looks_right(cashier)

    border.bring(cashier, refusal)
    expect(cashier.locator("form[action$='/taking-back']")).to_have_count(0)
    expect(cashier.locator(".acts code")).to_have_text("remittance.taken_back_before")
    inspector = border.page("J-C01", "/remittances?state=taken_back")
    expect(inspector.locator("[data-row]")).to_have_count(1)
    expect(inspector.locator("a[href='/remittances/new']")).to_have_count(0)
    looks_right(inspector)
    inspector.goto("/ledger?kind=taken_back")
    expect(inspector.locator("[data-row]")).to_contain_text("¥4,000.00")


def registered(border: Border, approver: Page) -> None:
    """Register the other ledger with the approver's own key; not twice, and not this one."""
    form = approver.locator("form[data-know]")
    said = form.get_by_role("alert")

    def order(key_id: str) -> None:
        form.locator("[name=name]").fill("邻市账本")
        form.locator("[name=origin]").fill(border.there.world.ledger.origin)
        form.locator("[name=key_id]").fill(key_id)
        form.locator("button").click()

    order(border.there.key_id)
    expect(said).not_to_be_empty()
    key_made(border, approver, "A-C01")
    approver.goto("/remittances/ledgers")
    looks_right(approver)
    order(border.here.key_id)
    expect(said).to_contain_text("下拨" if border.language == "zh" else "this very ledger")
    order(border.there.key_id)
    expect(approver.locator("[data-row]")).to_have_count(1)
    order(border.there.key_id)
    expect(said).not_to_be_empty()
    expect(said).not_to_contain_text("known_ledger")


def sent(border: Border, approver: Page) -> str:
    """Send 4,000 yuan; return the address of the remittance."""
    approver.goto("/remittances/new")
    form = approver.locator("form[action='/remittances/new']")
    for amount, code in (("8,000.01", "fund.insufficient"), ("四千", "amount.unreadable")):
        form.locator("[name=to_code]").fill("X01")
        form.locator("[name=document]").fill("跨市〔2017〕1号")
        form.locator("[name=amount]").fill(amount)
        form.locator("[name=account]").select_option(f"C01/{EARMARK}")
        form.locator("button").click()
        expect(alert(approver)).to_have_attribute("data-code", code)
        expect(form.locator("[name=document]")).to_have_value("跨市〔2017〕1号")
    form.locator("[name=amount]").fill("4000")
    form.locator("button").click()
    expect(approver.locator("#preview [data-row]")).to_have_count(2)
    looks_right(approver)
    approver.locator("form[data-send] button").click()
    approver.wait_for_url("**/remittances/*-*")
    expect(approver.locator("h1")).to_contain_text("跨市〔2017〕1号")
    looks_right(approver)
    return approver.url.removeprefix(border.office.url)


def wrong_files(border: Border, cashier: Page, proof: bytes) -> None:
    """Bring what is no file, an altered one, and one's own."""
    for content in (b"none", proof[:-100]):
        border.bring(cashier, content)
        expect(alert(cashier)).to_be_visible()
    looks_right(cashier)
    border.bring(cashier, proof)
    expect(cashier.locator(".acts code")).to_have_text("known_ledger.own")
    expect(cashier.locator("form[action$='/arrival']")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_comes_is_taken_in_or_refused_once(border: Border, language: str) -> None:
    border.language = language
    there, here = border.there, border.here
    here.know(there)
    good, bad = there.send(here, 30_000), there.send(here, 20_000, document="跨市〔2017〕2号")

    cashier = border.page("K-C01", "/remittances")
    border.bring(cashier, there.file(good))
    expect(cashier.locator("[data-row]")).to_have_count(1)
    looks_right(cashier)
    arrival = cashier.locator("form[action$='/arrival']")
    arrival.locator("[name=amount]").fill("299.99")
    arrival.locator("button").click()
    expect(alert(cashier)).to_have_attribute("data-code", "remittance.amount_differs")
    arrival.locator("[name=amount]").fill("300")
    arrival.locator("button").click()
    expect(cashier.locator("h1 .good")).to_be_visible()
    border.bring(cashier, there.file(good))
    expect(cashier.locator(".acts code")).to_have_text("remittance.taken_before")

    approver = border.page("A-C01", "/my-key")
    key_made(border, approver, "A-C01")
    border.bring(approver, there.file(bad))
    form = approver.locator("form[data-refuse]")
    form.locator("[name=reason]").fill("退 13812345678")
    form.locator("button").click()
    expect(form.get_by_role("alert")).not_to_be_empty()
    expect(form.get_by_role("alert")).not_to_contain_text("remittance.")
    form.locator("[name=reason]").fill("本单位无此项目")
    form.locator("button").click()
    approver.wait_for_url("**/remittances/*-*")
    expect(approver.locator("h1 .bad")).to_be_visible()
    looks_right(approver)
    border.bring(approver, there.file(bad))
    expect(approver.locator(".acts code")).to_have_text("remittance.refused_before")

    border.publish()
    there.world.appoint("K-C01", "C01", Role.CASHIER, EARLY)
    receipt, refusal = (
        read_pack(approver.request.get(f"/remittances/{each}/proof").body()).pack
        for each in (good, bad)
    )
    there.acknowledge(receipt)
    there.take_back(refusal, 20_000)
    assert (there.state(good), there.state(bad)) == (State.ACKNOWLEDGED, State.TAKEN_BACK)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_settles_what_was_sent_to_a_ledger_that_was_struck_off_since(
    border: Border, language: str
) -> None:
    border.language = language
    there, here = border.there, border.here
    here.know(there)
    remittance = here.send(there, 70_000)
    border.publish()
    there.take(here.proof(remittance), 70_000)
    approver = border.page("A-C01", "/remittances/ledgers")
    key_made(border, approver, "A-C01")
    approver.goto("/remittances/ledgers")
    approver.locator("details summary", has_text=saying(language)("注销")).click()
    form = approver.locator("form[data-strike-off]")
    form.locator("[name=reason]").fill("并入本市")
    looks_right(approver)
    form.locator("button").click()
    expect(approver.locator("[data-row] .stale")).to_be_visible()
    expect(approver.locator("form[data-strike-off]")).to_have_count(0)
    approver.goto("/remittances/new")
    expect(approver.locator("[name=to_key_id] option")).to_have_count(0)

    cashier = border.page("K-C01", f"/remittances/{remittance}")
    border.bring(cashier, there.file(remittance))
    expect(cashier.locator(".facts .stale")).to_be_visible()
    cashier.locator("form[action$='/acknowledgement'] button").click()
    expect(cashier.locator("h1 .good")).to_be_visible()
    assert here.state(remittance) is State.ACKNOWLEDGED
    looks_right(cashier)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_payment_is_traced_over_the_border(border: Border, language: str) -> None:
    border.language = language
    there, here, person = border.there, border.here, Person(1)
    here.know(there)
    remittance = there.send(here, 90_000)
    here.take(there.proof(remittance), 90_000, "K-C01")
    here.world.file(person)
    here.world.pay("B1", roster_row(1, person, 80_000))
    border.publish()

    inspector = border.page("J-C01", "/ledger")
    [payment] = inspector.request.get("/v1/disbursements").json()["items"]
    trace = inspector.request.get(f"/v1/disbursements/{payment['disbursement_id']}/trace").json()
    [strand] = trace["strands"]
    came = strand["crossing"]
    assert (came["remittance_id"], came["key_id"]) == (remittance, there.key_id)
    inspector.goto(f"/trace/payments/{payment['disbursement_id']}")
    way = inspector.locator("ol.way li").first
    expect(way).to_contain_text("邻市账本")
    expect(way).to_contain_text(came["leaf_hash"])
    looks_right(inspector)
    with inspector.expect_download() as saved:
        way.locator("a[href$='/proof']").click()
    assert read_pack(Path(saved.value.path()).read_bytes()).pack.subject == remittance
    lot = strand["steps"][-1]["lot_id"]
    forward = inspector.request.get(f"/v1/appropriations/{lot}/trace").json()
    assert forward["crossing"] == came
    inspector.goto(f"/trace/lots/{lot}")
    expect(inspector.locator(".facts")).to_contain_text("邻市账本")
    looks_right(inspector)
    inspector.locator(f".facts a[href='/remittances/{remittance}']").click()
    expect(inspector.locator("h1 .good")).to_be_visible()

    gone = here.send(there, 10_000)
    [first, *_] = inspector.request.get("/v1/appropriations").json()["items"]
    inspector.goto(f"/trace/lots/{first['lot_id']}")
    inspector.locator(".figures a[href^='/remittances']").click()
    expect(inspector.locator("[data-row]")).to_have_count(1)
    expect(inspector.locator(f"[data-row] a[href='/remittances/{gone}']")).to_be_visible()
    listed = inspector.request.get(f"/v1/remittances?origin_id={first['lot_id']}").json()["items"]
    assert [each["remittance_id"] for each in listed] == [gone]


def test_a_file_is_its_officers_alone_and_needs_no_script_to_be_read(border: Border) -> None:
    there, here = border.there, border.here
    here.know(there)
    file = there.file(there.send(here, 30_000))
    plain = border.office.browser("K-C01", scripts=False).new_page()
    border.bring(plain, file)
    plain.locator("form[action$='/arrival'] [name=amount]").fill("300")
    address = plain.url
    other = border.page("A-C01", address)
    expect(alert(other)).to_have_attribute("data-code", "import.unknown")
    plain.locator("form[action$='/arrival'] button").click()
    expect(plain.locator("h1 .good")).to_be_visible()
    inspector = border.page("J-C01", "/remittances/files")
    expect(alert(inspector)).to_have_attribute("data-code", "access.post_missing")
