"""The ledger's one question: which movements of money, listed, summed up, or over time.

Payments and the movements beside them stand in tables of their own; each is asked in the order of
the log, so a page of all of them is the first rows of a few short lists.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select, union

from ledger.domain.values import Money
from projections.asked import NOW, PAGE_ROWS_MAX, Moment, optional_uuid, uuid_of
from projections.batches import batches, steps
from projections.disbursements import (
    EVERY,
    Disbursement,
    Question,
    StatusTotal,
    disbursement_list,
    drawn_from,
    status_totals,
)
from projections.journal import Account, funds, lines, lots
from projections.movements import OF_PIECES, Kind, movements, stands
from projections.payment_states import disbursements


class Ever(StrEnum):
    """What once happened to a payment, however it stands now."""

    RETURNED = "returned"
    REISSUED = "reissued"


ROWS_AT_ONCE = 5_000
TOOK_PART = ("reviewed", "approved")
EVER = {Ever.RETURNED: Kind.RETURN, Ever.REISSUED: Kind.REISSUE}

handlers = union(
    select(batches.c.batch_id, batches.c.drafted_by.label("officer_id")),
    select(steps.c.batch_id, steps.c.officer_id).where(steps.c.step.in_(TOOK_PART)),
).subquery("handlers")
"""Who drafted, reviewed or approved a batch: the officers whom its payments name."""

origins = lots.alias("origins")
"""The appropriations that money came from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which movements are asked for; `plain` is what is asked of payments in themselves.

    A return that was taken back is none: what took it back is listed alone, as a correction.
    """

    plain: Question = EVERY
    kinds: frozenset[Kind] = frozenset(Kind)
    source: str | None = None
    document: str | None = None
    vintage: int | None = None
    earmark: str | None = None
    officer_id: UUID | None = None
    reason: str | None = None
    ever: Ever | None = None

    def payments(self, connection: Connection, moment: Moment) -> list[Question]:
        """Return the question as it is put to payments: in parts that have none in common."""
        among: list[tuple[str, Any]] = []
        if self.earmark is not None:
            among.append(("fund_id", _accounts_of(self.earmark)))
        if self.officer_id is not None:
            theirs = select(handlers.c.batch_id).where(
                handlers.c.officer_id == self.officer_id.bytes
            )
            among.append(("batch_id", theirs))
        few = []
        if self.reason is not None:
            few.append(_that(Kind.RETURN, moment, self.reason))
        if self.ever is not None:
            few.append(_that(EVER[self.ever], moment))
        asked = replace(self.plain, among=tuple(among), few=tuple(few))
        if not self.of_lots():
            return [asked]
        lots_asked = select(origins.c.lot_id).where(
            *self.of_lots(), origins.c.lot_id == origins.c.origin_id
        )
        first = drawn_from(
            connection, {uuid_of(each) for each in connection.execute(lots_asked).scalars()}
        )
        again = drawn_again(moment, disbursements.c.disbursement_id).where(
            *self.of_lots(), disbursements.c.origins.not_in(first)
        )
        return [
            replace(asked, among=(*among, ("origins", first))),
            replace(asked, few=(*few, again)),
        ]

    def of_lots(self) -> list[ColumnElement[bool]]:
        """Return what is asked of the appropriations that money came from."""
        asked: tuple[tuple[ColumnElement[Any], object], ...] = (
            (origins.c.source, self.source),
            (origins.c.document, self.document),
            (origins.c.vintage, self.vintage),
        )
        return [column == value for column, value in asked if value is not None]

    def conditions(self, moment: Moment) -> list[ColumnElement[bool]]:
        """Return what holds of the movements beside payments."""
        of, plain = movements.c, self.plain
        kinds = sorted(kind.value for kind in self.kinds)
        found: list[ColumnElement[bool]] = [
            moment.covers(movements),
            of.kind.in_(kinds),
            stands(moment),
        ]
        if plain.organisation_ids is not None:
            ids = [each.bytes for each in plain.organisation_ids]
            found.append(or_(of.organisation_id.in_(ids), of.other_id.in_(ids)))
        if self.earmark is not None:
            found.append(of.fund_id.in_(_accounts_of(self.earmark)))
        if self.of_lots():
            found.append(self._came_from(moment))
        if plain.since is not None:
            found.append(of.happened_on >= plain.since.isoformat())
        if plain.until is not None:
            found.append(of.happened_on <= plain.until.isoformat())
        if plain.least_fen is not None:
            found.append(of.amount_fen >= plain.least_fen)
        if plain.most_fen is not None:
            found.append(of.amount_fen <= plain.most_fen)
        payment = disbursements.c
        equal: tuple[tuple[ColumnElement[Any], object], ...] = (
            (of.officer_id, _bytes(self.officer_id)),
            (of.reason, self.reason),
            (payment.campaign_id, _bytes(plain.campaign_id)),
            (payment.batch_id, _bytes(plain.batch_id)),
            (payment.channel, plain.channel),
            (payment.category, plain.category),
        )
        return found + [column == value for column, value in equal if value is not None]

    def _came_from(self, moment: Moment) -> ColumnElement[bool]:
        """Say that a movement's money is of the appropriations asked for.

        A receipt is one itself, an allocation moves pieces of some, a payment was drawn from some;
        an allocation may have a document of its own, too.
        """
        of = movements.c
        receipt = exists(
            select(origins.c.lot_id).where(origins.c.lot_id == of.lot_id, *self.of_lots())
        )
        allocated = exists(
            select(lines.c.position)
            .join(origins, origins.c.lot_id == lines.c.origin_id)
            .where(lines.c.position == of.position, of.kind.in_(OF_PIECES), *self.of_lots())
        )
        drawn = exists(self._pieces(moment, of.disbursement_id))
        found = or_(receipt, allocated, drawn)
        if self.document is None or self.source is not None or self.vintage is not None:
            return found
        return or_(of.document == self.document, found)

    def _pieces(self, moment: Moment, payment: ColumnElement[Any]) -> Select[tuple[int]]:
        """Return the draws of a payment from the appropriations asked for."""
        return (
            select(lines.c.position)
            .join(origins, origins.c.lot_id == lines.c.origin_id)
            .where(lines.c.disbursement_id == payment, moment.covers(lines), *self.of_lots())
            .where(lines.c.to_account == Account.TRANSIT.value)
            .where(lines.c.from_account == Account.FUND.value)
        )


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the ledger: a movement, or a payment as it stands at the moment (`payment`).

    `organisation_id` is whose account it left, or came into from outside; `other_id` is whom an
    allocation went to. `recorded_at` and `officer_id` of a payment stand in its event. `corrects`
    says that it puts a receipt right.
    """

    kind: Kind
    position: int
    happened_on: str
    amount_fen: Money
    organisation_id: UUID
    other_id: UUID | None = None
    lot_id: UUID | None = None
    source: str | None = None
    document: str | None = None
    vintage: int | None = None
    disbursement_id: UUID | None = None
    batch_id: UUID | None = None
    batch_code: str | None = None
    number: int | None = None
    category: str | None = None
    channel: str | None = None
    reason: str | None = None
    recorded_at: str | None = None
    officer_id: UUID | None = None
    status: str | None = None
    status_since: str | None = None
    corrects: bool = False


def movement_list(
    connection: Connection,
    asked: Asked,
    moment: Moment = NOW,
    *,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
    newest_first: bool = False,
) -> list[Movement]:
    """Return movements in the order of the log, or the newest first.

    Args:
        connection: Of the read model.
        asked: Which of them.
        moment: As of when, as known when.
        after: Where the page before ended; -1 is the beginning in either order.
        limit: How many at most.
        newest_first: Which end is the beginning.
    """
    listed: list[list[Movement]] = []
    if Kind.PAYMENT in asked.kinds:
        found = payment_list(
            connection, asked, moment, after=after, limit=limit, newest_first=newest_first
        )
        listed.append([_payment(each) for each in found])
    if asked.kinds - {Kind.PAYMENT}:
        listed.append(_beside(connection, asked, moment, after, limit, newest_first=newest_first))
    in_order = merge(*listed, key=lambda each: each.position, reverse=newest_first)
    return list(islice(in_order, limit))


def payment_list(
    connection: Connection,
    asked: Asked,
    moment: Moment = NOW,
    *,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
    newest_first: bool = False,
) -> list[Disbursement]:
    """Return payments alone, as `movement_list` does."""
    listed = [
        disbursement_list(
            connection, moment, asked=part, after=after, limit=limit, newest_first=newest_first
        )
        for part in asked.payments(connection, moment)
    ]
    in_order = merge(*listed, key=lambda each: each.position, reverse=newest_first)
    return list(islice(in_order, limit))


def payment_totals(
    connection: Connection,
    asked: Asked,
    moment: Moment = NOW,
    *,
    by: Sequence[str] = (),
    upto: int | None = None,
) -> list[StatusTotal]:
    """Sum up payments by where they stand, and by columns that their runs have."""
    counts: Counter[tuple[Any, ...]] = Counter()
    totals_fen: Counter[tuple[Any, ...]] = Counter()
    for part in asked.payments(connection, moment):
        for each in status_totals(connection, part, moment, by=by, upto=upto):
            counts[*each.shared, each.status] += each.count
            totals_fen[*each.shared, each.status] += each.total_fen
    return [
        StatusTotal(alike[-1], counts[alike], Money(totals_fen[alike]), alike[:-1])
        for alike in sorted(counts)
    ]


def every_payment(
    connection: Connection, asked: Asked, moment: Moment = NOW
) -> Iterator[Disbursement]:
    """Return all payments of a question, read page by page."""
    after = -1
    while page := payment_list(connection, asked, moment, after=after):
        yield from page
        after = page[-1].position


def every_movement(
    connection: Connection, asked: Asked, moment: Moment = NOW, *, newest_first: bool = False
) -> Iterator[Movement]:
    """Return all movements of a question, read some thousand at a time."""
    after = -1
    while page := movement_list(
        connection, asked, moment, after=after, limit=ROWS_AT_ONCE, newest_first=newest_first
    ):
        yield from page
        after = page[-1].position


@dataclass(frozen=True, slots=True)
class Sum:
    """Movements of one sort, counted and summed up. `of` is a payment's status, or a kind."""

    kind: Kind
    of: str
    count: int
    total_fen: Money


def sums(
    connection: Connection, asked: Asked, moment: Moment = NOW, *, upto: int | None = None
) -> list[Sum]:
    """Sum up: payments by where they stand, others by kind; `upto` is a log position."""
    found = []
    if Kind.PAYMENT in asked.kinds:
        found = [
            Sum(Kind.PAYMENT, each.status, each.count, each.total_fen)
            for each in payment_totals(connection, asked, moment, upto=upto)
        ]
    statement = joined(movements.c.kind, func.count(), func.sum(movements.c.amount_fen))
    statement = statement.where(*asked.conditions(moment)).group_by(movements.c.kind)
    if upto is not None:
        statement = statement.where(movements.c.position <= upto)
    beside = {row[0]: row for row in connection.execute(statement)}
    return found + [
        Sum(kind, kind.value, beside[kind][1], Money(beside[kind][2]))
        for kind in Kind
        if kind in beside
    ]


def _beside(
    connection: Connection,
    asked: Asked,
    moment: Moment,
    after: int,
    limit: int,
    *,
    newest_first: bool,
) -> list[Movement]:
    """Return movements that are no payments."""
    at = movements.c.position
    statement = (
        joined(
            *movements.c,
            lots.c.source,
            lots.c.document.label("lot_document"),
            lots.c.vintage,
            lots.c.position.label("first_position"),
            disbursements.c.batch_id,
            batches.c.code,
            disbursements.c.number,
            disbursements.c.category,
            disbursements.c.channel,
        )
        .outerjoin(lots, lots.c.lot_id == movements.c.lot_id)
        .outerjoin(batches, batches.c.batch_id == disbursements.c.batch_id)
        .where(*asked.conditions(moment))
        .order_by(at.desc() if newest_first else at)
        .limit(limit)
    )
    if not newest_first:
        statement = statement.where(at > after)
    elif after >= 0:
        statement = statement.where(at < after)
    return [
        Movement(
            Kind(row.kind),
            row.position,
            row.happened_on,
            Money(row.amount_fen),
            uuid_of(row.organisation_id),
            optional_uuid(row.other_id),
            optional_uuid(row.lot_id),
            row.source,
            row.document or row.lot_document,
            row.vintage,
            optional_uuid(row.disbursement_id),
            optional_uuid(row.batch_id),
            row.code,
            row.number,
            row.category,
            row.channel,
            row.reason,
            row.recorded_at,
            optional_uuid(row.officer_id),
            corrects=row.first_position not in (None, row.position),
        )
        for row in connection.execute(statement)
    ]


def _payment(found: Disbursement) -> Movement:
    return Movement(
        Kind.PAYMENT,
        found.position,
        found.happened_on,
        found.amount_fen,
        found.organisation_id,
        disbursement_id=found.disbursement_id,
        batch_id=found.batch_id,
        batch_code=found.batch_code,
        number=found.number,
        category=found.category,
        channel=found.channel,
        reason=found.reason,
        status=found.status,
        status_since=found.status_since,
    )


def joined(*columns: Any) -> Select[Any]:
    """Select of movements, with the payment that some of them are about."""
    return (
        select(*columns)
        .select_from(movements)
        .outerjoin(disbursements, disbursements.c.disbursement_id == movements.c.disbursement_id)
    )


def drawn_again(moment: Moment, *columns: Any) -> Select[Any]:
    """Select of payments that were made again, from lots drawn anew, and of what they came from.

    A payment's first draw is known with it; what a later one took stands in the journal alone.
    """
    return (
        select(*columns)
        .select_from(movements)
        .join(disbursements, disbursements.c.disbursement_id == movements.c.disbursement_id)
        .join(lines, lines.c.disbursement_id == movements.c.disbursement_id)
        .join(origins, origins.c.lot_id == lines.c.origin_id)
        .where(movements.c.kind == Kind.REISSUE.value, moment.covers(movements))
        .where(lines.c.to_account == Account.TRANSIT.value, moment.covers(lines))
        .where(lines.c.from_account == Account.FUND.value)
        .correlate(None)
    )


def _accounts_of(earmark: str) -> Select[tuple[bytes]]:
    return select(funds.c.fund_id).where(funds.c.earmark == earmark)


def _that(kind: Kind, moment: Moment, reason: str | None = None) -> Select[Any]:
    """Return the payments to which something happened by the moment."""
    found = select(movements.c.disbursement_id).where(
        movements.c.kind == kind.value, moment.covers(movements), stands(moment)
    )
    return found if reason is None else found.where(movements.c.reason == reason)


def _bytes(id_: UUID | None) -> bytes | None:
    return None if id_ is None else id_.bytes
