"""Text as people have it: charsets, CSV as spreadsheets write it, harmless spellings."""

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.faults import FileRefused
from ledger.files.package import check_package
from ledger.files.text import (
    COMPOUND,
    category,
    decode,
    heading,
    number_text,
    person_name,
    read_csv,
)
from tests.files.samples import refused

TEXT = "序号,姓名\r\n1,喆堃镕䶮𠮷·测\r\n"


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_each_charset_that_clerks_have_is_read(charset: str) -> None:
    assert decode("f", TEXT.encode(charset)) == TEXT


@pytest.mark.parametrize(
    "data", [b"\xff\xff\xff", b"\x00\n\x00", "姓名\n".encode()[:-2] + b"\xff\n"]
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with refused("file.not_text"):
        decode("f", data)


def test_an_old_workbook_or_one_under_a_password_is_called_so() -> None:
    data = COMPOUND + bytes(504)
    with refused("file.old_workbook"):
        decode("f.xls", data)
    with refused("file.old_workbook"):
        check_package("f.xlsx", data)


def test_columns_are_found_by_name_in_any_order_width_and_company() -> None:
    data = "备注,金额（元）, 姓 名 \r\n,600,张三\r\n,,\r\n\r\n,700,李四\r\n".encode()

    rows = list(read_csv("f", data, ("姓名", "金额(元)")))

    assert [(row.line, row["姓名"], row["金额(元)"]) for row in rows] == [
        (2, "张三", "600"),
        (5, "李四", "700"),
    ]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(FileRefused) as refusal:
        list(read_csv("f.csv", b"a,b\n1,2\n", ("a", "金额(元)")))

    (fault,) = refusal.value.faults
    assert (fault.file, fault.row, fault.column, fault.code) == (
        "f.csv",
        1,
        "金额(元)",
        "file.column_missing",
    )


def test_lines_inside_quotes_do_not_shift_the_line_numbers() -> None:
    data = b'a,b\n"one\ntwo",1\n"x, y",2\n'

    assert [(row.line, row["b"]) for row in read_csv("f", data, ("a", "b"))] == [(2, "1"), (4, "2")]


def test_an_open_quotation_mark_cannot_swallow_the_rows_below_it() -> None:
    with refused("file.quotes_unbalanced"):
        list(read_csv("f", b'a,b\n1,"2\n3,4\n5,6\n', ("a", "b")))


def test_an_unquoted_thousands_comma_cannot_make_one_yuan_of_a_thousand() -> None:
    with refused("file.cells_excess"):
        list(read_csv("f", "文号,金额(元)\n一,1,234.50\n".encode(), ("文号", "金额(元)")))


def test_a_last_line_without_its_end_is_taken_for_cut_off() -> None:
    with refused("file.truncated"):
        list(read_csv("f", "文号,金额(元)\n一,2345".encode(), ("文号", "金额(元)")))


def test_numbers_are_written_plainly() -> None:
    assert number_text(" ３４０１ 0119-78ｘ\u200b") == "3401011978X"
    assert number_text("\u202d6299 9000\u202c") == "62999000"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (" 张三 ", "张三"),
        ("张　三", "张三"),
        ("阿依•古丽", "阿依·古丽"),
        ("阿依・古丽", "阿依·古丽"),
        ("阿依．古丽", "阿依·古丽"),
        ("阿依‧古丽", "阿依·古丽"),
        ("阿依.古丽", "阿依·古丽"),
        ("阿依 · 古丽", "阿依·古丽"),
        ("Ann  Example", "Ann Example"),
        ("A. Example", "A. Example"),
        ("张三\ufeff", "张三"),
        ("龙\ufa19", "龙\u795e"),  # NFC itself unites this one
        ("㛃ﾊ", "㛃ﾊ"),  # NFKC would change the second
    ],
)
def test_names_keep_their_characters_and_lose_what_is_layout(written: str, plain: str) -> None:
    assert person_name(written) == plain


@given(st.text())
def test_a_plain_name_stays_as_it_is(text: str) -> None:
    plain = person_name(text)

    assert person_name(plain) == plain
    assert unicodedata.is_normalized("NFC", plain)


def test_titles_and_categories_are_compared_without_width_and_spaces() -> None:
    assert heading("慰问金额（元）\n") == "慰问金额(元)"
    assert category("意外致困职工（未建档）") == category("意外致困职工 (未建档)")


@given(st.binary(max_size=400))
def test_any_bytes_are_rows_or_a_coded_refusal(data: bytes) -> None:
    with suppress(FileRefused):
        rows = list(read_csv("f", data, ("a",)))

        assert all(row.line > 1 for row in rows)
