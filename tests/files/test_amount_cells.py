"""Yuan become fen exactly, or not at all; days and numbers read as people write them."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.amounts import day, fen, moment, whole_number, yuan


@pytest.mark.parametrize(
    ("cell", "amount_fen"),
    [
        ("1,234.50", 123450),
        ("￥600", 60000),
        ("¥ 600.5", 60050),
        ("600元", 60000),
        ("６００．００", 60000),
        ("1，000", 100000),
        ("12,345,678.90", 1234567890),
        (600, 60000),
        (600.1, 60010),
        (0.1 + 0.2, 30),
        (1234.5600000000002, 123456),
        ("600.10000", 60010),
        ("0", 0),
        ("-5", -500),
        (Decimal("1.25"), 125),
    ],
)
def test_an_amount_is_read_to_the_fen(cell: object, amount_fen: int) -> None:
    assert fen(cell) == amount_fen


@pytest.mark.parametrize(
    "cell",
    [
        None,
        "",
        " ",
        True,
        "五百",
        "600.005",
        600.005,
        "6,00",
        "600,00",
        "1,2,3",
        "1234,567",
        "1e3",
        "0x10",
        "١٢",
        "--5",
        ".5",
        "5.",
        float("nan"),
        float("inf"),
        1e20,
        10**14,
        date(2017, 1, 1),
        "600 700",
    ],
)
def test_what_is_no_amount_of_whole_fen_is_none(cell: object) -> None:
    assert fen(cell) is None


@given(st.integers(0, 10**13 - 1))
def test_every_amount_survives_as_text_and_every_usual_one_as_a_float(amount_fen: int) -> None:
    assert fen(yuan(amount_fen)) == amount_fen
    assert fen(float(yuan(amount_fen))) == amount_fen
    assert fen(f"￥{Decimal(amount_fen) / 100:,.2f}") == amount_fen


@given(st.one_of(st.text(), st.floats(), st.integers(), st.dates(), st.binary(), st.none()))
def test_no_cell_makes_a_reader_stumble(cell: object) -> None:
    amount_fen = fen(cell)
    found = day(cell)
    number = whole_number(cell)

    assert amount_fen is None or isinstance(amount_fen, int)
    assert found is None or isinstance(found, date)
    assert number is None or 0 <= number < 10**9


@pytest.mark.parametrize(
    "cell",
    [
        "2017-01-08",
        "2017/1/8",
        "2017.1.8",
        "2017年1月8日",
        "２０１７－０１－０８",
        " 2017-01-08 00:00:00",
        "2017/1/8 0:00",
        "2017 年 1 月 8 日",
        date(2017, 1, 8),
        datetime(2017, 1, 8, 9, 30),  # noqa: DTZ001 - spreadsheets know no time zone
    ],
)
def test_a_day_is_read_as_people_write_it(cell: object) -> None:
    assert day(cell) == date(2017, 1, 8)


@pytest.mark.parametrize(
    "cell", ["2017-02-30", "2017/1/8 9:30", "8/1/2017", "2017-1", 42743, "", None, "春节"]
)
def test_what_is_no_day_is_none(cell: object) -> None:
    assert day(cell) is None


def test_numbers_of_rows_are_whole_and_small() -> None:
    assert [whole_number(each) for each in (7, 7.0, "7", "０7", " 7 ")] == [7] * 5
    assert [whole_number(each) for each in (7.5, "七", True, -1, 10**10, None)] == [None] * 6


def test_yuan_are_written_with_two_decimals() -> None:
    assert [yuan(each) for each in (0, 5, 123450, -5)] == ["0.00", "0.05", "1234.50", "-0.05"]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("2017-01-23T09:00:00+08:00", "2017-01-23T09:00:00+08:00"),
        ("2017-01-23 09:00", "2017-01-23T09:00:00"),
        ("2017/1/23 9:00", "2017-01-23T09:00:00"),
        ("２０１７/1/3 23:59:58", "2017-01-03T23:59:58"),
        ("2017/2/30 9:00", None),
        ("昨天", None),
    ],
)
def test_a_moment_is_read_as_spreadsheets_write_it(cell: str, told: str | None) -> None:
    found = moment(cell)

    assert (found and found.isoformat()) == told
