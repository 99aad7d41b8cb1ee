"""Opening surplus and how much of it has reached people (结余消化率)."""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from sqlalchemy import Connection, func, select

from ledger.domain.values import BasisPoints, Money, floor_basis_points
from projections.asked import NOW, Moment
from projections.balances import net
from projections.journal import Account, lines, lots, openings, targets


@dataclass(frozen=True, slots=True)
class Surplus:
    """A fiscal year's surplus over a set of organisations (one, or a subtree).

    `paid_fen`, `in_hand_fen` and `in_transit_fen` are of all money of earlier vintages that these
    organisations held, also what came to them from above. `consumed_fen` follows their own opening
    lots wherever they went: the ratio is of these, since money moved down is not consumed.
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


def surplus(
    connection: Connection, organisation_ids: Collection[UUID], year: int, moment: Moment = NOW
) -> Surplus:
    """Return the surplus of a fiscal year over these organisations together.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    ids = [each.bytes for each in organisation_ids]
    held = connection.execute(
        select(
            func.coalesce(net(Account.RECIPIENT), 0),
            func.coalesce(net(Account.FUND), 0),
            func.coalesce(net(Account.TRANSIT) + net(Account.RETURNED), 0),
        ).where(lines.c.organisation_id.in_(ids), lines.c.vintage < year, moment.covers(lines))
    ).one()
    opening = connection.execute(
        select(func.coalesce(func.sum(openings.c.amount_fen), 0)).where(
            openings.c.organisation_id.in_(ids), openings.c.year == year, moment.covers(openings)
        )
    ).scalar_one()
    consumed, in_transit = _followed(connection, ids, year, moment)
    minimum, within = _targets(connection, ids, year)
    return Surplus(
        year,
        Money(opening),
        Money(held[0]),
        Money(held[1]),
        Money(held[2]),
        Money(consumed),
        Money(in_transit),
        minimum,
        within,
    )


def _followed(
    connection: Connection, ids: list[bytes], year: int, moment: Moment
) -> tuple[int, int]:
    """Return what of the opening lots was paid, and what is in transit, wherever they went."""
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
    once = (
        select(followed.c.lot_id, func.min(followed.c.since).label("since"))
        .group_by(followed.c.lot_id)
        .subquery()
    )
    row = connection.execute(
        select(
            func.coalesce(net(Account.RECIPIENT), 0),
            func.coalesce(net(Account.TRANSIT) + net(Account.RETURNED), 0),
        )
        .join(once, lines.c.lot_id == once.c.lot_id)
        .where(lines.c.position > once.c.since, moment.covers(lines))
    ).one()
    return row[0], row[1]


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
