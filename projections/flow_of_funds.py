"""The flow of funds: what came in, through which organisations it went, and where it is now."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from projections.asked import NOW, Moment, uuid_of
from projections.disbursements import instructed, withdrawn
from projections.journal import Account, funds, lots
from projections.journal_sums import Among, routes


@dataclass(frozen=True, slots=True)
class Origin:
    """Money from outside by one document; `carried_into` is the year it was entered as left to."""

    origin_id: UUID
    vintage: int
    carried_into: int | None
    source: str
    document: str


@dataclass(slots=True)
class Stop:
    """What one organisation's own accounts did with money, by where it first came from.

    `opening` was there when the period began, or was entered as having been; `received` came from
    outside in it, of whatever vintage. `passed_on` and `came_down` went to and came from other
    organisations, `remitted` went to other ledgers. In each, what came equals what went: `opening`
    + `received` + `came_down` = `passed_on` + `remitted` + `paid` + `in_transit` + `held`.
    """

    opening: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    received: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    came_down_fen: int = 0
    passed_on_fen: int = 0
    remitted_fen: int = 0
    paid_fen: int = 0
    in_transit_fen: int = 0
    returned_fen: int = 0

    @property
    def came_in_fen(self) -> int:
        return sum(self.opening.values()) + sum(self.received.values())

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

    def was_carried_in(self, origin: Origin) -> bool:
        """Say whether a receipt was entered as what was left when the year began (结余)."""
        return self.year is not None and origin.carried_into == self.year

    def is_earlier(self, origin: Origin) -> bool:
        """Say whether money was given for an earlier year than the period's."""
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
    found = _Found()
    for money, source, target, inside, amount in _moved(connection, ids, period, earmark):
        found.add(money, source, -amount, inside=inside)
        found.add(money, target, amount, inside=inside)
        if source == Account.SOURCE and inside:
            found.received[money] += amount
        if source == Account.RETURNED and target == Account.FUND:
            found.came_back[money[0]] += amount
        if source == Account.FUND and target == Account.TRANSIT:
            found.came_back[money[0]] -= amount
    stops, opening, received = found.stops, found.opening, found.received
    origins = _origins(connection, {of for _, of in (*opening, *received, *found.held)})
    for (organisation, origin), amount in opening.items():
        stops[organisation].opening[origins[origin].origin_id] += amount
    for (organisation, origin), amount in received.items():
        of, stop = origins[origin], stops[organisation]
        (stop.opening if period.was_carried_in(of) else stop.received)[of.origin_id] += amount
    for (organisation, origin), amount in found.held.items():
        stops[organisation].held[origins[origin].origin_id] = amount
    given_up = withdrawn(connection, ids, period.until, earmark)
    for organisation, amount in instructed(connection, ids, period.until, earmark).items():
        # Whatever was drawn beyond what was first instructed was drawn to pay again.
        stop = stops[organisation]
        waits = found.came_back[organisation] + amount - given_up.get(organisation, 0)
        stop.returned_fen = min(max(waits, 0), max(stop.held_fen, 0))
    return Flow(
        {each.origin_id: each for each in origins.values()},
        {uuid_of(organisation): stop for organisation, stop in stops.items()},
        _passed(connection, ids, period, earmark),
    )


Amounts = dict[tuple[bytes, bytes], int]
"""How much, by organisation and origin."""

_AT_HAND = frozenset({Account.FUND, Account.TRANSIT, Account.RETURNED})
_ELSEWHERE = frozenset({Account.REMITTED, Account.LEDGERS})


@dataclass(frozen=True, slots=True)
class _Found:
    """What is added up while the journal's sums are read: by bytes, which are quicker found."""

    stops: dict[bytes, Stop] = field(default_factory=lambda: defaultdict(Stop))
    opening: Amounts = field(default_factory=lambda: defaultdict(int))
    received: Amounts = field(default_factory=lambda: defaultdict(int))
    held: Amounts = field(default_factory=lambda: defaultdict(int))
    came_back: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))

    def add(
        self, money: tuple[bytes, bytes], account: Account, amount: int, *, inside: bool
    ) -> None:
        """Put what came into an account, or left it, where it belongs.

        What stood in an account when the period began is its opening, whatever year it is of.
        """
        stop = self.stops[money[0]]
        if account in _AT_HAND and not inside:
            self.opening[money] += amount
        if account == Account.FUND:
            self.held[money] += amount
        elif account in _AT_HAND:
            stop.in_transit_fen += amount
        elif account == Account.RECIPIENT and inside:
            stop.paid_fen += amount
        elif account == Account.TRANSFER and inside:
            stop.passed_on_fen += max(amount, 0)
            stop.came_down_fen += max(-amount, 0)
        elif account in _ELSEWHERE and inside:
            stop.remitted_fen += amount


def _moved(
    connection: Connection, ids: list[bytes], period: Period, earmark: str | None
) -> Iterator[tuple[tuple[bytes, bytes], Account, Account, bool, int]]:
    """Sum the journal up by organisation and origin, route, and before or within the period."""
    by, among = ("organisation_id", "origin_id"), Among(frozenset(ids))
    if earmark is not None:
        accounts = connection.execute(_funds_of(earmark)).scalars()
        among = replace(among, fund_ids=frozenset(accounts))
    until = routes(connection, period.until, by, among)
    before = {} if period.before is None else routes(connection, period.before, by, among)
    account_of = {each.value: each for each in Account}
    for key, of in until.items():
        earlier = before.get(key)
        for source_name, target_name, amount in of.items():
            source, target = account_of[source_name], account_of[target_name]
            was = 0 if earlier is None else earlier.between(source, target)
            for inside, part in ((False, was), (True, amount - was)):
                if part:
                    yield (key[0], key[1]), source, target, inside, part


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


def _origins(connection: Connection, named: Collection[bytes]) -> dict[bytes, Origin]:
    found = connection.execute(select(lots).where(lots.c.parent_id.is_(None)))
    return {
        row.lot_id: Origin(
            uuid_of(row.lot_id), row.vintage, row.carried_into, row.source, row.document
        )
        for row in found
        if row.lot_id in named
    }


def _funds_of(earmark: str) -> Select[Any]:
    return select(funds.c.fund_id).where(funds.c.earmark == earmark)
