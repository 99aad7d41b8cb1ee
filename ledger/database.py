"""Opens SQLite files, all in one way."""

import sqlite3
from contextlib import closing
from pathlib import Path

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
