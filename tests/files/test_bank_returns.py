"""What banks send back: read to the line, and refused whole when it does not hold together."""

from collections.abc import Callable

import pytest

from ledger.files.bank import Lists, Outcome
from ledger.files.banks import read_return
from ledger.files.faults import FileRefused
from tests.files.sample_returns import (
    BATCH,
    RETURNS,
    Verdict,
    failures_xml,
    lines,
    netbank,
    returned,
    unionpay,
)
from tests.files.samples import refused

FORMATS = list(RETURNS)
HEAD = '<?xml version="1.0" encoding="GB18030"?>\n'


def _read(bank_format: str, data: bytes) -> object:
    return read_return(bank_format, "back", data)


@pytest.mark.parametrize("bank_format", ["unionpay-df", "netbank-txt"])
def test_every_line_of_a_full_list_has_its_outcome(bank_format: str) -> None:
    content = read_return(bank_format, "back", RETURNS[bank_format](returned()))

    assert content.lists is Lists.ALL
    assert [(line.number, line.outcome, line.reason) for line in content.lines] == [
        (1, Outcome.SETTLED, None),
        (2, Outcome.FAILED, "NAME_MISMATCH"),
        (3, Outcome.SETTLED, None),
        (4, Outcome.PENDING, "UNKNOWN"),
    ]
    assert [line.amount_fen for line in content.lines] == [60_001, 60_002, 60_003, 60_004]
    assert (content.settled_count, content.settled_fen) == (None, None)
    assert content.batch_code == (BATCH if bank_format == "unionpay-df" else None)


@pytest.mark.parametrize(
    ("message", "code"), [("重复业务", "3051"), ("未处理记录重复", "12"), ("代理次数错误", "77")]
)
@pytest.mark.parametrize("bank_format", FORMATS)
def test_what_the_bank_has_seen_before_may_have_been_paid_and_is_no_failure(
    bank_format: str, message: str, code: str
) -> None:
    first, second = lines(2)
    said = [Verdict(first), Verdict(second, message, code)]

    content = read_return(bank_format, "back", RETURNS[bank_format](said))

    seen = content.lines[-1]
    assert (seen.outcome, seen.reason) == (Outcome.PENDING, "DUPLICATE")


def test_a_list_of_failures_vouches_for_the_others_by_number_and_amount() -> None:
    content = read_return("failures-xml", "back", failures_xml(returned()))

    assert content.lists is Lists.FAILURES
    assert (content.batch_code, content.settled_count, content.settled_fen) == (BATCH, 2, 120_004)
    assert [(line.account, line.amount_fen, line.reason) for line in content.lines] == [
        ("6299900000000000002", 60_002, "NAME_MISMATCH"),
        ("6299900000000000004", 60_004, "UNKNOWN"),
    ]


@pytest.mark.parametrize("bank_format", FORMATS)
def test_neither_names_nor_accounts_nor_the_banks_own_words_are_shown(bank_format: str) -> None:
    content = read_return(bank_format, "back", RETURNS[bank_format](returned()))

    for secret in ("张试验", "王某某", "62999"):
        assert secret not in repr(content)


@pytest.mark.parametrize("bank_format", FORMATS)
@pytest.mark.parametrize("other", FORMATS)
def test_another_banks_file_is_called_that(bank_format: str, other: str) -> None:
    if bank_format == other:
        assert _read(bank_format, RETURNS[other](returned()))
        return
    with refused("bank_file.other_format"):
        _read(bank_format, RETURNS[other](returned()))


@pytest.mark.parametrize(
    ("bank_format", "old", "new"),
    [
        ("unionpay-df", "5.0.0|240010|4|", "5.0.0|240011|4|"),
        ("unionpay-df", "5.0.0|240010|4|", "5.0.0|240010|5|"),
        ("unionpay-df", "|60001|", "|60011|"),
        ("netbank-txt", "合计|4|||2400.10|", "合计|4|||2400.11|"),
        ("netbank-txt", "合计|4|||2400.10|", "合计|5|||2400.10|"),
        ("netbank-txt", "|600.01|", "|600.11|"),
    ],
)
def test_control_totals_that_disagree_refuse_the_file(bank_format: str, old: str, new: str) -> None:
    data = (
        netbank(returned(), total="合计|4|||2400.10|")
        if bank_format == "netbank-txt"
        else unionpay(returned())
    )
    text = data.decode("utf-8" if bank_format == "unionpay-df" else "gb18030")
    assert old in text
    assert _read(bank_format, data)

    with refused("bank_file.control_total"):
        _read(bank_format, _encoded(bank_format, text.replace(old, new)))


@pytest.mark.parametrize("make", [unionpay, netbank, failures_xml])
def test_a_payment_that_stands_twice_refuses_the_file(
    make: Callable[[list[Verdict]], bytes],
) -> None:
    line = lines()[0]
    bank_format = next(name for name, each in RETURNS.items() if each is make)

    with refused("bank_file.duplicate_line"):
        _read(bank_format, make([Verdict(line, "销户"), Verdict(line, "销户")]))


def test_lines_of_two_batches_in_one_file_refuse_it() -> None:
    data = unionpay(returned()).replace(f"{BATCH}-000003".encode(), b"SWN20170001-000003")

    with refused("bank_file.other_batch"):
        _read("unionpay-df", data)


def test_a_batch_that_the_bank_did_not_take_is_no_answer() -> None:
    with refused("bank_file.not_accepted"):
        _read("failures-xml", failures_xml(returned()).replace(b"000000<", b"990001<"))


@pytest.mark.parametrize(
    ("bank_format", "old", "new"),
    [
        ("unionpay-df", f"{BATCH}-000001", "1"),
        ("unionpay-df", f"{BATCH}-000001", f"{BATCH}-1"),
        ("unionpay-df", "|60001|", "|600.01|"),
        ("unionpay-df", "|60001|", "|-60001|"),
        ("unionpay-df", "|01|", "|"),
        ("unionpay-df", "5.0.0|240010|4||", "5.0.0|much|4||"),
        ("failures-xml", "600.02", "much"),
        ("failures-xml", "600.02", "-600.02"),
        ("failures-xml", "<SUCCESS_NUM>2", "<SUCCESS_NUM>two"),
        ("failures-xml", "1200.04", "-1200.04"),
        ("failures-xml", "</FAIL_LIST>", "</FAIL_LIST><FAIL_LIST></FAIL_LIST>"),
        ("failures-xml", "<SUCCESS_NUM>2", "<SUCCESS_NUM>2</SUCCESS_NUM><SUCCESS_NUM>2"),
        ("failures-xml", "<ITEM>", "<ITEM><NAME>某</NAME>"),
        ("failures-xml", "<SUCCESS_NUM>2</SUCCESS_NUM>", ""),
        ("netbank-txt", "成功|1|", "大概成功|1|"),
        ("netbank-txt", "|1|", "|一|"),
        ("netbank-txt", "600.01|", "600.01"),
        ("netbank-txt", "600.01", "0.00"),
        ("netbank-txt", "600.01", "600.015"),
        ("netbank-txt", "处理结果|序号|账号", "处理结果|账号|序号"),
    ],
)
def test_a_line_that_cannot_be_read_refuses_the_file(bank_format: str, old: str, new: str) -> None:
    text = RETURNS[bank_format](returned()).decode(
        "utf-8" if bank_format == "unionpay-df" else "gb18030"
    )
    assert old in text

    with refused("bank_file.line_invalid"):
        _read(bank_format, _encoded(bank_format, text.replace(old, new, 1)))


def test_lines_below_the_total_refuse_the_file() -> None:
    total = "合计|4|||2400.10|\r\n成功|9|6299900000000000009|张试验|1.00|"

    with refused("bank_file.line_invalid"):
        _read("netbank-txt", netbank(returned(), total=total))


def test_a_missing_title_is_named() -> None:
    with pytest.raises(FileRefused) as refusal:
        _read("unionpay-df", unionpay(returned()).replace(b"respCode", b"respcode"))

    assert refusal.value.code == "file.column_missing"
    assert refusal.value.faults[0].column == "respCode"


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE TX [<!ENTITY x SYSTEM "file:///etc/hostname">]><TX><BATCH>&x;</BATCH></TX>',
        '<!DOCTYPE TX SYSTEM "http://localhost/x.dtd"><TX></TX>',
        "<!DOCTYPE TX [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'><!ENTITY c '&b;&b;'>]><TX>&c;</TX>",
    ],
)
def test_entities_and_document_types_are_never_followed(body: str) -> None:
    with refused("file.xml_forbidden"):
        _read("failures-xml", f"{HEAD}{body}\n".encode("gb18030"))


@pytest.mark.parametrize("depth", [10, 100_000])
def test_other_xml_however_deep_is_refused(depth: int) -> None:
    body = "<TX>" * depth + "</TX>" * depth

    with pytest.raises(FileRefused):
        _read("failures-xml", f"{HEAD}{body}\n".encode("gb18030"))


@pytest.mark.parametrize(
    ("bank_format", "charset", "code"),
    [
        ("unionpay-df", "gb18030", "file.not_text"),
        ("netbank-txt", "utf-8", "bank_file.line_invalid"),
        ("netbank-txt", "utf-16", "file.not_text"),
    ],
)
def test_a_file_in_another_charset_is_refused(bank_format: str, charset: str, code: str) -> None:
    own = "utf-8" if bank_format == "unionpay-df" else "gb18030"
    data = RETURNS[bank_format](returned()).decode(own).encode(charset) + b"\n"

    with pytest.raises(FileRefused) as refusal:
        _read(bank_format, data)

    assert refusal.value.code in {code, "bank_file.line_invalid"}


def test_an_xml_that_declares_another_charset_is_another_banks() -> None:
    with refused("bank_file.other_format"):
        _read("failures-xml", failures_xml(returned()).replace(b"GB18030", b"UTF-8"))


def test_a_format_that_nobody_knows_is_refused() -> None:
    with refused("bank_file.format_unknown"):
        _read("cheque", b"")


def _encoded(bank_format: str, text: str) -> bytes:
    return text.encode("utf-8" if bank_format == "unionpay-df" else "gb18030")
