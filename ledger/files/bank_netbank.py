"""netbank-txt: GB18030 text, `|`, the result in the first column, yuan in the last."""

from collections.abc import Sequence
from hashlib import sha256

from ledger.files.amounts import fen, whole_number, yuan
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

FORMAT = "netbank-txt"
TITLES = "处理结果|序号|账号|姓名|实发工资|"
INSTRUCTION_TITLES = "序号|账号|姓名|实发工资|"
SUCCESS = "成功"
TOTAL = "合计"
_CELLS = 6


def read(name: str, data: bytes) -> BankReturn:
    """Read a result list. Whether it is whole shows against the batch: it has no control line.

    A 合计 line, where the bank adds one, must agree.
    """
    require_format(name, data, FORMAT)
    require_line_end(name, data, "bank_file.truncated")
    try:
        rows = [row.rstrip("\r") for row in data.decode("gb18030").split("\n")[:-1]]
    except UnicodeDecodeError:
        raise refuse(name, "file.not_text") from None
    if not rows or rows[0].strip() != TITLES:
        raise refuse(name, "bank_file.line_invalid", row=1)
    lines: list[ReturnLine] = []
    total_at = None
    for line, row in enumerate(rows[1:], 2):
        cells = [cell.strip() for cell in row.split("|")]
        if total_at is not None or len(cells) != _CELLS or cells[-1]:
            raise refuse(name, "bank_file.line_invalid", row=line)
        if cells[0] == TOTAL:
            total_at = line
            _check_total(name, line, cells, lines)
        else:
            lines.append(_line(name, line, cells))
    if len({line.number for line in lines}) != len(lines):
        raise refuse(name, "bank_file.duplicate_line")
    return BankReturn(FORMAT, None, Lists.ALL, tuple(lines), None, None, sha256(data).hexdigest())


def write(batch_code: str, lines: Sequence[InstructionLine]) -> InstructionFile:
    """Write the list that the clerk uploads; the bank answers by 序号."""
    rows = [INSTRUCTION_TITLES]
    rows.extend(
        f"{line.number}|{line.account}|{line.name}|{yuan(line.amount_fen)}|" for line in lines
    )
    text = "".join(f"{row}\r\n" for row in rows)
    return instruction_file(f"{batch_code}-netbank.txt", text, "gb18030", batch_code, lines)


def _line(name: str, line: int, cells: list[str]) -> ReturnLine:
    number, amount = whole_number(cells[1]), fen(cells[4])
    if number is None or amount is None or amount <= 0:
        raise _invalid(name, line)
    outcome, reason = Outcome.SETTLED, None
    if cells[0] != SUCCESS:
        word, _, message = cells[0].replace("：", ":").partition(":")
        if word not in ("失败", "处理中", "未知", "待处理"):
            raise _invalid(name, line)
        found = canonical_reason(None, (word == "失败" and message.strip()) or word)
        outcome = Outcome.PENDING if found.pending else Outcome.FAILED
        reason = found.code
    return ReturnLine(
        line, number, number_text(cells[2]), person_name(cells[3]), amount, outcome, reason, None
    )


def _check_total(name: str, line: int, cells: list[str], lines: list[ReturnLine]) -> None:
    stated, listed = fen(cells[4]), sum(each.amount_fen for each in lines)
    if stated != listed or (cells[1] and whole_number(cells[1]) != len(lines)):
        detail = f"{len(lines)} / {listed} fen listed"
        raise refuse(name, "bank_file.control_total", row=line, detail=detail)


def _invalid(name: str, line: int) -> FileRefused:
    return refuse(name, "bank_file.line_invalid", row=line)
