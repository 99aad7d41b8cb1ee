"""A file of operational records: one connection and one lock; several processes may open it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.database import open_tables, transaction

OWNER_ONLY = 0o600


class Records:
    """Holds what may be lost without the ledger losing anything. Readable by its owner alone."""

    def __init__(self, path: Path, schema: str) -> None:
        """Open the file, or make it, with its tables.

        Raises:
            DatabaseUnreadable: The file is no database, or is damaged.
        """
        self._lock = threading.RLock()
        self._connection = open_tables(path, schema)
        path.chmod(OWNER_ONLY)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold a transaction; all that is done in it stands, or nothing."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            with transaction(self._connection):
                yield self._connection

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            cursor = self._connection.execute(statement, values)
            cursor.row_factory = sqlite3.Row
            found: list[sqlite3.Row] = cursor.fetchall()
            return found

    def row(self, statement: str, *values: object) -> sqlite3.Row | None:
        found = self.rows(statement, *values)
        return found[0] if found else None

    def version(self) -> int:
        """Return a number that is another one once another connection has written."""
        with self._lock:
            found: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
            return found

    def row_at_once(self, statement: str, *values: object) -> sqlite3.Row | None:
        """Return what `row` does, or None where that would mean to wait for who writes."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self.row(statement, *values)
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._connection.close()
