"""A table leaves the house as workbook, delimited text and paper, and says the same in each."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from openpyxl import load_workbook

from ledger.domain.values import Money
from projections.exports import delimited, paper, workbook
from projections.exports.delimited import Encoding
from projections.exports.paper import TooLarge
from projections.exports.table import Column, Kind, Row, Table, Total

COLUMNS = (
    Column("编号"),
    Column("姓名", width=20),
    Column("金额(元)", Kind.MONEY),
    Column("序号", Kind.COUNT),
    Column("日期", Kind.DAY),
)
ROWS: tuple[Row, ...] = (
    ("007", "=HYPERLINK(1)", 123456, 1, "2017-02-01"),
    ("", "+86", -5, 2, None),
    (None, "@张*三 #[x] _y_", 0, 3, "2017-02-28"),
)
ADDRESS = "http://localhost:8017/ledger?status=returned&at=4000"


def a_table(rows: tuple[Row, ...] | Iterator[Row] = ROWS, **more: str) -> Table:
    return Table(
        title=more.get("title", "台账"),
        columns=COLUMNS,
        rows=rows,
        facts=(("条件", "状态：已退回"), ("截至日志位置", "4000")),
        totals=(Total("已退回", 3, Money(123451)),),
        address=ADDRESS,
        foot="账本第 4000 条",
        pages="第 {page} 页，共 {pages} 页",
        signatures=("制表", "复核"),
        dated=datetime(2017, 2, 12, tzinfo=UTC),
    )


def text_of(table: Table, encoding: Encoding = Encoding.UTF_8, *, bare: bool = False) -> list[Row]:
    written = b"".join(delimited.lines(table, encoding, bare=bare))
    named = "utf-8-sig" if encoding is Encoding.UTF_8 else encoding.value
    return list(csv.reader(io.StringIO(written.decode(named))))


def test_a_workbook_holds_text_as_text_and_amounts_as_numbers(tmp_path: Path) -> None:
    workbook.write([a_table()], tmp_path / "a.xlsx")

    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[0][0] == "台账"
    assert cells[1][:2] == ["条件", "状态：已退回"]
    assert cells[3][:3] == ["已退回", 3, 1234.51]
    assert cells[5] == [column.title for column in COLUMNS]
    assert cells[6] == ["007", "=HYPERLINK(1)", 1234.56, 1, datetime(2017, 2, 1)]  # noqa: DTZ001
    assert cells[7][1:4] == ["+86", -0.05, 2]
    first = sheet["B7"]
    assert (first.data_type, first.hyperlink) == ("s", None)
    assert sheet["C7"].number_format == "#,##0.00"
    assert sheet["A7"].number_format == "@"
    assert sheet.freeze_panes == "A7"
    assert sheet.auto_filter.ref == "A6:E9"
    assert [each.name for each in tmp_path.iterdir()] == ["a.xlsx"]


def test_whatever_stands_in_a_cell_leaves_the_workbook_whole(tmp_path: Path) -> None:
    texts = (" <b>&amp; ]]> ", "a\x01b\x0cc", "𠮷", "x" * 40_000)
    rows = tuple((text, "-", 1, 1, None) for text in texts)
    workbook.write([a_table(rows)], tmp_path / "a.xlsx")

    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    cells = [str(row[0].value) for row in sheet.iter_rows(min_row=7)]
    assert cells == [texts[0], "a_x0001_b_x000C_c", texts[2], "x" * 32_767]


def test_a_long_table_goes_on_under_its_titles_on_further_sheets(tmp_path: Path) -> None:
    rows = tuple((str(n), "x", n, n, "2017-02-01") for n in range(20))
    odd = a_table(title="a/b:[c]?*'" + "很长" * 20)
    workbook.write([a_table(rows), odd, odd], tmp_path / "a.xlsx", sheet_rows_max=12)

    book = load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames[:3] == ["台账", "台账 (2)", "台账 (3)"]
    assert len(set(book.sheetnames)) == 5
    listed = [
        row[0]
        for name in book.sheetnames[:3]
        for row in book[name].iter_rows(values_only=True)
        if isinstance(row[0], str) and row[0].isdecimal()
    ]
    assert listed == [str(n) for n in range(20)]
    assert book["台账 (2)"]["A1"].value == "编号"


@pytest.mark.parametrize("encoding", Encoding)
def test_delimited_text_keeps_formulas_from_being_ones_and_amounts_numbers(
    encoding: Encoding,
) -> None:
    rows = text_of(a_table(), encoding)

    assert rows[0] == ["台账"]
    assert rows[3] == ["已退回", "3", "1234.51"]
    assert rows[6] == ["007", "'=HYPERLINK(1)", "1234.56", "1", "2017-02-01"]
    assert rows[7] == ["", "'+86", "-0.05", "2", ""]
    assert text_of(a_table(), encoding, bare=True)[:2] == [rows[5], rows[6]]


def test_paper_says_what_it_is_of_and_its_code_leads_back() -> None:
    rows = tuple((str(n), "张*三", n, n, "2017-02-01") for n in range(120))
    pages = pypdfium2.PdfDocument(paper.to_pdf(a_table(rows)))

    said = [page.get_textpage().get_text_bounded() for page in pages]
    assert len(said) > 1
    for number, text in enumerate(said, start=1):
        assert f"第 {number} 页，共 {len(said)} 页" in text
        assert "账本第 4000 条" in text
        assert "金额(元)" in text
    assert "状态：已退回" in said[0]
    assert "1,234.51" in said[0]
    assert "制表" in said[-1]
    picture = pages[0].render(scale=3).to_pil()
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [ADDRESS]


def test_what_a_cell_says_is_never_markup() -> None:
    written = paper.to_pdf(a_table())
    text = pypdfium2.PdfDocument(written)[0].get_textpage().get_text_bounded()

    assert "=HYPERLINK(1)" in text
    assert "@张*三 #[x] _y_" in text
    assert written == paper.to_pdf(a_table())


def test_paper_is_not_for_more_than_people_read() -> None:
    asked: list[int] = []

    def endless() -> Iterator[Row]:
        for number in range(10**9):
            asked.append(number)
            yield str(number), "x", number, number, date(2017, 1, 1).isoformat()

    with pytest.raises(TooLarge, match="XLSX or CSV"):
        paper.to_pdf(a_table(endless()), rows_max=50)
    assert len(asked) == 51
