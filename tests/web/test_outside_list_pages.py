"""Bringing a list of another authority on its page, up to the finding, and withdrawing it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ledger.commands.sealing import PAYEE, unseal
from ledger.domain.disbursement import Disbursement
from projections.disbursements import Question, disbursement_list
from projections.runner import catch_up
from tests.web.browsing import SIZES, Office, accessible, saying
from tests.web.conftest import INSPECTOR

NEEDY = "建档困难职工"


def somebody_paid(office: Office) -> tuple[str, str]:
    """Return an ID number, and the payment that its person got."""
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        found = disbursement_list(model, asked=Question(category=NEEDY))[0]
    payment = office.ledger.load(Disbursement, found.disbursement_id)
    assert payment is not None
    clear = unseal(office.ledger, payment.person_id, PAYEE, payment.payee)
    return clear["id_number"], str(found.disbursement_id)


def everywhere(page: Page) -> None:
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        accessible(page)


def fill(page: Page, path: Path) -> None:
    page.locator("[name=kind]").select_option("public_servants")
    page.locator("[name=source]").fill("市财政局")
    page.locator("[name=listed_on]").fill("2017-02-01")
    page.locator("[name=file]").set_input_files(path)


@pytest.mark.parametrize(("language", "scripts"), [("zh", True), ("en", False)])
def test_a_list_is_tried_brought_looked_at_and_withdrawn(
    workplace: Office, tmp_path: Path, language: str, *, scripts: bool
) -> None:
    say = saying(language)
    number, payment = somebody_paid(workplace)
    odd, right = tmp_path / "odd.csv", tmp_path / "list.csv"
    odd.write_text("姓名,编号\n某某,1\n", encoding="utf-8")
    right.write_text(f"姓名,编号\n某某,{number}\n某某,123\n", encoding="gb18030")
    page = workplace.browser(INSPECTOR, language, scripts=scripts).new_page()
    page.goto("/findings")
    page.get_by_role("link", name=say("外部名单")).click()

    fill(page, odd)
    page.get_by_role("button", name=say("登记名单")).click()
    expect(page.get_by_role("alert")).to_have_attribute("data-code", "file.column_missing")
    expect(page.locator("[name=source]")).to_have_value("市财政局")
    fill(page, right)
    page.locator("form.order summary").click()
    page.locator("[name=header_row]").fill("1")
    page.locator("[name=number_column]").fill("B")
    page.get_by_role("button", name=say("先试读")).click()
    told = page.get_by_role("status")
    expect(told).to_contain_text(say("试读结果，没有登记"))
    expect(told.locator("tbody tr")).to_have_count(1)
    expect(told.locator("tbody tr")).to_contain_text("id.invalid")
    if scripts:
        everywhere(page)
    page.locator("[name=file]").set_input_files(right)
    page.get_by_role("button", name=say("登记名单")).click()
    held = page.locator("[data-row]").first
    expect(held).to_contain_text(say("在用"))
    assert number not in page.content()

    held.locator("[data-open]").first.click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.locator("[data-row] [data-open]").click()
    expect(page).to_have_url(f"{workplace.url}/trace/payments/{payment}")
    page.goto(f"/trace/payments/{payment}/explanation")
    expect(page.locator(".explained [data-row]", has_text="A4").first).to_contain_text("市财政局")
    page.goto("/findings/lists")
    held = page.locator("[data-row]").first
    held.locator("summary").click()
    held.locator("[name=reason]").fill("来源有误")
    held.get_by_role("button").click()
    expect(page.locator("[data-row]").first).to_contain_text(say("已撤下"))
    if scripts:
        everywhere(page)
