"""Lists under any titles: guessed, named by a clerk, read so; and written anew with faults."""

import io
from datetime import date

import openpyxl
import pytest

from ledger.files import archive, roster
from ledger.files.annotated import Mark, Words, write_annotated
from ledger.files.archive import read_archive
from ledger.files.columns import Layout, guess, letters, read_lines, require_readable
from ledger.files.faults import FileRefused
from ledger.files.roster import read_roster
from tests.files.samples import ID, card, csv_bytes, refused, roster_rows, xlsx_bytes
from tests.files.samples import person as listed

ODD = ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛")
FIELDS = ("number", "name", "id_number", "phone", "category", "reason", "card_number", "amount")


def odd_roster() -> bytes:
    title, _, *rows = roster_rows(listed())
    return xlsx_bytes([title, ODD, *rows])


def test_a_roster_is_read_by_the_layout_that_its_clerk_gave() -> None:
    layout = Layout(2, FIELDS)

    found = read_roster("名册.xlsx", odd_roster(), layout)

    [row] = found.rows
    assert (row.name, row.id_number, row.amount_fen, row.line) == ("张试验", ID, 60_000, 3)
    assert found.layout == layout
    with refused("file.column_missing"):
        read_roster("名册.xlsx", odd_roster())


def test_a_layout_that_leaves_out_or_doubles_a_field_is_refused_by_name() -> None:
    with pytest.raises(FileRefused) as refusal:
        require_readable("名册.xlsx", Layout(2, ("name", "amount", None, "name")), roster.FIELDS)

    assert [(each.code, each.column, each.detail) for each in refusal.value.faults] == [
        ("file.column_missing", "身份证号码", ""),
        ("file.column_twice", "姓名", "A, D"),
    ]
    with refused("value.unknown"):
        require_readable("名册.xlsx", Layout(1, (*FIELDS, "salary")), roster.FIELDS)
    with refused("file.header_missing"):
        read_roster("名册.xlsx", odd_roster(), Layout(9, FIELDS))


def test_the_header_is_guessed_from_the_row_that_names_most_fields() -> None:
    lines = read_lines("名册.csv", csv_bytes(roster_rows(listed())))
    assert guess(lines, roster.FIELDS) == Layout(2, FIELDS)

    assert guess(read_lines("名册.xlsx", odd_roster()), roster.FIELDS) == Layout(2, (None,) * 8)
    assert guess([], roster.FIELDS) == Layout(1, ())


def test_an_archive_is_read_under_other_titles_known_or_named() -> None:
    titles = ["档案号", "姓名", "身份证", "单位", "人员类别", "建档时间"]
    data = csv_bytes([titles, ["D1", "张试验", ID, "X01", "建档困难职工", "2016-01-01"]])
    layout = guess(read_lines("档案.csv", data), archive.FIELDS)
    assert layout.fields == ("档案编号", "姓名", "身份证号码", None, "类别", "建档日期")

    fields = tuple(each or "单位编码" for each in layout.fields)
    [row] = read_archive("档案.csv", data, Layout(1, fields)).rows

    assert (row.file_number, row.organisation_code) == ("D1", "X01")


def test_columns_are_called_as_spreadsheets_call_them() -> None:
    assert [letters(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_an_annotated_list_keeps_text_as_text_and_marks_its_faults() -> None:
    lines: list[tuple[int, list[object]]] = [
        (1, ["姓名", "证件", "日期"]),
        (2, ["=1+1", ID, date(2017, 1, 8)]),
        (4, ["https://example.org", card(1), 600.5, True]),
    ]
    marks = [
        Mark(2, 1, "身份证号码", "id.invalid", "身份证号码无效"),
        Mark(4, None, "", "field.missing", "必填项为空"),
        Mark(4, 4, "金额", "field.missing", "必填项为空"),
        Mark(None, None, "合计", "roster.total_missing", "缺少合计行"),
    ]

    file = write_annotated(lines, marks, Words("名单", "问题", ("格", "栏", "问题", "码"), "暖账"))

    book = openpyxl.load_workbook(io.BytesIO(file))
    sheet, faults = book.worksheets
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("=1+1", "s")
    assert (sheet["A4"].hyperlink, sheet["C4"].value) == (None, 600.5)
    assert sheet["B2"].fill.fgColor.rgb == sheet["E4"].fill.fgColor.rgb == "FFFFC7CE"
    assert "id.invalid" in sheet["B2"].comment.text
    assert sheet["A4"].comment is not None
    assert [cell.value for cell in faults["A"]] == ["格", "B2", "4", "E4", ""]
    again = read_lines("again.xlsx", file)
    assert again[1][1][:2] == ["=1+1", ID]
    assert again[3][1][1] == card(1)
