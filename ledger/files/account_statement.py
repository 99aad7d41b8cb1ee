"""What any bank's account statement (对账单) says, whatever its format."""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One booked movement of the account.

    `amount_fen` is signed: money in is above zero, money out below. `line` is where it stands in
    the file, from 1; `line_sha256` is the hash of its bytes there, or of the canonical JSON of the
    element where a format has no lines. References are as ISO 20022 names them, and None where a
    format has no such field: `end_to_end_id` is what the payer gave the payment, `reference` what
    the bank gave the booking, `batch_code` what the payer gave the batch it was sent in. `count` is
    how many payments one booking sums up (1 unless the bank says so). `returned` marks money that
    came back of a payment made before (退票).
    """

    line: int
    line_sha256: str
    booked_on: date
    value_on: date | None
    amount_fen: int
    counterparty_account: str | None = field(repr=False)
    counterparty_name: str | None = field(repr=False)
    end_to_end_id: str | None
    reference: str | None
    batch_code: str | None
    count: int
    text: str | None = field(repr=False)
    returned: bool


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """A statement whose own figures agree: opening plus all entries is closing.

    Both days count as covered; `days_stated` where they are the word of whoever brought the file,
    which does not say. `number` is the bank's own of the statement, where it has one. `own_first`
    is the first day by the file's own word, where days before that are stated: nothing was booked
    on them.
    """

    bank_format: str
    account_number: str = field(repr=False)
    currency: str
    number: str | None
    opened_on: date
    closed_on: date
    opening_fen: int
    closing_fen: int
    entries: tuple[StatementEntry, ...]
    sha256: str
    days_stated: bool = False
    own_first: date | None = None
