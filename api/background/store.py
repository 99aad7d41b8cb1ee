"""The file of what is under way: jobs, uploads and webhooks."""

from pathlib import Path

from api.records import Records

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    kind TEXT NOT NULL,
    officer_id TEXT NOT NULL,
    request BLOB,
    state TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    claims INTEGER NOT NULL DEFAULT 0,
    lease_until_s INTEGER,
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    refusal_code TEXT,
    refusal_detail TEXT,
    faults TEXT,
    created_at_s INTEGER NOT NULL,
    finished_at_s INTEGER,
    not_before_s INTEGER NOT NULL DEFAULT 0,
    put_off_since_s INTEGER
);
CREATE INDEX IF NOT EXISTS jobs_by_officer ON jobs (officer_id, number);
CREATE INDEX IF NOT EXISTS jobs_open ON jobs (number) WHERE state IN ('waiting', 'running');
CREATE TABLE IF NOT EXISTS imports (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    import_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    officer_id TEXT NOT NULL,
    facts BLOB NOT NULL,
    content BLOB NOT NULL,
    layout TEXT,
    trial TEXT,
    commit_job TEXT,
    created_at_s INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS imports_by_officer ON imports (officer_id, number);
CREATE TABLE IF NOT EXISTS layouts (
    header BLOB NOT NULL PRIMARY KEY,
    fields TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payers (
    asked BLOB NOT NULL PRIMARY KEY,
    facts BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscriptions (
    subscription_id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    topics TEXT NOT NULL,
    secret BLOB NOT NULL,
    made_by TEXT NOT NULL,
    made_at_s INTEGER NOT NULL,
    next_position INTEGER NOT NULL,
    paused_because TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since_s INTEGER,
    next_try_s INTEGER NOT NULL DEFAULT 0,
    last_outcome TEXT,
    last_tried_s INTEGER
) WITHOUT ROWID;
"""

ADDED = {
    "not_before_s": "INTEGER NOT NULL DEFAULT 0",
    "put_off_since_s": "INTEGER",
}
"""Columns of jobs that files made by earlier versions lack."""


class BackgroundStore(Records):
    """`at_s` and its like are seconds since 1970. Requests and secrets stand here sealed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)
        with self.writing() as sql:
            there = {row[1] for row in sql.execute("PRAGMA table_info(jobs)")}
            for name in ADDED.keys() - there:
                sql.execute(f"ALTER TABLE jobs ADD COLUMN {name} {ADDED[name]}")
