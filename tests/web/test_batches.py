"""A batch from its review to its end, in the browsers of those who answer for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from api.web.formats import capital
from ledger.commands import officers
from ledger.commands.officer_keys import KeyConfirmation, confirm_key
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
    for staff, role in ADMINISTRATORS.items():
        order = officers.Appointment(staff, "某某", "C01", role)
        officers.begin_administration(world.ledger, world.act(day=EARLY), order)
    world.receive("X01", 1_000_000)
    world.file(Person(1), Person(2))
    world.draft("PAGE-1", roster_row(1, Person(1), 80_000), roster_row(2, Person(2), 10))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office
        office.settled()


def test_a_batch_goes_its_way_through_four_pairs_of_hands(workplace: Office) -> None:
    path = f"/batches/{BATCH}"
    reviewer = workplace.page("R-X01", path)
    accessible(reviewer)
    reviewer.get_by_role("button", name="复核通过").click()
    expect(reviewer.get_by_role("status")).to_have_text("已复核。")

    approver = workplace.page("A-X01", path)
    expect(approver.get_by_text(capital(80_000)).last).to_be_visible()
    approver.get_by_role("button", name="签名并审批").click()
    expect(approver.get_by_role("alert")).to_contain_text("这台设备上没有您的签名密钥")

    approver.goto("/my-key")
    accessible(approver)
    approver.get_by_role("button", name="在这台设备上生成新密钥").click()
    proposed = approver.locator("[data-key]", has_text="待确认")
    expect(proposed).to_contain_text("在这台设备上")
    confirm(workplace, "A-X01", str(proposed.get_attribute("data-key")))
    approver.goto(path)
    approver.get_by_role("button", name="签名并审批").click()
    expect(approver.locator(".stepper .done", has_text="已审批")).to_contain_text("A-X01")

    cashier = workplace.page("K-X01", path)
    cashier.get_by_label("导出理由").fill("代发")
    cashier.get_by_label("交给谁").fill("徽商银行")
    with cashier.expect_download() as taken:
        cashier.get_by_role("button", name="导出银行文件").click()
    assert "PAGE-1-000001" in taken.value.path().read_text("utf-8")
    cashier.goto(path)
    cashier.get_by_label("银行回盘文件").set_input_files(
        {"name": "return.txt", "mimeType": "text/plain", "buffer": b"not a return file\n"}
    )
    cashier.get_by_role("button", name="登记回盘").click()
    expect(cashier.get_by_role("alert")).to_contain_text("文件不完整，末尾缺失")
    cashier.goto(path)
    cashier.get_by_label("银行回盘文件").set_input_files(
        {"name": "return.txt", "mimeType": "text/plain", "buffer": answered()}
    )
    cashier.get_by_role("button", name="登记回盘").click()
    expect(cashier.get_by_role("status")).to_have_text("银行回盘已登记。")
    cashier.get_by_role("button", name="办结批次").click()
    expect(cashier.locator("h1")).to_contain_text("已办结")
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


def confirm(workplace: Office, staff: str, key_id: str) -> None:
    """Confirm a key as the security administrator does who compared it."""
    clock = workplace.served.clock
    act = CommandAct(str(officer_id(SECURITY)), TODAY, clock.now(), signed_in=True)
    confirm_key(workplace.ledger, act, KeyConfirmation(officer_id(staff), key_id))


def answered() -> bytes:
    person = Person(1)
    titles = "orderId|currencyCode|txnAmt|accType|accNo|customerNm|respCode|respMsg"
    line = f"PAGE-1-000001|156|80000|01|{person.card}|{person.name}|00|成功"
    return f"5.0.0|80000|1||\n{titles}\n{line}\n".encode()
