"""Payments of a campaign or a year in figures: to whom, by which union, out of whose money.

The counts are those of the ledger's own totals, asked for once and added up as a table needs them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from ledger.domain.values import Money
from projections.asked import NOW, Moment, uuid_of
from projections.blocks import FOLDED, Blocks, blocks_at
from projections.disbursements import REACHED, Question, status_totals
from projections.journal import lines, lots
from projections.payment_states import disbursements
from projections.payment_sums import paid_by_origin, runs, sums_by_origin

BY = ("organisation_id", "campaign_id", "category", "channel")
WAITING = frozenset({Status.IN_TRANSIT.value, Status.RETURNED.value})


@dataclass(frozen=True, slots=True)
class Payments:
    """Payments that are alike, and stand alike. Of a campaign nobody has two: they are people."""

    organisation_id: UUID
    campaign_id: UUID
    category: str
    channel: str
    status: str
    count: int
    amount_fen: Money

    @property
    def paid(self) -> bool:
        return self.status in REACHED


@dataclass(frozen=True, slots=True)
class Spent:
    """What of an appropriation reached people."""

    organisation_id: UUID
    campaign_id: UUID
    category: str
    channel: str
    source: str
    vintage: int
    paid_fen: Money


@dataclass(slots=True)
class Tally:
    """What payments come to: what reached people, by card and by sheet, and what did not."""

    count: int = 0
    paid_fen: int = 0
    card_count: int = 0
    card_fen: int = 0
    sheet_count: int = 0
    sheet_fen: int = 0
    in_transit_count: int = 0
    in_transit_fen: int = 0
    returned_count: int = 0
    returned_fen: int = 0
    withdrawn_count: int = 0
    withdrawn_fen: int = 0

    def add(self, of: Payments) -> None:
        if of.status == Status.IN_TRANSIT:
            self.in_transit_count += of.count
            self.in_transit_fen += of.amount_fen
        elif of.status == Status.RETURNED:
            self.returned_count += of.count
            self.returned_fen += of.amount_fen
        elif of.status == Status.WITHDRAWN:
            self.withdrawn_count += of.count
            self.withdrawn_fen += of.amount_fen
        else:
            self.count += of.count
            self.paid_fen += of.amount_fen
            if of.channel == Channel.BANK_CARD:
                self.card_count += of.count
                self.card_fen += of.amount_fen
            else:
                self.sheet_count += of.count
                self.sheet_fen += of.amount_fen


def tally(of: Iterable[Payments]) -> Tally:
    found = Tally()
    for each in of:
        found.add(each)
    return found


@dataclass(frozen=True, slots=True)
class Statistics:
    """All that a question's tables are added up from, so that they agree."""

    payments: Sequence[Payments]
    spent: Sequence[Spent] = field(default=())

    @property
    def tally(self) -> Tally:
        return tally(self.payments)

    @property
    def spent_fen(self) -> int:
        return sum(each.paid_fen for each in self.spent)

    def beside(self, other: "Statistics") -> "Statistics":
        """Return both together."""
        return Statistics([*self.payments, *other.payments], [*self.spent, *other.spent])

    def among(self, organisation_ids: Iterable[UUID]) -> "Statistics":
        ids = frozenset(organisation_ids)
        return Statistics(
            [each for each in self.payments if each.organisation_id in ids],
            [each for each in self.spent if each.organisation_id in ids],
        )


def standing_over(
    connection: Connection, asked: Question, moment: Moment, before: Moment
) -> Statistics:
    """Return what payments that were instructed up to a moment came to between it and a later one.

    What reached people or was withdrawn in between counts, less what of it went back; what is on
    its way or came back counts where it still stands so. So over the years each payment is counted
    in the one in which it reached somebody, and until then as waiting.
    """
    until = replace(asked, until=before.as_of)
    then, now = statistics(connection, until, before), statistics(connection, until, moment)
    payments: dict[tuple[UUID, UUID, str, str, str], tuple[int, int]] = {}
    for sign, each in (*((1, one) for one in now.payments), *((-1, one) for one in then.payments)):
        if sign < 0 and each.status in WAITING:
            continue
        alike = each.organisation_id, each.campaign_id, each.category, each.channel, each.status
        count, fen = payments.get(alike, (0, 0))
        payments[alike] = count + sign * each.count, fen + sign * each.amount_fen
    spent: Counter[tuple[UUID, UUID, str, str, str, int]] = Counter()
    for sign, of in ((1, now.spent), (-1, then.spent)):
        for one in of:
            alike_spent = one.organisation_id, one.campaign_id, one.category, one.channel
            spent[*alike_spent, one.source, one.vintage] += sign * one.paid_fen
    return Statistics(
        [
            Payments(*alike, count, Money(fen))
            for alike, (count, fen) in sorted(payments.items())
            if count or fen
        ],
        [Spent(*alike, Money(fen)) for alike, fen in sorted(spent.items()) if fen],
    )


def statistics(connection: Connection, asked: Question, moment: Moment = NOW) -> Statistics:
    """Return the figures of the payments that a question asks for, as they stood at a moment."""
    payments = [
        Payments(
            uuid_of(each.shared[0]),
            uuid_of(each.shared[1]),
            each.shared[2],
            each.shared[3],
            each.status,
            each.count,
            each.total_fen,
        )
        for each in status_totals(connection, asked, moment, by=BY)
    ]
    return Statistics(payments, list(_spent(connection, asked, moment)))


def _spent(connection: Connection, asked: Question, moment: Moment) -> Iterator[Spent]:
    """Add up what reached people, by where it first came from."""
    came = {
        row.lot_id: (row.source, row.vintage)
        for row in connection.execute(
            select(lots.c.lot_id, lots.c.source, lots.c.vintage).where(lots.c.parent_id.is_(None))
        )
    }
    blocks = blocks_at(connection, moment)
    kept = (blocks, moment.as_of, asked.key(), "by origin")
    paid: Counter[tuple[Any, ...]] = Counter()
    for row in FOLDED.rows(connection, kept, _folded(asked, moment, blocks)):
        paid[*row[: len(BY)], *came[row.origin_id]] += row[-1]
    columns = [disbursements.c[name] for name in BY]
    where = (*asked.of(disbursements), moment.by_day(lines))
    for shared, _, origin, amount in paid_by_origin(
        connection, blocks.end, moment.known_end, columns, where
    ):
        paid[*shared, *came[origin]] += amount
    for (organisation, campaign, category, channel, source, vintage), amount in sorted(
        paid.items()
    ):
        if amount:
            yield Spent(
                uuid_of(organisation),
                uuid_of(campaign),
                category,
                channel,
                source,
                vintage,
                Money(amount),
            )


def _folded(asked: Question, moment: Moment, blocks: Blocks) -> Select[Any]:
    alike = (*(runs.c[name] for name in BY), sums_by_origin.c.origin_id)
    return (
        select(*alike, func.sum(sums_by_origin.c.paid_fen))
        .join(runs, runs.c.run == sums_by_origin.c.run)
        .where(sums_by_origin.c.block < blocks.whole, moment.by_day(sums_by_origin))
        .where(*asked.of(runs))
        .group_by(*alike)
    )
