"""The tables that are handed in: one set of numbers on page, file, paper and over /v1."""

import csv
import re
from hashlib import sha256
from io import BytesIO, StringIO
from urllib.parse import parse_qsl, urlencode, urlsplit

import pypdfium2
import pytest
from playwright.sync_api import expect
from python_calamine import CalamineWorkbook

from api.callers import Reach
from api.known import Kept
from api.report import campaign_report
from api.reporting import Scope, reporting
from api.summing import of_the_day
from api.web.language import languages
from api.web.tables.made import Sources, made
from api.web.tables.report import Figure, Report, Sort
from ledger.domain.campaign import campaign_id
from ledger.domain.filing import Filing, filing_id
from ledger.domain.organisation import organisation_id
from projections.exports.report import Weight
from projections.organisations import tree_on
from projections.runner import catch_up
from tests.web.browsing import Office, accessible, saying
from tests.web.conftest import INSPECTOR, TODAY

CAMPAIGN = "2017-lianjie"
STATISTICS = f"/reports/statistics?campaign={CAMPAIGN}&organisation=C01"
YEARLY = "/reports/yearly?year=2017&organisation=C01"
SUMMARY = f"/reports/summary?campaign={CAMPAIGN}&organisation=C01"


def report_of(office: Office, sort: Sort, scope: Scope) -> Report:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        reach = Reach(frozenset(tree_on(model).by_id), TODAY)
        if sort is Sort.SUMMARY:
            scope = of_the_day(scope, TODAY)
        of = reporting(model, office.ledger, reach, scope)
        sources = Sources(model, office.ledger, reach, Kept())
        return made(sources, of, sort, languages()["zh"], f"{office.url}/")


def numbers(report: Report) -> list[int]:
    return [
        cell.value
        for section in report.sections
        for line in section.lines
        for cell in line.cells
        if isinstance(cell, Figure)
    ]


def fen(text: str) -> int:
    return round(float(text.replace(",", "").replace("¥", "")) * 100)


def test_the_sums_are_those_of_the_ledger_and_of_its_balances(office: Office) -> None:
    scope = Scope("C01", CAMPAIGN)
    statistics = report_of(office, Sort.STATISTICS, scope)
    yearly = report_of(office, Sort.YEAR, Scope("C01", None, 2017))
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        known = campaign_report(model, CAMPAIGN, 2017, TODAY)

    totals = {
        section.name: [line for line in section.lines if line.weight is Weight.TOTAL]
        for section in statistics.sections
    }
    for name in ("by_category", "by_union"):
        [total] = totals[name]
        people, paid = total.cells[1], total.cells[2]
        assert isinstance(people, Figure)
        assert isinstance(paid, Figure)
        assert (people.value, paid.value) == (known["people_paid"], known["settled_fen"])
    [by_source] = totals["by_source"]
    assert by_source.cells[1] == Figure(
        known["settled_fen"], f"/ledger?organisation=C01&campaign={CAMPAIGN}&status=paid"
    )
    assert all(holds for _, holds in (*statistics.checks, *yearly.checks))
    account = {str(line.cells[0]): line.cells[1] for line in yearly.sections[0].lines}
    surplus = known["surplus_2017"]["C01"]
    opening, left, used = (
        account[name] for name in ("一、上年结余", "四、年末结余", "三、本年支出")
    )
    assert isinstance(opening, Figure)
    assert isinstance(left, Figure)
    assert isinstance(used, Figure)
    assert opening.value == surplus["subtree_opening_fen"]
    assert used.value == known["settled_fen"]
    assert left.value == known["received_fen"] - known["settled_fen"]


def test_each_figure_leads_to_a_list_that_comes_to_it(office: Office) -> None:
    """The same question over /v1, asked with what the link says, comes to the figure."""
    statistics = report_of(office, Sort.STATISTICS, Scope("C01", CAMPAIGN))
    browser = office.browser(INSPECTOR)
    checked = 0
    for section in statistics.sections:
        if section.name == "by_source":
            continue
        for line in section.lines:
            for column, cell in zip(section.columns, line.cells, strict=True):
                if not isinstance(cell, Figure) or cell.behind is None or checked > 60:
                    continue
                asked = dict(parse_qsl(urlsplit(cell.behind).query))
                if "alone" in asked:
                    asked["alone"] = "true"
                query = urlencode(asked)
                answer = browser.request.get(f"/v1/disbursements/totals?{query}").json()
                assert "count" in answer, (query, answer)
                found = answer["total_fen" if "元" in column.title else "count"]
                assert found == cell.value, (section.name, line.cells[0], column.title)
                checked += 1
    assert checked > 60


@pytest.mark.parametrize(("sort", "path"), [(Sort.STATISTICS, STATISTICS), (Sort.YEAR, YEARLY)])
def test_page_and_files_carry_the_same_numbers(office: Office, sort: Sort, path: str) -> None:
    scope = Scope("C01", CAMPAIGN) if sort is Sort.STATISTICS else Scope("C01", None, 2017)
    report = report_of(office, sort, scope)
    expected = numbers(report)
    page = office.page(INSPECTOR, path)
    shown = page.locator("table.report tbody tr").evaluate_all(
        "rows => rows.flatMap((row) => [...row.querySelectorAll('td')].map((td) => td.innerText))"
    )
    assert [
        fen(each) if "¥" in each else int(each.replace(",", "")) for each in shown if each
    ] == expected

    def taken(suffix: str) -> bytes:
        href = page.locator(f"main a[href*='{suffix}']").first.get_attribute("href") or ""
        return page.request.get(href).body()

    kinds = [
        column.kind.value
        for section in report.sections
        for line in section.lines
        for column, cell in zip(section.columns, line.cells, strict=True)
        if isinstance(cell, Figure)
    ]
    book = CalamineWorkbook.from_filelike(BytesIO(taken(".xlsx")))
    assert len(book.sheet_names) == len(report.sections)
    in_book = []
    for name, section in zip(book.sheet_names, report.sections, strict=True):
        rows = book.get_sheet_by_name(name).to_python()[-len(section.lines) :]
        in_book += [cell for row in rows for cell in row[1 : len(section.columns)]]
    written = [
        round(float(str(cell)) * 100) if kind == "money" else int(float(str(cell)))
        for cell, kind in zip(in_book, kinds, strict=True)
    ]
    assert written == expected
    text = taken(".csv").decode("utf-8-sig")
    assert "\ufeff" not in text
    assert (
        taken(".csv")
        != page.request.get(
            page.locator("main a[href*='gb18030']").get_attribute("href") or ""
        ).body()
    )
    cells = [cell for row in csv.reader(StringIO(text)) for cell in row[1:]]
    for value, kind in zip(expected, kinds, strict=True):
        told = f"{value // 100}.{value % 100:02d}" if kind == "money" else str(value)
        assert told in cells
    paper = pypdfium2.PdfDocument(taken(".pdf"))
    printed = "".join(sheet.get_textpage().get_text_range() for sheet in paper)
    for value, kind in zip(expected, kinds, strict=True):
        assert (f"{value // 100:,}.{value % 100:02d}" if kind == "money" else str(value)) in printed
    size = next(value for name, value in report.facts if name == "检查点")
    assert size.replace(" ", "")[:30] in re.sub(r"\s", "", printed)
    assert f"第 1 页，共 {len(paper)} 页" in printed
    over = page.request.get("/v1" + path).json()
    paid = over["paid_fen"] if sort is Sort.STATISTICS else over["total"]["paid_fen"]
    assert paid in expected


def test_the_pages_are_for_everybody(office: Office) -> None:
    for language, size in (("zh", "desk"), ("en", "phone")):
        for path in (STATISTICS, YEARLY, "/reports/statistics?year=2017&every=yes"):
            accessible(office.page(INSPECTOR, path, language, size))
    page = office.page(INSPECTOR, STATISTICS)
    page.locator("#by_category tbody tr").first.locator("a").first.click()
    expect(page).to_have_url(re.compile(r"/ledger\?organisation=C01&campaign=2017-lianjie"))
    # As of a day before anything was paid, there is nothing; an unknown campaign is refused.
    page.goto(STATISTICS + "&as_of=2016-12-20")
    expect(page.locator("#by_category .of-total td").first).to_have_text("0")
    assert page.request.get("/reports/statistics?campaign=none").status == 404


def test_what_is_handed_in_is_the_very_file(workplace: Office) -> None:
    say = saying("zh")
    page = workplace.page("S0005", "/reports/statistics?organisation=X01")
    href = page.get_by_role("button", name="PDF", exact=True).get_attribute("href") or ""
    before = page.request.get(href).body()
    page.get_by_role("button", name=say("报送这份 PDF")).click()
    expect(page.get_by_role("status").first).to_contain_text("已报送")
    digest = sha256(before).hexdigest()
    expect(page.get_by_text(digest)).to_be_visible()
    after = page.get_by_role("button", name="PDF", exact=True).get_attribute("href") or ""
    assert page.request.get(after).body() == before
    id_ = filing_id(campaign_id(CAMPAIGN), organisation_id("X01"), "statistics_tables")
    assert workplace.ledger.load(Filing, id_) is not None
    accessible(page)
    # Again is refused in words, and nothing is lost.
    page.get_by_role("button", name=say("报送这份 PDF")).click()
    expect(page.locator("[data-code='filing.handed_in']")).to_be_visible()
    # Nobody hands in for a union that is not theirs.
    page = workplace.page(INSPECTOR, "/reports/statistics?organisation=X01")
    expect(page.get_by_role("button", name=say("报送这份 PDF"))).to_have_count(0)
