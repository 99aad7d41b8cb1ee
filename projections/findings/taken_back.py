"""What had been recorded as having reached people, and was taken back later as a mistake."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from projections.asked import Moment
from projections.findings.growing import among
from projections.followed_lots import FollowedLot
from projections.journal import Account, lines
from projections.movements import Kind, movements


class _Step(NamedTuple):
    """What a piece of a lot did: it reached somebody, left them, or was put right by a word."""

    position: int
    day: str
    reached: int
    amount_fen: int
    corrects: bool


def taken_back_since(
    connection: Connection, followed: Sequence[FollowedLot], day: date, moment: Moment
) -> dict[tuple[UUID, int], int]:
    """Return what counts as used on a day of some lots, and is known by now not to have been.

    An outcome that a later `disbursement.corrected` took back never was; one whose correction was
    taken back in turn was. What truly came back later (退票) had been with people on the day.

    Args:
        connection: Of the read model.
        followed: The lots; what moved after `since` counts.
        day: On which they stand; corrections after it are looked at.
        moment: What is known by now.

    Returns:
        Fen, by lot and `since`; below zero, where more had reached people than counts. Absent: 0.
    """
    found: dict[tuple[UUID, int], int] = defaultdict(int)
    since = defaultdict(set)
    for each in followed:
        since[each.lot_id.bytes].add(each.since)
    for (_, lot), steps in _steps(connection, day, moment).items():
        for first in since.get(lot, ()):
            found[UUID(bytes=lot), first] += _overstated(steps, first, day.isoformat())
    return found


def _overstated(steps: Iterable[_Step], since: int, day: str) -> int:
    """Return how much more counts on the day than had reached people, as is known by now."""
    over = 0
    outcome: _Step | None = None
    told_then = stands_now = False
    for step in (*steps, None):
        if step is not None and step.corrects and outcome is not None:
            # It takes back what stood last: the outcome, or the correction of it before.
            stands_now = not stands_now
            if step.day <= day:
                told_then = stands_now
            continue
        if outcome is not None and outcome.day <= day and outcome.position > since:
            over += outcome.amount_fen * (told_then - stands_now)
        outcome = step if step is not None and step.reached > 0 else None
        told_then = stands_now = True
    return over


def _steps(
    connection: Connection, day: date, moment: Moment
) -> dict[tuple[bytes, bytes], list[_Step]]:
    """Return what pieces did of payments that were put right after a day, by payment and lot."""
    put_right = select(movements.c.disbursement_id, movements.c.position).where(
        movements.c.kind == Kind.CORRECTION.value, moment.covers(movements)
    )
    later = put_right.where(movements.c.happened_on > day.isoformat())
    ids = sorted({row.disbursement_id for row in connection.execute(later)})
    corrections = {
        row.position for row in among(connection, ids, movements.c.disbursement_id, put_right)
    }
    moved = select(lines).where(moment.covers(lines)).order_by(lines.c.position)
    found: dict[tuple[bytes, bytes], list[_Step]] = defaultdict(list)
    for row in among(connection, ids, lines.c.disbursement_id, moved):
        reached = (row.to_account == Account.RECIPIENT) - (row.from_account == Account.RECIPIENT)
        if reached:
            found[row.disbursement_id, row.lot_id].append(
                _Step(
                    row.position,
                    row.happened_on,
                    reached,
                    row.amount_fen,
                    row.position in corrections,
                )
            )
    return found
