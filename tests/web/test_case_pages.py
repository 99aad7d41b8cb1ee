"""A finding on pages: taken up, looked into, put right, paid back, given up in part, closed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from typer.testing import CliRunner

from api.cli.main import app
from ledger.domain.officer import Role
from tests.api.service import ADMINISTRATORS, EARLY, TODAY
from tests.web.browsing import LANGUAGES, Office, accessible, office_at, saying
from tests.web.test_batches import confirm
from tests.world import EARMARK, Person, World, failed, roster_row, settled

ONE = Person(1)


@pytest.fixture
def workplace(tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    """X01 was told that a payment had arrived, and later that it came back (J3)."""
    world = World.at(tmp_path).settle_in()
    world.appoint("K-X01", "X01", Role.CASHIER, EARLY)
    for staff, role in (("J-C01", Role.INSPECTOR), ("U-C01", Role.AUDITOR)):
        world.appoint(staff, "C01", role, EARLY)
    world.administer(ADMINISTRATORS)
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))
    world.answer("B1", failed(1, ONE, 80_000), sha="ee" * 32)
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office
        office.settled()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_finding_is_taken_up_and_closed(
    workplace: Office, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspector = workplace.page("J-C01", "/findings?rule=J3", language)
    case = taken_up(inspector)
    judged(inspector)
    answered_for(workplace, case, language)
    gives_up(workplace, case, language)
    inspector.goto(case)
    inspector.locator("form[action$='/closing'] [name=ground]").fill("核对无误")
    inspector.locator("form[action$='/closing'] button").click()
    expect(inspector.locator("h1 .good")).to_be_visible()
    looks_right(inspector)
    inspector.goto("/cases")
    expect(inspector.locator("[data-row]")).to_have_count(0)
    inspector.goto("/cases?stage=closed")
    expect(inspector.locator("[data-row]")).to_have_count(1)
    looks_right(inspector)
    with inspector.expect_download() as saved:
        inspector.get_by_role("button", name="CSV").click()
    listed = Path(saved.value.path()).read_bytes().decode("utf-8-sig")
    assert saying(language)("已销号") in listed
    assert ",50.00," in listed
    with inspector.expect_download() as saved:
        inspector.get_by_role("button", name="XLSX").click()
    assert saved.value.suggested_filename == "cases.xlsx"
    inspector.goto("/findings?rule=J3")
    expect(inspector.locator("[data-row] a[href^='/cases/'] .good")).to_be_visible()
    [payment] = inspector.request.get("/v1/disbursements").json()["items"]
    inspector.goto(f"/trace/payments/{payment['disbursement_id']}/explanation")
    expect(inspector.locator(".cases .good")).to_be_visible()
    looks_right(inspector)

    monkeypatch.setenv("NUANZHANG_HOME", str(workplace.home.path))
    listed = CliRunner().invoke(app, ["cases", "list", "--all"]).output
    assert "J3 X01 closed" in listed
    case_id = case.rpartition("/")[2]
    assert '"written_off_fen": 5000' in CliRunner().invoke(app, ["cases", "show", case_id]).output
    assert CliRunner().invoke(app, ["cases", "list"]).output == ""
    out = workplace.home.path / "cases.csv"
    assert "sha256" in CliRunner().invoke(app, ["export", "cases", "--out", str(out)]).output
    assert case_id in out.read_text("utf-8-sig")


def taken_up(inspector: Page) -> str:
    """Open a case from the list of findings and give it to somebody; return its address."""
    inspector.locator("[data-row] a[href^='/cases/new']").click()
    looks_right(inspector)
    inspector.locator("[name=staff_number]").fill("NOBODY")
    inspector.locator("[name=due_on]").fill("2017-06-30")
    inspector.locator("[name=note]").fill("见批次 B1")
    inspector.locator("form.acts button").click()
    expect(inspector.get_by_role("alert")).to_be_visible()
    expect(inspector.locator("[name=note]")).to_have_value("见批次 B1")
    inspector.locator("[name=staff_number]").fill("A-X01")
    inspector.locator("form.acts button").click()
    expect(inspector.get_by_role("status")).to_be_visible()
    case = inspector.url.partition("?")[0]
    looks_right(inspector)
    return case


def judged(inspector: Page) -> None:
    """Confirm it, and ask for 90 yuan to come back."""
    verdict = inspector.locator("form[action$='/verdict']")
    verdict.locator("[name=ground]").fill("本人电话 13812345678 核实")
    verdict.locator("[value=confirmed]").click()
    expect(inspector.get_by_role("alert")).to_have_attribute("data-code", "case.personal_data")
    verdict.locator("[name=ground]").fill("属实")
    verdict.locator("[value=confirmed]").click()
    demands = inspector.locator("form[action$='/demands']")
    demands.locator("[name=measures]").fill("追回并重新核对")
    demands.locator("[name=staff_number]").fill("A-X01")
    demands.locator("[name=due_on]").fill("2017-06-30")
    demands.locator("[name=amount]").fill("90.00")
    demands.locator("button").click()
    expect(inspector.locator(".figures")).to_contain_text("¥90.00")


def answered_for(workplace: Office, case: str, language: str) -> None:
    """Book 40 yuan of it, and report what was done."""
    cashier = workplace.page("K-X01", case, language)
    money = cashier.locator("form[action$='/recoveries']")
    money.locator("[name=document]").fill("收1号")
    money.locator("[name=amount]").fill("900")
    money.locator("button").click()
    expect(cashier.get_by_role("alert")).to_have_attribute("data-code", "case.more_than_demanded")
    money.locator("[name=amount]").fill("40")
    money.locator("[name=earmark]").select_option(EARMARK)
    money.locator("button").click()
    expect(cashier.locator("tbody a[href^='/trace/lots/']")).to_have_text("¥40.00")

    owner = workplace.page("A-X01", case, language)
    report = owner.locator("form[action$='/reports']")
    report.locator("[name=report]").fill("已改")
    report.locator("[name=documents]").fill("ab" * 32)
    report.locator("button").click()
    expect(owner.locator("form[action$='/closing']")).to_have_count(0)


def gives_up(workplace: Office, case: str, language: str) -> None:
    """Give up the rest as the approver above, who makes a key first."""
    approver = workplace.page("A-C01", case, language)
    form = approver.locator("form[data-write-off]")
    form.locator("[name=ground]").fill("无法追回")
    form.locator("button").click()
    expect(form.get_by_role("alert")).not_to_be_empty()
    approver.goto("/my-key")
    approver.locator("[data-make] button").click()
    key = approver.locator("[data-key]:has(.doubt)")
    expect(key).to_be_visible()
    confirm(workplace, "A-C01", str(key.get_attribute("data-key")))
    approver.goto(case)
    form.locator("[name=ground]").fill("无法追回")
    form.locator("button").click()
    expect(approver.locator("form[data-write-off]")).to_have_count(0)
    expect(approver.locator(".figures")).to_contain_text("¥50.00")


def looks_right(page: Page) -> None:
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    accessible(page)
    page.set_viewport_size({"width": 1280, "height": 800})
