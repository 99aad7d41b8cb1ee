"""Payments that have not reached anybody: on their way, or sent back, and since when."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select

from ledger.domain.disbursement import Status
from projections.asked import NOW, Moment, uuid_of
from projections.payment_states import disbursements, states
from projections.view import reading

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

    def with_(self, other: "Open") -> "Open":
        """Add others up with these, since the first of them; of which batch is this one's."""
        return replace(
            self,
            since=min(self.since, other.since),
            count=self.count + other.count,
            amount_fen=self.amount_fen + other.amount_fen,
        )


def open_payments(connection: Connection, moment: Moment = NOW) -> list[Open]:
    """Return what was open at a moment; it looks at every payment that there was."""
    later = states.alias()
    superseded = (
        select(later.c.position)
        .where(later.c.disbursement_id == states.c.disbursement_id)
        .where(later.c.position > states.c.position, moment.covers(later))
        .exists()
    )
    statement = _states().where(
        states.c.status.in_(OPEN), moment.covers(states), moment.covers(disbursements), ~superseded
    )
    alike: dict[tuple[Any, ...], _Sum] = defaultdict(_Sum)
    for row in connection.execute(statement):
        alike[_kind(row)].add(row.amount_fen)
    return _listed(alike)


class OpenPayments:
    """Keeps what is open now. Only what was recorded since has to be read, however long the log."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = 0
        self._begin()

    def now(self, connection: Connection) -> list[Open]:
        """Return what is open as the read model stands."""
        end: int = connection.execute(select(reading.c.next_position)).scalar_one()
        with self._lock:
            if end < self._read:  # Built anew over a log that was put back.
                self._begin()
            for row in connection.execute(self._unread(end)):
                self._forget(row.disbursement_id)
                if row.status in OPEN:
                    self._open[row.disbursement_id] = kind, amount = _kind(row), row.amount_fen
                    self._alike[kind].add(amount)
            self._read = end
            return _listed(self._alike)

    def _begin(self) -> None:
        self._read = 0
        self._open: dict[bytes, tuple[tuple[Any, ...], int]] = {}
        self._alike: dict[tuple[Any, ...], _Sum] = defaultdict(_Sum)

    def _forget(self, disbursement_id: bytes) -> None:
        known = self._open.pop(disbursement_id, None)
        if known is not None:
            kind, amount = known
            self._alike[kind].add(-amount, -1)
            if not self._alike[kind].count:
                del self._alike[kind]

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


def _states() -> Select[Any]:
    return select(
        states.c.disbursement_id,
        disbursements.c.organisation_id,
        disbursements.c.campaign_id,
        disbursements.c.batch_id,
        disbursements.c.channel,
        states.c.status,
        states.c.reason,
        states.c.happened_on,
        states.c.amount_fen,
    ).join(disbursements, disbursements.c.disbursement_id == states.c.disbursement_id)


def _kind(row: Row[Any]) -> tuple[Any, ...]:
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


@dataclass(slots=True)
class _Sum:
    count: int = 0
    amount_fen: int = 0

    def add(self, amount_fen: int, count: int = 1) -> None:
        self.count += count
        self.amount_fen += amount_fen


def _listed(alike: Mapping[tuple[Any, ...], _Sum]) -> list[Open]:
    return [_open(kind, alike[kind].count, alike[kind].amount_fen) for kind in sorted(alike)]


def _open(kind: tuple[Any, ...], count: int, amount: int) -> Open:
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
