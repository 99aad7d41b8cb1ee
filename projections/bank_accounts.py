"""Bank accounts: how far each is proved to the bank, why not further, and what opened it again."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, func, literal, select

from ledger.domain.values import Money
from projections.asked import NOW, Moment, uuid_of
from projections.balances import balances
from projections.bank_books import (
    OPEN,
    accounts,
    decisions,
    files,
    items,
    kept_funds,
    lines,
    matches,
    numbered_next,
    spans,
    withdrawn,
)

ONE_DAY = timedelta(days=1)

_STATEMENTS = select(
    files, withdrawn.c.happened_on.label("withdrawn_on"), withdrawn.c.position.label("withdrawn_at")
).outerjoin(withdrawn, withdrawn.c.statement_id == files.c.statement_id)


@dataclass(frozen=True, slots=True)
class Account:
    account_id: UUID
    organisation_id: UUID
    name: str
    bank_format: str
    begins_on: str
    opening_fen: Money
    closed_on: str | None
    position: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A fund account whose money stands in the bank account."""

    fund_id: UUID
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class StatementView:
    statement_id: UUID
    account_id: UUID
    bank_format: str
    number: str | None
    file_sha256: str
    opened_on: str
    closed_on: str
    opening_fen: Money
    closing_fen: Money
    line_count: int
    known_count: int
    happened_on: str
    position: int
    withdrawn_on: str | None = None
    withdrawn_at: int | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """Where statements are missing: of the days between these two nothing is known.

    What the bank held around them may be the same: then they hold movements that cancel out, or
    none at all; only a statement of them tells.
    """

    after: date
    expected_fen: Money
    next_on: date
    got_fen: Money


@dataclass(frozen=True, slots=True)
class Chain:
    """Statements from the beginning on, each going on right behind the one before it."""

    up_to: date
    closing_fen: Money
    broken: Break | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an account is proved, and what stops it there.

    Up to `proved_to`, counted, every bank line and every movement of the books is explained, no
    statement is missing, and both began with the same sum. `opening_difference_fen` is what the
    bank held more than the books when it began.
    """

    account: Account
    chain: Chain
    first_open_line: str | None
    first_open_item: str | None
    opening_difference_fen: Money

    @property
    def proved_to(self) -> date | None:
        if self.opening_difference_fen:
            return None
        firsts = (self.first_open_line, self.first_open_item)
        ends = [date.fromisoformat(first) - ONE_DAY for first in firsts if first is not None]
        proved = min([self.chain.up_to, *ends])
        return proved if proved >= date.fromisoformat(self.account.begins_on) else None

    @property
    def ended(self) -> bool:
        """Say whether the account was closed, and is proved up to that day."""
        closed_on, proved_to = self.account.closed_on, self.proved_to
        return (
            closed_on is not None
            and proved_to is not None
            and proved_to >= date.fromisoformat(closed_on)
        )

    @property
    def why_not_further(self) -> str:
        """Return a code for what is in the way."""
        if self.ended:
            return "closed"
        if self.opening_difference_fen:
            return "opening"
        stops = {
            self.first_open_line or "9": "line",
            self.first_open_item or "9": "item",
        }
        first = min(stops)
        if first != "9" and date.fromisoformat(first) <= self.chain.up_to:
            return stops[first]
        return "broken" if self.chain.broken else "statement"


@dataclass(frozen=True, slots=True)
class Reopening:
    """What opened days again that the bank's statements had covered: what, from which day on."""

    what: str
    day: str
    recorded_on: str
    position: int


def account_list(
    connection: Connection,
    *,
    organisation_ids: Collection[UUID] | None = None,
    account_id: UUID | None = None,
) -> list[Account]:
    """Return bank accounts in the order in which they were registered."""
    statement = select(accounts).order_by(accounts.c.position)
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(accounts.c.organisation_id.in_(ids))
    if account_id is not None:
        statement = statement.where(accounts.c.account_id == account_id.bytes)
    return [_account(row) for row in connection.execute(statement)]


def kept_in(connection: Connection, account_id: UUID) -> list[Kept]:
    statement = (
        select(kept_funds)
        .where(kept_funds.c.account_id == account_id.bytes)
        .order_by(kept_funds.c.position)
    )
    return [
        Kept(uuid_of(row.fund_id), uuid_of(row.organisation_id))
        for row in connection.execute(statement)
    ]


def kept_anywhere(connection: Connection) -> set[UUID]:
    """Return the fund accounts of which it is said where they are kept."""
    return {uuid_of(raw) for raw in connection.execute(select(kept_funds.c.fund_id)).scalars()}


def statement_list(connection: Connection, account_id: UUID) -> list[StatementView]:
    """Return an account's statements in the order in which they came, also withdrawn ones."""
    statement = _STATEMENTS.where(files.c.account_id == account_id.bytes)
    return [_statement(row) for row in connection.execute(statement.order_by(files.c.position))]


def statement_of(connection: Connection, statement_id: UUID) -> StatementView | None:
    statement = _STATEMENTS.where(files.c.statement_id == statement_id.bytes)
    return next((_statement(row) for row in connection.execute(statement)), None)


def standings(connection: Connection, found: Sequence[Account]) -> list[Standing]:
    """Say of accounts how far they are proved."""
    opening = _books_at_beginning(connection, found)
    return [_standing(connection, each, opening[each.account_id]) for each in found]


def proved_of(found: Sequence[Standing]) -> dict[UUID, date | None]:
    """Return up to which day each organisation is proved: its worst account decides.

    An account that was closed counts until it is proved to its last day.
    """
    of: dict[UUID, list[date | None]] = defaultdict(list)
    for each in found:
        if not each.ended:
            of[each.account.organisation_id].append(each.proved_to)
    return {
        organisation: None if None in days else min(day for day in days if day is not None)
        for organisation, days in of.items()
    }


def chain_of(connection: Connection, account: Account) -> Chain:
    """Follow an account's statements from its beginning on, until one is missing.

    No day is missing between two, or the bank numbered them one after the other: many send none
    of days on which they are closed.
    """
    statement = (
        select(spans, files.c.number, files.c.bank_format)
        .join(files, files.c.statement_id == spans.c.statement_id)
        .where(spans.c.account_id == account.account_id.bytes)
        .order_by(spans.c.opened_on)
    )
    up_to = date.fromisoformat(account.begins_on) - ONE_DAY
    balance = account.opening_fen
    before: Row[Any] | None = None
    for row in connection.execute(statement):
        opened_on = date.fromisoformat(row.opened_on)
        goes_on = opened_on == up_to + ONE_DAY or numbered_next(before, row)
        if not goes_on or row.opening_fen != balance:
            gap = Break(up_to, balance, opened_on, Money(row.opening_fen))
            return Chain(up_to, balance, gap)
        up_to, balance, before = date.fromisoformat(row.closed_on), Money(row.closing_fen), row
    return Chain(up_to, balance, None)


def bank_balance(connection: Connection, account: Account, day: date) -> Money | None:
    """Return what the bank held at the end of a day; None where no unbroken statement says it."""
    chain = chain_of(connection, account)
    if day > chain.up_to or day < date.fromisoformat(account.begins_on) - ONE_DAY:
        return None
    statement = select(func.sum(lines.c.amount_fen)).where(
        lines.c.account_id == account.account_id.bytes, lines.c.booked_on <= day.isoformat()
    )
    booked = connection.execute(statement).scalar_one()
    return Money(account.opening_fen + (booked or 0))


def book_balance(connection: Connection, account_id: UUID, moment: Moment) -> Money:
    """Return what the fund accounts kept there hold, by the balances of the books."""
    kept = kept_in(connection, account_id)
    funds = {each.fund_id for each in kept}
    found = balances(
        connection, moment, organisation_ids=sorted({each.organisation_id for each in kept})
    )
    return Money(sum(each.in_hand_fen for each in found if each.fund_id in funds))


def reopenings(connection: Connection, account: Account, limit: int) -> list[Reopening]:
    """Return what opened days again that were covered before it was recorded, the latest first.

    A match undone, a line taken up again, a statement withdrawn or put in between, and what the
    books entered late: a return or a payment dated back into days of which the bank's statement
    was there.
    """
    found = [
        *_undone(connection, account, limit),
        *_withdrawn(connection, account),
        *_put_in_between(connection, account),
        *_late(connection, account, limit),
    ]
    return sorted(found, key=lambda each: each.position, reverse=True)[:limit]


def _books_at_beginning(connection: Connection, found: Sequence[Account]) -> dict[UUID, Money]:
    """Return what the books held before anything moved that is reconciled: now, less what moved."""
    ids = [each.account_id.bytes for each in found]
    kept = connection.execute(select(kept_funds).where(kept_funds.c.account_id.in_(ids))).all()
    organisations = sorted({uuid_of(row.organisation_id) for row in kept})
    now: Mapping[UUID, int] = defaultdict(int)
    if organisations:
        sums: dict[UUID, int] = defaultdict(int)
        for each in balances(connection, NOW, organisation_ids=organisations):
            sums[each.fund_id] += each.in_hand_fen
        now = sums
    begins = {each.account_id: each.begins_on for each in found}
    held: dict[UUID, int] = dict.fromkeys(begins, 0)
    for row in kept:
        account = uuid_of(row.account_id)
        moved = select(func.sum(items.c.amount_fen)).where(
            items.c.fund_id == row.fund_id, items.c.booked_on >= begins[account]
        )
        held[account] += now.get(uuid_of(row.fund_id), 0)
        held[account] -= connection.execute(moved).scalar_one() or 0
    return {id_: Money(fen) for id_, fen in held.items()}


def _standing(connection: Connection, account: Account, books: Money) -> Standing:
    line = select(func.min(lines.c.booked_on)).where(
        lines.c.account_id == account.account_id.bytes, lines.c.state == OPEN
    )
    kept = select(kept_funds.c.fund_id).where(kept_funds.c.account_id == account.account_id.bytes)
    item = select(func.min(items.c.booked_on)).where(
        items.c.fund_id.in_(kept),
        items.c.state == OPEN,
        items.c.booked_on >= account.begins_on,
    )
    return Standing(
        account,
        chain_of(connection, account),
        connection.execute(line).scalar_one(),
        connection.execute(item).scalar_one(),
        Money(account.opening_fen - books),
    )


def _covered_before(account: Account, day: Any, position: Any) -> Any:
    """Say that a statement of a day was there before a position."""
    return (
        select(spans.c.position)
        .where(
            spans.c.account_id == account.account_id.bytes,
            spans.c.opened_on <= day,
            spans.c.closed_on >= day,
            spans.c.position < position,
        )
        .exists()
    )


def _undone(connection: Connection, account: Account, limit: int) -> list[Reopening]:
    day = func.coalesce(matches.c.first_day, lines.c.booked_on)
    statement = (
        select(decisions.c.what, day.label("day"), decisions.c.happened_on, decisions.c.position)
        .outerjoin(matches, matches.c.match_id == decisions.c.match_id)
        .outerjoin(
            lines,
            and_(
                lines.c.statement_id == decisions.c.statement_id, lines.c.line == decisions.c.line
            ),
        )
        .where(
            decisions.c.account_id == account.account_id.bytes,
            decisions.c.what.in_(("undone", "taken_up")),
            day.is_not(None),  # of a statement that was withdrawn no line is left
        )
        .order_by(decisions.c.position.desc())
        .limit(limit)
    )
    return _reopened(connection, statement)


def _withdrawn(connection: Connection, account: Account) -> list[Reopening]:
    statement = (
        select(
            literal("withdrawn").label("what"),
            files.c.opened_on.label("day"),
            withdrawn.c.happened_on,
            withdrawn.c.position,
        )
        .join(files, files.c.statement_id == withdrawn.c.statement_id)
        .where(withdrawn.c.account_id == account.account_id.bytes)
    )
    return _reopened(connection, statement)


def _put_in_between(connection: Connection, account: Account) -> list[Reopening]:
    later = spans.alias()
    statement = (
        select(
            literal("statement").label("what"),
            spans.c.opened_on.label("day"),
            files.c.happened_on,
            spans.c.position,
        )
        .join(files, files.c.statement_id == spans.c.statement_id)
        .where(spans.c.account_id == account.account_id.bytes)
        .where(
            select(later.c.position)
            .where(
                later.c.account_id == spans.c.account_id,
                later.c.position < spans.c.position,
                later.c.opened_on > spans.c.opened_on,
            )
            .exists()
        )
    )
    return _reopened(connection, statement)


def _late(connection: Connection, account: Account, limit: int) -> list[Reopening]:
    kept = select(kept_funds.c.fund_id).where(kept_funds.c.account_id == account.account_id.bytes)
    statement = (
        select(
            items.c.kind.label("what"),
            items.c.booked_on.label("day"),
            items.c.booked_on.label("happened_on"),
            items.c.position,
        )
        .where(
            items.c.fund_id.in_(kept),
            items.c.booked_on >= account.begins_on,
            items.c.state == OPEN,
            _covered_before(account, items.c.booked_on, items.c.position),
        )
        .order_by(items.c.position.desc())
        .limit(limit)
    )
    return _reopened(connection, statement)


def _reopened(connection: Connection, statement: Select[Any]) -> list[Reopening]:
    return [
        Reopening(row.what, row.day, row.happened_on, row.position)
        for row in connection.execute(statement)
    ]


def _account(row: Row[Any]) -> Account:
    return Account(
        uuid_of(row.account_id),
        uuid_of(row.organisation_id),
        row.name,
        row.bank_format,
        row.begins_on,
        Money(row.opening_fen),
        row.closed_on,
        row.position,
    )


def _statement(row: Row[Any]) -> StatementView:
    return StatementView(
        uuid_of(row.statement_id),
        uuid_of(row.account_id),
        row.bank_format,
        row.number,
        row.file_sha256,
        row.opened_on,
        row.closed_on,
        Money(row.opening_fen),
        Money(row.closing_fen),
        row.line_count,
        row.known_count,
        row.happened_on,
        row.position,
        row.withdrawn_on,
        row.withdrawn_at,
    )
