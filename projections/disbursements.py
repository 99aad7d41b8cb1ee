"""Disbursements: each payment as it stands at any moment, and a campaign's payments in figures."""

import json
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    ScalarSelect,
    Select,
    SelectBase,
    String,
    and_,
    bindparam,
    func,
    select,
    true,
    union_all,
)

from ledger.domain.disbursement import Status
from ledger.domain.values import Money
from projections.asked import NOW, PAGE_ROWS_MAX, POSITIONS_MAX, Moment, uuid_of
from projections.batches import batches
from projections.blocks import FOLDED, Blocks, blocks_at
from projections.journal import funds
from projections.movements import Kind, movements
from projections.payment_states import disbursements, origins_of, states
from projections.payment_sums import changes, runs, sums, sums_by_amount

RUNS_AT_ONCE, BLOCKS_AT_ONCE = 100, 32

block_of = func.json_each(bindparam("numbers", type_=String)).table_valued("value").alias("blocks")
"""Numbers of blocks, handed over as one value: the statement is the same for any number of them."""


@dataclass(frozen=True, slots=True)
class Disbursement:
    """A payment as it stands at the moment asked for; who it is for is an opaque id."""

    disbursement_id: UUID
    campaign_id: UUID
    batch_id: UUID
    batch_code: str
    number: int
    organisation_id: UUID
    fund_id: UUID
    person_id: UUID
    category: str
    channel: str
    amount_fen: Money
    happened_on: str
    position: int
    status: str
    reason: str | None
    status_since: str


PAID = "paid"
"""Asks for payments that reached people, whether the bank said so or they signed."""

REACHED = (Status.SETTLED.value, Status.SIGNED.value)


@dataclass(frozen=True, slots=True)
class Question:
    """Which payments are asked for: one question, be they listed, summed up or exported.

    `status` is one that payments have, or `PAID`.
    """

    organisation_ids: Sequence[UUID] | None = None
    campaign_id: UUID | None = None
    batch_id: UUID | None = None
    channel: str | None = None
    category: str | None = None
    status: str | None = None
    since: date | None = None
    until: date | None = None
    least_fen: int | None = None
    most_fen: int | None = None
    among: tuple[tuple[str, Any], ...] = ()
    """Columns that payments and their runs have, each with the values that it may have."""

    few: tuple[Select[Any], ...] = ()
    """Ids of payments, all of which hold it: so few that each is looked at."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what holds of a payment and of the state that it is in."""
        plain = (*self.of(disbursements), *self.amounts(disbursements), *self.stands(states))
        return [*plain, *(disbursements.c.disbursement_id.in_(ids) for ids in self.few)]

    def stands(self, table: FromClause) -> list[ColumnElement[bool]]:
        """Return what holds of the status."""
        if self.status == PAID:
            return [table.c.status.in_(REACHED)]
        return [] if self.status is None else [table.c.status == self.status]

    def of(self, table: FromClause) -> list[ColumnElement[bool]]:
        """Return what holds of a payment, and of runs of payments, whatever their amounts."""
        equal: tuple[tuple[ColumnElement[Any], object], ...] = (
            (table.c.campaign_id, None if self.campaign_id is None else self.campaign_id.bytes),
            (table.c.batch_id, None if self.batch_id is None else self.batch_id.bytes),
            (table.c.channel, self.channel),
            (table.c.category, self.category),
        )
        found = [column == value for column, value in equal if value is not None]
        found += [table.c[name].in_(values) for name, values in self.among]
        if self.since is not None:
            found.append(table.c.happened_on >= self.since.isoformat())
        if self.until is not None:
            found.append(table.c.happened_on <= self.until.isoformat())
        if self.organisation_ids is not None:
            found.append(
                table.c.organisation_id.in_([each.bytes for each in self.organisation_ids])
            )
        return found

    def key(self) -> Hashable:
        """Return what tells questions apart that are put to what is summed up; see `few`."""
        among = tuple(
            (name, tuple(values) if isinstance(values, list) else values)
            for name, values in self.among
        )
        ids = None if self.organisation_ids is None else tuple(self.organisation_ids)
        return replace(self, organisation_ids=ids, among=among, few=())

    def allows(self, status: str) -> bool:
        return self.status in (None, status) or (self.status == PAID and status in REACHED)

    def amounts(self, table: FromClause) -> list[ColumnElement[bool]]:
        """Return what holds of the amount."""
        least = [] if self.least_fen is None else [table.c.amount_fen >= self.least_fen]
        most = [] if self.most_fen is None else [table.c.amount_fen <= self.most_fen]
        return [*least, *most]


EVERY = Question()


@dataclass(frozen=True, slots=True)
class StatusTotal:
    """Payments that stand alike, counted and summed up; `shared` are values that they have."""

    status: str
    count: int
    total_fen: Money
    shared: tuple[Any, ...] = ()


def status_totals(
    connection: Connection,
    asked: Question,
    moment: Moment = NOW,
    *,
    by: Sequence[str] = (),
    upto: int | None = None,
) -> list[StatusTotal]:
    """Sum up the payments of a question by where they stand.

    Args:
        connection: Of the read model.
        asked: Which payments.
        moment: As of when, as known when.
        by: Columns by which they are told apart, too; of those that runs of payments have.
        upto: A log position; payments that were instructed after it do not count.
    """
    counts: Counter[tuple[Any, ...]] = Counter()
    totals_fen: Counter[tuple[Any, ...]] = Counter()
    for *alike, count, total_fen in _summed(connection, asked, moment, by, upto):
        counts[tuple(alike)] += count
        totals_fen[tuple(alike)] += total_fen
    return [
        StatusTotal(alike[-1], counts[alike], Money(totals_fen[alike]), alike[:-1])
        for alike in sorted(counts)
        if counts[alike]
    ]


def _summed(
    connection: Connection, asked: Question, moment: Moment, by: Sequence[str], upto: int | None
) -> Iterator[Sequence[Any]]:
    """Return sums that are to be added: what is told apart, the status, count and amount."""
    late = None if upto is None else disbursements.c.position > upto
    if asked.few:
        yield from connection.execute(_looked_at(asked, moment, by))
    else:
        blocks = blocks_at(connection, moment)
        kept = (blocks, moment.as_of, asked.key(), tuple(by))
        yield from FOLDED.rows(connection, kept, _folded(asked, moment, blocks, by))
        yield from _since(connection, asked, moment, blocks, by)
    if late is not None:
        for *alike, count, total in connection.execute(_looked_at(asked, moment, by).where(late)):
            yield *alike, -count, -total


def drawn_from(connection: Connection, origins: Collection[UUID]) -> list[str]:
    """Return the texts of appropriations that payments first came from, with one of these."""
    end = blocks_at(connection, NOW).end
    late = select(disbursements.c.origins).where(disbursements.c.position >= end)
    found = connection.execute(select(runs.c.origins).distinct().union(late)).scalars()
    return [text for text in found if not set(origins).isdisjoint(origins_of(text))]


def instructed(
    connection: Connection, ids: list[bytes], moment: Moment = NOW, earmark: str | None = None
) -> dict[bytes, int]:
    """Return what organisations ever instructed to be paid, in fen, each payment counted once."""
    blocks = blocks_at(connection, moment)
    names = ("organisation_id", "fund_id")
    folded = select(*(runs.c[name] for name in names), runs.c.total_fen).where(
        runs.c.run < blocks.end, moment.by_day(runs)
    )
    since = select(*(disbursements.c[name] for name in names), disbursements.c.amount_fen).where(
        disbursements.c.position >= blocks.end, moment.covers(disbursements)
    )
    return _by_organisation(connection, union_all(folded, since), ids, earmark)


def withdrawn(
    connection: Connection, ids: list[bytes], moment: Moment = NOW, earmark: str | None = None
) -> dict[bytes, int]:
    """Return what payments of organisations come to, in fen, that are withdrawn as of a moment."""
    names = ("organisation_id", "fund_id")
    amounts = (
        select(*(movements.c[name] for name in names), movements.c.amount_fen.label("total_fen"))
        .join(disbursements, movements.c.disbursement_id == disbursements.c.disbursement_id)
        .where(
            movements.c.kind == Kind.WITHDRAWAL.value, movements.c.position == last_state(moment)
        )
    )
    return _by_organisation(connection, amounts, ids, earmark)


def _by_organisation(
    connection: Connection,
    amounts: SelectBase,
    ids: list[bytes],
    earmark: str | None,
) -> dict[bytes, int]:
    """Sum up `total_fen` of rows that say whose `organisation_id` and which `fund_id` they are."""
    of = amounts.subquery("amounts")
    statement = (
        select(of.c.organisation_id, func.sum(of.c.total_fen))
        .where(of.c.organisation_id.in_(ids))
        .group_by(of.c.organisation_id)
    )
    if earmark is not None:
        of_earmark = select(funds.c.fund_id).where(funds.c.earmark == earmark)
        statement = statement.where(of.c.fund_id.in_(of_earmark))
    return {row[0]: row[1] for row in connection.execute(statement)}


def categories(connection: Connection) -> list[str]:
    """Return the categories that payments were ever made for."""
    end = blocks_at(connection, NOW).end
    late = select(disbursements.c.category).where(disbursements.c.position >= end)
    found = select(runs.c.category).distinct().union(late)
    return sorted(connection.execute(found).scalars())


def last_paid_on(connection: Connection, person_id: UUID) -> date | None:
    """Return the day of the last payment to a person."""
    statement = select(func.max(disbursements.c.happened_on))
    theirs = statement.where(disbursements.c.person_id == person_id.bytes)
    day = connection.execute(theirs).scalar_one()
    return None if day is None else date.fromisoformat(day)


def is_on_its_way(connection: Connection, person_id: UUID) -> bool:
    """Say whether a payment to a person has not been answered yet."""
    asked = Question(status=Status.IN_TRANSIT)
    return bool(disbursement_list(connection, asked=asked, person_ids=[person_id], limit=1))


def disbursement_list(
    connection: Connection,
    moment: Moment = NOW,
    *,
    asked: Question = EVERY,
    disbursement_id: UUID | None = None,
    disbursement_ids: list[UUID] | None = None,
    person_ids: list[UUID] | None = None,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
    newest_first: bool = False,
) -> list[Disbursement]:
    """Return payments in the order in which they were instructed, or the newest first.

    `after` is where the page before ended; -1 is the beginning in either order.
    """
    statement = _listing(moment, asked)
    by_id = not (disbursement_id is None and disbursement_ids is None and person_ids is None)
    if newest_first and after < 0:
        after = POSITIONS_MAX
    if not by_id and not asked.few:
        way = _Way(after, newest_first=newest_first)
        return _first(connection, statement, asked, moment, way, limit)
    # Not to be looked for by position: they are found by what is told of them, and put in order.
    place = disbursements.c.position + 0
    beyond = place < after if newest_first else place > after
    statement = statement.where(beyond, place < moment.known_end)
    statement = statement.order_by(place.desc() if newest_first else place)
    if person_ids is not None:
        people = [each.bytes for each in person_ids]
        statement = statement.where(disbursements.c.person_id.in_(people))
    if disbursement_id is not None:
        statement = statement.where(disbursements.c.disbursement_id == disbursement_id.bytes)
    if disbursement_ids is not None:
        ids = [each.bytes for each in disbursement_ids]
        statement = statement.where(disbursements.c.disbursement_id.in_(ids))
    return _listed(connection, statement.limit(limit))


def first_and_last_state(connection: Connection, disbursement_id: UUID) -> list[int]:
    """Return where a payment's instruction stands in the log, and where its last outcome does.

    One position where nothing was heard of it since.
    """
    statement = (
        select(func.min(states.c.position), func.max(states.c.position))
        .where(states.c.disbursement_id == disbursement_id.bytes)
        .having(func.count() > 0)
    )
    return sorted({position for row in connection.execute(statement) for position in row})


def every_disbursement(
    connection: Connection, asked: Question, moment: Moment = NOW
) -> Iterator[Disbursement]:
    """Return all payments of a question, read page by page."""
    after = -1
    while page := disbursement_list(connection, moment, asked=asked, after=after):
        yield from page
        after = page[-1].position


@dataclass(frozen=True, slots=True)
class Totals:
    """A campaign in figures, at a moment."""

    paid_fen: Money
    returned_fen: Money
    unsigned_fen: Money
    unanswered_fen: Money
    people_paid: int
    returned_by_reason: dict[str, int]


def totals(
    connection: Connection, campaign_id: UUID, sheet_channel: str, moment: Moment = NOW
) -> Totals:
    """Sum up a campaign's payments by where they stand.

    `unsigned_fen` are payments by sheet that nobody has signed for, `unanswered_fen` those by
    card that the bank has not answered.
    """
    latest = _latest(moment).subquery()
    statement = (
        select(
            states.c.status,
            states.c.reason,
            disbursements.c.channel,
            func.count(disbursements.c.person_id.distinct()),
            func.sum(states.c.amount_fen),
        )
        .join(latest, states.c.position == latest.c.position)
        .join(disbursements, disbursements.c.disbursement_id == states.c.disbursement_id)
        .where(disbursements.c.campaign_id == campaign_id.bytes)
        .group_by(states.c.status, states.c.reason, disbursements.c.channel)
    )
    paid = returned = unsigned = unanswered = people = 0
    reasons: dict[str, int] = {}
    for status, reason, channel, count, amount in connection.execute(statement):
        if status in (Status.SETTLED, Status.SIGNED):
            paid, people = paid + amount, people + count
        elif status == Status.RETURNED:
            returned += amount
            reasons[reason] = reasons.get(reason, 0) + count
        elif status == Status.WITHDRAWN:
            continue
        elif channel == sheet_channel:
            unsigned += amount
        else:
            unanswered += amount
    return Totals(
        Money(paid),
        Money(returned),
        Money(unsigned),
        Money(unanswered),
        people,
        dict(sorted(reasons.items())),
    )


def _looked_at(asked: Question, moment: Moment, by: Sequence[str]) -> Select[Any]:
    """Sum up payments one by one."""
    alike = (*(disbursements.c[name] for name in by), states.c.status)
    return (
        select(*alike, func.count(), func.sum(disbursements.c.amount_fen))
        .select_from(disbursements)
        .join(states, states.c.position == last_state(moment))
        .where(moment.covers(disbursements), *asked.conditions())
        .group_by(*alike)
    )


def _folded(asked: Question, moment: Moment, blocks: Blocks, by: Sequence[str]) -> Select[Any]:
    """Sum up what whole blocks changed."""
    amounts = asked.amounts(sums_by_amount)
    of = sums_by_amount if amounts else sums
    total = of.c.count * of.c.amount_fen if amounts else of.c.total_fen
    alike = (*(runs.c[name] for name in by), of.c.status)
    statement = (
        select(*alike, func.sum(of.c.count), func.sum(total))
        .where(of.c.block < blocks.whole, moment.by_day(of), *amounts, *asked.stands(of))
        .group_by(*alike)
    )
    of_runs = asked.of(runs)
    if by:
        return statement.join(runs, runs.c.run == of.c.run).where(*of_runs)
    # Runs are looked at once each, not once for each of their sums.
    return statement.where(of.c.run.in_(select(runs.c.run).where(*of_runs)) if of_runs else true())


def _since(
    connection: Connection, asked: Question, moment: Moment, blocks: Blocks, by: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Return what was changed since the last whole block."""
    columns = [disbursements.c[name] for name in by]
    where = (*asked.of(disbursements), *asked.amounts(disbursements))
    as_of = None if moment.as_of is None else moment.as_of.isoformat()
    for alike, (status, day, amount, more) in changes(
        connection, blocks.end, moment.known_end, columns, where
    ):
        if asked.allows(status) and (as_of is None or day <= as_of):
            yield *alike, status, more, more * amount


def _listing(moment: Moment, asked: Question) -> Select[Any]:
    """Select payments as of a day, however much of the log was known.

    What is known is told with the positions that are read: as a bound of its own, SQLite would
    read up to there instead of to the end of a block.
    """
    return (
        select(
            disbursements,
            batches.c.code.label("batch_code"),
            states.c.status,
            states.c.reason,
            states.c.happened_on.label("status_since"),
        )
        .join(batches, batches.c.batch_id == disbursements.c.batch_id)
        .join(states, states.c.position == last_state(moment))
        .where(moment.by_day(disbursements), *asked.conditions())
    )


def _listed(connection: Connection, statement: Select[Any]) -> list[Disbursement]:
    return [
        Disbursement(
            uuid_of(row.disbursement_id),
            uuid_of(row.campaign_id),
            uuid_of(row.batch_id),
            row.batch_code,
            row.number,
            uuid_of(row.organisation_id),
            uuid_of(row.fund_id),
            uuid_of(row.person_id),
            row.category,
            row.channel,
            Money(row.amount_fen),
            row.happened_on,
            row.position,
            row.status,
            row.reason,
            row.status_since,
        )
        for row in connection.execute(statement)
    ]


@dataclass(frozen=True, slots=True)
class _Way:
    """In which direction payments are read, and after which position."""

    after: int
    newest_first: bool

    def beyond(self, place: ColumnElement[int]) -> ColumnElement[bool]:
        return place < self.after if self.newest_first else place > self.after

    def order(self, place: ColumnElement[int]) -> ColumnElement[int]:
        return place.desc() if self.newest_first else place


def _first(
    connection: Connection,
    statement: Select[Any],
    asked: Question,
    moment: Moment,
    way: _Way,
    limit: int,
) -> list[Disbursement]:
    """Return the first payments of a question, read block by block.

    Blocks in which none stands are left out: what is rare is found as fast as what is not. Where a
    block holds few, twice as many are read at once. What no whole block holds is read in order,
    after them or, where the newest come first, before.
    """
    blocks = blocks_at(connection, moment)
    at = disbursements.c.position
    start = block_of.c.value * blocks.positions
    # Not to be looked for: SQLite would begin with all payments after it, and forget the blocks.
    place = at + 0
    within = (
        statement.join(block_of, at >= start)
        .where(at < start + blocks.positions, way.beyond(place))
        .order_by(way.order(place))
    )
    if way.newest_first:
        open_block = and_(at >= blocks.end, at < min(way.after, moment.known_end))
    else:
        open_block = and_(at > max(way.after, blocks.end - 1), at < moment.known_end)
    late = statement.where(open_block).order_by(way.order(at))
    found: list[Disbursement] = []
    if way.newest_first:
        found += _listed(connection, late.limit(limit))
    places = _places(connection, asked, moment, blocks, way)
    at_once = 1
    while len(found) < limit and (numbers := list(islice(places, at_once))):
        asking = within.params(numbers=json.dumps(numbers))
        found += _listed(connection, asking.limit(limit - len(found)))
        at_once = min(at_once * 2, BLOCKS_AT_ONCE)
    if len(found) < limit and not way.newest_first:
        found += _listed(connection, late.limit(limit - len(found)))
    return found


def _places(
    connection: Connection, asked: Question, moment: Moment, blocks: Blocks, way: _Way
) -> Iterator[int]:
    """Return the whole blocks in which payments of a question can stand, each once, in order."""
    last = None
    folded = _blocks_with(connection, asked, moment, blocks, way)
    touched = _blocks_touched(connection, asked, moment, blocks, way)
    for number in merge(folded, touched, reverse=way.newest_first):
        if number != last:
            last = number
            yield number


def _blocks_with(
    connection: Connection, asked: Question, moment: Moment, blocks: Blocks, way: _Way
) -> Iterator[int]:
    """Return the whole blocks in which a run has payments of a question, by what is summed up."""
    amounts = asked.amounts(sums_by_amount)
    of = sums_by_amount if amounts else sums
    count = func.sum(of.c.count)
    conditions = (of.c.run == runs.c.run, of.c.block < blocks.whole, moment.by_day(of), *amounts)
    stand = select(count).where(*conditions, *asked.stands(of)).correlate(runs).scalar_subquery()
    beyond = way.beyond(runs.c.run if way.newest_first else runs.c.last_position)
    statement = (
        select(runs.c.run)
        .where(runs.c.run < blocks.end, beyond, *asked.of(runs), stand > 0)
        .order_by(way.order(runs.c.run))
        .limit(RUNS_AT_ONCE)
    )
    asking = statement
    while found := list(connection.execute(asking).scalars()):
        for run in found:
            yield run // blocks.positions
        asking = statement.where(replace(way, after=found[-1]).beyond(runs.c.run))


def _blocks_touched(
    connection: Connection, asked: Question, moment: Moment, blocks: Blocks, way: _Way
) -> list[int]:
    """Return the whole blocks whose payments may stand as asked for by what came since."""
    if asked.status is None:
        return []
    number = disbursements.c.position // blocks.positions
    statement = (
        select(number)
        .join(states, states.c.disbursement_id == disbursements.c.disbursement_id)
        .where(states.c.position >= blocks.end, moment.covers(states))
        # Not to be looked for: they are few, and found by their states.
        .where(disbursements.c.position + 0 < blocks.end, *asked.of(disbursements))
        .distinct()
        .order_by(way.order(number))
    )
    return list(connection.execute(statement).scalars())


def last_state(moment: Moment = NOW) -> ScalarSelect[int]:
    """Say where a payment's last state at the moment stands, payment by payment.

    A page reads a few payments in order, and looks up the state of each: over all states at once
    it would read them all.
    """
    later = states.alias()
    return (
        select(func.max(later.c.position))
        .where(later.c.disbursement_id == disbursements.c.disbursement_id)
        .where(moment.covers(later))
        .scalar_subquery()
    )


def _latest(moment: Moment) -> Select[tuple[bytes, int]]:
    """Say which state of each payment was the last one at the moment.

    A later day does not come before an earlier one because it was entered first.
    """
    return (
        select(states.c.disbursement_id, func.max(states.c.position).label("position"))
        .where(moment.covers(states))
        .group_by(states.c.disbursement_id)
    )
