"""Payments that have not reached anybody: on their way, or sent back, and since when."""

import json
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, exists, func, select

from ledger.domain.disbursement import Status
from projections.asked import NOW, Moment, uuid_of
from projections.blocks import blocks_at
from projections.disbursements import last_state
from projections.payment_states import disbursements, states
from projections.payment_sums import runs, sums
from projections.view import reading

ANSWERS_KEPT = 16
OPEN = (Status.IN_TRANSIT.value, Status.RETURNED.value)


@dataclass(frozen=True, slots=True)
class Open:
    """Payments of a batch that stand alike since one day. `unknown`: the bank said so itself."""

    organisation_id: UUID
    campaign_id: UUID
    batch_id: UUID
    channel: str
    status: str
    unknown: bool
    since: str
    count: int
    amount_fen: int


def together(found: Sequence[Open]) -> Open:
    """Add payments up, since the first of them; all else is that of the first one listed."""
    if len(found) == 1:
        return found[0]
    return replace(
        found[0],
        since=min(each.since for each in found),
        count=sum(each.count for each in found),
        amount_fen=sum(each.amount_fen for each in found),
    )


def open_payments(connection: Connection, moment: Moment = NOW) -> list[Open]:
    """Return what was open at a moment; it looks at every payment that there was."""
    alike: dict[_Kind, _Sum] = defaultdict(_Sum)
    for row in connection.execute(_standing(moment)):
        alike[_kind(row)].add(row.amount_fen)
    return _listed(alike)


_Kind = tuple[bytes, bytes, bytes, str, str, bool, str]
"""Organisation, campaign, batch, channel, status, whether it is unknown, and since when."""


@dataclass(slots=True)
class _Sum:
    count: int = 0
    amount_fen: int = 0

    def add(self, amount_fen: int, count: int = 1) -> None:
        self.count += count
        self.amount_fen += amount_fen


@dataclass(frozen=True, slots=True)
class _Standing:
    """An open payment: where in the log and on what day it began, where its last word stands."""

    kind: _Kind
    amount_fen: int
    begins: int
    day: str
    last: int


class OpenPayments:
    """Keeps what is open now. Only what was recorded since has to be read, however long the log.

    What was open at another moment follows from it, and from the payments that went on since.
    Answers are shared, and stand until anything is recorded of a payment: nobody may change one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begin()

    def now(self, connection: Connection) -> list[Open]:
        """Return what is open as the read model stands."""
        with self._lock:
            self._read_on(connection)
            return self._answers.get(NOW) or self._keep(NOW, self._alike)

    def at(self, connection: Connection, moment: Moment) -> list[Open]:
        """Return what was open at a moment.

        A payment of which the last word was known then stands as it did; all others are looked at.
        They are in runs of which sums changed since. Sums that changed may cancel out, but only
        where as many payments of the run are open now that were not then: these are known.
        """
        with self._lock:
            self._read_on(connection)
            if moment in self._answers:
                return self._answers[moment]
            alike: dict[_Kind, _Sum] = defaultdict(_Sum)
            went_on, same = [], []
            end, day = moment.known_end, moment.last_day
            for each in self._open.values():
                if each.begins < end and each.day <= day:
                    if each.last < end and each.kind[-1] <= day:
                        same.append(each)
                    else:
                        went_on.append(each.begins)
            stretches = _stretches(connection, moment, went_on)
            for each in same:
                if not stretches.hold(each.begins):
                    alike[each.kind].add(each.amount_fen)
            for row in connection.execute(stretches.within(_standing(moment))):
                alike[_kind(row)].add(row.amount_fen)
            return self._keep(moment, alike)

    def _keep(self, moment: Moment, alike: Mapping[_Kind, _Sum]) -> list[Open]:
        self._answers[moment] = _listed(alike)
        if len(self._answers) > ANSWERS_KEPT:
            del self._answers[next(iter(self._answers))]
        return self._answers[moment]

    def _begin(self, model: str = "") -> None:
        self._model, self._read = model, 0
        self._open: dict[bytes, _Standing] = {}
        self._alike: dict[_Kind, _Sum] = defaultdict(_Sum)
        self._answers: dict[Moment, list[Open]] = {}

    def _read_on(self, connection: Connection) -> None:
        model, end = connection.execute(select(reading.c.model, reading.c.next_position)).one()
        if model != self._model:
            self._begin(model)
        if end <= self._read:  # Asked by who began to read before others did.
            return
        for row in connection.execute(self._unread(end)):
            self._answers.clear()
            self._forget(row.disbursement_id)
            if row.status in OPEN:
                standing = _Standing(_kind(row), row.amount_fen, row.begins, row.day, row.position)
                self._open[row.disbursement_id] = standing
                self._alike[standing.kind].add(row.amount_fen)
        self._read = end

    def _forget(self, disbursement_id: bytes) -> None:
        known = self._open.pop(disbursement_id, None)
        if known is not None:
            self._alike[known.kind].add(-known.amount_fen, -1)
            if not self._alike[known.kind].count:
                del self._alike[known.kind]

    def _unread(self, end: int) -> Select[Any]:
        statement = _states().where(states.c.position < end).order_by(states.c.position)
        if self._read:
            return statement.where(states.c.position >= self._read)
        later = states.alias()
        last = (
            select(later.c.position)
            .where(later.c.disbursement_id == states.c.disbursement_id)
            .where(later.c.position > states.c.position)
            .exists()
        )
        return statement.where(states.c.status.in_(OPEN), ~last)


class _Stretches:
    """Pieces of the log, apart from each other and in order: first positions and last ones."""

    def __init__(self, pieces: Iterable[tuple[int, int]]) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        for first, last in sorted(pieces):
            if self._last and first <= self._last[-1]:
                self._last[-1] = max(self._last[-1], last)
            else:
                self._first.append(first)
                self._last.append(last)

    def hold(self, position: int) -> bool:
        place = bisect_right(self._first, position)
        return place > 0 and position <= self._last[place - 1]

    def within(self, statement: Select[Any]) -> Select[Any]:
        """Narrow a statement down to payments that began in these pieces."""
        pieces = func.json_each(json.dumps(list(zip(self._first, self._last, strict=True))))
        piece = pieces.table_valued("value").alias("pieces")
        first = func.json_extract(piece.c.value, "$[0]")
        last = func.json_extract(piece.c.value, "$[1]")
        return statement.join(piece, disbursements.c.position.between(first, last))


def _stretches(connection: Connection, moment: Moment, went_on: Sequence[int]) -> _Stretches:
    """Return the stretches in which all payments began that went on after a moment.

    Args:
        connection: Of the read model.
        moment: After which.
        went_on: Where payments began that are open now, and went on since.
    """
    blocks = blocks_at(connection, NOW)
    begun = and_(runs.c.run < moment.known_end, moment.by_day(runs))
    # The block in which the moment lies is read event by event.
    known = moment.known_end // blocks.positions
    later = (sums.c.happened_on > moment.last_day) | (sums.c.block > known)
    changed = (
        select(runs.c.run, runs.c.last_position)
        .where(begun, exists().where(sums.c.run == runs.c.run, later))
        .where(runs.c.run < blocks.end)
    )
    place = func.json_each(json.dumps(went_on)).table_valued("value").alias("places")
    start = place.c.value - place.c.value % blocks.positions
    beside = select(runs.c.run, runs.c.last_position).join(
        place, runs.c.run.between(start, place.c.value) & (runs.c.last_position >= place.c.value)
    )
    of = disbursements.c
    by_event = (
        select(of.position, of.position)
        .join(states, states.c.disbursement_id == of.disbursement_id)
        .where(of.position + 0 < moment.known_end, moment.by_day(disbursements))
    )
    open_block = by_event.where(states.c.position >= blocks.end)
    same_block = by_event.where(
        states.c.position >= moment.known_end, states.c.position < (known + 1) * blocks.positions
    )
    pieces = [(each, each) for each in went_on]
    for statement in (changed, beside, open_block, same_block):
        pieces += [(row[0], row[1]) for row in connection.execute(statement)]
    return _Stretches(pieces)


def _states() -> Select[Any]:
    return select(
        states.c.position,
        states.c.disbursement_id,
        disbursements.c.organisation_id,
        disbursements.c.campaign_id,
        disbursements.c.batch_id,
        disbursements.c.channel,
        states.c.status,
        states.c.reason,
        states.c.happened_on,
        states.c.amount_fen,
        disbursements.c.position.label("begins"),
        disbursements.c.happened_on.label("day"),
    ).join(disbursements, disbursements.c.disbursement_id == states.c.disbursement_id)


def _standing(moment: Moment) -> Select[Any]:
    """Select payments that were open at a moment, each with what was its last word then."""
    # Not to be looked for: SQLite would read up to there, and forget the stretches.
    known = disbursements.c.position + 0 < moment.known_end
    return _states().where(
        states.c.status.in_(OPEN),
        moment.by_day(disbursements),
        known,
        states.c.position == last_state(moment),
    )


def _kind(row: Row[Any]) -> _Kind:
    unknown = row.status == Status.IN_TRANSIT.value and row.reason is not None
    return (
        row.organisation_id,
        row.campaign_id,
        row.batch_id,
        row.channel,
        row.status,
        unknown,
        row.happened_on,
    )


def _listed(alike: Mapping[_Kind, _Sum]) -> list[Open]:
    return [_open(kind, alike[kind].count, alike[kind].amount_fen) for kind in sorted(alike)]


def _open(kind: _Kind, count: int, amount: int) -> Open:
    organisation, campaign, batch, channel, status, unknown, since = kind
    return Open(
        uuid_of(organisation),
        uuid_of(campaign),
        uuid_of(batch),
        channel,
        status,
        unknown,
        since,
        count,
        amount,
    )


def first_unanswered(open_: Iterable[Open], card_channel: str) -> dict[UUID, str]:
    """Return the first day of a card payment that the bank has not answered, by organisation.

    Up to the day before, it is proved that the bank answered every one of them.
    """
    first: dict[UUID, str] = {}
    for each in open_:
        if each.channel == card_channel and each.status == Status.IN_TRANSIT.value:
            known = first.get(each.organisation_id, each.since)
            first[each.organisation_id] = min(known, each.since)
    return first
