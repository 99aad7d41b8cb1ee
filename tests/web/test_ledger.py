"""The ledger: one question in the address, for rows, totals, chart, facets and exports alike."""

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from projections.asked import NOW, Moment
from projections.disbursements import Question, disbursement_list
from projections.movements import Kind
from projections.runner import catch_up
from projections.turnover import Asked, Movement, every_movement
from tests.web.browsing import Office, accessible
from tests.web.conftest import INSPECTOR
from tests.web.test_flow import officer_of

HEADS = {"zh": "种类", "en": "Kind"}
AMOUNTS = {"zh": "金额(元)", "en": "Amount (yuan)"}


def listed(office: Office, asked: Asked, moment: Moment = NOW) -> list[Movement]:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        return list(every_movement(model, asked, moment))


def yuan(fen: int) -> str:
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def taken(page: Page, button: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.path()


def csv_rows(path: Path, language: str, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(encoding))))
    head = next(at for at, row in enumerate(rows) if row[:1] == [HEADS[language]])
    return [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 :]]


def xlsx_amounts(path: Path, language: str) -> list[int]:
    sheet = load_workbook(io.BytesIO(path.read_bytes()), read_only=True).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    head = next(at for at, row in enumerate(rows) if row[0] == HEADS[language])
    place = rows[head].index(AMOUNTS[language])
    return [round(float(str(row[place])) * 100) for row in rows[head + 1 :]]


def pages_of(page: Page, further: str) -> list[str]:
    """Return the amounts of all pages, going on from each."""
    amounts: list[str] = []
    while True:
        amounts += page.locator("[data-row] td.num").all_inner_texts()
        link = page.get_by_role("link", name=further)
        if not link.count():
            return amounts
        link.click()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_rows_totals_pages_and_exports_are_of_one_question(office: Office, language: str) -> None:
    payments = frozenset({Kind.PAYMENT})
    found = listed(office, Asked(Question(status="returned", least_fen=100_000), payments))
    total = sum(each.amount_fen for each in found)
    assert 5 < len(found) < 100
    page = office.page(INSPECTOR, "/ledger?limit=5", language)
    words = {
        "zh": (
            "更多条件与时点",
            "最少(元)",
            "筛选",
            "下一页",
            "导出",
            "已退回",
            "去掉 状态",
        ),
        "en": (
            "More",
            "At least",
            "Filter",
            "Next page",
            "Export",
            "Returned",
            "Remove State",
        ),
    }[language]
    more, least, filter_, further, export, returned, remove = words
    page.get_by_text(more).first.click()
    page.locator("select[name=status]").select_option("returned")
    page.get_by_label(least).fill("1000")
    page.get_by_role("button", name=filter_).click()
    expect(page).to_have_url(re.compile("status=returned"))
    assert "=&" not in page.url
    expect(page.locator(".chips li").first).to_contain_text(returned)
    expect(page.locator(".figures > div").last).to_contain_text(yuan(total))
    accessible(page)

    rows = csv_rows(taken(page, f"{export} CSV" if language == "zh" else "Export as CSV"), language)
    amounts = [round(float(row[AMOUNTS[language]]) * 100) for row in rows]
    assert amounts == [each.amount_fen for each in found]
    book = taken(page, f"{export} XLSX" if language == "zh" else "Export as XLSX")
    assert xlsx_amounts(book, language) == amounts
    paper = pypdfium2.PdfDocument(
        taken(page, f"{export} PDF" if language == "zh" else "Export as PDF").read_bytes()
    )
    text = "".join(each.get_textpage().get_text_bounded() for each in paper)
    assert f"{total // 100:,}.{total % 100:02d}" in text
    assert returned in text
    for row in rows:
        assert row["批次号" if language == "zh" else "Batch"] in text
    (code,) = zxingcpp.read_barcodes(paper[0].render(scale=3).to_pil())
    assert code.text.startswith(f"{office.url}/ledger?")
    assert "status=returned" in code.text
    assert sum(map(fen, pages_of(page, further))) == total

    page.goto(code.text)
    expect(page.locator(".figures > div").last).to_contain_text(yuan(total))
    page.get_by_role("link", name=remove).click()
    expect(page.locator(".chips li")).to_have_count(1)
    assert "status" not in page.url


def fen(text: str) -> int:
    return round(float(text.replace("¥", "").replace(",", "")) * 100)


def test_every_kind_of_movement_stands_in_one_table_and_says_what_does_not_apply(
    office: Office,
) -> None:
    page = office.page(INSPECTOR, "/ledger")
    for name, kind in (("收款", Kind.RECEIPT), ("拨付", Kind.ALLOCATION), ("退款", Kind.RETURN)):
        page.get_by_role("link", name=name, exact=True).click()
        found = listed(office, Asked(kinds=frozenset({kind})))
        expect(page.locator("[data-row]")).to_have_count(len(found))
        total = sum(each.amount_fen for each in found)
        expect(page.locator(".figures > div").last).to_contain_text(yuan(total))
        expect(page.locator(".figures > div").last).to_contain_text(name)
    page.get_by_role("link", name="全部流水").click()
    expect(page).to_have_url(re.compile("kind=all"))
    expect(page.locator("nav.kinds [aria-current]")).to_have_text("全部流水")
    everything = listed(office, Asked())
    text = taken(page, "导出 CSV")
    assert len(csv_rows(text, "zh")) == len(everything)
    page.get_by_role("link", name="发生日期").click()
    expect(page).to_have_url(re.compile("newest=yes"))
    first = page.locator("[data-row]").first
    expect(first).to_contain_text(yuan(everything[-1].amount_fen))

    page.goto("/ledger?kind=receipt&status=settled&vintage=2016")
    expect(page.get_by_role("status")).to_contain_text("“状态”对收款没有意义")
    expect(page.locator("[data-row]")).to_have_count(0)
    page.get_by_role("link", name="去掉这些条件").click()
    receipts = listed(office, Asked(kinds=frozenset({Kind.RECEIPT}), vintage=2016))
    expect(page.locator("[data-row]")).to_have_count(len(receipts))


def test_the_moment_says_what_it_is_and_leads_back_to_now(office: Office) -> None:
    moment = Moment(date(2017, 1, 21), 4000)
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        then = disbursement_list(model, moment)
        now = disbursement_list(model)
    page = office.page(INSPECTOR, "/ledger?limit=10")
    page.get_by_text("更多条件与时点").click()
    page.get_by_label("截至哪一天已经发生").fill("2017-01-21")
    page.get_by_label("截至账本第几条已经知道").fill("4000")
    page.get_by_role("button", name="筛选").click()

    line = page.locator(".moment-line")
    expect(line).to_contain_text(
        "账本第 4000 条及以前记录在案的、截至 2017年1月21日 已经发生的情况"
    )
    whole = page.locator(".figures > div").last
    expect(whole).to_contain_text(yuan(sum(each.amount_fen for each in then)))
    rows = csv_rows(taken(page, "导出 CSV"), "zh")
    assert [int(row["日志位置"]) for row in rows] == [each.position for each in then]
    page.get_by_role("link", name="回到现在").click()
    expect(page.locator(".figures > div").last).to_contain_text(
        yuan(sum(each.amount_fen for each in now))
    )


@pytest.mark.parametrize("scripts", [True, False])
def test_facets_lead_to_what_they_count(office: Office, scripts: bool) -> None:
    page = office.browser(INSPECTOR, scripts=scripts).new_page()
    page.goto("/ledger?status=settled")
    page.get_by_role("link", name="资金年度 ▾").click()
    option = page.locator("#facet li").first
    expect(option).to_be_visible()
    year, count, amount = option.locator("a, span").all_inner_texts()
    found = listed(
        office, Asked(Question(status="settled"), frozenset({Kind.PAYMENT}), vintage=int(year))
    )
    assert (int(count), fen(amount)) == (len(found), sum(each.amount_fen for each in found))
    option.get_by_role("link").click()
    expect(page.locator(".figures > div").last).to_contain_text(amount)
    expect(page.locator(".chips li")).to_have_count(3)

    page.get_by_role("link", name="单位 ▾").click()
    page.get_by_label("在列表中查找").fill("X01")
    page.get_by_role("button", name="查找").click()
    expect(page.locator("#facet li").first).to_contain_text("X01")
    names = page.locator("#facet li a").all_inner_texts()
    assert names
    assert all("X01" in name for name in names)
    county = page.locator("#facet li").first
    amount = county.locator("span").last.inner_text()
    county.get_by_role("link").click()
    expect(page.locator(".figures > div").last).to_contain_text(amount)


def test_an_organisation_is_found_while_it_is_typed(office: Office) -> None:
    page = office.page(INSPECTOR, "/ledger")
    page.keyboard.press("/")
    page.keyboard.type("X02")
    expect(page.locator("#organisations-found option").first).to_have_attribute(
        "value", re.compile("^X02 ")
    )
    page.keyboard.press("Enter")
    expect(page.locator(".chips li").first).to_contain_text("X02 ")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/trace/payments/"))


@pytest.mark.parametrize("scripts", [True, False])
def test_a_chart_is_fetched_when_it_is_opened(office: Office, scripts: bool) -> None:
    page = office.browser(INSPECTOR, scripts=scripts).new_page()
    page.goto("/ledger?kind=return")
    assert page.locator("figure").count() == 0
    page.get_by_text("金额随时间变化").click()
    if scripts:
        expect(page.locator("figure canvas")).to_be_visible()
    else:
        page.get_by_role("link", name="打开数字表").click()
    page.get_by_text("各期数字").click()
    total = sum(each.amount_fen for each in listed(office, Asked(kinds=frozenset({Kind.RETURN}))))
    assert sum(map(fen, page.locator("figure td.num").all_inner_texts())) == total


def test_the_same_question_for_programs_has_the_same_answer(office: Office) -> None:
    page = office.page(
        INSPECTOR, "/ledger?organisation=X01&least=500.50&vintage=2015&reason=&until=2017-02-01"
    )
    total = page.locator(".figures > div").last.inner_text()
    address = page.get_by_role("link", name="同一问题的程序接口").get_attribute("href")

    assert address is not None
    assert "least_fen=50050" in address
    listed_items = page.request.get(address).json()["items"]
    assert len(listed_items) > 1
    assert yuan(sum(each["amount_fen"] for each in listed_items)) in total
    table = page.request.get(address.replace("disbursements?", "disbursements/export?")).text()
    assert len(list(csv.reader(io.StringIO(table)))) == len(listed_items) + 1


def test_gb18030_is_by_choice_and_nobody_is_named(office: Office) -> None:
    page = office.page(INSPECTOR, "/ledger")
    with page.expect_download() as download:
        page.get_by_role("link", name="GB18030").click()
    rows = csv_rows(download.value.path(), "zh", "gb18030")
    assert len(rows) == len(listed(office, Asked(kinds=frozenset({Kind.PAYMENT}))))
    assert "姓名" not in rows[0]


WRONG: tuple[tuple[str, str], ...] = (
    ("organisation=NONE", "ledger.not_on_record"),
    ("officer=NOBODY", "ledger.not_on_record"),
    ("since=yesterday", "request.invalid"),
    ("least=-5", "request.invalid"),
    ("least=1.005", "request.invalid"),
    ("kind=gift", "request.invalid"),
    ("status=lost", "request.invalid"),
    ("facet=shoe", "request.invalid"),
    ("since=2017-02-01&until=2017-01-01", "request.range_backwards"),
    ("least=10&most=9", "request.range_backwards"),
    ("cursor=xx", "cursor.invalid"),
)


def test_wrong_questions_are_refused_in_words(office: Office) -> None:
    page = office.browser(INSPECTOR, "zh", scripts=False).new_page()
    for question, code in WRONG:
        page.goto(f"/ledger?{question}")
        expect(page.get_by_role("alert")).to_contain_text(code)
        expect(page.get_by_role("alert").locator("strong")).not_to_contain_text(code)
    page = office.page(INSPECTOR, "/ledger")
    page.locator("[name=organisation]").fill("NONE")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("ledger.not_on_record")
    for form in ("csv", "xlsx", "pdf"):
        answer = page.request.get(f"/ledger.{form}?least=10&most=9")
        assert (answer.status, answer.json()["code"]) == (422, "request.range_backwards")


def test_officers_see_no_further_than_their_reach(office: Office) -> None:
    found: Callable[[str], Page] = lambda path: office.page(officer_of("X01"), path)  # noqa: E731
    page = found("/ledger?organisation=C01")
    expect(page.get_by_role("alert")).to_contain_text("access.outside_reach")
    page = found("/ledger?kind=all&facet=organisation")
    names = page.locator("#facet li a").all_inner_texts()
    assert names
    assert all(name.startswith("X01") for name in names)
    assert "C01" not in page.request.get("/ledger/organisations?organisation=C01").text()
