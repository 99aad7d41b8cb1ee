"""The file that says who may sign in; it may be lost without the ledger losing anything."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ledger.database import open_database

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    officer_id TEXT PRIMARY KEY,
    staff_number TEXT NOT NULL UNIQUE,
    password_hash TEXT,
    invitation_hash BLOB UNIQUE,
    invited_until_s INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    secret_hash BLOB PRIMARY KEY,
    officer_id TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    opened_at_s INTEGER NOT NULL,
    seen_at_s INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_officer ON sessions (officer_id);
CREATE TABLE IF NOT EXISTS tokens (
    token_id TEXT PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    officer_id TEXT NOT NULL,
    label TEXT NOT NULL,
    read_only INTEGER NOT NULL,
    issued_at_s INTEGER NOT NULL,
    expires_at_s INTEGER NOT NULL,
    used_at_s INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tokens_by_officer ON tokens (officer_id);
CREATE TABLE IF NOT EXISTS devices (
    secret_hash BLOB PRIMARY KEY,
    officer_id TEXT NOT NULL,
    known_since_s INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
    counter TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    last_s INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passkeys (
    credential_id BLOB PRIMARY KEY,
    officer_id TEXT NOT NULL,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    label TEXT NOT NULL,
    added_at_s INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS challenges (
    challenge BLOB PRIMARY KEY,
    purpose TEXT NOT NULL,
    officer_id TEXT,
    until_s INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_s INTEGER NOT NULL,
    what TEXT NOT NULL,
    officer_id TEXT,
    address TEXT NOT NULL,
    by_officer_id TEXT
);
"""

OWNER_ONLY = 0o600


class AccessStore:
    """One connection and one lock, for all that is kept here. Several processes may open the file.

    `at_s` and its like are seconds since 1970. Secrets stand here as SHA-256 alone: they are
    random, so trying finds none.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = open_database(path)
        self._connection.executescript(SCHEMA)
        path.chmod(OWNER_ONLY)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold a transaction; all that is done in it stands, or nothing."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            cursor = self._connection.execute(statement, values)
            cursor.row_factory = sqlite3.Row
            found: list[sqlite3.Row] = cursor.fetchall()
            return found

    def row(self, statement: str, *values: object) -> sqlite3.Row | None:
        found = self.rows(statement, *values)
        return found[0] if found else None

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def hidden(secret: str) -> bytes:
    """Return what is kept of a random secret."""
    return sha256(secret.encode()).digest()
