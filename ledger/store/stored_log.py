"""A log as it stands, for whoever only reads it: no key is needed for that."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ledger.database import DiskReadOnly, Reader, is_read_only
from ledger.postgresql import Database
from ledger.postgresql_session import connect_to_read
from ledger.store.feed import Recorded, Stored, StoredFeed, recorded


class StoredLog:
    """A log's file, or its schema in PostgreSQL, over a connection of its own."""

    def __init__(self, place: Path | Database) -> None:
        self._place = place
        self._connection = connect(place)

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

    def elsewhere(self) -> Callable[[], StoredFeed]:
        return partial(StoredLog, self._place)

    def close(self) -> None:
        self._connection.close()


def connect(path: Path | Database) -> Reader:
    """Open a log for reading alone; a transaction that is begun holds one state of it.

    Raises:
        DiskReadOnly: It lies where nothing can be written, and what was written last is not in it.
    """
    if isinstance(path, Database):
        return connect_to_read(path)
    uri = path.absolute().as_uri() + "?mode=ro"
    if is_read_only(path):
        ahead = path.with_name(path.name + "-wal")
        if ahead.exists() and ahead.stat().st_size:
            raise DiskReadOnly
        # Nobody writes it, and SQLite cannot make the files by which it would see that.
        uri += "&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    # Text that was altered may be none any more. It is to be reported, not to stop us; and it must
    # not look like the bytes it is made of, which would hide that a value changed its type.
    connection.text_factory = lambda raw: raw.decode(errors="backslashreplace")
    return connection
