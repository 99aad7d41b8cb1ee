"""When payments were sent last and out of which money, and when they reached people.

A payment is instructed once, and may be made again after it came back: on another day, out of
lots drawn anew, to somebody who has died meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from projections.asked import Moment, uuid_of
from projections.disbursements import REACHED
from projections.findings.growing import among
from projections.journal import Account, lines
from projections.movements import Kind, movements
from projections.payment_states import origins_text, states


@dataclass(frozen=True, slots=True)
class Sent:
    """A payment as it was sent last: what was instructed on a day, out of appropriations."""

    disbursement_id: bytes
    person_id: bytes
    organisation_id: bytes
    category: str
    amount_fen: int
    happened_on: str
    origins: str
    position: int


def as_instructed(payments: Sequence[Row[Any]]) -> list[Sent]:
    """Return payments as they were instructed first."""
    return [_sent(row, row.happened_on, row.origins) for row in payments]


def as_sent_last(
    connection: Connection, payments: Sequence[Row[Any]], moment: Moment
) -> list[Sent]:
    """Return payments as of their last instruction that was known at a moment."""
    ids = [row.disbursement_id for row in payments]
    days = sent_again_on(connection, ids, moment)
    drawn: dict[bytes, tuple[int, set[bytes]]] = {}
    for row in _draws(connection, ids, moment):
        last, _ = drawn.get(row.disbursement_id, (-1, set()))
        if row.position > last:
            drawn[row.disbursement_id] = row.position, set()
        if row.position >= last:
            drawn[row.disbursement_id][1].add(row.origin_id)
    return [
        _sent(
            row,
            days.get(row.disbursement_id, row.happened_on),
            origins_text(uuid_of(each) for each in drawn[row.disbursement_id][1])
            if row.disbursement_id in drawn
            else row.origins,
        )
        for row in payments
    ]


def sent_again_on(connection: Connection, ids: Sequence[bytes], moment: Moment) -> dict[bytes, str]:
    """Return on which day payments were made again last; others are not there."""
    found: dict[bytes, str] = {}
    for row in _moved(connection, ids, moment):
        if row.kind == Kind.REISSUE:
            found[row.disbursement_id] = max(found.get(row.disbursement_id, ""), row.happened_on)
    return found


def reached_on(connection: Connection, ids: Sequence[bytes], moment: Moment) -> dict[bytes, str]:
    """Return on which day payments reached people, of those that have.

    A correction that takes a correction back is of its own day; the answer or the signature that
    counts again is of the day on which it was recorded.
    """
    put_right = {
        row.position for row in _moved(connection, ids, moment) if row.kind == Kind.CORRECTION
    }
    known: dict[bytes, list[Row[Any]]] = defaultdict(list)
    statement = select(states).where(moment.covers(states))
    for row in among(connection, ids, states.c.disbursement_id, statement):
        known[row.disbursement_id].append(row)
    found = {}
    for payment, rows in known.items():
        rows.sort(key=lambda row: row.position)
        if rows[-1].status in REACHED:
            arrived = [row for row in rows if row.status in REACHED]
            said = [row for row in arrived if row.position not in put_right]
            found[payment] = (said or arrived)[-1].happened_on
    return found


def _sent(row: Row[Any], day: str, origins: str) -> Sent:
    return Sent(
        row.disbursement_id,
        row.person_id,
        row.organisation_id,
        row.category,
        row.amount_fen,
        day,
        origins,
        row.position,
    )


def _moved(connection: Connection, ids: Sequence[bytes], moment: Moment) -> Iterator[Row[Any]]:
    """Return what happened to payments; of which kind is not asked: that would read all of one."""
    statement = select(movements).where(moment.covers(movements))
    yield from among(connection, ids, movements.c.disbursement_id, statement)


def _draws(connection: Connection, ids: Sequence[bytes], moment: Moment) -> Iterator[Row[Any]]:
    statement = select(lines).where(
        lines.c.from_account == Account.FUND.value,
        lines.c.to_account == Account.TRANSIT.value,
        moment.covers(lines),
    )
    yield from among(connection, ids, lines.c.disbursement_id, statement)
