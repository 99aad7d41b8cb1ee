"""The log in an SQLite file: one connection writes; each reading thread has one of its own."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet, finalize

from eventsourcing.persistence import RecordConflictError, StoredEvent

from ledger.database import open_database, open_tables, transaction
from ledger.evidence.keys import Signer
from ledger.evidence.merkle import Edge
from ledger.store.recorder import (
    SCHEMA,
    LogMoved,
    LogRecorder,
    answer_rows,
    event_rows,
)
from ledger.store.tiles import GrowingTree, load_tree


class SqliteRecorder(LogRecorder):
    """Writes under a lock of this process and one of the file."""

    def __init__(self, path: Path, origin: str, signer: Signer) -> None:
        super().__init__(origin, signer)
        self._path = path
        self._writing = threading.Lock()
        self._local = threading.local()
        self._readers = WeakSet[sqlite3.Connection]()
        self._tree: GrowingTree | None = None
        self._commits = 0
        self._writer = open_tables(self._path, SCHEMA)

    @property
    def place(self) -> Path:
        return self._path

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        with self._writing:
            connection = self._writer
            try:
                # A crash before its commit leaves nothing; after it, everything, on the disk.
                leaves: list[bytes] = []
                with transaction(connection):
                    tree = self._head(connection)
                    first = tree.size
                    if kwargs.get("expected_size", first) != first:
                        raise LogMoved(f"the log holds {first} events")  # noqa: TRY301
                    tree, note = self._write(connection, tree, stored_events, leaves)
                    answers = answer_rows(kwargs.get("answers", ()))
                    connection.executemany("INSERT INTO answers VALUES (?, ?, ?)", answers)
            except BaseException as cause:
                self._tree = None
                if isinstance(cause, sqlite3.IntegrityError):
                    raise RecordConflictError(str(cause)) from None
                raise
            self._tree = tree
            self._committed(tree.edge)
            if stored_events:
                self._commits += 1
                self._remember(first, leaves, tree.size, note)
            return range(first, tree.size)

    def _write(
        self,
        connection: sqlite3.Connection,
        tree: GrowingTree,
        stored_events: Sequence[StoredEvent],
        leaves: list[bytes],
    ) -> tuple[GrowingTree, str]:
        """Write events and what proves them, and add their leaves.

        Returns the tree and its signed checkpoint.
        """
        if not stored_events:
            return tree, ""
        connection.executemany(
            "INSERT INTO log_events VALUES (?, ?, ?, ?, ?)",
            event_rows(tree.size, stored_events, leaves),
        )
        tree, tiles = tree.extended(leaves)
        if tiles:
            connection.executemany("INSERT INTO log_tiles VALUES (?, ?, ?, ?)", tiles)
        connection.execute("REPLACE INTO log_edge VALUES (0, ?)", (tree.edge.to_bytes(),))
        note = self._note(tree)
        connection.execute(
            "INSERT INTO log_checkpoints VALUES (?, ?, ?)", (tree.size, self._commits + 1, note)
        )
        return tree, note

    def _head(self, connection: sqlite3.Connection) -> GrowingTree:
        """Return the tree as it stands on disk; read it anew when another process has written."""
        row = connection.execute(
            "SELECT number, size FROM log_checkpoints ORDER BY size DESC LIMIT 1"
        ).fetchone()
        commits, size = row or (0, 0)
        if self._tree is None or commits != self._commits or size != self._tree.size:
            found = connection.execute("SELECT edge FROM log_edge").fetchone()
            edge = Edge.from_bytes(found[0]) if found else Edge.empty()
            self._see(edge, connection)
            self._tree, self._commits = load_tree(connection, edge), commits
        return self._tree

    @contextmanager
    def reading(self) -> Iterator[None]:
        reader = self.reader()
        reader.execute("BEGIN")
        try:
            yield
        finally:
            reader.execute("COMMIT")

    def reader(self) -> sqlite3.Connection:
        line: _Line | None = getattr(self._local, "line", None)
        if line is None:
            line = self._local.line = _Line(self._path)
            self._readers.add(line.connection)
        return line.connection

    def close(self) -> None:
        with self._writing:
            self._keep_mark()
            for connection in (*self._readers, self._writer):
                connection.close()
            self._readers.clear()


class _Line:
    """A thread's connection to read by, closed when the thread ends."""

    def __init__(self, path: Path) -> None:
        self.connection = open_database(path)
        self.connection.execute("PRAGMA query_only = ON")
        # By itself a connection goes when the collector comes: it is part of a circle.
        finalize(self, self.connection.close)
