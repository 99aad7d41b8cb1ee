"""Opens SQLite files, all in one way; and what one reads through, whatever the database."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

BUSY_TIMEOUT_S = 60.0


def open_database(path: Path, *, synchronous: str = "FULL") -> sqlite3.Connection:
    """Open a file, or make it: write-ahead log, transactions begun by hand, threads let in.

    Args:
        path: The file.
        synchronous: `FULL`: what is acknowledged is on the disk, not on its way there. `NORMAL` is
            for what can be built anew.

    Raises:
        sqlite3.DatabaseError: The file is no database, or is damaged.
    """
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    with closing(connection.execute("PRAGMA journal_mode = WAL")):
        pass
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection


class Found(Protocol):
    """Rows, one after the other or all at once."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Reader(Protocol):
    """A connection, SQLite's or PostgreSQL's. In statements question marks stand for values."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Found: ...

    def close(self) -> None: ...
