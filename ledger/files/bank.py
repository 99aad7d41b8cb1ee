"""What any bank's return file says, whatever its format."""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    SETTLED = "settled"
    FAILED = "failed"
    PENDING = "pending"


class Lists(StrEnum):
    """What a file lists: every payment of the batch, those that failed, or some of them.

    Of failures alone, control totals vouch for the others. Where only some are listed, the file
    says nothing of the others.
    """

    ALL = "all"
    FAILURES = "failures"
    SOME = "some"


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """The bank's word on one payment.

    `number` is the row of the roster where the format carries it; what a format does not carry is
    None, and number or account is always there. The bank's own message is not kept: it may hold
    another person's name.
    """

    line: int
    number: int | None
    account: str | None = field(repr=False)
    name: str | None = field(repr=False)
    amount_fen: int | None
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
    bank: str = ""


@dataclass(frozen=True, slots=True)
class InstructionFile:
    """A file for the bank, and rows of the roster in transit that it is without.

    `left_out`: their recipients' data may not be used; `stopped`: an objection was upheld.
    """

    filename: str
    content: bytes = field(repr=False)
    count: int
    total_fen: int
    sha256: str
    left_out: tuple[int, ...] = ()
    stopped: tuple[int, ...] = ()
