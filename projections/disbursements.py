"""Disbursements: each payment as it stands at any moment, and a campaign's payments in figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Index,
    ScalarSelect,
    Select,
    Table,
    func,
    select,
)

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Disbursement as Payment
from ledger.domain.disbursement import Status
from ledger.domain.values import Money
from projections.asked import NOW, PAGE_ROWS_MAX, Moment, uuid_of
from projections.batches import batches
from projections.journal import funds
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    key,
    metadata,
    number_column,
    text_column,
)

disbursements = Table(
    "disbursements",
    metadata,
    id_column("disbursement_id"),
    id_column("campaign_id"),
    id_column("batch_id"),
    number_column("number"),
    id_column("organisation_id"),
    id_column("fund_id"),
    id_column("person_id"),
    text_column("category"),
    text_column("channel"),
    number_column("amount_fen"),
    text_column("happened_on"),
    number_column("position"),
    Index("disbursements_in_order", "position"),
    Index("disbursements_by_batch", "batch_id", "position"),
    Index("disbursements_by_person", "person_id", "position"),
    Index("disbursements_by_organisation", "organisation_id", "position"),
    key("disbursement_id"),
)

states = Table(
    "disbursement_states",
    metadata,
    number_column("position", primary_key=True),
    id_column("disbursement_id"),
    text_column("status"),
    text_column("reason", nullable=True),
    text_column("happened_on"),
    number_column("amount_fen"),
    Index("states_by_disbursement", "disbursement_id", "position"),
)


class Disbursements(Projection):
    tables: ClassVar = (disbursements, states)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Payment.Instructed: _instructed,
            Payment.Settled: _settled,
            Payment.Signed: _signed,
            Payment.Returned: _returned,
            Payment.Unresolved: _unresolved,
            Payment.Reissued: _reissued,
            Payment.Corrected: _corrected,
        }


@dataclass(frozen=True, slots=True)
class Disbursement:
    """A payment as it stands at the moment asked for; who it is for is an opaque id."""

    disbursement_id: UUID
    campaign_id: UUID
    batch_id: UUID
    batch_code: str
    number: int
    organisation_id: UUID
    fund_id: UUID
    person_id: UUID
    category: str
    channel: str
    amount_fen: Money
    happened_on: str
    position: int
    status: str
    reason: str | None
    status_since: str


PAID = "paid"
"""Asks for payments that reached people, whether the bank said so or they signed."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which payments are asked for: one question, be they listed, summed up or exported.

    `status` is one that payments have, or `PAID`.
    """

    organisation_ids: Sequence[UUID] | None = None
    campaign_id: UUID | None = None
    batch_id: UUID | None = None
    channel: str | None = None
    category: str | None = None
    status: str | None = None
    since: date | None = None
    until: date | None = None
    least_fen: int | None = None
    most_fen: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what holds of a payment and of the state that it is in."""
        of = disbursements.c
        equal: tuple[tuple[ColumnElement[Any], object], ...] = (
            (of.campaign_id, None if self.campaign_id is None else self.campaign_id.bytes),
            (of.batch_id, None if self.batch_id is None else self.batch_id.bytes),
            (of.channel, self.channel),
            (of.category, self.category),
            (states.c.status, None if self.status == PAID else self.status),
        )
        least = ((of.happened_on, _day(self.since)), (of.amount_fen, self.least_fen))
        most = ((of.happened_on, _day(self.until)), (of.amount_fen, self.most_fen))
        found = [column == value for column, value in equal if value is not None]
        found += [column >= value for column, value in least if value is not None]
        found += [column <= value for column, value in most if value is not None]
        if self.status == PAID:
            found.append(states.c.status.in_((Status.SETTLED.value, Status.SIGNED.value)))
        if self.organisation_ids is not None:
            found.append(of.organisation_id.in_([each.bytes for each in self.organisation_ids]))
        return found


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


EVERY = Question()


@dataclass(frozen=True, slots=True)
class StatusTotal:
    """Payments that stand alike, counted and summed up."""

    status: str
    count: int
    total_fen: Money


def status_totals(
    connection: Connection, asked: Question, moment: Moment = NOW, *, upto: int | None = None
) -> list[StatusTotal]:
    """Sum up the payments of a question by where they stand; `upto` is a log position."""
    statement = (
        select(states.c.status, func.count(), func.sum(disbursements.c.amount_fen))
        .join(disbursements, disbursements.c.disbursement_id == states.c.disbursement_id)
        .where(states.c.position == _last_state(moment), moment.covers(disbursements))
        .where(*asked.conditions())
        .group_by(states.c.status)
        .order_by(states.c.status)
    )
    if upto is not None:
        statement = statement.where(disbursements.c.position <= upto)
    return [StatusTotal(row[0], row[1], Money(row[2])) for row in connection.execute(statement)]


def instructed(
    connection: Connection, ids: list[bytes], moment: Moment = NOW, earmark: str | None = None
) -> dict[UUID, int]:
    """Return what organisations ever instructed to be paid, each payment counted once."""
    statement = (
        select(disbursements.c.organisation_id, func.sum(disbursements.c.amount_fen))
        .where(disbursements.c.organisation_id.in_(ids), moment.covers(disbursements))
        .group_by(disbursements.c.organisation_id)
    )
    if earmark is not None:
        of_earmark = select(funds.c.fund_id).where(funds.c.earmark == earmark)
        statement = statement.where(disbursements.c.fund_id.in_(of_earmark))
    return {uuid_of(row[0]): row[1] for row in connection.execute(statement)}


def categories(connection: Connection) -> list[str]:
    """Return the categories that payments were ever made for."""
    statement = select(disbursements.c.category).distinct().order_by(disbursements.c.category)
    return list(connection.execute(statement).scalars())


def disbursement_list(
    connection: Connection,
    moment: Moment = NOW,
    *,
    asked: Question = EVERY,
    disbursement_id: UUID | None = None,
    disbursement_ids: list[UUID] | None = None,
    person_ids: list[UUID] | None = None,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
) -> list[Disbursement]:
    """Return payments in the order in which they were instructed."""
    statement = (
        select(
            disbursements,
            batches.c.code.label("batch_code"),
            states.c.status,
            states.c.reason,
            states.c.happened_on.label("status_since"),
        )
        .join(batches, batches.c.batch_id == disbursements.c.batch_id)
        .join(states, states.c.position == _last_state(moment))
        .where(disbursements.c.position > after, moment.covers(disbursements))
        .where(*asked.conditions())
        .order_by(disbursements.c.position)
        .limit(limit)
    )
    if person_ids is not None:
        people = [each.bytes for each in person_ids]
        statement = statement.where(disbursements.c.person_id.in_(people))
    if disbursement_id is not None:
        statement = statement.where(disbursements.c.disbursement_id == disbursement_id.bytes)
    if disbursement_ids is not None:
        ids = [each.bytes for each in disbursement_ids]
        statement = statement.where(disbursements.c.disbursement_id.in_(ids))
    return [
        Disbursement(
            uuid_of(row.disbursement_id),
            uuid_of(row.campaign_id),
            uuid_of(row.batch_id),
            row.batch_code,
            row.number,
            uuid_of(row.organisation_id),
            uuid_of(row.fund_id),
            uuid_of(row.person_id),
            row.category,
            row.channel,
            Money(row.amount_fen),
            row.happened_on,
            row.position,
            row.status,
            row.reason,
            row.status_since,
        )
        for row in connection.execute(statement)
    ]


def every_disbursement(
    connection: Connection, asked: Question, moment: Moment = NOW
) -> Iterator[Disbursement]:
    """Return all payments of a question, read page by page."""
    after = -1
    while page := disbursement_list(connection, moment, asked=asked, after=after):
        yield from page
        after = page[-1].position


@dataclass(frozen=True, slots=True)
class Totals:
    """A campaign in figures, at a moment."""

    paid_fen: Money
    returned_fen: Money
    unsigned_fen: Money
    unanswered_fen: Money
    people_paid: int
    returned_by_reason: dict[str, int]


def totals(
    connection: Connection, campaign_id: UUID, sheet_channel: str, moment: Moment = NOW
) -> Totals:
    """Sum up a campaign's payments by where they stand.

    `unsigned_fen` are payments by sheet that nobody has signed for, `unanswered_fen` those by
    card that the bank has not answered.
    """
    latest = _latest(moment).subquery()
    statement = (
        select(
            states.c.status,
            states.c.reason,
            disbursements.c.channel,
            func.count(disbursements.c.person_id.distinct()),
            func.sum(states.c.amount_fen),
        )
        .join(latest, states.c.position == latest.c.position)
        .join(disbursements, disbursements.c.disbursement_id == states.c.disbursement_id)
        .where(disbursements.c.campaign_id == campaign_id.bytes)
        .group_by(states.c.status, states.c.reason, disbursements.c.channel)
    )
    paid = returned = unsigned = unanswered = people = 0
    reasons: dict[str, int] = {}
    for status, reason, channel, count, amount in connection.execute(statement):
        if status in (Status.SETTLED, Status.SIGNED):
            paid, people = paid + amount, people + count
        elif status == Status.RETURNED:
            returned += amount
            reasons[reason] = reasons.get(reason, 0) + count
        elif channel == sheet_channel:
            unsigned += amount
        else:
            unanswered += amount
    return Totals(
        Money(paid),
        Money(returned),
        Money(unsigned),
        Money(unanswered),
        people,
        dict(sorted(reasons.items())),
    )


def _last_state(moment: Moment) -> ScalarSelect[int]:
    """Say where a payment's last state at the moment stands, payment by payment.

    A page reads a few payments in order, and looks up the state of each: over all states at once
    it would read them all.
    """
    later = states.alias()
    return (
        select(func.max(later.c.position))
        .where(later.c.disbursement_id == disbursements.c.disbursement_id)
        .where(moment.covers(later))
        .scalar_subquery()
    )


def _latest(moment: Moment) -> Select[tuple[bytes, int]]:
    """Say which state of each payment was the last one at the moment.

    A later day does not come before an earlier one because it was entered first.
    """
    return (
        select(states.c.disbursement_id, func.max(states.c.position).label("position"))
        .where(moment.covers(states))
        .group_by(states.c.disbursement_id)
    )


# What the events leave.


def _instructed(event: Payment.Instructed, position: int, rows: Rows) -> None:
    rows["disbursements"].append(
        (
            event.originator_id.bytes,
            event.campaign_id.bytes,
            event.batch_id.bytes,
            event.number,
            event.organisation_id.bytes,
            event.fund_id.bytes,
            event.person_id.bytes,
            event.category,
            event.channel,
            event.amount_fen,
            event.happened_on.isoformat(),
            position,
        )
    )
    _state(event, position, rows, Status.IN_TRANSIT, None, event.amount_fen)


def _settled(event: Payment.Settled, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.SETTLED, None, event.amount_fen)


def _signed(event: Payment.Signed, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.SIGNED, None, event.amount_fen)


def _returned(event: Payment.Returned, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.RETURNED, event.reason, event.amount_fen)


def _reissued(event: Payment.Reissued, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.IN_TRANSIT, None, event.amount_fen)


def _unresolved(event: Payment.Unresolved, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.IN_TRANSIT, event.reason, event.amount_fen)


def _corrected(event: Payment.Corrected, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status(event.now), None, event.amount_fen)


def _state(
    event: Event, position: int, rows: Rows, status: Status, reason: str | None, amount: int
) -> None:
    rows["disbursement_states"].append(
        (
            position,
            event.originator_id.bytes,
            status.value,
            reason,
            event.happened_on.isoformat(),
            amount,
        )
    )
