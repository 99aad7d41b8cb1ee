"""Account statements: three formats say the same, and figures that disagree refuse the file."""

import re
from datetime import date

import pytest

from ledger.files.account_statements import (
    fields_of,
    read_account_statement,
    statement_formats,
)
from ledger.files.columns import Layout
from ledger.files.faults import FileRefused
from ledger.files.statement_days import StatedDays
from tests.files.sample_statements import LISTED, MT940, SAMPLES, camt_053
from tests.files.samples import csv_bytes, refused, xlsx_bytes
from tests.files.schemas import require_valid

FORMATS = list(SAMPLES)


def test_each_format_has_its_sample() -> None:
    assert sorted(statement_formats()) == sorted(FORMATS)


@pytest.mark.parametrize("bank_format", FORMATS)
def test_three_formats_say_the_same_of_one_month(bank_format: str) -> None:
    statement = read_account_statement(bank_format, "账单", SAMPLES[bank_format])

    assert (statement.account_number, statement.currency) == ("6222000000000000009", "CNY")
    assert (statement.opening_fen, statement.closing_fen) == (100_000, 940_050)
    assert (statement.opened_on, statement.closed_on) == (date(2017, 1, 1), date(2017, 1, 31))
    booked = [(each.booked_on.day, each.amount_fen, each.returned) for each in statement.entries]
    assert booked == [(5, 1_000_000, False), (9, -220_000, False), (11, 60_050, True)]
    received, paid, back = statement.entries
    assert [each.reference for each in statement.entries] == ["B-1", "B-2", "B-3"]
    assert (received.end_to_end_id, received.text) == (None, "拨入送温暖资金")
    assert "SWN20170001" in {paid.batch_code, paid.end_to_end_id}
    assert back.end_to_end_id == "SWN20170001-000002"
    assert (back.counterparty_name, back.counterparty_account) == ("张试验", "6299900000000000002")


@pytest.mark.parametrize("bank_format", FORMATS)
def test_what_is_personal_does_not_show_and_each_entry_has_its_place(bank_format: str) -> None:
    statement = read_account_statement(bank_format, "账单", SAMPLES[bank_format])

    for secret in ("张试验", "62999", "62220", "退票"):
        assert secret not in repr(statement)
    assert len({each.line_sha256 for each in statement.entries}) == 3
    assert sorted({each.line for each in statement.entries}) == [
        each.line for each in statement.entries
    ]


@pytest.mark.parametrize("version", ["02", "08", "13"])
def test_every_version_of_camt_is_read_and_the_samples_are_true_ones(version: str) -> None:
    data = camt_053(version)
    require_valid(f"camt.053.001.{version}", data)

    statement = read_account_statement("camt-053", "账单", data)

    received, paid, _ = statement.entries
    assert received.value_on == date(2017, 1, 6)
    assert (received.counterparty_name, statement.number) == ("市总工会", "12")
    assert (paid.batch_code, paid.count) == ("SWN20170001", 3)


def test_a_camt_statement_has_no_number_but_its_place_in_the_sequence() -> None:
    """Its Id may be any text: of two Ids that are numbers, nobody knows what comes between."""
    sequence, of_law = b"<ElctrncSeqNb>12</ElctrncSeqNb>", b"<LglSeqNb>3</LglSeqNb>"
    data = camt_053().replace(b"<Id>S-2017-01</Id>", b"<Id>20170131</Id>")
    assert sequence in data

    for instead, number in ((b"", None), (of_law, "3")):
        read = read_account_statement("camt-053", "账单", data.replace(sequence, instead))
        assert read.number == number


@pytest.mark.parametrize(
    ("bank_format", "old", "new"),
    [
        ("camt-053", ">9400.50<", ">9400.51<"),
        ("camt-053", "<NbOfNtries>3<", "<NbOfNtries>4<"),
        ("camt-053", "<Sum>12800.50<", "<Sum>12800.51<"),
        ("camt-053", '<Amt Ccy="CNY">2200.00<', '<Amt Ccy="CNY">2200.10<'),
        ("mt940", "62F:C170131CNY9400,50", "62F:C170131CNY9400,51"),
        ("mt940", "62F:C170131CNY", "62F:C170131USD"),
        ("statement-list", ",8800.00,", ",8801.00,"),
        ("statement-list", ",600.50,", ",600.51,"),
    ],
)
def test_figures_that_disagree_refuse_the_file(bank_format: str, old: str, new: str) -> None:
    charset = "utf-8" if bank_format == "camt-053" else "gb18030"
    text = SAMPLES[bank_format].decode(charset)
    assert old in text

    with refused("bank_file.control_total"):
        read_account_statement(bank_format, "账单", text.replace(old, new, 1).encode(charset))


@pytest.mark.parametrize(
    ("bank_format", "old", "new", "code"),
    [
        ("camt-053", "camt.053", "camt.052", "bank_file.other_format"),
        ("camt-053", ">OPBD<", ">ITBD<", "bank_file.line_invalid"),
        ("camt-053", "<Dt>2017-01-05", "<Dt>2017-13-05", "date.invalid"),
        ("camt-053", '<Amt Ccy="CNY">2200.00', '<Amt Ccy="USD">2200.00', "bank_file.line_invalid"),
        ("camt-053", "600.50", "600.505", "bank_file.line_invalid"),
        ("camt-053", "<Stmt>", "<Stmt></Stmt><Stmt>", "bank_file.several_statements"),
        ("camt-053", "</Document>", "", "bank_file.truncated"),
        ("camt-053", "<Document", "<!DOCTYPE x []><Document", "file.xml_forbidden"),
        ("mt940", ":60M:C170109", ":60F:C170109", "bank_file.several_statements"),
        ("mt940", ":62F:", ":62M:", "bank_file.truncated"),
        ("mt940", ":61:170109", ":61:171309", "bank_file.line_invalid"),
        ("mt940", "D2200,00", "D2200,005", "bank_file.line_invalid"),
        ("mt940", ":25:6222000000000000009\n:28C:12/2", ":25:1\n:28C:1", "bank_file.several_stat"),
        ("statement-list", "余额", "余钱", "file.column_missing"),
        ("statement-list", "2017/1/11", "元月十一", "date.invalid"),
        ("statement-list", "2200.00,,8800.00", "2200.00,1.00,8800.00", "bank_file.line_invalid"),
        ("statement-list", "账号：,6222000000000000009", ",", "file.column_missing"),
        ("statement-list", "截止日期：2017-01-31", "截止日期：2017-01-10", "date.invalid"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_code(
    bank_format: str, old: str, new: str, code: str
) -> None:
    charset = "utf-8" if bank_format == "camt-053" else "gb18030"
    text = SAMPLES[bank_format].decode(charset)
    assert old in text

    with pytest.raises(FileRefused) as refusal:
        read_account_statement(bank_format, "账单", text.replace(old, new, 1).encode(charset))

    assert refusal.value.code.startswith(code)


def days_of(
    bank_format: str, data: bytes, first: date | None = None, last: date | None = None
) -> tuple[date, date, bool]:
    found = read_account_statement(bank_format, "账单", data, stated=StatedDays(first, last))
    return found.opened_on, found.closed_on, found.days_stated


@pytest.mark.parametrize(
    ("balance_on", "first_day"),
    [("161231", 1), ("170101", 2), ("170104", 5), ("170105", 5)],
)
def test_a_swift_statement_begins_on_the_day_after_its_first_balance(
    balance_on: str, first_day: int
) -> None:
    data = MT940.replace(":60F:C161231", f":60F:C{balance_on}").encode()

    assert days_of("mt940", data) == (date(2017, 1, first_day), date(2017, 1, 31), False)


def test_a_swift_statement_of_one_day_may_date_both_balances_on_it() -> None:
    head, _, behind = MT940.partition(":61:")
    quiet = f"{head}:62F:C170101CNY1000,00\n-\n".replace("C161231", "C170101")
    assert behind

    assert days_of("mt940", quiet.encode()) == (date(2017, 1, 1), date(2017, 1, 1), False)


def test_an_iso_statement_without_its_period_goes_by_the_kind_of_its_first_balance() -> None:
    whole = camt_053().decode()
    period = whole[whole.index("<FrToDt>") : whole.index("</FrToDt>") + len("</FrToDt>")]
    silent = whole.replace(period, "")
    before = silent.replace("OPBD", "PRCD").replace("<Dt>2017-01-01", "<Dt>2016-12-31")

    for data in (silent, before):
        assert days_of("camt-053", data.encode()) == (date(2017, 1, 1), date(2017, 1, 31), False)
    stated = days_of("camt-053", silent.encode(), date(2017, 1, 2))
    assert stated == (date(2017, 1, 2), date(2017, 1, 31), True)


def test_which_days_a_list_covers_is_stated_where_it_does_not_say() -> None:
    silent = LISTED.replace("起始日期：2017-01-01,,,截止日期：2017-01-31", ",,,").encode()
    first, last = date(2017, 1, 1), date(2017, 1, 31)

    seeming = (date(2017, 1, 5), date(2017, 1, 11))
    assert days_of("statement-list", silent) == (*seeming, False)
    assert days_of("statement-list", silent, first, last) == (first, last, True)
    assert days_of("statement-list", silent, last=last) == (seeming[0], last, True)
    assert days_of("statement-list", LISTED.encode(), first, last) == (first, last, False)


@pytest.mark.parametrize(
    ("bank_format", "first", "last"),
    [
        ("statement-list", date(2017, 1, 2), None),
        ("camt-053", None, date(2017, 2, 1)),
        ("mt940", None, date(2017, 2, 1)),
        ("mt940", date(2017, 1, 6), None),
        ("mt940", date(2017, 2, 6), None),
    ],
)
def test_days_that_the_file_says_otherwise_cannot_be_stated(
    bank_format: str, first: date | None, last: date | None
) -> None:
    with refused("bank_file.other_days"):
        days_of(bank_format, SAMPLES[bank_format], first, last)


def test_a_holiday_may_be_stated_before_the_days_of_a_bank_that_sends_nothing_of_it() -> None:
    own, last = date(2017, 1, 1), date(2017, 1, 31)
    data = SAMPLES["camt-053"]

    widened = read_account_statement(
        "camt-053", "账单", data, stated=StatedDays(date(2016, 12, 24), last)
    )

    assert (widened.opened_on, widened.closed_on) == (date(2016, 12, 24), last)
    assert (widened.days_stated, widened.own_first) == (True, own)
    assert (
        read_account_statement("camt-053", "账单", data, stated=StatedDays(own)).own_first is None
    )
    for first in (date(2016, 12, 21), date(2017, 1, 2)):  # too long; fewer days than its own
        with refused("bank_file.other_days"):
            days_of("camt-053", data, first)
    earlier = data.replace(b"<FrDtTm>2017-01-01", b"<FrDtTm>2017-01-08")
    assert earlier != data
    with refused("bank_file.other_days"):  # a movement before its own days
        days_of("camt-053", earlier, date(2017, 1, 3))


def test_a_list_may_begin_with_the_newest() -> None:
    above, header, *rows, below = LISTED.splitlines()[1:]
    turned = "\n".join([LISTED.splitlines()[0], above, header, *reversed(rows), below, ""])

    turned_round = read_account_statement("statement-list", "账单", turned.encode())

    straight = read_account_statement("statement-list", "账单", SAMPLES["statement-list"])
    assert [each.amount_fen for each in turned_round.entries] == [
        each.amount_fen for each in straight.entries
    ]
    assert (turned_round.opening_fen, turned_round.closing_fen) == (100_000, 940_050)


def test_a_list_with_titles_of_its_own_is_read_by_the_columns_that_a_clerk_named() -> None:
    rows = [
        ("我行卡号", "哪天", "进出", "多少", "剩下"),
        ("6222000000000000009", "2017-01-05", "收", "100.00", "100.00"),
        ("6222000000000000009", "2017-01-06", "付", "40.00", "60.00"),
    ]
    layout = Layout(1, ("account", "day", "direction", "amount", "balance"))

    with refused("file.column_missing"):
        read_account_statement("statement-list", "账单", csv_bytes(rows))
    for data in (csv_bytes(rows), xlsx_bytes(rows)):
        statement = read_account_statement("statement-list", "账单", data, layout)
        assert [each.amount_fen for each in statement.entries] == [10_000, -4_000]
    fields = fields_of("statement-list")
    assert fields is not None
    assert {"day", "balance"} == set(fields.required)
    assert fields_of("mt940") is None


def test_an_account_that_a_spreadsheet_made_a_number_is_refused() -> None:
    rows = [
        ("日期", "金额", "余额", "账号", "对方账号"),
        ("2017-01-05", 100.0, 100.0, "6222", 6222000000000000009),
    ]

    with refused("card.not_text"):
        read_account_statement("statement-list", "账单", xlsx_bytes(rows))


def test_a_long_reference_that_no_swift_field_would_take_is_kept_whole() -> None:
    statement = read_account_statement("mt940", "账单", MT940.replace("\n", "\r\n").encode())

    assert statement.entries[-1].end_to_end_id == "SWN20170001-000002"


def test_a_file_of_no_known_format_is_refused() -> None:
    with refused("bank_file.format_unknown"):
        read_account_statement("cheque", "账单", b"")


def test_every_word_of_a_column_is_known_by_its_own_title() -> None:
    fields = fields_of("statement-list")
    assert fields is not None

    assert set(fields.titles) == set(fields.words)
    for field, word in fields.words.items():
        assert re.match(r"\w", word), field
