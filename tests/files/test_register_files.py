"""Registers are read whole or refused with all that is wrong with them."""

from datetime import date

import pytest

from ledger.files.faults import FileRefused
from ledger.files.registers import (
    read_allocations,
    read_batches,
    read_funds,
    read_officers,
    read_organisations,
)
from tests.files.samples import csv_bytes

FUND_TITLES = ("日期", "单位编码", "资金来源", "文号", "用途", "年度", "金额(元)")
FUND = ("2017/1/8", "C01", "地方财政", "文〔2017〕1号", "送温暖", "2016", '"1,234.50"')
BATCH_TITLES = [
    "批次号",
    "单位编码",
    "方式",
    "花名册",
    "用途",
    "编制人",
    "复核人",
    "审批人",
    "审批日期",
    "银行格式",
    "回盘或签字文件",
    "回盘或签字日期",
]
BATCH = [
    "B1",
    "X01",
    "银行卡",
    "r.xlsx",
    "送温暖",
    "S1",
    "S2",
    "S3",
    "2017-01-10",
    "netbank-txt",
    "b.txt",
    "2017-01-20",
]


def _faults(refusal: pytest.ExceptionInfo[FileRefused]) -> list[tuple[int | None, str | None, str]]:
    return [(each.row, each.column, each.code) for each in refusal.value.faults]


def test_money_from_outside_is_read_with_its_vintage() -> None:
    (row,) = read_funds("funds.csv", csv_bytes([FUND_TITLES, FUND], "utf-8-sig"))

    assert (row.line, row.on, row.vintage) == (2, date(2017, 1, 8), 2016)
    assert row.amount_fen == 123_450
    assert (row.source, row.document, row.earmark) == ("地方财政", "文〔2017〕1号", "送温暖")


def test_every_bad_row_is_told_at_once() -> None:
    rows = [
        FUND_TITLES,
        FUND,
        ("春节", *FUND[1:]),
        (*FUND[:1], "", *FUND[2:]),
        (*FUND[:5], "今年", FUND[6]),
        (*FUND[:6], "0"),
        (*FUND[:6], "-1"),
        (*FUND[:6], "五百"),
    ]

    with pytest.raises(FileRefused) as refusal:
        read_funds("funds.csv", csv_bytes(rows))

    assert _faults(refusal) == [
        (3, "日期", "date.invalid"),
        (4, "单位编码", "field.missing"),
        (5, "年度", "number.invalid"),
        (6, "金额(元)", "amount.invalid"),
        (7, "金额(元)", "amount.invalid"),
        (8, "金额(元)", "amount.invalid"),
    ]


def test_an_allocation_names_both_ends() -> None:
    titles = ("日期", "拨出单位", "接收单位", "用途", "文号", "金额(元)")
    data = csv_bytes([titles, ("2017-01-08", "C01", "X01", "送温暖", "下拨1号", "227000.00")])

    (row,) = read_allocations("a", data)

    assert (row.from_code, row.to_code, row.amount_fen) == ("C01", "X01", 22_700_000)


def test_the_root_has_no_parent_and_an_officer_no_name_in_a_repr() -> None:
    root, child = read_organisations(
        "o",
        csv_bytes(
            [
                ("编码", "名称", "层级", "上级编码"),
                ("C01", "市", "市", ""),
                ("X01", "区", "县区", "C01"),
            ]
        ),
    )
    (officer,) = read_officers(
        "o", csv_bytes([("工号", "姓名", "单位编码", "岗位"), ("S1", "李试验", "C01", "经办")])
    )

    assert (root.parent_code, child.parent_code) == (None, "C01")
    assert officer.name == "李试验"
    assert "李试验" not in repr(officer)


def test_a_batch_that_has_not_come_back_has_no_return_file_and_no_date() -> None:
    back, out = read_batches("b", csv_bytes([BATCH_TITLES, BATCH, [*BATCH[:9], "", "", ""]]))

    assert (back.bank_format, back.return_file) == ("netbank-txt", "b.txt")
    assert back.returned_on == date(2017, 1, 20)
    assert (out.bank_format, out.return_file, out.returned_on) == (None, None, None)


def test_a_return_file_without_a_date_is_a_fault() -> None:
    with pytest.raises(FileRefused) as refusal:
        read_batches("b", csv_bytes([BATCH_TITLES, [*BATCH[:11], ""]]))

    assert _faults(refusal) == [(2, "回盘或签字日期", "field.missing")]


@pytest.mark.parametrize("title", ["金额(元)", "金额（元）", " 金额 (元)"])
def test_a_title_that_stands_twice_refuses_the_file(title: str) -> None:
    """Nobody can say which of the two amounts is meant."""
    with pytest.raises(FileRefused) as refusal:
        read_funds("funds.csv", csv_bytes([(*FUND_TITLES, title), (*FUND, "1.00")]))

    assert _faults(refusal) == [(1, "金额(元)", "file.column_twice")]


def test_money_that_is_listed_twice_is_refused_and_not_counted_twice() -> None:
    again = ("2017-01-08", *FUND[1:6], "1234.5")
    with pytest.raises(FileRefused) as refusal:
        read_funds("funds.csv", csv_bytes([FUND_TITLES, FUND, again]))
    assert _faults(refusal) == [(3, None, "register.row_twice")]
    assert "row 2" in str(refusal.value)

    down = ("2017-01-08", "C01", "X01", "送温暖", "下拨〔2017〕1号", "5.00")
    titles = ("日期", "拨出单位", "接收单位", "用途", "文号", "金额(元)")
    with pytest.raises(FileRefused) as refusal:
        read_allocations("allocations.csv", csv_bytes([titles, down, down, down]))
    assert [each.row for each in refusal.value.faults] == [3, 4]
    another = (*down[:4], "下拨〔2017〕2号", down[5])
    assert len(read_allocations("allocations.csv", csv_bytes([titles, down, another]))) == 2


def test_two_transfers_with_numbers_of_their_own_are_two() -> None:
    titles = (*FUND_TITLES, "交易流水号", "凭证号")

    def read(*references: tuple[str, str]) -> list[int]:
        return [
            row.line
            for row in read_funds(
                "funds.csv", csv_bytes([titles, *((*FUND, *each) for each in references)])
            )
        ]

    assert read(("0001", "记-1"), ("0002", "记-1"), ("", "记-2")) == [2, 3, 4]
    for doubtful in (
        (("0001", ""), ("０００１", "记-1")),
        (("0001", "记-1"), ("", "")),
        (("0001", "记-1"), ("", "记-1")),
    ):
        with pytest.raises(FileRefused) as refusal:
            read(*doubtful)
        assert _faults(refusal) == [(3, None, "register.row_twice")]
    with pytest.raises(FileRefused) as refusal:
        read_funds("funds.csv", csv_bytes([(*FUND_TITLES, "流水号", "流水号"), (*FUND, "1", "2")]))
    assert _faults(refusal) == [(1, "流水号", "file.column_twice")]

    down = ("2017-01-08", "C01", "X01", "送温暖", "下拨〔2017〕1号", "5.00")
    numbered = ("日期", "拨出单位", "接收单位", "用途", "文号", "金额(元)", "流水号")
    data = csv_bytes([numbered, (*down, "1"), (*down, "2")])
    assert len(read_allocations("allocations.csv", data)) == 2


@pytest.mark.parametrize("day", ["1900-01-08", "0207-01-08", "2500/1/8"])
def test_a_day_on_which_nobody_kept_books_is_a_typing_mistake(day: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        read_funds("funds.csv", csv_bytes([FUND_TITLES, (day, *FUND[1:])]))
    assert _faults(refusal) == [(2, "日期", "date.implausible")]


def test_a_union_is_listed_once_more_in_the_same_words_or_refused() -> None:
    titles = ("编码", "名称", "层级", "上级编码")
    unions = [("C01", "市总工会", "市", ""), ("X01", "一区总工会", "县区", "C01")]

    read = read_organisations("organisations.csv", csv_bytes([titles, *unions, unions[1]]))
    assert [row.code for row in read] == ["C01", "X01"]

    for other in (("X01", "二县总工会", "县区", "C01"), ("X01", "一区总工会", "县区", "")):
        with pytest.raises(FileRefused) as refusal:
            read_organisations("organisations.csv", csv_bytes([titles, *unions, other]))
        assert _faults(refusal) == [(4, None, "register.row_twice")]


def test_a_staff_number_has_one_name() -> None:
    titles = ("工号", "姓名", "单位编码", "岗位")
    rows = [("S1", "张试验", "X01", "经办"), ("S1", "张　试验", "X02", "经办")]
    assert len(read_officers("officers.csv", csv_bytes([titles, *rows]))) == 2

    with pytest.raises(FileRefused) as refusal:
        read_officers("officers.csv", csv_bytes([titles, *rows, ("S1", "李试验", "X03", "复核")]))

    assert _faults(refusal) == [(4, None, "register.row_twice")]
    assert "试验" not in str(refusal.value)


def test_codes_and_cells_are_made_plain() -> None:
    marked = ["\u200b" + cell + "\ufeff" for cell in ("2017/1/8", "Ｃ０１ ", *FUND[2:6], "5.00")]
    (row,) = read_funds("funds.csv", csv_bytes([FUND_TITLES, marked]))
    assert (row.organisation_code, row.earmark, row.amount_fen) == ("C01", "送温暖", 500)

    (batch,) = read_batches(
        "batches.csv",
        csv_bytes([BATCH_TITLES, ["Ｂ１", "Ｘ０１", *BATCH[2:5], "Ｓ１", *BATCH[6:]]]),
    )
    assert (batch.code, batch.organisation_code, batch.drafted_by) == ("B1", "X01", "S1")
