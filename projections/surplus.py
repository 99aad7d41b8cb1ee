"""Opening surplus and how much of it has reached people (结余消化率)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from operator import itemgetter
from uuid import UUID

from sqlalchemy import CTE, Connection, and_, func, or_, select

from ledger.domain.values import BasisPoints, Money, floor_basis_points
from projections.asked import NOW, Moment
from projections.came_back import came_back
from projections.journal import Account, lots, openings, targets, was_brought_forward
from projections.journal_sums import Among, Routes, routes, routes_since, routes_until


@dataclass(frozen=True, slots=True)
class Surplus:
    """A fiscal year's surplus over a set of organisations (one, or a subtree).

    `paid_fen`, `in_hand_fen` and `in_transit_fen` are of all money of earlier vintages that these
    organisations held, also what came to them from above. `opening_fen` is what stood in hand when
    the year was opened, and what had been instructed then and reached nobody; what had reached
    people before and comes back, and what receipts are corrected by, is added. `consumed_fen`
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
    asked = ("surplus", frozenset(ids), year)
    theirs = and_(
        openings.c.organisation_id.in_(ids),
        openings.c.year == year,
        moment.covers(openings),
        was_brought_forward(),
    )
    first = func.min(openings.c.position).label("since")
    opened_on = func.min(openings.c.happened_on).label("opened_on")
    lot_id = openings.c.lot_id
    own = select(lot_id, first, opened_on).where(theirs).group_by(lot_id).cte("own")
    followed = _lots_followed(own)
    # What one of them passed on to another, who then opened the year with it, counts once: it is
    # followed from an earlier position than that at which it was brought forward.
    begun = (
        select(own.c.lot_id, own.c.since, own.c.opened_on)
        .join(followed, and_(followed.c.lot_id == own.c.lot_id, followed.c.since == own.c.since))
        .cte("begun")
    )
    counted = set(connection.execute(select(begun.c.lot_id)).scalars())
    changes: Counter[str] = Counter()
    opened = select(lot_id, openings.c.happened_on, openings.c.amount_fen).where(theirs)
    for lot, day, amount in connection.execute(opened):
        if lot in counted:
            changes[day] += amount
    in_transit = reached = again = 0
    if changes:
        before = routes_until(connection, moment, begun, ("opened_on",), asked)
        for (day,), of in before.items():
            under_way = of.net(Account.TRANSIT, Account.RETURNED)
            changes[day] += under_way
            in_transit += under_way
        first_day = min(changes)
        moved = routes_since(connection, moment, followed, ("happened_on",), asked)
        for (happened_on,), of in moved.items():
            # What is recorded after the opening under an earlier day was still there on that day.
            day = max(happened_on, first_day)
            changes[day] -= of.net(Account.SOURCE) + of.net(Account.RECIPIENT)
            reached += of.net(Account.RECIPIENT)
            in_transit += of.net(Account.TRANSIT, Account.RETURNED)
        again = came_back(connection, moment, begun, (), asked)[()]
    remaining = accumulate(amount for _, amount in sorted(changes.items()))
    consumed = reached + again
    minimum, within = _targets(connection, ids, year, moment)
    return BurnDown(
        Surplus(
            year,
            Money(changes.total() + consumed),
            _sum(held, Account.RECIPIENT),
            _sum(held, Account.FUND),
            _sum(held, Account.TRANSIT, Account.RETURNED),
            Money(consumed),
            Money(in_transit),
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


def _lots_followed(own: CTE) -> CTE:
    """Return the opening lots and those they were passed on as, and since which position."""
    followed = select(own.c.lot_id, own.c.since).cte("followed", recursive=True)
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
    connection: Connection, ids: list[bytes], year: int, moment: Moment
) -> tuple[BasisPoints | None, int | None]:
    """Return what the first of these organisations asks that asks anything."""
    asks_something = or_(
        targets.c.first_year_minimum_bp.is_not(None), targets.c.all_within_years.is_not(None)
    )
    row = connection.execute(
        select(targets.c.first_year_minimum_bp, targets.c.all_within_years)
        .where(targets.c.organisation_id.in_(ids), targets.c.year == year, asks_something)
        .where(moment.covers(targets))
        .order_by(targets.c.position)
        .limit(1)
    ).one_or_none()
    return (None, None) if row is None else (row[0], row[1])
