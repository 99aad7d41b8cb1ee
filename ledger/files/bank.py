"""What any bank's return file says, whatever its format."""

from dataclasses import dataclass, field
from enum import StrEnum

from ledger.files.faults import refuse


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
