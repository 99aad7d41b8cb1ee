"""Payment files out: the bank gets every payment, to the fen, in characters that it has."""

from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.bank import InstructionFile, InstructionLine, Outcome
from ledger.files.banks import read_return, write_instruction
from ledger.files.faults import FileRefused
from tests.files.sample_returns import BATCH, RETURNS, lines
from tests.files.samples import ID, refused

FORMATS = list(RETURNS)
RARE = "喆堃䶮㛃𬱖𠮷·"

names = st.text(st.sampled_from("张李王试验" + RARE), min_size=2, max_size=6)
payments = st.lists(
    st.builds(
        lambda number, name, amount_fen: InstructionLine(
            number, f"62999{number:014d}", name, ID, "13800000000", amount_fen, "送温暖慰问金"
        ),
        st.integers(1, 999_999),
        names,
        st.integers(1, 10**10),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda line: line.number,
)


def _answered(bank_format: str, file: InstructionFile) -> bytes:
    """Play a bank that takes a payment file and pays all of it."""
    if bank_format == "unionpay-df":
        return _unionpay_answer(file.content)
    if bank_format == "netbank-txt":
        rows = file.content.decode("gb18030").splitlines()
        answer = [f"处理结果|{rows[0]}", *(f"成功|{row}" for row in rows[1:])]
        return "".join(f"{row}\r\n" for row in answer).encode("gb18030")
    root: Element = fromstring(file.content.decode("gb18030").partition("?>")[2])
    answer_xml = (
        '<?xml version="1.0" encoding="GB18030"?>\n'
        f"<TX><BATCH>{root.findtext('BATCH')}</BATCH><RETURN_CODE>000000</RETURN_CODE>"
        f"<SUCCESS_AMOUNT>{root.findtext('TOTAL_AMOUNT')}</SUCCESS_AMOUNT>"
        f"<SUCCESS_NUM>{root.findtext('TOTAL_NUM')}</SUCCESS_NUM><FAIL_LIST></FAIL_LIST></TX>\n"
    )
    return answer_xml.encode("gb18030")


def _unionpay_answer(content: bytes) -> bytes:
    control, titles, *rows = content.decode().splitlines()
    answer = [control, f"{titles}|respCode|respMsg", *(f"{row}|00|成功" for row in rows)]
    return ("\n".join(answer) + "\n").encode()


@pytest.mark.parametrize("bank_format", FORMATS)
@given(lines=payments)
def test_what_goes_out_comes_back_whole(bank_format: str, lines: list[InstructionLine]) -> None:
    total_fen = sum(line.amount_fen for line in lines)

    file = write_instruction(bank_format, BATCH, lines)
    back = read_return(bank_format, "back", _answered(bank_format, file))

    assert (file.count, file.total_fen) == (len(lines), total_fen)
    if bank_format == "failures-xml":
        assert (back.batch_code, back.settled_count) == (BATCH, len(lines))
        assert back.settled_fen == total_fen
        return
    assert {line.outcome for line in back.lines} == {Outcome.SETTLED}
    assert [(each.number, each.account, each.name, each.amount_fen) for each in back.lines] == [
        (each.number, each.account, each.name, each.amount_fen) for each in lines
    ]


def test_the_three_layouts() -> None:
    first = lines(1)

    assert write_instruction("unionpay-df", BATCH, first).content.decode() == (
        "5.0.0|60001|1||\n"
        "orderId|currencyCode|txnAmt|accType|accNo|customerNm|bizType|certifTp|certifId|phoneNo"
        "|postscript\n"
        f"{BATCH}-000001|156|60001|01|6299900000000000001|张试验|000401|01||13800000000|送温暖\n"
    )
    assert write_instruction("netbank-txt", BATCH, first).content.decode("gb18030") == (
        "序号|账号|姓名|实发工资|\r\n1|6299900000000000001|张试验|600.01|\r\n"
    )
    assert write_instruction("failures-xml", BATCH, first).content.decode("gb18030") == (
        '<?xml version="1.0" encoding="GB18030"?>\n'
        f"<TX><BATCH>{BATCH}</BATCH><TOTAL_NUM>1</TOTAL_NUM><TOTAL_AMOUNT>600.01</TOTAL_AMOUNT>"
        "<PAY_LIST><ITEM><SEQ>1</SEQ><ACCOUNT>6299900000000000001</ACCOUNT><NAME>张试验</NAME>"
        "<AMOUNT>600.01</AMOUNT><PURPOSE>送温暖</PURPOSE></ITEM></PAY_LIST></TX>\n"
    )


@pytest.mark.parametrize("bank_format", FORMATS)
@pytest.mark.parametrize(
    "name", ["张\ud842验", "张|验", "张\n验", "张\r验", "张\x00验", "张\u2028验"]
)
def test_a_name_that_would_not_arrive_as_written_is_refused_and_not_shown(
    bank_format: str, name: str
) -> None:
    with pytest.raises(FileRefused) as refusal:
        write_instruction(bank_format, BATCH, [*lines(2), *lines(3, name)[2:]])

    (fault,) = refusal.value.faults
    assert (fault.code, fault.row) == ("bank_file.name_not_encodable", 3)
    assert "张" not in str(refusal.value)


@pytest.mark.parametrize("bank_format", FORMATS)
def test_markup_in_a_name_stays_a_name(bank_format: str) -> None:
    (line,) = lines(1, "<A>&·")

    content = write_instruction(bank_format, BATCH, [line]).content

    if bank_format == "failures-xml":
        root = fromstring(content.decode("gb18030").partition("?>")[2])
        assert root.findtext("PAY_LIST/ITEM/NAME") == "<A>&·"
    else:
        back = read_return(
            bank_format,
            "back",
            _answered(bank_format, write_instruction(bank_format, BATCH, [line])),
        )
        assert [each.name for each in back.lines] == ["<A>&·"]


def test_a_filename_is_no_path_and_a_repr_shows_no_content() -> None:
    file = write_instruction("netbank-txt", "../../批次 1", lines())

    assert file.filename == ".._.._批次_1-netbank.txt"
    assert "62999" not in repr(file)
    assert "62999" not in repr(lines())


def test_an_unknown_format_is_refused() -> None:
    with refused("bank_file.format_unknown"):
        write_instruction("cheque", BATCH, lines())
