"""unionpay-df: UTF-8 text, `|`, a control line and a line of titles, amounts in fen."""

import re
from collections.abc import Sequence
from hashlib import sha256

from ledger.files.bank import (
    BankReturn,
    InstructionFile,
    InstructionLine,
    Lists,
    Outcome,
    ReturnLine,
    instruction_file,
    require_format,
)
from ledger.files.faults import FileRefused, refuse
from ledger.files.reasons import canonical_reason
from ledger.files.text import number_text, person_name, require_line_end

FORMAT = "unionpay-df"
VERSION = "5.0.0"
SUCCESS = "00"
CURRENCY_CNY = "156"
ACCOUNT_IS_CARD = "01"
BUSINESS_DISBURSEMENT = "000401"
ID_CARD = "01"

INSTRUCTION_TITLES = (
    "orderId|currencyCode|txnAmt|accType|accNo|customerNm|bizType|certifTp|certifId|phoneNo"
    "|postscript"
)
_NEEDED = ("orderId", "txnAmt", "accNo", "customerNm", "respCode")
_ORDER_ID = re.compile(r"(.+)-([0-9]{6})")
_DIGITS = re.compile(r"[0-9]{1,15}")


def read(name: str, data: bytes) -> BankReturn:
    """Read a return file; its control line counts and sums all lines, failed ones too."""
    require_format(name, data, FORMAT)
    require_line_end(name, data, "bank_file.truncated")
    try:
        rows = [row.rstrip("\r") for row in data.decode("utf-8-sig").split("\n")[:-1]]
    except UnicodeDecodeError:
        raise refuse(name, "file.not_text") from None
    if len(rows) < 2:  # noqa: PLR2004 - control line and titles
        raise refuse(name, "bank_file.truncated")
    total, count = _control(name, rows[0])
    titles = rows[1].split("|")
    for title in _NEEDED:
        if title not in titles:
            raise refuse(name, "file.column_missing", row=2, column=title)
    parsed = [_line(name, line, row, titles) for line, row in enumerate(rows[2:], 3)]
    lines = [line for _, line in parsed]
    codes = {code for code, _ in parsed}
    if len(codes) > 1:
        raise refuse(name, "bank_file.other_batch")
    if len({line.number for line in lines}) != len(lines):
        raise refuse(name, "bank_file.duplicate_line")
    listed = sum(line.amount_fen for line in lines)
    if count != len(lines) or total != listed:
        detail = f"{count} / {total} fen stated, {len(lines)} / {listed} fen listed"
        raise refuse(name, "bank_file.control_total", row=1, detail=detail)
    return BankReturn(
        FORMAT,
        next(iter(codes), None),
        Lists.ALL,
        tuple(lines),
        None,
        None,
        sha256(data).hexdigest(),
    )


def write(batch_code: str, lines: Sequence[InstructionLine]) -> InstructionFile:
    """Write the payment file; the bank answers by `orderId`."""
    total = sum(line.amount_fen for line in lines)
    rows = [f"{VERSION}|{total}|{len(lines)}||", INSTRUCTION_TITLES]
    for line in lines:
        fields = (
            f"{batch_code}-{line.number:06d}",
            CURRENCY_CNY,
            str(line.amount_fen),
            ACCOUNT_IS_CARD,
            line.account,
            line.name,
            BUSINESS_DISBURSEMENT,
            ID_CARD,
            line.id_number,
            line.phone,
            line.purpose,
        )
        rows.append("|".join(fields))
    text = "\n".join(rows) + "\n"
    return instruction_file(f"{batch_code}-DF-I.txt", text, "utf-8", batch_code, lines)


def _control(name: str, row: str) -> tuple[int, int]:
    parts = row.split("|")
    if len(parts) < 3 or not all(map(_DIGITS.fullmatch, parts[1:3])):  # noqa: PLR2004
        raise refuse(name, "bank_file.line_invalid", row=1)
    return int(parts[1]), int(parts[2])


def _line(name: str, line: int, row: str, titles: list[str]) -> tuple[str, ReturnLine]:
    cells = row.split("|")
    if len(cells) != len(titles):
        raise _invalid(name, line)
    by_title = dict(zip(titles, cells, strict=True))
    order = _ORDER_ID.fullmatch(by_title["orderId"])
    if order is None or not _DIGITS.fullmatch(by_title["txnAmt"]):
        raise _invalid(name, line)
    code = by_title["respCode"]
    reason = None if code == SUCCESS else canonical_reason(code, by_title.get("respMsg", ""))
    outcome = Outcome.SETTLED
    if reason is not None:
        outcome = Outcome.PENDING if reason.pending else Outcome.FAILED
    return order[1], ReturnLine(
        line,
        int(order[2]),
        number_text(by_title["accNo"]),
        person_name(by_title["customerNm"]),
        int(by_title["txnAmt"]),
        outcome,
        reason.code if reason else None,
        code,
    )


def _invalid(name: str, line: int) -> FileRefused:
    return refuse(name, "bank_file.line_invalid", row=line)
