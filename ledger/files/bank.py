"""What any bank's return file says, whatever its format."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from ledger.files.faults import refuse

_UNSAFE_IN_FILENAME = re.compile(r"[^\w.-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")


class Outcome(StrEnum):
    SETTLED = "settled"
    FAILED = "failed"
    PENDING = "pending"


class Lists(StrEnum):
    """What a file lists: every payment of the batch, or only those that failed."""

    ALL = "all"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """The bank's word on one payment.

    `number` is the row of the roster where the format carries it. The bank's own message is not
    kept: it may hold another person's name.
    """

    line: int
    number: int | None
    account: str = field(repr=False)
    name: str = field(repr=False)
    amount_fen: int
    outcome: Outcome
    reason: str | None
    raw_code: str | None


@dataclass(frozen=True, slots=True)
class BankReturn:
    """A return file whose own control totals agree.

    `settled_count` and `settled_fen` are the successes that a file of failures vouches for without
    listing them; None where every payment is listed.
    """

    bank_format: str
    batch_code: str | None
    lists: Lists
    lines: tuple[ReturnLine, ...]
    settled_count: int | None
    settled_fen: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class InstructionLine:
    """One payment as the bank is told of it; `number` is its row in the roster."""

    number: int
    account: str = field(repr=False)
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    phone: str = field(repr=False)
    amount_fen: int
    purpose: str


@dataclass(frozen=True, slots=True)
class InstructionFile:
    filename: str
    content: bytes = field(repr=False)
    count: int
    total_fen: int
    sha256: str


def instruction_file(
    filename: str, text: str, charset: str, batch_code: str, lines: Sequence[InstructionLine]
) -> InstructionFile:
    """Encode a payment file in the bank's charset; `?` never stands in for a character.

    Raises:
        FileRefused: `bank_file.name_not_encodable`, with the row of the roster if it is one row.
    """
    for line in lines:
        fields = (line.account, line.name, line.id_number, line.phone, line.purpose)
        if not all(map(_fits_in_a_field, fields)) or not _encodable("".join(fields), charset):
            raise refuse(batch_code, "bank_file.name_not_encodable", row=line.number)
    if not _encodable(text, charset):
        raise refuse(batch_code, "bank_file.name_not_encodable")
    content = text.encode(charset)
    total_fen = sum(line.amount_fen for line in lines)
    return InstructionFile(
        _UNSAFE_IN_FILENAME.sub("_", filename),
        content,
        len(lines),
        total_fen,
        sha256(content).hexdigest(),
    )


def _fits_in_a_field(text: str) -> bool:
    """A separator or a line's end inside a field would make other fields of it."""
    return "|" not in text and not _CONTROL.search(text)


def _encodable(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def looks_like(data: bytes) -> str | None:
    """Recognise a format by its shape, so that another bank's file is called that."""
    head = data[:400].decode("gb18030", "replace").lstrip("\ufeff \r\n")
    if head.startswith("<"):
        return "failures-xml"
    if head.startswith("处理结果|"):
        return "netbank-txt"
    if head[:1].isdigit() and "orderId|" in head:
        return "unionpay-df"
    return None


def require_format(name: str, data: bytes, bank_format: str) -> None:
    """Refuse a file that is plainly of another format.

    Raises:
        FileRefused: `bank_file.other_format`.
    """
    seen = looks_like(data)
    if seen is not None and seen != bank_format:
        raise refuse(name, "bank_file.other_format")
