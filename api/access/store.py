"""The file that says who may sign in; it may be lost without the ledger losing anything."""

import sqlite3
from hashlib import sha256
from pathlib import Path

from api.records import Records

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
CREATE TABLE IF NOT EXISTS presences (
    secret_hash BLOB PRIMARY KEY,
    proved_at_s INTEGER NOT NULL
) WITHOUT ROWID;
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
CREATE INDEX IF NOT EXISTS journal_by_officer ON journal (officer_id, number);
CREATE TABLE IF NOT EXISTS journal_people (
    person_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (person_id, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS journal_people_by_entry ON journal_people (number, person_id);
CREATE TABLE IF NOT EXISTS looks (
    officer_id TEXT NOT NULL,
    sort TEXT NOT NULL,
    day TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (officer_id, sort)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS endings (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    number INTEGER NOT NULL
);
INSERT OR IGNORE INTO endings VALUES (0, 0);
"""


class AccessStore(Records):
    """Who may sign in, by what, and what came of it.

    `at_s` and its like are seconds since 1970. Secrets stand here as SHA-256 alone: they are
    random, so trying finds none.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def endings(self) -> int | None:
        """Return how many sessions and tokens were ended; None where that would mean to wait."""
        row = self.row_at_once("SELECT number FROM endings")
        return None if row is None else int(row["number"])

    def end_ways_in(self) -> None:
        """End all sessions, tokens and invitations: of those in a backup some were ended since."""
        with self.writing() as connection:
            for table in ("sessions", "presences", "tokens", "devices", "challenges"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a table of ours
            connection.execute("UPDATE accounts SET invitation_hash = NULL, invited_until_s = NULL")
            count_ending(connection)


def count_ending(sql: sqlite3.Connection) -> None:
    """Count, in the transaction that ends a session or token: nobody keeps it in memory then."""
    sql.execute("UPDATE endings SET number = number + 1")


def hidden(secret: str) -> bytes:
    """Return what is kept of a random secret."""
    return sha256(secret.encode()).digest()
