"""A fiscal year of unions' relief money: what was there, came in, was used, and is left.

Whoever looks at a union with all below it sees what passed between them as staying where it is.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, select

from projections.asked import uuid_of
from projections.disbursements import PAID, Question, status_totals
from projections.flow_of_funds import Flow, Period, flow_of_funds
from projections.journal import Account, funds
from projections.journal_sums import of_organisations, routes


@dataclass(slots=True)
class Line:
    """A year of some organisations together: `closing` = `opening` + what came − what went.

    `opening` is what was left of the year before, and what was entered as left from it. It and
    `received` are by source; `earlier` is what of `received` was given for earlier years.
    `came_down` and `passed_on` are from and to others, `remitted` is to other ledgers.
    """

    opening: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    earlier_fen: int = 0
    came_down_fen: int = 0
    passed_on_fen: int = 0
    remitted_fen: int = 0
    paid_fen: int = 0
    in_hand_fen: int = 0
    in_transit_fen: int = 0

    @property
    def opening_fen(self) -> int:
        return self.opening.total()

    @property
    def received_fen(self) -> int:
        return self.received.total()

    @property
    def closing_fen(self) -> int:
        """What is left, with what is on its way or came back and is not yet paid again."""
        return self.in_hand_fen + self.in_transit_fen

    @property
    def balances(self) -> bool:
        came = self.opening_fen + self.received_fen + self.came_down_fen
        went = self.passed_on_fen + self.remitted_fen + self.paid_fen
        return came == went + self.closing_fen


@dataclass(frozen=True, slots=True)
class Year:
    """A year of several organisations; `paid` is by organisation and purpose (用途)."""

    period: Period
    flow: Flow
    paid: Mapping[tuple[UUID, str], int]

    def line(self, organisation_ids: Iterable[UUID]) -> Line:
        """Return what some of the organisations come to together."""
        ids = frozenset(organisation_ids)
        found = Line()
        for id_ in ids & self.flow.stops.keys():
            stop = self.flow.stops[id_]
            for origin, fen in stop.opening.items():
                found.opening[self.flow.origins[origin].source] += fen
            for origin, fen in stop.received.items():
                of = self.flow.origins[origin]
                found.received[of.source] += fen
                found.earlier_fen += fen if self.period.is_earlier(of) else 0
            found.came_down_fen += stop.came_down_fen
            found.passed_on_fen += stop.passed_on_fen
            found.remitted_fen += stop.remitted_fen
            found.paid_fen += stop.paid_fen
            found.in_hand_fen += stop.held_fen
            found.in_transit_fen += stop.in_transit_fen
        within = sum(
            fen for (giver, taker), fen in self.flow.passed.items() if giver in ids and taker in ids
        )
        found.came_down_fen -= within
        found.passed_on_fen -= within
        return found

    @property
    def purposes(self) -> list[str]:
        return sorted({earmark for (_, earmark), fen in self.paid.items() if fen})

    def used_by(self, organisation_ids: Iterable[UUID]) -> Counter[str]:
        """Return what some of the organisations brought to people, by purpose."""
        ids = frozenset(organisation_ids)
        found: Counter[str] = Counter()
        for (organisation, earmark), fen in self.paid.items():
            if organisation in ids:
                found[earmark] += fen
        return found

    @property
    def sources(self) -> list[str]:
        """Return the sources of what came in during the year."""
        return sorted(
            {
                self.flow.origins[origin].source
                for stop in self.flow.stops.values()
                for origin, fen in stop.received.items()
                if fen
            }
        )


def year_of(connection: Connection, organisation_ids: Collection[UUID], period: Period) -> Year:
    """Return a year of these organisations, as of the period's moment."""
    flow = flow_of_funds(connection, organisation_ids, period)
    return Year(period, flow, _paid(connection, organisation_ids, period))


@dataclass(frozen=True, slots=True)
class Used:
    """What payments that were instructed in a year brought to people of a category."""

    earmark: str
    category: str
    paid_fen: int


def used(
    connection: Connection, organisation_ids: Collection[UUID] | None, period: Period
) -> list[Used]:
    """Return what the year's payments were used for, by purpose and category."""
    earmark_of = {row.fund_id: row.earmark for row in connection.execute(select(funds))}
    asked = Question(
        organisation_ids=None if organisation_ids is None else list(organisation_ids),
        status=PAID,
        since=None if period.since is None else date.fromisoformat(period.since),
    )
    found: Counter[tuple[str, str]] = Counter()
    for each in status_totals(connection, asked, period.until, by=("fund_id", "category")):
        fund, category = each.shared
        found[earmark_of[fund], category] += each.total_fen
    return [Used(*alike, fen) for alike, fen in sorted(found.items())]


def _paid(
    connection: Connection, organisation_ids: Collection[UUID], period: Period
) -> dict[tuple[UUID, str], int]:
    """Return what reached people within the period, by organisation and purpose."""
    earmark_of = {row.fund_id: row.earmark for row in connection.execute(select(funds))}
    by, among = ("organisation_id", "fund_id"), of_organisations(organisation_ids)
    paid: Counter[tuple[UUID, str]] = Counter()
    for moment, sign in ((period.until, 1), (period.before, -1)):
        if moment is None:
            continue
        for (organisation, fund), of in routes(connection, moment, by, among).items():
            paid[uuid_of(organisation), earmark_of[fund]] += sign * of.net(Account.RECIPIENT)
    return dict(paid)
