"""What is answered about bank accounts. Account numbers and names are masked."""

from datetime import date
from uuid import UUID

from pydantic import Field

from api.v1.models import Answer, Day, Fen, Id, Position


class BankAccount(Answer):
    account_id: Id
    organisation_id: Id
    name: str = Field(examples=["送温暖资金专户"])
    number: str = Field(description="Its tail.", examples=["**** 0001"])
    bank_name: str
    bank_format: str = Field(examples=["camt-053"])
    begins_on: Day
    opening_fen: int
    closed_on: Day | None


class MissingStatements(Answer):
    """Between these two days nothing is known; the bank may have held the same around them."""

    after: date
    expected_fen: int
    next_on: date
    got_fen: int


class BankAccountStanding(Answer):
    """How far the account is proved to the bank, and what stops it there.

    `why_not_further`: `statement` (none yet of the next day), `broken` (some are missing), `line`
    or `item` (one is open), `opening` (bank and books began with different sums), `closed` (proved
    to the day on which the account was closed).
    """

    proved_to: date | None
    why_not_further: str = Field(examples=["statement"])
    covered_to: date
    closing_fen: int
    missing: MissingStatements | None
    first_open_line: Day | None
    first_open_item: Day | None
    opening_difference_fen: int
    open_lines: int
    open_lines_fen: int
    open_items: int
    open_items_fen: int


class BankAccountWithStanding(BankAccount):
    fund_ids: list[UUID]
    standing: BankAccountStanding


class BankStatement(Answer):
    statement_id: Id
    account_id: Id
    bank_format: str
    number: str | None
    file_sha256: str
    opened_on: Day
    closed_on: Day
    opening_fen: int
    closing_fen: int
    line_count: int
    known_count: int
    happened_on: Day
    position: Position
    withdrawn_on: Day | None = None
    withdrawn_at: Position | None = None


class BankLine(Answer):
    """A booking. `counterparty` and `account` are masked; references stand where they are codes."""

    statement_id: Id
    line: int
    booked_on: Day
    amount_fen: Fen
    count: int
    counterparty: str | None
    account: str | None
    end_to_end_id: str | None
    reference: str | None
    batch_code: str | None
    document: str | None
    returned: bool
    state: str = Field(examples=["open"])
    match_id: UUID | None
    position: Position


class BookItem(Answer):
    """A movement of the books that the bank is to book too."""

    source_id: Id
    version: int
    kind: str = Field(examples=["payout"])
    fund_id: Id
    organisation_id: Id
    booked_on: Day
    amount_fen: Fen
    document: str | None
    batch_code: str | None
    number: int | None = Field(description="Row of the roster, of a single payment.")
    state: str
    match_id: UUID | None
    position: Position


class Candidate(Answer):
    """What a line may be, and what agrees. `certain` is never said: a person or a rule decides."""

    item: BookItem
    facts: list[str] = Field(examples=[["reference", "amount"]])
    score: int = Field(description="Of a hundred.")
    amount_alone: bool


class OpenLines(Answer):
    items: list[BankLine]
    next: str | None


class NamedBankAccount(Answer):
    account_id: Id


class KeptFund(Answer):
    fund_id: Id


class TakenBankStatement(Answer):
    statement_id: Id
    taken: int
    known: int


class NamedMatch(Answer):
    match_id: Id


class AppliedRules(Answer):
    matched: int


class CameBack(Answer):
    disbursement_id: Id
    match_id: Id


class BankMatch(Answer):
    match_id: Id
    account_id: Id
    amount_fen: Fen
    line_count: int
    item_count: int
    rule: str | None = Field(examples=["reference"])
    rule_version: int | None
    facts: list[str]
    reason: str
    made_on: Day
    officer_id: UUID | None
    position: Position
    undone_on: Day | None
    lines: list[BankLine]
    items: list[BookItem]


class Reconciliation(Answer):
    """Both balances, four kinds of difference in time (each above zero), and both feet."""

    as_of: date
    books_fen: int
    bank_in_fen: int
    bank_out_fen: int
    books_foot_fen: int
    bank_fen: int
    books_in_fen: int
    books_out_fen: int
    bank_foot_fen: int
    count: int = Field(description="Lines and items that make up the four kinds.")
