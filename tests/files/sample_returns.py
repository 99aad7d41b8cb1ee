"""Banks as the tests play them: what comes back on a payment file, in each format."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.files.amounts import yuan
from ledger.files.bank import InstructionLine

BATCH = "SWN20170099"


@dataclass(frozen=True)
class Verdict:
    """What the bank says on one payment: None is success."""

    line: InstructionLine
    message: str | None = None
    code: str = "3031"


def lines(count: int = 4, name: str = "张试验") -> list[InstructionLine]:
    return [
        InstructionLine(
            number, f"62999{number:014d}", name, "", "13800000000", 60_000 + number, "送温暖"
        )
        for number in range(1, count + 1)
    ]


def unionpay(verdicts: Sequence[Verdict], batch: str = BATCH) -> bytes:
    total = sum(each.line.amount_fen for each in verdicts)
    rows = [
        f"5.0.0|{total}|{len(verdicts)}||",
        "orderId|currencyCode|txnAmt|accType|accNo|customerNm|respCode|respMsg",
        *(
            f"{batch}-{each.line.number:06d}|156|{each.line.amount_fen}|01|{each.line.account}"
            f"|{each.line.name}|{each.code if each.message else '00'}|{each.message or '成功'}"
            for each in verdicts
        ),
    ]
    return ("\n".join(rows) + "\n").encode()


def failures_xml(verdicts: Sequence[Verdict], batch: str = BATCH) -> bytes:
    settled = [each.line.amount_fen for each in verdicts if each.message is None]
    items = "".join(
        f"<ITEM><ACCOUNT>{each.line.account}</ACCOUNT><NAME>{each.line.name}</NAME>"
        f"<AMOUNT>{yuan(each.line.amount_fen)}</AMOUNT><MESSAGE>{each.message}</MESSAGE></ITEM>"
        for each in verdicts
        if each.message is not None
    )
    return (
        '<?xml version="1.0" encoding="GB18030"?>\n'
        f"<TX><BATCH>{batch}</BATCH><RETURN_CODE>000000</RETURN_CODE>"
        f"<SUCCESS_AMOUNT>{yuan(sum(settled))}</SUCCESS_AMOUNT>"
        f"<SUCCESS_NUM>{len(settled)}</SUCCESS_NUM><FAIL_LIST>{items}</FAIL_LIST></TX>\n"
    ).encode("gb18030")


def netbank(verdicts: Sequence[Verdict], *, total: str | None = None) -> bytes:
    rows = ["处理结果|序号|账号|姓名|实发工资|"]
    for each in verdicts:
        result = "成功" if each.message is None else f"失败:{each.message}"
        line = each.line
        rows.append(f"{result}|{line.number}|{line.account}|{line.name}|{yuan(line.amount_fen)}|")
    if total is not None:
        rows.append(total)
    return "".join(f"{row}\r\n" for row in rows).encode("gb18030")


RETURNS: dict[str, Callable[[Sequence[Verdict]], bytes]] = {
    "unionpay-df": unionpay,
    "failures-xml": failures_xml,
    "netbank-txt": netbank,
}


def returned() -> list[Verdict]:
    """Four payments: two arrived, one failed, one is not known of yet."""
    first, second, third, fourth = lines()
    return [
        Verdict(first),
        Verdict(second, "户名不符,原户名为[王某某]"),
        Verdict(third),
        Verdict(fourth, "处理中", "0397"),
    ]
