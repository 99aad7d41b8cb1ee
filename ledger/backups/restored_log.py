"""A log that nobody writes to, as projections read it: no key is needed for that."""

from collections.abc import Sequence
from pathlib import Path

from ledger.commands.log_ranges import connect
from ledger.store.feed import Recorded, Stored, recorded


class RestoredLog:
    """A log's file; the feed that read models are built from."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)

    def read(self, start: int, limit: int) -> Sequence[Recorded]:
        """Return up to `limit` events from position `start` on, in the order of the log."""
        return recorded(self.stored(start, limit))

    def stored(self, start: int, limit: int) -> Stored:
        """Return position, topic and envelope of up to `limit` events from `start` on."""
        return self._connection.execute(
            "SELECT position, topic, state FROM log_events WHERE position >= ?"
            " ORDER BY position LIMIT ?",
            (start, limit),
        ).fetchall()

    def size(self) -> int:
        """Return how many events the log holds."""
        (last,) = self._connection.execute("SELECT max(position) FROM log_events").fetchone()
        return 0 if last is None else int(last) + 1

    def close(self) -> None:
        self._connection.close()
