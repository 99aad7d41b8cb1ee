"""A batch from its review to its end, in the browsers of those who answer for it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.web.formats import capital
from ledger.commands import officers
from ledger.commands.officer_keys import KeyConfirmation, confirm_key
from ledger.domain.aggregate import OPERATOR
from ledger.domain.batch import batch_id
from ledger.domain.officer import Role, officer_id
from ledger.store.act import CommandAct
from projections.batches import batch_list
from projections.runner import catch_up
from tests.api.service import ADMINISTRATORS, EARLY, SECURITY, TODAY
from tests.web.browsing import LANGUAGES, Office, accessible, office_at
from tests.web.conftest import INSPECTOR
from tests.world import Person, World, roster_row

BATCH = batch_id("PAGE-1")


@pytest.fixture
def workplace(tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    """An office with a drafted batch of two rows, one of them refused, and money for it."""
    world = World.at(tmp_path).settle_in()
    world.appoint("K-X01", "X01", Role.CASHIER, EARLY)
    world.administer(ADMINISTRATORS)
    world.receive("X01", 1_000_000)
    world.file(Person(1), Person(2))
    world.draft("PAGE-1", roster_row(1, Person(1), 80_000), roster_row(2, Person(2), 10))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office
        office.settled()


WORDS = {
    "zh": {
        "review": "复核通过",
        "reviewed": "已复核。",
        "sign": "签名并审批",
        "no-key": "这台设备上没有您的签名密钥",
        "make": "在这台设备上生成新密钥",
        "proposed": "待确认",
        "here": "在这台设备上",
        "approved": "已审批",
        "reason": "导出理由",
        "made-for": "交给谁",
        "export": "导出银行文件",
        "file": "银行回盘文件",
        "try": "上传并试算",
        "torn": "文件不完整，末尾缺失",
        "came": "回盘结果",
        "take": "登记回盘",
        "taken": "银行回盘已登记。",
        "known": "这份文件已于",
        "documents": "备案文件",
        "close": "办结批次",
        "closed": "已办结",
        "still": "还有 1 笔在途",
        "nothing": "没有可导出的银行文件",
    },
    "en": {
        "review": "Review",
        "reviewed": "Reviewed.",
        "sign": "Sign and approve",
        "no-key": "This device holds no signing key of yours",
        "make": "Make a new key on this device",
        "proposed": "Waits to be confirmed",
        "here": "Here",
        "approved": "Approved",
        "reason": "Reason",
        "made-for": "Made for",
        "export": "Write the bank file",
        "file": "The bank's return file",
        "try": "Upload and try out",
        "torn": "the file ends before its last line does",
        "came": "What came back",
        "take": "Take it in",
        "taken": "The bank's return was taken in.",
        "known": "This file was taken in on",
        "documents": "Documents on record",
        "close": "Close the batch",
        "closed": "Closed",
        "still": "1 payment is still in transit",
        "nothing": "so there is no bank file to write",
    },
}
ANSWERS = {"zh": ("00", "成功"), "en": ("3018", "户名不符")}
"""What the bank says of the one payment: it went well, and it came back."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_batch_goes_its_way_through_four_pairs_of_hands(workplace: Office, language: str) -> None:
    path, say = f"/batches/{BATCH}", WORDS[language]
    reviewer = workplace.page("R-X01", path, language)
    accessible(reviewer)
    reviewer.get_by_role("button", name=say["review"]).click()
    expect(reviewer.get_by_role("status")).to_have_text(say["reviewed"])

    approve(workplace, path, language)

    cashier = workplace.page("K-X01", path, language)
    expect(cashier.get_by_text(say["still"])).to_be_visible()
    expect(cashier.get_by_role("button", name=say["close"])).to_have_count(0)
    cashier.get_by_label(say["reason"]).fill("代发")
    cashier.get_by_label(say["made-for"]).fill("徽商银行")
    with cashier.expect_download() as taken:
        cashier.get_by_role("button", name=say["export"]).click()
    assert "PAGE-1-000001" in taken.value.path().read_text("utf-8")
    cashier.goto(path)
    send(cashier, say, b"not a return file\n")
    expect(cashier.get_by_role("alert")).to_contain_text(say["torn"])
    cashier.goto(path)
    size = workplace.ledger.size()
    send(cashier, say, answered(*ANSWERS[language]))
    tried = cashier.url
    expect(cashier.get_by_role("region", name=say["came"])).to_contain_text("¥800.00")
    accessible(cashier)
    assert workplace.ledger.size() == size
    cashier.get_by_role("button", name=say["take"]).click()
    expect(cashier.get_by_role("status")).to_have_text(say["taken"])
    expect(cashier.get_by_text(say["nothing"])).to_be_visible()
    expect(cashier.get_by_role("button", name=say["export"])).to_have_count(0)
    expect(cashier.locator(".checks .good")).to_have_count(4)
    expect(cashier.locator(".bars")).to_contain_text("¥800.00")
    documents = cashier.get_by_role("region", name=say["documents"])
    expect(documents.get_by_role("row")).to_have_count(4)
    accessible(cashier)
    cashier.set_viewport_size({"width": 390, "height": 844})
    accessible(cashier)
    cashier.goto(tried)
    expect(cashier.get_by_role("status")).to_contain_text(say["known"])
    expect(cashier.get_by_role("button", name=say["take"])).to_have_count(0)
    accessible(cashier)
    cashier.goto(tried.replace(f"{path}/returns", "/imports"))
    expect(cashier.get_by_role("alert")).to_be_visible()
    cashier.goto(path)
    cashier.get_by_role("button", name=say["close"]).click()
    expect(cashier.locator("h1")).to_contain_text(say["closed"])
    with catch_up(workplace.ledger, workplace.home.read_models).asking() as model:
        assert batch_list(model, batch_id=BATCH)[0].state == "closed"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_refused_attempt_stays_on_the_page(workplace: Office, *, scripts: bool) -> None:
    path = f"/batches/{BATCH}"
    elsewhere = workplace.browser("R-X01", scripts=scripts).new_page()
    elsewhere.goto(path)
    elsewhere.get_by_role("button", name="复核通过").click()
    late = workplace.browser("R-X01", "en", scripts=scripts).new_page()
    late.goto(path)
    expect(late.get_by_role("button", name="Review")).to_have_count(0)
    expect(late.get_by_role("heading", name="Refused rows")).to_be_visible()
    expect(late.get_by_text("the amount is below the minimum")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_batches_of_the_campaign_are_shown_as_they_ended(office: Office, language: str) -> None:
    page = office.page(INSPECTOR, "/batches", language)
    accessible(page)
    refused = page.locator("[data-row]", has_text={"zh": "未获准", "en": "Refused"}[language])
    refused.first.get_by_role("link").click()
    expect(page.locator(".attempts")).to_contain_text("duty.same_person")
    accessible(page)
    page.keyboard.press("u")
    expect(page).to_have_url(f"{office.url}/batches")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/*-*")
    accessible(page)


def test_an_attempt_that_a_rule_stops_is_told_and_stays_on_the_page(workplace: Office) -> None:
    """Whoever drafted it holds a second post, and tries with a page that is older than the rule."""
    path = f"/batches/{BATCH}"
    world = workplace.ledger
    act = CommandAct(OPERATOR, EARLY, workplace.served.clock.now())
    second = officers.Appointment("H-X01", "某某", "X01", Role.REVIEWER)
    officers.appoint_officer(world, act, second)
    page = workplace.page("H-X01", path)
    expect(page.get_by_role("button", name="复核通过")).to_have_count(0)

    other = workplace.page("R-X01", path)
    form = other.locator("form[action$=review]").evaluate("form => form.outerHTML")
    page.evaluate(
        "form => document.querySelector('main').insertAdjacentHTML('beforeend', form)", form
    )
    page.get_by_role("button", name="复核通过").click()

    expect(page.get_by_role("alert")).to_have_attribute("data-code", "duty.same_person")
    page.goto(path)
    expect(page.locator(".attempts")).to_contain_text("H-X01")
    expect(page.locator(".attempts")).to_contain_text("duty.same_person")
    expect(page.locator("h1")).to_contain_text("已编制")


def test_the_list_is_of_a_union_with_all_below_it_or_alone(workplace: Office) -> None:
    page = workplace.page("R-C01", "/batches?organisation=C01")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_label("仅本级单位").check()
    page.get_by_role("button", name="查看").click()
    expect(page.locator("[data-row]")).to_have_count(0)
    page.goto("/batches?organisation=NONE")
    expect(page.get_by_role("alert")).to_have_attribute("data-code", "ledger.not_on_record")


def test_who_stands_above_is_offered_what_they_may_do(workplace: Office) -> None:
    page = workplace.page("R-C01", f"/batches/{BATCH}")
    expect(page.get_by_role("button", name="复核通过")).to_be_visible()


def approve(workplace: Office, path: str, language: str) -> None:
    """Sign a batch with a key that is made for it, after trying without one."""
    say = WORDS[language]
    approver = workplace.page("A-X01", path, language)
    expect(approver.get_by_text("¥800.00").last).to_be_visible()
    expect(approver.get_by_text(capital(80_000))).to_have_count({"zh": 2, "en": 0}[language])
    approver.get_by_role("button", name=say["sign"]).click()
    expect(approver.get_by_role("alert")).to_contain_text(say["no-key"])

    approver.goto("/my-key")
    accessible(approver)
    approver.get_by_role("button", name=say["make"]).click()
    proposed = approver.locator("[data-key]", has_text=say["proposed"])
    expect(proposed).to_contain_text(say["here"])
    confirm(workplace, "A-X01", str(proposed.get_attribute("data-key")))
    approver.goto(path)
    approver.get_by_role("button", name=say["sign"]).click()
    expect(approver.locator(".stepper .done", has_text=say["approved"])).to_contain_text("A-X01")


def confirm(workplace: Office, staff: str, key_id: str) -> None:
    """Confirm a key in the name of the security administrator, who does so elsewhere."""
    clock = workplace.served.clock
    act = CommandAct(str(officer_id(SECURITY)), TODAY, clock.now())
    confirm_key(workplace.ledger, act, KeyConfirmation(officer_id(staff), key_id))


def send(page: Page, say: Mapping[str, str], content: bytes) -> None:
    page.get_by_label(say["file"]).set_input_files(
        {"name": "return.txt", "mimeType": "text/plain", "buffer": content}
    )
    page.get_by_role("button", name=say["try"]).click()


def answered(code: str, message: str) -> bytes:
    person = Person(1)
    titles = "orderId|currencyCode|txnAmt|accType|accNo|customerNm|respCode|respMsg"
    line = f"PAGE-1-000001|156|80000|01|{person.card}|{person.name}|{code}|{message}"
    return f"5.0.0|80000|1||\n{titles}\n{line}\n".encode()
