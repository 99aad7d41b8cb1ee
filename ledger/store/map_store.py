"""Keeps the verifiable map beside the log, as it was at each size that was asked for.

It holds nothing that the log does not: it may be dropped, and is built anew.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

from ledger.database import DatabaseUnreadable, delete_database, open_tables, transaction
from ledger.evidence.envelope import payload_of
from ledger.evidence.map_growth import MapGrowth
from ledger.evidence.map_pages import PagedMap
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.verifiable_map import EMPTY, MapProof
from ledger.store.recorder import LogRecorder

SCHEMA = """
CREATE TABLE IF NOT EXISTS map_pages (
    prefix BLOB NOT NULL,
    size INTEGER NOT NULL,
    page BLOB NOT NULL,
    PRIMARY KEY (prefix, size)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS map_positions (
    key BLOB NOT NULL,
    size INTEGER NOT NULL,
    positions BLOB NOT NULL,
    PRIMARY KEY (key, size)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS map_states (
    size INTEGER PRIMARY KEY,
    map_root BLOB NOT NULL,
    log_root BLOB NOT NULL
);
"""

ENTRIES_AT_ONCE = 10_000

Progress = Callable[[int, int], None]
"""Told how many events were taken in, and of how many."""


class MapStore:
    """Pages by the size of the log they were written for: an older one stays readable."""

    def __init__(self, path: Path) -> None:
        try:
            self._connection = open_tables(path, SCHEMA, synchronous="NORMAL")
        except DatabaseUnreadable:
            # Damaged: the map is read from the log again, and nothing is lost with it.
            delete_database(path)
            self._connection = open_tables(path, SCHEMA, synchronous="NORMAL")
        self._lock = threading.RLock()

    def advance(self, log: LogRecorder, size: int, progress: Progress | None = None) -> bytes:
        """Bring the map to what the first `size` entries say; return its root.

        Args:
            log: Where the entries are read.
            size: Of the log; a smaller one than the map has seen is answered from what is kept.
            progress: Told how far it is.
        """
        with self._lock:
            known = self._root_at(size)
            if known is not None and self._is_of(log, size):
                return known
            before = self._last_size(size)
            if not self._is_of(log, before) or self._last_size() > log.size():
                # The log was put back to an older state, or is another: start from nothing.
                self._clear()
                before = 0
            return self._grow(log, before, size, progress)

    def prove(self, size: int, key: bytes) -> MapProof:
        """Return what the map said of a key when the log had this size."""
        with self._lock:
            return PagedMap(lambda prefix: self._page(prefix, size)).prove(key)

    def positions(self, size: int, key: bytes) -> list[int]:
        """Return where the events stand that moved a key's head, when the log had this size."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT positions FROM map_positions WHERE key = ? AND size <= ?", (key, size)
            ).fetchall()
        found: set[int] = set()
        for (packed,) in rows:
            found.update(int.from_bytes(packed[at : at + 8]) for at in range(0, len(packed), 8))
        return sorted(found)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _grow(self, log: LogRecorder, before: int, size: int, progress: Progress | None) -> bytes:
        pages = PagedMap(lambda prefix: self._page(prefix, before))
        growth = MapGrowth((lambda _: None) if before == 0 else pages.head, keep_positions=True)
        position = before
        while position < size:
            rows = log.select_entries(position, min(size - position, ENTRIES_AT_ONCE))
            for position, version, topic, envelope in rows:
                growth.add(position, topic, version, payload_of(envelope), leaf_hash(envelope))
            position += 1
            if progress is not None:
                progress(position, size)
        root = pages.update(growth.heads())
        connection = self._connection
        # A crash before the commit leaves the map at the size it had, which is no harm.
        with transaction(connection):
            connection.executemany(
                "REPLACE INTO map_pages VALUES (?, ?, ?)",
                ((prefix, size, page) for prefix, page in sorted(pages.written.items())),
            )
            connection.executemany(
                "REPLACE INTO map_positions VALUES (?, ?, ?)",
                ((key, size, bytes(growth.positions[key])) for key in sorted(growth.positions)),
            )
            connection.execute(
                "REPLACE INTO map_states VALUES (?, ?, ?)", (size, root, log.root_at(size))
            )
        return root

    def _page(self, prefix: bytes, size: int) -> bytes | None:
        row = self._connection.execute(
            "SELECT page FROM map_pages WHERE prefix = ? AND size <= ? ORDER BY size DESC LIMIT 1",
            (prefix, size),
        ).fetchone()
        return cast("bytes", row[0]) if row else None

    def _last_size(self, up_to: int = 2**62) -> int:
        """Return the largest size kept; states between others may be filled in later.

        For what changed up to such a state was written again for every later one.
        """
        (size,) = self._connection.execute(
            "SELECT max(size) FROM map_states WHERE size <= ?", (up_to,)
        ).fetchone()
        return size or 0

    def _root_at(self, size: int) -> bytes | None:
        if size == 0:
            return EMPTY
        row = self._connection.execute(
            "SELECT map_root FROM map_states WHERE size = ?", (size,)
        ).fetchone()
        return cast("bytes", row[0]) if row else None

    def _is_of(self, log: LogRecorder, size: int) -> bool:
        """Say whether the map of this size was made from the entries that the log has now."""
        row = self._connection.execute(
            "SELECT log_root FROM map_states WHERE size = ?", (size,)
        ).fetchone()
        if row is None:
            return size == 0
        return log.size() >= size and log.root_at(size) == row[0]

    def _clear(self) -> None:
        self._connection.executescript(
            "DELETE FROM map_pages; DELETE FROM map_positions; DELETE FROM map_states;"
        )
