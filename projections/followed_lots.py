"""Opening surplus, lot by lot, wherever it was passed on: whose it was, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from uuid import UUID

from sqlalchemy import Connection, func, literal, select

from ledger.domain.values import WHOLE_BP, BasisPoints, floor_basis_points
from projections.asked import NOW, Moment, uuid_of
from projections.came_back import came_back
from projections.journal import Account, lots, openings, targets, was_brought_forward
from projections.journal_sums import routes_since, routes_until

ALONG = ("owner_id", "lot_id", "since")


@dataclass(frozen=True, slots=True)
class FollowedLot:
    """A lot of an organisation's opening surplus, or what it was passed on as.

    `opening_fen` is what stood in it when the year was opened, in hand or on its way to people,
    what had reached people before and comes back, and what its receipt is corrected by; 0 for what
    it was passed on as. `consumed_fen` is what of it reached people since.
    """

    owner_id: UUID
    lot_id: UUID
    vintage: int
    since: int
    opening_fen: int
    consumed_fen: int


def lots_on_a_clock(connection: Connection, until: int, moment: Moment = NOW) -> set[bytes]:
    """Return the lots that are opening surplus of some fiscal year, or were passed on as such.

    Args:
        connection: Of the read model.
        until: The last fiscal year that counts.
        moment: As of when.
    """
    opened = (
        select(openings.c.lot_id, openings.c.position.label("since"))
        .where(openings.c.year <= until, moment.covers(openings), was_brought_forward())
        .cte("on_a_clock", recursive=True)
    )
    followed = opened.union(
        select(lots.c.lot_id, opened.c.since)
        .join(opened, lots.c.parent_id == opened.c.lot_id)
        .where(lots.c.position > opened.c.since)
    )
    return set(connection.execute(select(followed.c.lot_id)).scalars())


def followed_lots(connection: Connection, year: int, moment: Moment = NOW) -> list[FollowedLot]:
    """Return every lot of every organisation's opening surplus of a fiscal year."""
    opened = (
        select(
            openings.c.organisation_id.label("owner_id"),
            openings.c.lot_id,
            openings.c.vintage,
            func.min(openings.c.position).label("since"),
            func.sum(openings.c.amount_fen).label("opening_fen"),
        )
        .where(openings.c.year == year, moment.covers(openings), was_brought_forward())
        .group_by(openings.c.organisation_id, openings.c.lot_id, openings.c.vintage)
        .cte("followed", recursive=True)
    )
    followed = opened.union(
        select(opened.c.owner_id, lots.c.lot_id, lots.c.vintage, opened.c.since, literal(0))
        .join(opened, lots.c.parent_id == opened.c.lot_id)
        .where(lots.c.position > opened.c.since)
    )
    asked = ("followed lots", year)
    before = routes_until(connection, moment, opened, ALONG, asked)
    moved = routes_since(connection, moment, followed, ALONG, asked)
    again = came_back(connection, moment, opened, ALONG, asked)
    found = connection.execute(select(followed)).all()
    made = []
    for row in found:
        along = row.owner_id, row.lot_id, row.since
        under_way = before[along].net(Account.TRANSIT, Account.RETURNED)
        corrected = -moved[along].net(Account.SOURCE)
        made.append(
            FollowedLot(
                uuid_of(row.owner_id),
                uuid_of(row.lot_id),
                row.vintage,
                row.since,
                row.opening_fen + under_way + corrected + again[along],
                moved[along].net(Account.RECIPIENT) + again[along],
            )
        )
    return made


@dataclass(frozen=True, slots=True)
class Consumption:
    """What there was of old money, and what of it reached people. A sum over no lots is empty."""

    opening_fen: int
    consumed_fen: int

    @property
    def remaining_fen(self) -> int:
        return self.opening_fen - self.consumed_fen

    @property
    def ratio_basis_points(self) -> BasisPoints | None:
        """Rounded down, so that a target is not met by rounding; None where there was nothing."""
        if not self.opening_fen:
            return None
        return floor_basis_points(Fraction(self.consumed_fen, self.opening_fen))


def consumption(followed: Iterable[FollowedLot]) -> Consumption:
    """Sum up; what several owners follow, since it went from one to the other, counts once."""
    once = owned_once(followed)
    return Consumption(
        sum(each.opening_fen for each in once), sum(each.consumed_fen for each in once)
    )


def owned_once(followed: Iterable[FollowedLot]) -> list[FollowedLot]:
    """Leave a lot to whoever followed it first, where several do: it came from them.

    The others opened the year with what they had been passed on, and it counted before.
    """
    every = list(followed)
    first: dict[UUID, FollowedLot] = {}
    for each in every:
        known = first.get(each.lot_id)
        if known is None or each.since < known.since:
            first[each.lot_id] = each
    return [
        each if first[each.lot_id] is each else replace(each, opening_fen=0, consumed_fen=0)
        for each in every
    ]


@dataclass(frozen=True, slots=True)
class Pace:
    """How old money goes down against the next line, at `due_on`; amounts in fen.

    `forecast_fen` is what would be left then if it went on as it did, None where there is no pace.
    `asked` False: no line is drawn at all.
    """

    due_on: date
    days_left: int
    may_remain_fen: int
    remaining_fen: int
    fen_per_day: int
    forecast_fen: int | None
    asked: bool = True

    @property
    def shortfall_fen(self) -> int:
        """What would still be too much on the day."""
        left = self.remaining_fen if self.forecast_fen is None else self.forecast_fen
        return max(0, left - self.may_remain_fen)


@dataclass(frozen=True, slots=True)
class Target:
    """What a fiscal year asks of old money, by a policy; what is None is not asked."""

    first_year_minimum_bp: BasisPoints | None
    all_within_years: int | None

    @property
    def asks_nothing(self) -> bool:
        return self.first_year_minimum_bp is None and self.all_within_years is None

    def first_line_fen(self, opening_fen: int) -> int:
        """Return what of the opening surplus may be left when its first year ends."""
        return opening_fen * (WHOLE_BP - (self.first_year_minimum_bp or 0)) // WHOLE_BP

    def last_line(self, year: int) -> date | None:
        """Return the day by which all is to be used; None where no day is said."""
        within = self.all_within_years
        return None if within is None else date(year + within - 1, 12, 31)

    def pace(self, year: int, of: Consumption, began: date, day: date) -> Pace:
        """Say how money stands on a day against the first year's line, or that of all of it.

        Where nothing is asked on a line, all may remain.

        Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
        """
        ends, last = date(year, 12, 31), self.last_line(year)
        if last is None or (day <= ends and last > ends):
            due_on = ends
            may_remain = self.first_line_fen(of.opening_fen) if day <= ends else of.opening_fen
        else:
            due_on, may_remain = last, 0
        passed, left = (day - began).days, max(0, (due_on - day).days)
        per_day = of.consumed_fen // passed if passed > 0 else 0
        forecast = max(0, of.remaining_fen - per_day * left) if passed > 0 else None
        return Pace(
            due_on,
            left,
            may_remain,
            of.remaining_fen,
            per_day,
            forecast,
            asked=not self.asks_nothing,
        )


def years_opened(connection: Connection, last: int) -> list[int]:
    """Return the fiscal years that some organisation opened, up to one of them."""
    found = connection.execute(select(targets.c.year).where(targets.c.year <= last).distinct())
    return sorted(found.scalars())


def surplus_targets(connection: Connection, year: int, moment: Moment = NOW) -> dict[UUID, Target]:
    """Return what was asked of each organisation that opened the year, as it was set last."""
    found = connection.execute(
        select(targets)
        .where(targets.c.year == year, moment.covers(targets))
        .order_by(targets.c.position)
    )
    return {
        uuid_of(row.organisation_id): Target(row.first_year_minimum_bp, row.all_within_years)
        for row in found
    }


def opened_on(connection: Connection, year: int, moment: Moment = NOW) -> dict[UUID, str]:
    """Return the day on which each organisation brought its surplus forward."""
    statement = (
        select(openings.c.organisation_id, func.min(openings.c.happened_on))
        .where(openings.c.year == year, moment.covers(openings))
        .group_by(openings.c.organisation_id)
    )
    return {uuid_of(row[0]): row[1] for row in connection.execute(statement)}


@dataclass(frozen=True, slots=True)
class LotOrigin:
    """The document by which the money of a lot first came in from outside."""

    origin_id: UUID
    source: str
    document: str


def lot_origins(connection: Connection, before: int) -> dict[UUID, LotOrigin]:
    """Return where each lot of vintages before a year first came in, also what was passed on."""
    statement = select(lots.c.lot_id, lots.c.origin_id, lots.c.source, lots.c.document)
    first = select(lots.c.lot_id, lots.c.document).where(lots.c.parent_id.is_(None))
    document_of = {row.lot_id: row.document for row in connection.execute(first)}
    return {
        uuid_of(row.lot_id): LotOrigin(
            uuid_of(row.origin_id), row.source, document_of.get(row.origin_id, row.document)
        )
        for row in connection.execute(statement.where(lots.c.vintage < before))
    }
