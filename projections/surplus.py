"""Opening surplus and how much of it has reached people (结余消化率)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from operator import itemgetter
from uuid import UUID

from sqlalchemy import CTE, Connection, and_, func, select

from ledger.domain.values import BasisPoints, Money, floor_basis_points
from projections.asked import NOW, Moment
from projections.journal import Account, lots, openings, targets
from projections.journal_sums import Among, Routes, routes, routes_since, routes_until


@dataclass(frozen=True, slots=True)
class Surplus:
    """A fiscal year's surplus over a set of organisations (one, or a subtree).

    `paid_fen`, `in_hand_fen` and `in_transit_fen` are of all money of earlier vintages that these
    organisations held, also what came to them from above. `opening_fen` is what stood in hand when
    the year was opened, and what had been instructed then and reached nobody. `consumed_fen`
    follows these lots wherever they went: the ratio is of these, since money moved down is not
    consumed.
    """

    year: int
    opening_fen: Money
    paid_fen: Money
    in_hand_fen: Money
    in_transit_fen: Money
    consumed_fen: Money
    consumed_in_transit_fen: Money
    first_year_minimum_bp: BasisPoints | None
    all_within_years: int | None

    @property
    def unconsumed_fen(self) -> Money:
        """What remains of the opening lots in hand, wherever they are now."""
        return Money(self.opening_fen - self.consumed_fen - self.consumed_in_transit_fen)

    @property
    def ratio(self) -> Fraction | None:
        """Exact; None where there was nothing to consume, which is neither 0 nor 100 %."""
        return Fraction(self.consumed_fen, self.opening_fen) if self.opening_fen else None

    @property
    def ratio_basis_points(self) -> BasisPoints | None:
        """Rounded down, so that a target is not met by rounding."""
        return None if self.ratio is None else floor_basis_points(self.ratio)


@dataclass(frozen=True, slots=True)
class Burned:
    """What remains, at the end of a day, of the opening surplus: not yet with people."""

    day: str
    remaining_fen: Money


@dataclass(frozen=True, slots=True)
class Vintage:
    """Money of an earlier year that these organisations still hold."""

    vintage: int
    in_hand_fen: Money
    in_transit_fen: Money


@dataclass(frozen=True, slots=True)
class BurnDown:
    """A fiscal year's surplus, how it went down, and what is left of the money it is part of.

    `burned` has each day on which it changed, `vintages` each year before, the oldest first.
    """

    surplus: Surplus
    burned: list[Burned]
    vintages: list[Vintage]


def surplus(
    connection: Connection, organisation_ids: Collection[UUID], year: int, moment: Moment = NOW
) -> Surplus:
    """Return the surplus of a fiscal year over these organisations together.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    return burn_down(connection, organisation_ids, year, moment).surplus


def burn_down(
    connection: Connection, organisation_ids: Collection[UUID], year: int, moment: Moment = NOW
) -> BurnDown:
    """Return the surplus of a fiscal year, day by day and vintage by vintage."""
    ids = [each.bytes for each in organisation_ids]
    old = Among(frozenset(ids), before=year)
    held = routes(connection, moment, by=("vintage",), among=old)
    theirs = and_(
        openings.c.organisation_id.in_(ids), openings.c.year == year, moment.covers(openings)
    )
    first = func.min(openings.c.position).label("first")
    day = func.min(openings.c.happened_on).label("opened_on")
    lot_id = openings.c.lot_id
    own = select(lot_id, first, day).where(theirs).group_by(lot_id).cte("own")
    followed = _lots_followed(ids, year, moment)
    # What one of them passed on to another, who then opened the year with it, counts once.
    statement = (
        select(openings.c.happened_on, func.sum(openings.c.amount_fen))
        .join(own, own.c.lot_id == openings.c.lot_id)
        .join(followed, followed.c.lot_id == openings.c.lot_id)
        .where(theirs, followed.c.since == own.c.first)
        .group_by(openings.c.happened_on)
    )
    opened = connection.execute(statement).all()
    under_way = _under_way(connection, own, followed, ids, year, moment) if opened else []
    opening = sum(amount for _, amount in (*opened, *under_way))
    reached = _reached(connection, followed, ids, year, moment) if opened else []
    changes: Counter[str] = Counter()
    for day, amount in (*opened, *under_way, *((day, -paid) for day, paid, _ in reached)):
        changes[day] += amount
    remaining = accumulate(amount for _, amount in sorted(changes.items()))
    minimum, within = _targets(connection, ids, year)
    return BurnDown(
        Surplus(
            year,
            Money(opening),
            _sum(held, Account.RECIPIENT),
            _sum(held, Account.FUND),
            _sum(held, Account.TRANSIT, Account.RETURNED),
            Money(sum(paid for _, paid, _ in reached)),
            Money(sum(fen for _, fen in under_way) + sum(fen for *_, fen in reached)),
            minimum,
            within,
        ),
        [Burned(day, Money(left)) for day, left in zip(sorted(changes), remaining, strict=True)],
        [
            Vintage(vintage, of.net(Account.FUND), of.net(Account.TRANSIT, Account.RETURNED))
            for (vintage,), of in sorted(held.items(), key=itemgetter(0))
        ],
    )


def _sum(held: Mapping[tuple[int], Routes], *accounts: Account) -> Money:
    return Money(sum(of.net(*accounts) for of in held.values()))


def years(connection: Connection, organisation_ids: Collection[UUID]) -> list[int]:
    """Return the fiscal years that these organisations opened, the latest first."""
    statement = (
        select(targets.c.year)
        .where(targets.c.organisation_id.in_([each.bytes for each in organisation_ids]))
        .distinct()
        .order_by(targets.c.year.desc())
    )
    return list(connection.execute(statement).scalars())


def _reached(
    connection: Connection, lots_of: CTE, ids: list[bytes], year: int, moment: Moment
) -> list[tuple[str, int, int]]:
    """Return what of the opening lots reached people, and went on its way, day by day."""
    asked = ("surplus", frozenset(ids), year)
    moved = routes_since(connection, moment, lots_of, ("happened_on",), asked)
    return [
        (day, of.net(Account.RECIPIENT), of.net(Account.TRANSIT, Account.RETURNED))
        for (day,), of in moved.items()
    ]


def _under_way(
    connection: Connection, own: CTE, lots_of: CTE, ids: list[bytes], year: int, moment: Moment
) -> list[tuple[str, int]]:
    """Return what of the opening lots was on its way when the year was opened, day by day."""
    begun = (
        select(own.c.lot_id, own.c.opened_on, lots_of.c.since)
        .join(lots_of, lots_of.c.lot_id == own.c.lot_id)
        .where(lots_of.c.since == own.c.first)
        .cte("begun")
    )
    asked = ("surplus", frozenset(ids), year)
    held = routes_until(connection, moment, begun, ("opened_on",), asked)
    return [(day, of.net(Account.TRANSIT, Account.RETURNED)) for (day,), of in held.items()]


def _lots_followed(ids: list[bytes], year: int, moment: Moment) -> CTE:
    """Return the opening lots and those they were passed on as, and since which position."""
    followed = (
        select(openings.c.lot_id, func.min(openings.c.position).label("since"))
        .where(openings.c.organisation_id.in_(ids), openings.c.year == year)
        .where(moment.covers(openings))
        .group_by(openings.c.lot_id)
        .cte("followed", recursive=True)
    )
    followed = followed.union(
        select(lots.c.lot_id, followed.c.since)
        .join(followed, lots.c.parent_id == followed.c.lot_id)
        .where(lots.c.position > followed.c.since)
    )
    return (
        select(followed.c.lot_id, func.min(followed.c.since).label("since"))
        .group_by(followed.c.lot_id)
        .cte("once")
    )


def _targets(
    connection: Connection, ids: list[bytes], year: int
) -> tuple[BasisPoints | None, int | None]:
    row = connection.execute(
        select(targets.c.first_year_minimum_bp, targets.c.all_within_years)
        .where(targets.c.organisation_id.in_(ids), targets.c.year == year)
        .order_by(targets.c.position)
        .limit(1)
    ).one_or_none()
    return (None, None) if row is None else (row[0], row[1])
