"""The summary report and the deadlines as papers: one set of figures on page, paper, /v1, CLI."""

import csv
import re
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import expect
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from api.cli.main import app
from api.reporting import Scope
from api.web.tables.report import Figure, Report, Sort
from ledger.domain.campaign import campaign_id
from ledger.domain.filing import (
    WORDS_CHARACTERS_MAX,
    Filing,
    PersonalDataInWords,
    WordsTooLong,
    filing_id,
    own_words,
)
from ledger.domain.organisation import organisation_id
from tests.web.browsing import Office, accessible, saying
from tests.web.conftest import INSPECTOR
from tests.web.test_report_tables import CAMPAIGN, STATISTICS, SUMMARY, YEARLY, report_of

ENGLISH = {"Accept-Language": "en"}
WORDS = "走访慰问覆盖全部建档困难职工。\n\n问题：退回补发偏慢，下月起每周核对一次。"


def figures(report: Report, section: str) -> dict[str, list[int]]:
    [found] = [each for each in report.sections if each.name == section]
    return {
        str(line.cells[0]): [cell.value for cell in line.cells if isinstance(cell, Figure)]
        for line in found.lines
    }


def printed(pdf: bytes) -> str:
    return "".join(sheet.get_textpage().get_text_range() for sheet in pypdfium2.PdfDocument(pdf))


def test_the_report_says_what_the_pages_say(office: Office) -> None:
    report = report_of(office, Sort.SUMMARY, Scope("C01", CAMPAIGN))
    browser = office.browser(INSPECTOR)
    over = browser.request.get("/v1" + SUMMARY).json()

    assert all(holds for _, holds in report.checks)
    returned = figures(report, "returned")
    for name, asked in (
        ("银行退回（累计）", "kind=return"),
        ("已补发（累计）", "kind=reissue"),
    ):
        page = office.page(INSPECTOR, f"/ledger?organisation=C01&campaign={CAMPAIGN}&{asked}")
        assert f"{returned[name][0]:,}" in page.locator("main").inner_text()
    still = browser.request.get(
        f"/v1/disbursements/totals?organisation=C01&campaign={CAMPAIGN}&status=returned"
    ).json()
    assert returned["目前仍退回未补发"] == [still["count"], still["total_fen"]]
    assert returned["已补发（累计）"] == [over["paid_again_count"], over["paid_again_fen"]]
    old = figures(report, "surplus")
    assert old["年初结余"] == [over["surplus_opening_fen"]]
    assert old["已到人"] == [over["surplus_consumed_fen"]]
    assert old["2017 年底前至少"] == [-(-over["surplus_opening_fen"] * 5000 // 10_000)]
    assert old["2018 年底前全部"] == [over["surplus_opening_fen"]]
    due = figures(report, "deadlines")
    [first] = [each for each in over["deadlines"] if each["name"] == "signature_sheets"]
    assert due["签字表"] == [
        first[name] for name in ("asked", "in_time", "late", "missing", "overdue")
    ]
    assert first["asked"] == first["in_time"] + first["late"] + first["missing"]
    found = browser.request.get("/v1/findings").json()["items"]
    assert sum(over["findings"].values()) <= len(found)
    assert sum(over["findings"].values()) > 0
    assert figures(report, "findings")["合计"] == [sum(over["findings"].values())]
    assert sum(over["cases"].values()) == figures(report, "cases")["合计"][0]


def test_the_report_is_handed_in_with_the_offices_own_words(workplace: Office) -> None:
    say = saying("zh")
    page = workplace.page("S0005", f"/reports/summary?organisation=X01&campaign={CAMPAIGN}")
    accessible(page)
    words = page.get_by_label(say("工作情况（本单位撰写）"))
    # A number that may be somebody's is refused, and what was typed stays.
    words.fill("帮扶对象电话 13800138000")
    page.get_by_role("button", name=say("报送这份 PDF")).click()
    expect(page.locator("[data-code='filing.personal_data']")).to_be_visible()
    expect(words).to_have_value("帮扶对象电话 13800138000")

    words.fill(WORDS)
    page.get_by_role("button", name=say("报送这份 PDF")).click()
    expect(page.get_by_role("status").first).to_contain_text("已报送")
    expect(page.locator("#words")).to_contain_text("每周核对一次")
    accessible(page)
    href = page.get_by_role("button", name="PDF", exact=True).get_attribute("href") or ""
    pdf = page.request.get(href).body()
    expect(page.get_by_text(sha256(pdf).hexdigest())).to_be_visible()
    text = printed(pdf)
    assert "每周核对一次" in text.replace("\r\n", "")
    assert re.search(r"第 1 页，共 \d+ 页", text)
    for each in ("制表人", "审核人", "负责人", "检查点"):
        assert each in text
    # What happens later changes none of it; it is found again from the list of filings.
    page.goto(f"/reports/summary?organisation=X01&campaign={CAMPAIGN}")
    page.get_by_role("link", name=say("查看报送时的总结")).click()
    expect(page.locator("#words")).to_contain_text("每周核对一次")
    href = page.get_by_role("button", name="PDF", exact=True).get_attribute("href") or ""
    assert page.request.get(href).body() == pdf
    filed = workplace.ledger.load(
        Filing, filing_id(campaign_id(CAMPAIGN), organisation_id("X01"), "summary_report")
    )
    assert filed is not None
    # Nobody reads the words of a union that they do not see, and no other entry has any.
    assert page.request.get("/reports/summary?organisation=X01&words_at=5").status == 404

    # The year's table, too: as the statistics, to be handed in for the campaign of that year.
    page.goto("/reports/yearly?organisation=X01&year=2017")
    href = page.get_by_role("button", name="PDF", exact=True).get_attribute("href") or ""
    before = page.request.get(href).body()
    page.get_by_role("button", name=say("报送这份 PDF")).click()
    expect(page.get_by_role("status").first).to_contain_text("已报送")
    expect(page.get_by_text(sha256(before).hexdigest())).to_be_visible()
    # Again is refused above the form, in words.
    page.get_by_role("button", name=say("报送这份 PDF")).click()
    expect(page.locator("[data-code='filing.handed_in']")).to_be_visible()


def test_deadlines_are_the_same_on_every_paper(office: Office) -> None:
    page = office.page(INSPECTOR, f"/deadlines?campaign={CAMPAIGN}&organisation=C01&every=yes")
    rows = page.locator("tbody tr[data-row]").count()
    links = {
        name: page.get_by_role("button", name=name, exact=True).get_attribute("href") or ""
        for name in ("XLSX", "CSV (UTF-8)", "CSV (GB18030)", "PDF")
    }
    book = CalamineWorkbook.from_filelike(BytesIO(page.request.get(links["XLSX"]).body()))
    sheet = book.get_sheet_by_name(book.sheet_names[0]).to_python()
    text = page.request.get(links["CSV (UTF-8)"]).body()
    assert text.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(StringIO(text.decode("utf-8-sig"))))
    assert sheet[-1][0] == lines[-1][0]
    head = next(
        number for number, line in enumerate(lines) if line and line[0] == "单位" and len(line) > 2
    )
    assert len(lines) - head - 1 == rows
    assert page.request.get(links["CSV (GB18030)"]).body().decode("gb18030")
    paper = printed(page.request.get(links["PDF"]).body())
    over = page.request.get(
        f"/v1/reports/deadlines?campaign={CAMPAIGN}&organisation=C01&every=true"
    ).json()
    assert len(over["items"]) == over["asked"] == rows
    assert f"未报\r\n{over['missing']}" in paper or str(over["missing"]) in paper
    missing = page.request.get(f"/v1/reports/deadlines?campaign={CAMPAIGN}&organisation=C01")
    assert len(missing.json()["items"]) == over["missing"]
    assert page.request.get("/deadlines.pdf?campaign=none").status == 404


def test_the_papers_are_read_in_english_too(office: Office) -> None:
    say = saying("en")
    page = office.page(INSPECTOR, "/reports", "en")
    page.get_by_role("link", name=say("工作总结")).click()
    expect(page.locator("#surplus h2")).to_have_text(say("结余消化"))
    accessible(page)
    page.locator("#returned tbody a").first.click()
    expect(page).to_have_url(re.compile(r"/ledger\?.*kind=return"))
    for path, heading in ((STATISTICS, "按对象类别"), (YEARLY, "各单位收支")):
        page.goto(path)
        expect(page.get_by_role("heading", name=say(heading), exact=True)).to_be_visible()
    page.goto("/deadlines?organisation=X01")
    expect(page.locator("main")).to_contain_text("days late")
    href = page.get_by_role("button", name="PDF", exact=True).get_attribute("href") or ""
    assert "Prepared by" in printed(page.request.get(href, headers=ENGLISH).body())
    accessible(office.page(INSPECTOR, SUMMARY, "en", "phone"))
    page.goto(SUMMARY)
    href = page.get_by_role("button", name="PDF", exact=True).get_attribute("href") or ""
    assert "Opening surplus used" in printed(page.request.get(href, headers=ENGLISH).body())


def test_the_command_line_writes_both(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUANZHANG_HOME", str(office.home.path))
    runner = CliRunner()
    said = tmp_path / "words.txt"
    said.write_text(WORDS, encoding="utf-8")
    options = ["--campaign", CAMPAIGN, "--organisation", "C01", "--as-of", "2017-02-12"]
    for name, more in (("summary", ["--words", str(said)]), ("deadlines", ["--every"])):
        for suffix in (".pdf", ".csv"):
            out = tmp_path / f"{name}{suffix}"
            command = ["export", name, "--out", str(out), *options, *more]
            done = runner.invoke(app, command, catch_exceptions=False)
            assert done.exit_code == 0, done.output
            assert sha256(out.read_bytes()).hexdigest() in done.output
    assert "每周核对一次" in printed((tmp_path / "summary.pdf").read_bytes())
    assert "每周核对一次" in (tmp_path / "summary.csv").read_text(encoding="utf-8-sig")


def test_own_words_are_bounded_and_name_nobody_by_number() -> None:
    assert own_words("  做法：\r\n一户一策 ") == "做法：\n一户一策"
    with pytest.raises(WordsTooLong):
        own_words("字" * (WORDS_CHARACTERS_MAX + 1))
    for number in ("340881199001011234", "13800138000", "6222021302000123456"):
        with pytest.raises(PersonalDataInWords):
            own_words(f"见 {number}。")
    assert own_words("2017-01-20 发放 1,234,000.00 元")
