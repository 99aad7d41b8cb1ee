"""Bank lines and items of the books: what is open, what it may be, what it was matched with."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, or_, select

from ledger.domain.bank_statement import Line, LineState
from ledger.domain.book_item import ItemKind, Movement
from ledger.domain.disbursement import Status
from ledger.domain.matching_rules import of_first_file, payment_reference
from ledger.domain.policy import Channel
from ledger.domain.values import Money
from projections.asked import optional_uuid, uuid_of
from projections.bank_books import MATCHED, OPEN, decisions, items, kept_funds, lines, matches
from projections.batches import batches
from projections.payment_states import disbursements, states

NEAR_DAYS = 31
"""How far apart bank and books may book the same money, for it to be shown as a candidate."""

DIGITS_MAX = 10
"""Of a row's number in a reference; longer ones are no row."""


@dataclass(frozen=True, slots=True)
class LineView:
    """A line as it stands; whom it names stands sealed in the event at `position`."""

    statement_id: UUID
    line: int
    account_id: UUID
    booked_on: str
    amount_fen: Money
    count: int
    end_to_end_id: str | None
    reference: str | None
    batch_code: str | None
    document: str | None
    returned: bool
    position: int
    state: str
    match_id: UUID | None
    reason: str | None

    @property
    def facts(self) -> Line:
        """Return the line as rules compare it."""
        return Line(
            self.line,
            "",
            date.fromisoformat(self.booked_on),
            self.amount_fen,
            self.batch_code,
            self.end_to_end_id,
            self.document,
            self.returned,
            LineState(self.state),
        )


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item as it stands; `disbursement_id` is of what came back or was paid again."""

    source_id: UUID
    version: int
    kind: str
    fund_id: UUID
    organisation_id: UUID
    booked_on: str
    amount_fen: Money
    document: str | None
    allocation_id: UUID | None
    position: int
    state: str
    match_id: UUID | None
    batch_id: UUID | None
    batch_code: str | None
    disbursement_id: UUID | None
    number: int | None

    @property
    def facts(self) -> Movement:
        """Return the item as rules compare it."""
        return Movement(
            ItemKind(self.kind),
            self.source_id,
            self.version,
            self.organisation_id,
            self.fund_id,
            self.amount_fen,
            date.fromisoformat(self.booked_on),
            self.batch_code,
            self.number,
            self.document,
            self.allocation_id,
        )


@dataclass(frozen=True, slots=True)
class After:
    """Where a page of open lines goes on: after this day and position."""

    booked_on: str
    position: int


@dataclass(frozen=True, slots=True)
class OpenSum:
    count: int
    amount_fen: Money


@dataclass(frozen=True, slots=True)
class MatchView:
    match_id: UUID
    account_id: UUID
    amount_fen: Money
    line_count: int
    item_count: int
    first_day: str
    last_day: str
    rule: str | None
    rule_version: int | None
    facts: tuple[str, ...]
    reason: str
    made_on: str
    officer_id: UUID | None
    position: int
    undone_on: str | None
    undone_at: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on one day about lines; `day` is the first that it concerns."""

    what: str
    happened_on: str
    officer_id: UUID | None
    match_id: UUID | None
    statement_id: UUID | None
    line: int | None
    reason: str | None
    position: int


def open_lines(
    connection: Connection,
    account_id: UUID,
    *,
    after: After | None = None,
    amount_fen: int | None = None,
    named: str | None = None,
    limit: int | None = None,
) -> list[LineView]:
    """Return open lines, the earliest first; a page takes as long however many there are."""
    statement = (
        select(lines)
        .where(lines.c.account_id == account_id.bytes, lines.c.state == OPEN)
        .order_by(lines.c.booked_on, lines.c.position)
    )
    if after is not None:
        later = and_(lines.c.booked_on == after.booked_on, lines.c.position > after.position)
        statement = statement.where(
            lines.c.booked_on >= after.booked_on, or_(lines.c.booked_on > after.booked_on, later)
        )
    if amount_fen is not None:
        statement = statement.where(func.abs(lines.c.amount_fen) == amount_fen)
    if named is not None:
        told = (lines.c.batch_code, lines.c.end_to_end_id, lines.c.reference, lines.c.document)
        statement = statement.where(
            or_(*(each.startswith(named, autoescape=True) for each in told))
        )
    return [_line(row) for row in connection.execute(statement.limit(limit))]


def line_of(connection: Connection, statement_id: UUID, line: int) -> LineView | None:
    statement = select(lines).where(
        lines.c.statement_id == statement_id.bytes, lines.c.line == line
    )
    return next((_line(row) for row in connection.execute(statement)), None)


def lines_of_statement(
    connection: Connection, statement_id: UUID, *, after: int = -1, limit: int = 100
) -> list[LineView]:
    """Return the lines that a file brought, in its order."""
    statement = (
        select(lines)
        .where(lines.c.statement_id == statement_id.bytes, lines.c.position > after)
        .order_by(lines.c.position)
        .limit(limit)
    )
    return [_line(row) for row in connection.execute(statement)]


def aside_lines(connection: Connection, account_id: UUID, limit: int) -> list[LineView]:
    """Return the lines that were set aside, the latest first."""
    aside = (LineState.IGNORED.value, LineState.WRITTEN_OFF.value)
    statement = (
        select(lines)
        .where(lines.c.account_id == account_id.bytes, lines.c.state.in_(aside))
        .order_by(lines.c.booked_on.desc(), lines.c.position.desc())
        .limit(limit)
    )
    return [_line(row) for row in connection.execute(statement)]


def open_line_sum(connection: Connection, account_id: UUID) -> OpenSum:
    statement = select(func.count(), func.sum(lines.c.amount_fen)).where(
        lines.c.account_id == account_id.bytes, lines.c.state == OPEN
    )
    count, total = connection.execute(statement).one()
    return OpenSum(count, Money(total or 0))


def open_item_sum(connection: Connection, account_id: UUID, begins_on: str) -> OpenSum:
    statement = select(func.count(), func.sum(items.c.amount_fen)).where(
        items.c.fund_id.in_(kept_at(account_id)),
        items.c.state == OPEN,
        items.c.booked_on >= begins_on,
    )
    count, total = connection.execute(statement).one()
    return OpenSum(count, Money(total or 0))


def open_items(
    connection: Connection, account_id: UUID, begins_on: str, *, limit: int | None = None
) -> list[ItemView]:
    """Return what the books say and no bank line met yet, the earliest first."""
    statement = _items(account_id, begins_on).limit(limit)
    return [_item(row) for row in connection.execute(statement)]


def candidates(
    connection: Connection, line: LineView, begins_on: str, *, limit: int
) -> list[ItemView]:
    """Return open items that a line may be: of the same matter, or of the same amount soon before.

    Those of the same matter come first, then those nearest in time.
    """
    day = date.fromisoformat(line.booked_on)
    first = (day - timedelta(days=NEAR_DAYS)).isoformat()
    last = (day + timedelta(days=NEAR_DAYS)).isoformat()
    codes = _codes(line)
    near = and_(items.c.amount_fen == line.amount_fen, items.c.booked_on.between(first, last))
    matters: list[ColumnElement[bool]] = [batches.c.code.in_(codes)] if codes else []
    if line.document is not None:
        matters.append(items.c.document == line.document)
    found: list[ItemView] = []
    for wanted in (*matters, near):
        statement = _items(line.account_id, begins_on).where(wanted).limit(limit)
        found += [
            each
            for each in (_item(row) for row in connection.execute(statement))
            if each not in found
        ]
    return found[:limit]


@dataclass(frozen=True, slots=True)
class Sent:
    """A card payment that the bank has, or had, and may send back."""

    disbursement_id: UUID
    batch_code: str
    number: int
    amount_fen: Money
    status: str

    @property
    def reference(self) -> str:
        return payment_reference(self.batch_code, self.number)


def could_come_back(
    connection: Connection,
    account_id: UUID,
    line: LineView,
    people: Collection[UUID],
    *,
    limit: int,
) -> list[Sent]:
    """Return payments by bank of a line's amount that it names, or that were for these people."""
    codes = _codes(line)
    head, _, number = (line.end_to_end_id or "").rpartition("-")
    named = and_(
        batches.c.code == head,
        disbursements.c.number
        == (int(number) if number.isdecimal() and len(number) < DIGITS_MAX else -1),
    )
    theirs = disbursements.c.person_id.in_([each.bytes for each in people])
    if not (codes or people):
        return []
    later = states.alias()
    last = (
        select(func.max(later.c.position))
        .where(later.c.disbursement_id == disbursements.c.disbursement_id)
        .scalar_subquery()
    )
    statement = (
        select(
            disbursements.c.disbursement_id,
            batches.c.code,
            disbursements.c.number,
            disbursements.c.amount_fen,
            states.c.status,
        )
        .join(batches, batches.c.batch_id == disbursements.c.batch_id)
        .join(states, states.c.position == last)
        .where(
            disbursements.c.amount_fen == line.amount_fen,
            disbursements.c.fund_id.in_(kept_at(account_id)),
            disbursements.c.channel == Channel.BANK_CARD.value,
            states.c.status.in_((Status.IN_TRANSIT.value, Status.SETTLED.value)),
            or_(named, theirs),
        )
        .order_by(disbursements.c.position.desc())
        .limit(limit)
    )
    return [
        Sent(uuid_of(row[0]), row[1], row[2], Money(row[3]), row[4])
        for row in connection.execute(statement)
    ]


def match_of(connection: Connection, match_id: UUID) -> MatchView | None:
    statement = select(matches).where(matches.c.match_id == match_id.bytes)
    return next((_match(row) for row in connection.execute(statement)), None)


def last_matches(connection: Connection, account_id: UUID, limit: int) -> list[MatchView]:
    """Return the matches that stand, the latest first."""
    statement = (
        select(matches)
        .where(matches.c.account_id == account_id.bytes, matches.c.undone_on.is_(None))
        .order_by(matches.c.position.desc())
        .limit(limit)
    )
    return [_match(row) for row in connection.execute(statement)]


def lines_of_match(connection: Connection, match_id: UUID) -> list[LineView]:
    statement = select(lines).where(lines.c.match_id == match_id.bytes).order_by(lines.c.position)
    return [_line(row) for row in connection.execute(statement)]


def items_of_match(connection: Connection, match_id: UUID) -> list[ItemView]:
    statement = _joined().where(items.c.match_id == match_id.bytes).order_by(items.c.position)
    return [_item(row) for row in connection.execute(statement)]


def decisions_on(connection: Connection, account_id: UUID, limit: int) -> list[Decision]:
    """Return who decided what about an account's lines, the latest first."""
    statement = (
        select(decisions)
        .where(decisions.c.account_id == account_id.bytes)
        .order_by(decisions.c.position.desc())
        .limit(limit)
    )
    return [
        Decision(
            row.what,
            row.happened_on,
            optional_uuid(row.officer_id),
            optional_uuid(row.match_id),
            optional_uuid(row.statement_id),
            row.line,
            row.reason,
            row.position,
        )
        for row in connection.execute(statement)
    ]


def kept_at(account_id: UUID) -> Select[tuple[bytes]]:
    """Return the fund accounts whose money stands in a bank account, to be asked within."""
    return select(kept_funds.c.fund_id).where(kept_funds.c.account_id == account_id.bytes)


@dataclass(frozen=True, slots=True)
class Sums:
    """What came in and what went out, each above zero."""

    count: int
    in_fen: Money
    out_fen: Money


def timing_lines(
    connection: Connection, account_id: UUID, begins_on: str, day: str, limit: int
) -> list[LineView]:
    """Return what the bank had booked by a day and the books had not, as far as is known now."""
    statement = (
        select(lines)
        .where(*_timing_lines(account_id, begins_on, day))
        .order_by(lines.c.booked_on, lines.c.position)
        .limit(limit)
    )
    return [_line(row) for row in connection.execute(statement)]


def timing_items(
    connection: Connection, account_id: UUID, begins_on: str, day: str, limit: int
) -> list[ItemView]:
    """Return what the books had moved by a day and the bank had not booked."""
    statement = (
        _joined()
        .where(*_timing_items(account_id, begins_on, day))
        .order_by(items.c.booked_on, items.c.position)
        .limit(limit)
    )
    return [_item(row) for row in connection.execute(statement)]


def timing_line_sums(connection: Connection, account_id: UUID, begins_on: str, day: str) -> Sums:
    return _sums(connection, lines.c.amount_fen, _timing_lines(account_id, begins_on, day))


def timing_item_sums(connection: Connection, account_id: UUID, begins_on: str, day: str) -> Sums:
    return _sums(connection, items.c.amount_fen, _timing_items(account_id, begins_on, day))


def _sums(
    connection: Connection, amount: ColumnElement[int], where: Sequence[ColumnElement[bool]]
) -> Sums:
    into = func.sum(case((amount > 0, amount), else_=0))
    out = func.sum(case((amount < 0, -amount), else_=0))
    count, in_fen, out_fen = connection.execute(select(func.count(), into, out).where(*where)).one()
    return Sums(count, Money(in_fen or 0), Money(out_fen or 0))


def _timing_lines(account_id: UUID, begins_on: str, day: str) -> list[ColumnElement[bool]]:
    return [
        lines.c.account_id == account_id.bytes,
        lines.c.booked_on.between(begins_on, day),
        or_(lines.c.state != MATCHED, _met_later(lines.c.match_id, account_id, day)),
    ]


def _timing_items(account_id: UUID, begins_on: str, day: str) -> list[ColumnElement[bool]]:
    return [
        items.c.fund_id.in_(kept_at(account_id)),
        items.c.booked_on.between(begins_on, day),
        or_(items.c.state == OPEN, _met_later(items.c.match_id, account_id, day)),
    ]


def _codes(line: LineView) -> list[str]:
    named = {line.batch_code, line.end_to_end_id, (line.end_to_end_id or "").rpartition("-")[0]}
    named |= {of_first_file(line.batch_code), of_first_file(line.end_to_end_id)}
    return sorted(each for each in named if each)


def _items(account_id: UUID, begins_on: str) -> Select[Any]:
    return (
        _joined()
        .where(
            items.c.fund_id.in_(kept_at(account_id)),
            items.c.state == OPEN,
            items.c.booked_on >= begins_on,
        )
        .order_by(items.c.booked_on, items.c.position)
    )


def _joined() -> Select[Any]:
    """Say of each item which batch it is of, and of a single payment which row."""
    of_batch = func.coalesce(disbursements.c.batch_id, items.c.source_id)
    return (
        select(
            items,
            batches.c.batch_id,
            batches.c.code,
            disbursements.c.disbursement_id,
            disbursements.c.number,
        )
        .outerjoin(disbursements, disbursements.c.disbursement_id == items.c.source_id)
        .outerjoin(batches, batches.c.batch_id == of_batch)
    )


def _line(row: Row[Any]) -> LineView:
    return LineView(
        uuid_of(row.statement_id),
        row.line,
        uuid_of(row.account_id),
        row.booked_on,
        Money(row.amount_fen),
        row._mapping[lines.c.count],  # noqa: SLF001 - a row has a method of that name
        row.end_to_end_id,
        row.reference,
        row.batch_code,
        row.document,
        bool(row.returned),
        row.position,
        row.state,
        optional_uuid(row.match_id),
        row.reason,
    )


def _item(row: Row[Any]) -> ItemView:
    return ItemView(
        uuid_of(row.source_id),
        row.version,
        row.kind,
        uuid_of(row.fund_id),
        uuid_of(row.organisation_id),
        row.booked_on,
        Money(row.amount_fen),
        row.document,
        optional_uuid(row.allocation_id),
        row.position,
        row.state,
        optional_uuid(row.match_id),
        optional_uuid(row.batch_id),
        row.code,
        optional_uuid(row.disbursement_id),
        row.number,
    )


def _match(row: Row[Any]) -> MatchView:
    return MatchView(
        uuid_of(row.match_id),
        uuid_of(row.account_id),
        Money(row.amount_fen),
        row.line_count,
        row.item_count,
        row.first_day,
        row.last_day,
        row.rule,
        row.rule_version,
        tuple(row.facts.split()),
        row.reason,
        row.made_on,
        optional_uuid(row.officer_id),
        row.position,
        row.undone_on,
        row.undone_at,
    )


def _met_later(match_id: Any, account_id: UUID, day: str) -> Any:
    """Say that what it was matched with was booked, at least in part, after a day."""
    later = select(matches.c.match_id).where(
        matches.c.account_id == account_id.bytes,
        matches.c.undone_on.is_(None),
        matches.c.last_day > day,
    )
    return match_id.in_(later)
