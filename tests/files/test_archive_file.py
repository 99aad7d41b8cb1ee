"""The archive of registered people: good rows go on, each bad one is told with its place."""

from datetime import date, datetime

import pytest

from ledger.files.archive import COLUMNS, read_archive
from tests.files.samples import ID, card, csv_bytes, id_number, refused, xlsx_bytes

ROW = {
    "档案编号": "D0001",
    "姓名": "张试验",
    "身份证号码": ID,
    "联系电话": "13800000001",
    "单位编码": "X01",
    "类别": "建档困难职工",
    "困难原因": "虚构的原因",
    "月人均收入(元)": 812.345,
    "建档日期": "2016-03-01",
    "退档日期": None,
    "开户行": "虚构银行",
    "银行卡号": card(1),
}


def _rows(*changes: dict[str, object]) -> list[list[object]]:
    return [list(COLUMNS), *([{**ROW, **each}[column] for column in COLUMNS] for each in changes)]


def test_a_file_is_read_with_dates_as_text_or_as_dates() -> None:
    data = xlsx_bytes(
        _rows(
            {},
            {"建档日期": datetime(2015, 5, 1), "退档日期": "2016/12/31"},  # noqa: DTZ001
        )
    )

    archive = read_archive("a", data)

    first, second = archive.rows
    assert (first.line, first.file_number, first.organisation_code) == (2, "D0001", "X01")
    assert (first.opened_on, first.closed_on) == (date(2016, 3, 1), None)
    assert (second.opened_on, second.closed_on) == (date(2015, 5, 1), date(2016, 12, 31))
    assert first.monthly_income_fen == 81_234  # an average is cut, since it is no one's money
    assert archive.faults == ()
    assert len(archive.sha256) == 64


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"姓名": None}, "姓名", "field.missing"),
        ({"身份证号码": 340101197803070019}, "身份证号码", "id.not_text"),
        ({"身份证号码": id_number("34010119780230001")}, "身份证号码", "id.invalid"),
        ({"银行卡号": 6299900000000000001}, "银行卡号", "card.not_text"),
        ({"建档日期": "春节"}, "建档日期", "date.invalid"),
        ({"退档日期": "春节"}, "退档日期", "date.invalid"),
        ({"退档日期": "2016-02-29"}, "退档日期", "date.invalid"),
    ],
)
def test_a_bad_row_is_told_and_the_others_go_on(
    change: dict[str, object], column: str, code: str
) -> None:
    archive = read_archive("a.xlsx", xlsx_bytes(_rows({}, change, {})))

    (fault,) = archive.faults
    assert (fault.file, fault.row, fault.column, fault.code) == ("a.xlsx", 3, column, code)
    assert [row.line for row in archive.rows] == [2, 4]


def test_text_works_too_and_titles_may_stand_above_the_header() -> None:
    rows: list[list[object]] = [
        ["某市困难职工档案"],
        *_rows({"退档日期": "", "月人均收入(元)": "812.34"}),
    ]

    (row,) = read_archive("a", csv_bytes(rows)).rows

    assert (row.line, row.monthly_income_fen) == (3, 81_234)


@pytest.mark.parametrize("income", [None, "不详", -5.0, float("1e300")])
def test_an_income_that_is_none_is_unknown(income: object) -> None:
    (row,) = read_archive("a", xlsx_bytes(_rows({"月人均收入(元)": income}))).rows

    assert row.monthly_income_fen is None


def test_a_workbook_without_the_columns_is_refused() -> None:
    with refused("file.column_missing"):
        read_archive("a", xlsx_bytes([("姓名", "电话"), ("张试验", "1")]))


def test_a_row_shows_no_person_in_its_repr() -> None:
    shown = repr(read_archive("a", xlsx_bytes(_rows({}))))

    for secret in ("张试验", ID, card(1), "13800000001", "虚构的原因", "81234"):
        assert secret not in shown


def test_a_title_that_stands_twice_refuses_the_archive() -> None:
    first, row = _rows({})

    with refused("file.column_twice"):
        read_archive("a", xlsx_bytes([[*first, "姓名"], [*row, "李试验"]]))
