"""Bank formats as data: each writes its golden file, reads its bank's answers, and traps none."""

import json
import time
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.bank import Outcome
from ledger.files.bank_formats.shelf import load, templates
from ledger.files.bank_formats.template import FixedIn, InColumn, Template, WorkbookOut
from ledger.files.bank_formats.writing import write
from ledger.files.banks import FORMATS, read_return, write_instruction
from ledger.files.faults import FileRefused
from ledger.files.workbook import read_rows
from tests.files.golden import BATCH, DAY, FOLDER, LINES, PAYER
from tests.files.sample_returns import RETURNS, Verdict, lines
from tests.files.samples import refused, xlsx_bytes
from tests.files.schemas import require_valid

EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
ANSWERS = sorted(EXPECTED)
WRITTEN = [name for name, template in FORMATS.items() if template.out]
COUNTED = [
    ("unionpay-df/return.txt", "|240014|4|", "|240015|4|"),
    ("unionpay-df/return.txt", "|240014|4|", "|240014|5|"),
    ("netbank-txt/return.txt", "|2400.14|", "|2400.15|"),
    ("city-bank-a/return-failed.txt", " 1200.09 ", " 1200.19 "),
    ("city-bank-a/return-paid.txt", " 2笔 ", " 3笔 "),
]


def _answer(name: str) -> tuple[str, bytes]:
    return name.partition("/")[0], (FOLDER / name).read_bytes()


@pytest.mark.parametrize("name", WRITTEN)
def test_each_format_writes_its_golden_file(name: str) -> None:
    file = write_instruction(name, BATCH, LINES, PAYER, DAY)

    [golden] = (FOLDER / name).glob("out.*")
    assert (file.count, file.total_fen) == (4, 240_014)
    if isinstance(FORMATS[name].out, WorkbookOut):
        assert read_rows("f", file.content) == read_rows("f", golden.read_bytes())
        cells = [cell for _, row in read_rows("f", file.content) for cell in row]
        assert all(isinstance(cell, str) for cell in cells if cell is not None)
    else:
        assert file.content == golden.read_bytes()


REFERENCES = {
    "iso20022": "<MsgId>{}</MsgId>",
    "icbc-payper": "<fSeqno>{}</fSeqno>",
    "cmb-agent": "<YURREF>{}</YURREF>",
    "boc-b2e0078": "<insid>{}</insid>",
    "gzelink": "<REQ_SN>{}</REQ_SN>",
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_further_file_is_called_otherwise_and_each_payment_as_before(name: str) -> None:
    first, second = (
        write_instruction(name, BATCH, LINES, PAYER, DAY, number).content for number in (1, 2)
    )

    named, anew = (REFERENCES[name].format(each).encode() for each in (BATCH, f"{BATCH}-F2"))
    assert named in first
    assert second == first.replace(named, anew)


@pytest.mark.parametrize("code", [BATCH, "B" * 20])
@pytest.mark.parametrize("name", WRITTEN)
def test_a_further_file_has_a_name_of_its_own(name: str, code: str) -> None:
    """Also where the bank has no room for it within: a second file of the same name is a repeat."""
    first, again, second = (
        write_instruction(name, code, LINES, PAYER, DAY, number).filename for number in (1, 1, 2)
    )

    assert first == again
    assert second == first.replace(code, f"{code}-F2") != first


def test_where_a_bank_has_no_room_for_it_a_further_file_is_called_like_the_first() -> None:
    long = "B" * 20

    first, second = (
        write_instruction("boc-b2e0078", long, LINES, PAYER, DAY, number).content
        for number in (1, 2)
    )

    assert first == second


@pytest.mark.parametrize(
    "name", ["iso20022/return-pain.002.xml", "boc-b2e0078/return.xml", "gzelink/return.xml"]
)
def test_an_answer_names_the_further_file(name: str) -> None:
    bank_format, data = _answer(name)
    before = read_return(bank_format, "back", data)
    called = f">{BATCH}<".encode()
    assert called in data

    content = read_return(bank_format, "back", data.replace(called, f">{BATCH}-F2<".encode()))

    assert content.lines == before.lines
    assert content.batch_code in (BATCH, f"{BATCH}-F2")
    if bank_format == "iso20022":
        with refused("bank_file.other_batch"):
            read_return(bank_format, "back", data.replace(called, b">B9-F2<"))


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_of_a_bank_is_read_as_it_stands_in_the_list(name: str) -> None:
    bank_format, data = _answer(name)

    content = read_return(bank_format, "back", data)

    assert {
        "batch": content.batch_code,
        "lists": content.lists.value,
        "settled": [content.settled_count, content.settled_fen],
        "lines": [
            [
                line.line,
                line.number,
                line.account is not None,
                line.name is not None,
                line.amount_fen,
                line.outcome.value,
                line.reason,
                line.raw_code,
            ]
            for line in content.lines
        ],
    } == EXPECTED[name]
    known = {(line.account, line.name) for line in LINES}
    assert all((line.account, line.name) in known or line.account is None for line in content.lines)


def test_every_format_that_is_answered_has_a_golden_answer_for_each_kind() -> None:
    for name, template in FORMATS.items():
        there = [each for each in ANSWERS if each.startswith(f"{name}/")]
        assert len(there) >= len(template.returns), name


@pytest.mark.parametrize("name", ANSWERS)
def test_another_banks_answer_is_called_that_or_refused(name: str) -> None:
    bank_format, data = _answer(name)
    families = (
        {"city-bank-b", "city-bank-b-xlsx", "netbank-txt"},
        {"abc-cfrt03", "abc-cfrt03-bytes"},
    )
    akin = {each for family in families if bank_format in family for each in family}

    for other in set(FORMATS) - {bank_format} - akin:
        with pytest.raises(FileRefused) as refusal:
            read_return(other, "back", data)
        assert refusal.value.code in {"bank_file.other_format", "bank_file.not_read"}, other


def test_what_we_write_and_what_we_read_of_iso_20022_is_valid_by_the_published_schemas() -> None:
    require_valid("pain.001.001.09", (FOLDER / "iso20022/out.xml").read_bytes())
    require_valid("pain.002.001.12", (FOLDER / "iso20022/return-pain.002.xml").read_bytes())
    require_valid("camt.054.001.08", (FOLDER / "iso20022/return-camt.054.xml").read_bytes())
    older = (FOLDER / "iso20022/return-pain.002.xml").read_bytes()
    older = older.replace(b"pain.002.001.12", b"pain.002.001.03").replace(b"ACCC", b"ACSC")
    require_valid("pain.002.001.03", older)
    assert len(read_return("iso20022", "back", older).lines) == 4


@pytest.mark.parametrize(("name", "old", "new"), COUNTED)
def test_totals_that_disagree_refuse_the_file(name: str, old: str, new: str) -> None:
    bank_format, data = _answer(name)
    charset = "utf-8" if bank_format == "unionpay-df" else "gb18030"
    text = data.decode(charset)
    assert old in text

    with refused("bank_file.control_total"):
        read_return(bank_format, "back", text.replace(old, new, 1).encode(charset))


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("boc-b2e0078/return.xml", ">B001<", ">B900<", "bank_file.not_accepted"),
        ("ccb-fail-list/return.xml", ">000000<", ">9999<", "bank_file.not_accepted"),
        ("iso20022/return-pain.002.xml", ">PART<", ">RJCT<", "bank_file.not_accepted"),
        ("iso20022/return-pain.002.xml", ">ACSP<", ">WHAT<", "bank_file.line_invalid"),
        ("icbc-payper/return.xml", "<Result>7<", "<Result>77<", "bank_file.line_invalid"),
        ("icbc-payper/return.xml", "-000002<", "-2<", "bank_file.line_invalid"),
        ("abc-cfrt03/return.txt", "|S|", "|X|", "bank_file.line_invalid"),
        ("abc-cfrt03/return.txt", "|600.010|", "|600.015|", "bank_file.line_invalid"),
        ("city-bank-a/return-failed.txt", "│ 合计", "│ 共计", "bank_file.line_invalid"),
        ("city-bank-b/return.txt", "账号", "卡号", "file.column_missing"),
        ("gzelink/return.xml", "<SN>000002", "<SN>000001", "bank_file.duplicate_line"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_code(
    name: str, old: str, new: str, code: str
) -> None:
    bank_format, data = _answer(name)
    charset = "utf-8" if b"UTF-8" in data[:60] else "gb18030"
    text = data.decode(charset)
    assert old in text

    with refused(code):
        read_return(bank_format, "back", text.replace(old, new).encode(charset))


def test_accepted_is_not_paid() -> None:
    content = read_return("boc-b2e0078", "back", (FOLDER / "boc-b2e0078/return.xml").read_bytes())
    assert (content.batch_code, content.lines) == (BATCH, ())
    sent = read_return("gzelink", "back", (FOLDER / "gzelink/return.xml").read_bytes()).lines[-1]
    assert (sent.raw_code, sent.outcome) == ("4000", Outcome.PENDING)
    assert not any(template.accepted_is_final for template in templates().values())


CITY = "处理结果|序号|账号|姓名|实发工资|\r\n{}|1|6299900000000000001|张试验|600.00|\r\n"
UNIONPAY = (
    "5.0.0|60000|1||\norderId|txnAmt|accNo|customerNm|respCode|respMsg\n"
    f"{BATCH}-000001|60000|6299900000000000001|张试验|{{}}|\n"
)
GZELINK = (
    '<?xml version="1.0" encoding="GBK"?><GZELINK><INFO><RET_CODE>0000</RET_CODE></INFO><BODY>'
    f"<QUERY_TRANS><QUERY_SN>{BATCH}</QUERY_SN></QUERY_TRANS><RET_DETAILS><RET_DETAIL>"
    "<SN>000001</SN><ACCOUNT_NO>6299900000000000001</ACCOUNT_NO><ACCOUNT_NAME>张试验</ACCOUNT_NAME>"
    "<AMOUNT>60000</AMOUNT><RET_CODE>{}</RET_CODE></RET_DETAIL></RET_DETAILS></BODY></GZELINK>"
)


@pytest.mark.parametrize(
    ("bank_format", "file", "words", "outcome"),
    [
        ("city-bank-b", CITY, "成功 已入账 已到账 代发完成 交易完成", Outcome.SETTLED),
        ("city-bank-b", CITY, "失败 失败:某种原因 代发失败 户名不符 拒绝入账", Outcome.FAILED),
        (
            "city-bank-b",
            CITY,
            "正在处理 排队中 已提交银行 待授权 等待核实 可疑 未处理 通讯失败 失败:已提交银行",
            Outcome.PENDING,
        ),
        ("city-bank-b", CITY, "已记录 银行系统内部原因", Outcome.PENDING),
        ("unionpay-df", UNIONPAY, "00", Outcome.SETTLED),
        ("unionpay-df", UNIONPAY, "01 10 33 60 61 73 3031", Outcome.FAILED),
        ("unionpay-df", UNIONPAY, "02 03 04 05 06 A6 12 34 42 70 74 99 X9", Outcome.PENDING),
        ("gzelink", GZELINK, "0000", Outcome.SETTLED),
        ("gzelink", GZELINK, "0001 0002 1999 2002 2004 3018 3099", Outcome.FAILED),
        (
            "gzelink",
            GZELINK,
            "0003 0014 2000 2001 2003 2005 2007 2008 3999 4000 5000",
            Outcome.PENDING,
        ),
    ],
)
def test_what_a_bank_says_fails_only_where_it_says_that_it_failed(
    bank_format: str, file: str, words: str, outcome: Outcome
) -> None:
    charset = "utf-8" if bank_format == "unionpay-df" else "gb18030"
    for word in words.split():
        [line] = read_return(bank_format, "back", file.format(word).encode(charset)).lines

        assert line.outcome is outcome, word


def test_a_card_that_a_spreadsheet_made_a_number_is_refused() -> None:
    rows = [("处理结果", "序号", "账号", "姓名", "实发工资"), ("户名不符", 1, 6.29e18, "张", 1.5)]

    with refused("card.not_text"):
        read_return("city-bank-b", "back", xlsx_bytes(rows))


@pytest.mark.parametrize("bank_format", ["netbank-txt", "unionpay-df", "city-bank-a"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_marks_and_line_ends_of_other_systems_change_nothing(
    bank_format: str, line_end: str
) -> None:
    [name] = [each for each in ANSWERS if each.startswith(f"{bank_format}/")][:1]
    data = _answer(name)[1]
    charset = "utf-8" if bank_format == "unionpay-df" else "gb18030"
    text = data.decode(charset).replace("\r\n", "\n").replace("\n", line_end)

    for mark in ("", "\ufeff"):
        content = read_return(bank_format, "back", (mark + text).encode(charset))
        assert content.lines == read_return(bank_format, "back", data).lines
    with refused("bank_file.truncated"):
        read_return(bank_format, "back", text.removesuffix(line_end).encode(charset))


NOTICE = (FOLDER / "iso20022/return-camt.054.xml").read_text(encoding="utf-8")
TAIL = "</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
HEAD, *ENTRIES = NOTICE.removesuffix(TAIL).split("<Ntry>")
SETTLED, RETURNED, FOREIGN = (f"<Ntry>{each}" for each in ENTRIES)


def notice(*entries: str) -> bytes:
    return "".join([HEAD, *entries, TAIL]).encode()


def test_a_notification_of_all_that_was_booked_is_read_for_one_batch() -> None:
    other = SETTLED.replace("SWN20170099-", "SWN20170100-")
    alien = RETURNED.replace("SWN20170099-000004", "INVOICE-2017-123456")
    data = notice(other, FOREIGN, SETTLED, alien, RETURNED)

    found = read_return("iso20022", "back", data, BATCH)

    assert (found.batch_code, [each.number for each in found.lines]) == (BATCH, [1, 4])
    [one] = read_return("iso20022", "back", data, "SWN20170100").lines
    assert (one.number, one.outcome) == (1, Outcome.SETTLED)
    with refused("bank_file.other_batch"):
        read_return("iso20022", "back", data, "SWN20170101")
    with refused("bank_file.other_batch"):
        read_return("iso20022", "back", data)


def test_a_payment_that_was_announced_booked_and_sent_back_is_returned() -> None:
    announced = SETTLED.replace("<Cd>BOOK</Cd>", "<Cd>PDNG</Cd>")
    back = RETURNED.replace("-000004", "-000001").replace("600.04", "600.01")
    for entries, outcome in (
        ((announced, SETTLED), Outcome.SETTLED),
        ((announced, announced, SETTLED), Outcome.SETTLED),
        ((SETTLED, back), Outcome.FAILED),
        ((announced, SETTLED, RETURNED, back), Outcome.FAILED),
    ):
        lines = read_return("iso20022", "back", notice(*entries), BATCH).lines
        assert {each.number: each.outcome for each in lines}[1] is outcome
        assert len(lines) == len({each.number for each in lines})
    for unclear in ((back, SETTLED), (SETTLED, SETTLED), (SETTLED, back, SETTLED)):
        with refused("bank_file.duplicate_line"):
            read_return("iso20022", "back", notice(*unclear), BATCH)


def test_a_dot_that_the_bank_writes_otherwise_is_the_same_name() -> None:
    text = (FOLDER / "netbank-txt/return.txt").read_bytes().decode("gb18030")

    for dot in "·•・．":
        lines = read_return(
            "netbank-txt", "back", text.replace("欧阳·", f"欧阳{dot}").encode("gb18030")
        ).lines
        assert lines[1].name == "欧阳·试验"


@pytest.mark.parametrize(
    ("bank_format", "name", "fits"),
    [
        ("abc-cfrt03", "张䶮", False),
        ("abc-cfrt03", "张喆堃", True),
        ("city-bank-a", "张㛃", False),
        ("netbank-txt", "张䶮㛃𬱖", True),
        ("iso20022", "张𠮷", True),
    ],
)
def test_names_outside_a_banks_charset_are_all_named_and_never_replaced(
    bank_format: str, name: str, fits: bool
) -> None:
    out = [replace(LINES[0], name=name), LINES[1], replace(LINES[2], name=name)]

    if fits:
        assert b"?" not in write_instruction(bank_format, BATCH, out, PAYER, DAY).content[60:]
        return
    with pytest.raises(FileRefused) as refusal:
        write_instruction(bank_format, BATCH, out, PAYER, DAY)
    assert {fault.code for fault in refusal.value.faults} == {"bank_file.name_not_encodable"}
    assert [fault.row for fault in refusal.value.faults] == [1, 4]
    assert name not in str(refusal.value)


def test_a_name_longer_than_the_bank_takes_is_refused_and_not_cut() -> None:
    long = replace(LINES[0], name="张" * 63)

    for bank_format in ("abc-cfrt03", "cmb-agent"):
        with refused("bank_file.field_too_long"):
            write_instruction(bank_format, BATCH, [long], PAYER, DAY)


def test_rows_beyond_a_banks_limit_and_missing_facts_about_the_payer_are_refused() -> None:
    many = [replace(LINES[0], number=number) for number in range(1, 6_002)]

    with refused("bank_file.too_many_rows"):
        write_instruction("cmb-agent", BATCH, many, PAYER, DAY)
    with pytest.raises(FileRefused) as refusal:
        write_instruction("cmb-agent", BATCH, LINES, {**PAYER, "branch": " "}, DAY)
    assert (refusal.value.code, refusal.value.faults[0].column) == (
        "bank_file.payer_missing",
        "分行代码",
    )
    with refused("bank_file.payer_missing"):
        write_instruction("abc-cfrt03", BATCH, LINES, {}, DAY) and write_instruction(
            "boc-b2e0078", BATCH, LINES, {}, DAY
        )
    with refused("bank_file.not_written"):
        write_instruction("ccb-fail-list", BATCH, LINES, PAYER, DAY)


NAMED = 'name = "x"\nzh = "x"\nen = "x"\n'
FIXED = """
name = "fixed"
zh = "定长"
en = "fixed"
[out]
shape = "fixed"
filename = "f"
charset = "gbk"
measure = "MEASURE"
amount = "three_decimals"
columns = [
    { title = "序号", value = "{number}", width = 6, align = "right" },
    { title = "姓名", value = "{name}", width = 20 },
    { title = "账号", value = "{account}", width = 30 },
    { title = "金额", value = "{amount}", width = 18 },
]
[[returns]]
shape = "fixed"
looks = '.'
charset = "gbk"
measure = "MEASURE"
titles = "none"
all_settled = true
columns = [
    { title = "序号", field = "number", width = 6 },
    { title = "姓名", field = "name", width = 20 },
    { title = "账号", field = "account", width = 30 },
    { title = "金额", field = "amount", width = 18 },
]
"""


@pytest.mark.parametrize("measure", ["bytes", "characters"])
@given(
    names=st.lists(st.text("张李王欧阳·ab", min_size=1, max_size=10), min_size=1, max_size=5),
    fen=st.integers(1, 10**9),
)
def test_fixed_width_comes_back_whole_by_bytes_and_by_characters(
    measure: str, names: list[str], fen: int
) -> None:
    from ledger.files.bank_formats import grid
    from ledger.files.bank_formats.answers import bank_return

    template = load(FIXED.replace("MEASURE", measure))
    out = [
        replace(LINES[0], number=at, name=name, amount_fen=fen) for at, name in enumerate(names, 1)
    ]

    content = write(template, BATCH, out, {}, DAY).content
    [layout] = template.returns
    assert isinstance(layout, FixedIn)
    back = bank_return(template, layout, "back", grid.read(layout, "back", content), "")

    lengths = {len(line) for line in content.split(b"\n")[:-1]}
    assert measure == "characters" or lengths == {74}
    assert [(each.number, each.amount_fen) for each in back.lines] == [
        (each.number, each.amount_fen) for each in out
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "surprise = 1",
        'out = { shape = "papyrus", filename = "f" }',
        'out = { shape = "xml", filename = "{who}", document = "{rows}", row = "" }',
        'out = { shape = "xml", filename = "f", document = "{rows}", row = "{name!r}" }',
        'out = { shape = "xml", filename = "f", document = "{rows}", row = "{number:x}" }',
        'returns = [{ shape = "xml", looks = "(", root = "a" }]',
        'zh = "again"',
        "out = ",
    ],
)
def test_a_template_that_says_what_no_template_can_say_stops_the_program(wrong: str) -> None:
    assert load(NAMED).name == "x"
    with pytest.raises(RuntimeError, match="bank format template"):
        load(f"{NAMED}{wrong}")


def test_every_template_says_its_name_in_both_languages_and_what_to_ask_the_bank() -> None:
    for name, template in templates().items():
        assert isinstance(template, Template)
        assert (template.name, bool(template.zh), bool(template.en)) == (name, True, True)
        assert template.out or template.returns or template.statement
    columns = [c for t in templates().values() for r in t.returns for c in r.columns]
    assert all(isinstance(each, InColumn) and (each.title or each.paths) for each in columns)


@pytest.mark.parametrize("bank_format", RETURNS)
def test_a_hundred_thousand_rows_are_read_in_seconds_and_little_memory(bank_format: str) -> None:
    count = 10_000  # the tenth part: reading is linear, and the whole takes ten times as long
    said = [Verdict(line, "销户" if line.number % 50 == 0 else None) for line in lines(count)]
    data = RETURNS[bank_format](said)

    tracemalloc.start()
    began = time.process_time()
    content = read_return(bank_format, "back", data)
    took_s = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(content.lines) == (count if bank_format != "failures-xml" else count // 50)
    assert took_s < 5
    assert peak < 50_000_000
