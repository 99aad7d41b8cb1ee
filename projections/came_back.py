"""What had reached people before a position of the log, and came back after it."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, Connection, case, exists, select, text

from projections.asked import Moment
from projections.blocks import FOLDED, blocks_at
from projections.journal import Account, lines

AT_ONCE = 500

_LEAVES = text(f"journal_lines.from_account = '{Account.RECIPIENT}'")
"""Word for word what the index of such lines holds, or SQLite does not use it."""
_EARLIER_LOT = text("+earlier.lot_id = journal_lines.lot_id")
"""By a payment's own few lines, not by all of a lot's: the sign keeps SQLite from that index."""


def came_back(
    connection: Connection, moment: Moment, followed: CTE, by: Sequence[str], asked: Hashable
) -> dict[tuple[Any, ...], int]:
    """Return what of some lots had reached people up to a position of its own, and has left them.

    What was paid to them again of the same lot has not.

    Args:
        connection: Of the read model.
        moment: As of when.
        followed: Has the columns `lot_id` and `since`, as of `routes_since`.
        by: Names of columns of `followed`.
        asked: Tells `followed` from all others.

    Returns:
        Fen, by the values of these columns.
    """
    blocks = blocks_at(connection, moment)
    earlier = lines.alias("earlier")
    alike = [followed.c[name] for name in by]

    had_reached = exists().where(
        earlier.c.disbursement_id == lines.c.disbursement_id,
        _EARLIER_LOT,
        earlier.c.position <= followed.c.since,
        earlier.c.to_account == Account.RECIPIENT,
    )
    left = (
        select(lines.c.disbursement_id, lines.c.lot_id, followed.c.since, *alike)
        .join(followed, lines.c.lot_id == followed.c.lot_id)
        .where(_LEAVES, moment.covers(lines), had_reached)
        .distinct()
    )
    key = (blocks, moment.as_of, tuple(by), ("came back", asked))
    whole = left.where(lines.c.position > followed.c.since, lines.c.position < blocks.end)
    folded = FOLDED.rows(connection, key, whole)
    # One bound, not two, as in `routes_since`.
    last = case((followed.c.since >= blocks.end, followed.c.since), else_=blocks.end - 1)
    since = connection.execute(left.where(lines.c.position > last))
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    payments = {tuple(row) for row in (*folded, *since)}
    moved = _moved(connection, moment, {payment for payment, *_ in payments})
    for payment, lot, first, *along in payments:
        reached = sum(fen for position, fen in moved[payment, lot] if position > first)
        found[tuple(along)] += max(0, -reached)
    return found


def _moved(
    connection: Connection, moment: Moment, payments: Iterable[bytes]
) -> dict[tuple[bytes, bytes], list[tuple[int, int]]]:
    """Return what reached people of each payment and lot, less what left them, by position."""
    found: dict[tuple[bytes, bytes], list[tuple[int, int]]] = defaultdict(list)
    ids = sorted(payments)
    for start in range(0, len(ids), AT_ONCE):
        some = lines.c.disbursement_id.in_(ids[start : start + AT_ONCE])
        for row in connection.execute(select(lines).where(some, moment.covers(lines))):
            reached = (row.to_account == Account.RECIPIENT) - (
                row.from_account == Account.RECIPIENT
            )
            found[row.disbursement_id, row.lot_id].append((row.position, reached * row.amount_fen))
    return found
