"""Fund flows: where a payment's money came from, and what became of an appropriation."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from ledger.domain.values import Money
from projections.asked import NOW, PAGE_ROWS_MAX, Moment, optional_uuid, uuid_of
from projections.balances import net
from projections.journal import Account, lines, lots
from projections.journal_sums import moved


@dataclass(frozen=True, slots=True)
class LotStep:
    """A lot on the way: in which account, from which lot, by the event at which position."""

    lot_id: UUID
    fund_id: UUID
    organisation_id: UUID
    parent_id: UUID | None
    origin_id: UUID
    vintage: int
    source: str
    document: str
    amount_fen: Money
    happened_on: str
    position: int


@dataclass(frozen=True, slots=True)
class Strand:
    """A part of a payment, and the lots it came through: the paying account's first."""

    amount_fen: Money
    drawn_at: int
    steps: tuple[LotStep, ...]

    @property
    def origin(self) -> LotStep:
        return self.steps[-1]


def trace_back(connection: Connection, disbursement_id: UUID) -> list[Strand]:
    """Return where a payment's money came from; of one paid twice, its last draw counts."""
    last_draw = connection.execute(
        select(func.max(lines.c.position)).where(
            lines.c.disbursement_id == disbursement_id.bytes,
            lines.c.to_account == Account.TRANSIT.value,
            lines.c.from_account == Account.FUND.value,
        )
    ).scalar_one_or_none()
    if last_draw is None:
        return []
    drawn = connection.execute(
        select(lines.c.lot_id, lines.c.amount_fen, lines.c.position)
        .where(lines.c.position == last_draw)
        .order_by(lines.c.part)
    ).all()
    return [Strand(Money(row[1]), row[2], _way_up(connection, row[0])) for row in drawn]


@dataclass(slots=True)
class Place:
    """What one organisation did with an appropriation's money."""

    organisation_id: UUID
    came_in_fen: int = 0
    in_hand_fen: int = 0
    in_transit_fen: int = 0
    paid_fen: int = 0
    passed_on_fen: int = 0
    remitted_fen: int = 0


@dataclass(frozen=True, slots=True)
class PaidFrom:
    """A payment's part of an appropriation, and where that money stands."""

    disbursement_id: UUID
    organisation_id: UUID
    first_position: int
    in_transit_fen: Money
    paid_fen: Money


@dataclass(frozen=True, slots=True)
class Forward:
    """What became of an appropriation.

    In hand, in transit, paid and remitted (to other ledgers) add up to its amount.
    """

    origin: LotStep
    received_fen: Money
    in_hand_fen: Money
    in_transit_fen: Money
    paid_fen: Money
    remitted_fen: Money
    lots: tuple[LotStep, ...]
    places: tuple[Place, ...]
    payments: tuple[PaidFrom, ...] = field(repr=False)
    next_after: int | None


def trace_forward(
    connection: Connection,
    origin_id: UUID,
    moment: Moment = NOW,
    *,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
) -> Forward | None:
    """Return what became of the appropriation that a lot came in by; None when there is none.

    Args:
        connection: Of the read model.
        origin_id: The lot that came in from outside.
        moment: As of when.
        after: Payments whose first draw stands after this position; for paging.
        limit: How many payments at most.
    """
    steps = [
        _step(row)
        for row in connection.execute(
            select(lots)
            .where(lots.c.origin_id == origin_id.bytes, moment.covers(lots))
            .order_by(lots.c.position, lots.c.lot_id)
        )
    ]
    if not steps or steps[0].lot_id != origin_id:
        return None
    places = _places(connection, origin_id, moment)
    payments = _payments(connection, origin_id, moment, after, limit + 1)
    more = len(payments) > limit
    payments = payments[:limit]
    return Forward(
        origin=steps[0],
        received_fen=_received(connection, origin_id, moment),
        in_hand_fen=Money(sum(place.in_hand_fen for place in places)),
        in_transit_fen=Money(sum(place.in_transit_fen for place in places)),
        paid_fen=Money(sum(place.paid_fen for place in places)),
        remitted_fen=Money(sum(place.remitted_fen for place in places)),
        lots=tuple(steps),
        places=tuple(places),
        payments=tuple(payments),
        next_after=payments[-1].first_position if more else None,
    )


def lot(connection: Connection, lot_id: UUID) -> LotStep | None:
    """Return a lot, whether it came in from outside or was passed on."""
    row = connection.execute(select(lots).where(lots.c.lot_id == lot_id.bytes)).one_or_none()
    return None if row is None else _step(row)


def appropriations(
    connection: Connection,
    *,
    organisation_ids: Sequence[UUID] | None = None,
    lot_id: UUID | None = None,
    document: str | None = None,
    amount_fen: int | None = None,
    since: str | None = None,
    until: str | None = None,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
) -> list[LotStep]:
    """Return the lots that came in from outside, in the order of the log."""
    statement = (
        select(lots)
        .where(lots.c.parent_id.is_(None), lots.c.position > after)
        .order_by(lots.c.position)
        .limit(limit)
    )
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(lots.c.organisation_id.in_(ids))
    if lot_id is not None:
        statement = statement.where(lots.c.lot_id == lot_id.bytes)
    if document is not None:
        statement = statement.where(lots.c.document == document)
    if amount_fen is not None:
        statement = statement.where(lots.c.amount_fen == amount_fen)
    if since is not None:
        statement = statement.where(lots.c.happened_on >= since)
    if until is not None:
        statement = statement.where(lots.c.happened_on <= until)
    return [_step(row) for row in connection.execute(statement)]


def _way_up(connection: Connection, lot_id: bytes) -> tuple[LotStep, ...]:
    steps: list[LotStep] = []
    at: bytes | None = lot_id
    while at is not None:
        step = _step(connection.execute(select(lots).where(lots.c.lot_id == at)).one())
        steps.append(step)
        at = None if step.parent_id is None else step.parent_id.bytes
    return tuple(steps)


def _places(connection: Connection, origin_id: UUID, moment: Moment) -> list[Place]:
    of = moved(connection, moment)
    statement = (
        select(
            of.c.organisation_id,
            of.c.from_account,
            of.c.to_account,
            func.sum(of.c.amount_fen),
        )
        .where(of.c.origin_id == origin_id.bytes)
        .group_by(of.c.organisation_id, of.c.from_account, of.c.to_account)
        .order_by(func.min(of.c.first_position))
    )
    places: dict[bytes, Place] = {}
    for organisation, source, target, amount in connection.execute(statement):
        place = places.setdefault(organisation, Place(uuid_of(organisation)))
        went: dict[str, int] = defaultdict(int)
        went[source] -= amount
        went[target] += amount
        place.in_hand_fen += went[Account.FUND]
        place.in_transit_fen += went[Account.TRANSIT] + went[Account.RETURNED]
        place.paid_fen += went[Account.RECIPIENT]
        place.passed_on_fen += max(went[Account.TRANSFER], 0)
        place.remitted_fen += went[Account.REMITTED] + went[Account.LEDGERS]
        if source in (Account.SOURCE, Account.TRANSFER):
            place.came_in_fen += amount
    return list(places.values())


def _payments(
    connection: Connection, origin_id: UUID, moment: Moment, after: int, limit: int
) -> list[PaidFrom]:
    """Return a page of payments with their part of the appropriation, by their first line of it."""
    before, every = lines.alias(), lines.alias()
    earlier = (before.c.position < lines.c.position) | (
        (before.c.position == lines.c.position) & (before.c.part < lines.c.part)
    )
    first = (
        select(lines.c.disbursement_id, lines.c.organisation_id, lines.c.position)
        .where(lines.c.origin_id == origin_id.bytes, lines.c.disbursement_id.is_not(None))
        .where(lines.c.position > after, moment.covers(lines))
        .where(
            ~select(before.c.position)
            .where(before.c.disbursement_id == lines.c.disbursement_id, earlier)
            .where(before.c.origin_id == origin_id.bytes, moment.covers(before))
            .exists()
        )
        .order_by(lines.c.position)
        .limit(limit)
        .subquery()
    )
    statement = (
        select(
            first,
            net(Account.TRANSIT, every) + net(Account.RETURNED, every),
            net(Account.RECIPIENT, every),
        )
        .join(every, every.c.disbursement_id == first.c.disbursement_id)
        .where(every.c.origin_id == origin_id.bytes, moment.covers(every))
        .group_by(*first.c)
        .order_by(first.c.position)
    )
    return [
        PaidFrom(uuid_of(row[0]), uuid_of(row[1]), row[2], Money(row[3]), Money(row[4]))
        for row in connection.execute(statement)
    ]


def _received(connection: Connection, origin_id: UUID, moment: Moment) -> Money:
    of = moved(connection, moment)
    amount = connection.execute(
        select(func.coalesce(func.sum(of.c.amount_fen), 0)).where(
            of.c.origin_id == origin_id.bytes, of.c.from_account == Account.SOURCE.value
        )
    ).scalar_one()
    return Money(amount)


def _step(row: Row[tuple[object, ...]]) -> LotStep:
    return LotStep(
        uuid_of(row.lot_id),
        uuid_of(row.fund_id),
        uuid_of(row.organisation_id),
        optional_uuid(row.parent_id),
        uuid_of(row.origin_id),
        row.vintage,
        row.source,
        row.document,
        Money(row.amount_fen),
        row.happened_on,
        row.position,
    )
