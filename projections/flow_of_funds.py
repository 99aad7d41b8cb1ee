"""The flow of funds: what came in, through which organisations it went, and where it is now."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from projections.asked import NOW, Moment, uuid_of
from projections.disbursements import instructed
from projections.journal import Account, funds, lots
from projections.journal_sums import Among, Routes, routes


@dataclass(frozen=True, slots=True)
class Origin:
    """Money that came in from outside by one document."""

    origin_id: UUID
    vintage: int
    source: str
    document: str


@dataclass(slots=True)
class Stop:
    """What one organisation's own accounts did with money, by where it first came from.

    `came_in` was there when the period began, or came from outside in it; `passed_on` and
    `came_down` went to and came from other organisations. In each, what came equals what went:
    `came_in` + `came_down` = `passed_on` + `paid` + `in_transit` + `held`.
    """

    came_in: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    came_down_fen: int = 0
    passed_on_fen: int = 0
    paid_fen: int = 0
    in_transit_fen: int = 0
    returned_fen: int = 0

    @property
    def came_in_fen(self) -> int:
        return sum(self.came_in.values())

    @property
    def held_fen(self) -> int:
        return sum(self.held.values())

    @property
    def in_hand_fen(self) -> int:
        """What is held and waits for nobody: without what came back and is to be paid again."""
        return self.held_fen - self.returned_fen


@dataclass(frozen=True, slots=True)
class Flow:
    """A period's flow; `passed` says how much went from one organisation to another."""

    origins: Mapping[UUID, Origin]
    stops: Mapping[UUID, Stop]
    passed: Mapping[tuple[UUID, UUID], int]


@dataclass(frozen=True, slots=True)
class Period:
    """A fiscal year up to a moment, or everything up to it where `year` is None."""

    year: int | None = None
    moment: Moment = NOW

    @property
    def since(self) -> str | None:
        return None if self.year is None else date(self.year, 1, 1).isoformat()

    @property
    def until(self) -> Moment:
        if self.year is None:
            return self.moment
        end = date(self.year, 12, 31)
        as_of = self.moment.as_of
        return Moment(end if as_of is None else min(end, as_of), self.moment.at)

    @property
    def before(self) -> Moment | None:
        """What counts as having been there when the period began; None where all is within it."""
        if self.year is None:
            return None
        day_before, until = date(self.year - 1, 12, 31), self.until.as_of
        return replace(self.until, as_of=day_before if until is None else min(day_before, until))

    def is_carried(self, origin: Origin) -> bool:
        """Say whether money is of an earlier year than the period's: opening surplus (结余)."""
        return self.year is not None and origin.vintage < self.year


def flow_of_funds(
    connection: Connection,
    organisation_ids: Collection[UUID],
    period: Period,
    earmark: str | None = None,
) -> Flow:
    """Return the flow through some organisations.

    Args:
        connection: Of the read model.
        organisation_ids: Whose accounts.
        period: Which year, as of when.
        earmark: Of the accounts (用途), or all.
    """
    ids = [each.bytes for each in organisation_ids]
    stops: dict[UUID, Stop] = defaultdict(Stop)
    came_back: dict[UUID, int] = defaultdict(int)
    for organisation, source, target, origin, inside, amount in _moved(
        connection, ids, period, earmark
    ):
        id_, from_ = uuid_of(organisation), uuid_of(origin)
        stop = stops[id_]
        _add(stop, source, -amount, from_, inside=inside)
        _add(stop, target, amount, from_, inside=inside)
        if source == Account.SOURCE and inside:
            stop.came_in[from_] += amount
        if source == Account.RETURNED and target == Account.FUND:
            came_back[id_] += amount
        if source == Account.FUND and target == Account.TRANSIT:
            came_back[id_] -= amount
    for id_, amount in instructed(connection, ids, period.until, earmark).items():
        # Whatever was drawn beyond what was first instructed was drawn to pay again.
        stop = stops[id_]
        stop.returned_fen = min(max(came_back[id_] + amount, 0), max(stop.held_fen, 0))
    passed = _passed(connection, ids, period, earmark)
    return Flow(_origins(connection, stops.values()), dict(stops), passed)


def _moved(
    connection: Connection, ids: list[bytes], period: Period, earmark: str | None
) -> Iterator[tuple[bytes, str, str, bytes, bool, int]]:
    """Sum the journal up by organisation, route, origin, and before or within the period."""
    by, among = ("organisation_id", "origin_id"), Among(frozenset(ids))
    if earmark is not None:
        accounts = connection.execute(_funds_of(earmark)).scalars()
        among = replace(among, fund_ids=frozenset(accounts))
    until = routes(connection, period.until, by, among)
    before = {} if period.before is None else routes(connection, period.before, by, among)
    for key, of in until.items():
        earlier = before.get(key, Routes())
        for source, target, amount in of.items():
            was = earlier.between(Account(source), Account(target))
            for inside, part in ((False, was), (True, amount - was)):
                if part:
                    yield key[0], source, target, key[1], inside, part


def _add(stop: Stop, account: str, amount: int, origin: UUID, *, inside: bool) -> None:
    """Put what came into an account, or left it, where it belongs.

    What stood in an account when the period began came in with it.
    """
    at_hand = account in (Account.FUND, Account.TRANSIT, Account.RETURNED)
    if at_hand and not inside:
        stop.came_in[origin] += amount
    if account == Account.FUND:
        stop.held[origin] += amount
    elif at_hand:
        stop.in_transit_fen += amount
    elif account == Account.RECIPIENT and inside:
        stop.paid_fen += amount
    elif account == Account.TRANSFER and inside:
        stop.passed_on_fen += max(amount, 0)
        stop.came_down_fen += max(-amount, 0)


def _passed(
    connection: Connection, ids: list[bytes], period: Period, earmark: str | None
) -> dict[tuple[UUID, UUID], int]:
    """Return what one of these organisations gave or got: from whom, to whom, how much."""
    given = lots.alias()
    statement = (
        select(given.c.organisation_id, lots.c.organisation_id, func.sum(lots.c.amount_fen))
        .join(given, given.c.lot_id == lots.c.parent_id)
        .where(given.c.organisation_id.in_(ids) | lots.c.organisation_id.in_(ids))
        .where(period.until.covers(lots))
        .group_by(given.c.organisation_id, lots.c.organisation_id)
    )
    if period.since is not None:
        statement = statement.where(lots.c.happened_on >= period.since)
    if earmark is not None:
        statement = statement.where(lots.c.fund_id.in_(_funds_of(earmark)))
    return {(uuid_of(row[0]), uuid_of(row[1])): row[2] for row in connection.execute(statement)}


def _origins(connection: Connection, stops: Collection[Stop]) -> dict[UUID, Origin]:
    named = {origin for stop in stops for origin in (*stop.came_in, *stop.held)}
    found = connection.execute(select(lots).where(lots.c.parent_id.is_(None)))
    all_of_them = (
        Origin(uuid_of(row.lot_id), row.vintage, row.source, row.document) for row in found
    )
    return {each.origin_id: each for each in all_of_them if each.origin_id in named}


def _funds_of(earmark: str) -> Select[Any]:
    return select(funds.c.fund_id).where(funds.c.earmark == earmark)
