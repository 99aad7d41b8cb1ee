"""Rosters as clerks make them: found, made plain, and held to their own total."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.amounts import yuan
from ledger.files.columns import Layout
from ledger.files.faults import FileRefused
from ledger.files.roster import read_roster
from tests.files.samples import (
    ID,
    TITLES,
    card,
    csv_bytes,
    person,
    refused,
    roster_rows,
    xlsx_bytes,
)


@pytest.mark.parametrize("make", [csv_bytes, xlsx_bytes])
def test_a_roster_reads_alike_from_a_spreadsheet_and_from_text(make: object) -> None:
    assert callable(make)
    roster = read_roster("r", make(roster_rows(person(), person("李试验", amount="1200.50"))))

    assert roster.total_fen == 180_050
    first, second = roster.rows
    assert (first.number, first.line, first.name, first.amount_fen) == (1, 3, "张试验", 60_000)
    assert (first.id_number, first.card_number) == (ID, card(1))
    assert (second.line, second.category, second.reason) == (4, "一线职工", "")
    assert first.given == {"姓名", "身份证号码", "联系电话", "类别", "银行卡号", "金额"}


@pytest.mark.parametrize(
    "titles",
    [
        ("姓名", "身份证号", "手机号", "类别", "账号", "金额"),
        ("户名", "证件号码", "电话", "困难类别", "卡号", "慰问金额（元）"),
        ("姓 名", "身份证号码", "联系电话", "人员类别", "银行卡号", "金额（元）"),
    ],
)
def test_columns_are_known_by_the_titles_that_people_give_them(titles: tuple[str, ...]) -> None:
    data = csv_bytes(
        [
            titles,
            ("张试验", ID, "13800000000", "一线职工", card(1), "600"),
            ("合计", "", "", "", "", "600"),
        ]
    )

    (row,) = read_roster("r", data).rows

    assert row.given == {"姓名", "身份证号码", "联系电话", "类别", "银行卡号", "金额"}
    assert row.number == 1


@pytest.mark.parametrize(
    ("above", "title", "cells", "fen"),
    [
        ("单位：万元", "慰问金额", ("0.06", 0.12), [60_000, 120_000]),
        ("2017年花名册（单位:人民币千元）", "金额", ("0.6", "1.20005"), [60_000, 120_005]),
        ("", "金额（万元）", (2, "1000"), [2_000_000, 1_000_000_000]),
        ("金额单位： 万元", "金额(万元)", ("0.0600", "0.12"), [60_000, 120_000]),
        ("单位：元", "慰问金额(元)", ("600元", "1200"), [60_000, 120_000]),
        ("单位：合肥市总工会  日期：2017年1月", "金额", ("600", "1200"), [60_000, 120_000]),
        ("单位：万元户服务社", "金额", ("600", "1200"), [60_000, 120_000]),
        ("单位（万元）", "金额", ("0.06", "0.12"), [60_000, 120_000]),
        ("金额单位：人民币（万元）", "金额", ("0.06", "0.12"), [60_000, 120_000]),
        ("慰问金发放表（人民币：元）", "金额", ("600", "1200"), [60_000, 120_000]),
        ("慰问金发放表（万元）", "金额", ("0.06", "0.12"), [60_000, 120_000]),
    ],
)
@pytest.mark.parametrize("make", [csv_bytes, xlsx_bytes])
def test_amounts_are_in_the_unit_that_the_list_says(
    make: Callable[[Sequence[Sequence[object]]], bytes],
    above: str,
    title: str,
    cells: tuple[object, object],
    fen: list[int],
) -> None:
    titles = ("姓名", "身份证号", "电话", "类别", "账号", title)
    rows = [("张试验", ID, "13800000000", "一线职工", card(1), each) for each in cells]
    total = f"{sum(fen) / 100 / UNIT_OF.get((above, title), 1):.6f}"
    blank = ("",) * 5

    read = read_roster("r", make([(*blank, above), titles, *rows, ("合计", *blank[:4], total)]))

    assert [row.amount_fen for row in read.rows] == fen
    assert read.total_fen == sum(fen)


UNIT_OF = {
    ("单位：万元", "慰问金额"): 10_000,
    ("2017年花名册（单位:人民币千元）", "金额"): 1_000,
    ("", "金额（万元）"): 10_000,
    ("金额单位： 万元", "金额(万元)"): 10_000,
    ("单位（万元）", "金额"): 10_000,
    ("金额单位：人民币（万元）", "金额"): 10_000,
    ("慰问金发放表（万元）", "金额"): 10_000,
}


@pytest.mark.parametrize(
    ("above", "title"),
    [
        ("单位：万元", "金额(元)"),
        ("单位：元", "金额（万元）"),
        ("慰问金发放表（万元）", "金额（元）"),
        ("单位（元）", "金额（万元）"),
    ],
)
def test_units_that_contradict_one_another_refuse_the_file(above: str, title: str) -> None:
    titles = ("姓名", "身份证号", "金额")
    data = csv_bytes(
        [(above, "", ""), (*titles[:2], title), ("张试验", ID, "1"), ("合计", "", "1")]
    )

    with pytest.raises(FileRefused) as refusal:
        read_roster("r", data)

    [fault] = refusal.value.faults
    assert (fault.row, fault.column, fault.code) == (2, "金额", "amount.unit_contradicts")
    assert "row 1" in fault.detail


@pytest.mark.parametrize(
    ("above", "fen"),
    [
        (("", "资产（万元）", ""), 60_000),
        (("本人（万元）", "家庭（万元）", ""), 60_000),
        (("", "", "补助（万元）"), 600_000_000),
        (("", "（万元）", ""), 600_000_000),
    ],
)
def test_a_unit_in_brackets_over_another_column_is_not_that_of_the_amounts(
    above: tuple[str, ...], fen: int
) -> None:
    rows = [above, ("姓名", "身份证号", "金额"), ("张试验", ID, "600"), ("合计", "", "600")]

    assert [row.amount_fen for row in read_roster("r", csv_bytes(rows)).rows] == [fen]


@pytest.mark.parametrize("title", ["补助（人民币万元）", "补助（单位：万元）", "补助 (万元)"])
def test_a_title_that_its_clerk_explained_says_its_unit_too(title: str) -> None:
    rows = [("姓名", "身份证号", title), ("张试验", ID, "0.06"), ("合计", "", "0.06")]
    layout = Layout(1, ("name", "id_number", "amount"))

    assert [row.amount_fen for row in read_roster("r", csv_bytes(rows), layout).rows] == [60_000]


def test_an_amount_that_names_its_own_unit_in_a_list_of_another_is_none() -> None:
    titles = ("姓名", "身份证号", "金额")
    rows = [("张试验", ID, "600元"), ("李试验", ID, "0.06"), ("合计", "", "0.06")]

    with pytest.raises(FileRefused) as refusal:
        read_roster(
            "r", csv_bytes([("单位：万元", "", ""), titles, ("张试验", ID, "600元"), *rows[2:]])
        )

    assert [each.code for each in refusal.value.faults] == [
        "roster.total_mismatch",
        "amount.invalid",
    ]


def test_harmless_spellings_are_made_plain() -> None:
    wide = ID.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}).lower()
    data = xlsx_bytes(
        roster_rows(person(" 阿依•古丽 ", f"{wide[:6]} {wide[6:]}", "62999 0000", 600, 13800000001))
    )

    (row,) = read_roster("r", data).rows

    assert (row.name, row.id_number, row.card_number) == ("阿依·古丽", ID, "629990000")
    assert row.phone == "13800000001"


@pytest.mark.parametrize("cell", [340101197803070019, 3.40101197803070e17, "3.40101E+17"])
def test_an_id_or_a_card_that_became_a_number_is_told(cell: object) -> None:
    data = xlsx_bytes(roster_rows(person(id_number=cell), person(card_number=cell)))

    first, second = read_roster("r", data).rows

    assert (first.id_is_text, first.id_number, first.card_is_text) == (False, "", True)
    assert (second.id_is_text, second.card_is_text, second.card_number) == (True, False, "")


def test_a_text_file_too_can_hold_an_id_that_became_a_number() -> None:
    (row,) = read_roster("r", csv_bytes(roster_rows(person(id_number="3.40101E+17")))).rows

    assert not row.id_is_text


def test_empty_rows_between_are_skipped_and_lines_stay_those_of_the_file() -> None:
    rows = roster_rows(person(), person("李试验"))
    rows.insert(3, ("",) * len(TITLES))

    assert [row.line for row in read_roster("r", csv_bytes(rows)).rows] == [3, 5]


@pytest.mark.parametrize(
    ("numbers", "read"),
    [(("3", "1"), [3, 1]), (("1", "1"), [1, 2]), (("甲", "乙"), [1, 2]), (("0", "1"), [1, 2])],
)
def test_the_row_numbers_given_count_only_if_all_are_whole_and_different(
    numbers: tuple[str, str], read: list[int]
) -> None:
    rows = roster_rows(person(), person("李试验"))
    rows[2:4] = [(number, *row[1:]) for number, row in zip(numbers, rows[2:4], strict=True)]

    assert [row.number for row in read_roster("r", csv_bytes(rows)).rows] == read


def test_a_total_that_disagrees_refuses_the_file_and_shows_both_sums() -> None:
    with pytest.raises(FileRefused) as refusal:
        read_roster("r.csv", csv_bytes(roster_rows(person(), total="600.01")))

    (fault,) = refusal.value.faults
    assert (fault.code, fault.row, fault.column) == ("roster.total_mismatch", 4, "合计")
    assert "600.01 元 stated, 600.00 元 listed" in str(refusal.value)


@pytest.mark.parametrize("total", ["", "陆佰元"])
def test_a_total_row_without_a_sum_refuses_the_file(total: str) -> None:
    with refused("roster.total_mismatch"):
        read_roster("r", csv_bytes(roster_rows(person(), total=total)))


def test_a_roster_without_a_total_is_refused() -> None:
    with refused("roster.total_missing"):
        read_roster("r", csv_bytes(roster_rows(person())[:-1]))


def test_sums_of_a_spreadsheet_are_compared_to_the_fen() -> None:
    data = xlsx_bytes(roster_rows(person(amount=0.1), person(amount=0.2), total=0.1 + 0.2))

    assert read_roster("r", data).total_fen == 30


def test_those_who_sign_below_the_total_are_no_recipients() -> None:
    rows = roster_rows(person(), total="600")
    rows += [
        ("合计(大写):陆佰元整", *[""] * 7),
        ("制表人:某甲", "", "审核人:某乙", "", "", "", "", "日期:2017年1月8日"),
    ]
    rows[3] = ("合　计", "", "共1人", "", "", "", "", "600")

    assert len(read_roster("r", csv_bytes(rows)).rows) == 1


@pytest.mark.parametrize("column", [2, 7])
def test_no_recipient_hides_below_the_total(column: int) -> None:
    hidden = [""] * 8
    hidden[column] = (ID, "", "", "", "", "600")[column - 2]

    with refused("roster.row_after_total"):
        read_roster("r", csv_bytes([*roster_rows(person()), hidden]))


@pytest.mark.parametrize("amount", ["", "五百", "0", "-5", "600.005"])
def test_an_amount_that_is_none_is_left_to_the_rules_of_the_row(amount: str) -> None:
    total = "-5.00" if amount == "-5" else "0"
    (row,) = read_roster("r", csv_bytes(roster_rows(person(amount=amount), total=total))).rows

    assert row.amount_fen is None or row.amount_fen <= 0


def test_a_thousands_comma_without_quotes_is_refused_even_when_the_total_agrees() -> None:
    data = "姓名,身份证号码,金额(元),备注\n张试验,X,1,000.00,\n合计,,1,000.00,\n".encode()

    with refused("file.cells_excess"):
        read_roster("r", data)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(FileRefused) as refusal:
        read_roster("r", csv_bytes([("姓名", "金额"), ("张试验", "600"), ("合计", "600")]))

    assert refusal.value.code == "file.column_missing"
    assert refusal.value.faults[0].column == "身份证号码"


def test_neither_a_repr_nor_a_refusal_shows_a_person() -> None:
    data = csv_bytes(roster_rows(person("张试验", ID, card(7), "600", "13811112222"), total="1"))
    shown = repr(
        read_roster(
            "r", data.replace(b"\xba\xcf\xbc\xc6,,,,,,,1\r", b"\xba\xcf\xbc\xc6,,,,,,,600\r")
        )
    )
    with pytest.raises(FileRefused) as refusal:
        read_roster("r", data)

    for secret in ("张试验", ID, card(7), "13811112222"):
        assert secret not in shown
        assert secret not in str(refusal.value)
        assert secret not in repr(refusal.value.faults)


@given(amounts=st.lists(st.integers(1, 10**9), min_size=1, max_size=30), as_text=st.booleans())
def test_every_roster_whose_total_agrees_is_read_to_the_fen(
    *, amounts: list[int], as_text: bool
) -> None:
    people = [person(card_number=card(n), amount=yuan(each)) for n, each in enumerate(amounts)]
    rows = roster_rows(*people, total=yuan(sum(amounts)))

    roster = read_roster("r", csv_bytes(rows) if as_text else xlsx_bytes(rows))

    assert [row.amount_fen for row in roster.rows] == amounts
    assert roster.total_fen == sum(amounts)


@pytest.mark.parametrize(
    ("more", "column", "where"),
    [
        ("慰问金额", "金额", "F, G"),
        ("金额（元）", "金额", "F, G"),
        ("账号", "银行卡号", "E, G"),
    ],
)
def test_two_columns_for_the_money_or_one_title_twice_refuse_the_file(
    more: str, column: str, where: str
) -> None:
    """The sum adds up in the one that is taken, whether it is meant or not."""
    titles = ("姓名", "身份证号", "手机号", "类别", "账号", "金额(元)", more)
    row = ("张试验", ID, "13800000000", "一线职工", card(1), "600", "1")
    data = csv_bytes([titles, row, ("合计", "", "", "", "", "600", "1")])

    with pytest.raises(FileRefused) as refusal:
        read_roster("r", data)

    (fault,) = refusal.value.faults
    assert (fault.code, fault.row, fault.column, fault.detail) == (
        "file.column_twice",
        1,
        column,
        where,
    )


def test_a_total_that_differs_names_amounts_that_nobody_can_read() -> None:
    rows = roster_rows(person(), person("李试验", amount="陆佰"), total="1200")

    with pytest.raises(FileRefused) as refusal:
        read_roster("r", csv_bytes(rows))

    assert [(each.row, each.column, each.code) for each in refusal.value.faults] == [
        (5, "合计", "roster.total_mismatch"),
        (4, "金额", "amount.invalid"),
    ]
