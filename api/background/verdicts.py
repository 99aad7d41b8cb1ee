"""What verification found, run after run: a file beside the log that may be lost."""

import threading
from pathlib import Path
from typing import NamedTuple

import msgspec

from api.background.verifying import Found
from api.records import Records
from ledger.database import DatabaseUnreadable, delete_database

SCHEMA = """
CREATE TABLE IF NOT EXISTS verdicts (
    id INTEGER PRIMARY KEY,
    whole INTEGER NOT NULL,
    ended_at_s INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    holds INTEGER NOT NULL,
    found BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS under_way (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    asked INTEGER NOT NULL,
    busy INTEGER NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL
);
INSERT OR IGNORE INTO under_way VALUES (0, 0, 0, 0, 0);
"""
KEPT = 2_000


class Run(NamedTuple):
    """A run that came to its end: of the whole log, or of what was new in it."""

    whole: bool
    ended_at_s: int
    took_ms: int
    found: Found

    @property
    def holds(self) -> bool:
        return self.found.code is None


class UnderWay(NamedTuple):
    """Whether somebody asked for the whole log, whether a run is under way, and how far it is.

    `done` of `total` are entries.
    """

    asked: bool
    busy: bool
    done: int
    total: int


class Verdicts:
    """`at_s` are seconds since 1970. Several processes may read them while one of them adds."""

    def __init__(self, path: Path) -> None:
        try:
            self._records = Records(path, SCHEMA)
        except DatabaseUnreadable:
            # Damaged: the log is verified whole again, and nothing else is lost with it.
            delete_database(path)
            self._records = Records(path, SCHEMA)
        self._lock = threading.Lock()
        self._added = 0
        self._seen = (0, 0)
        self._last: dict[tuple[bool, bool], Run | None] = {}

    def add(self, run: Run) -> None:
        values = (run.whole, run.ended_at_s, run.took_ms, run.holds, msgspec.json.encode(run.found))
        with self._records.writing() as connection:
            connection.execute(
                "INSERT INTO verdicts (whole, ended_at_s, took_ms, holds, found)"
                " VALUES (?, ?, ?, ?, ?)",
                values,
            )
            connection.execute(
                "DELETE FROM verdicts WHERE id <= (SELECT max(id) FROM verdicts) - ?", (KEPT,)
            )
        with self._lock:
            self._added += 1

    def last(self, *, whole: bool = False, holding: bool = False) -> Run | None:
        """Return the last run: any, or of the whole log, or one that found that it holds."""
        # Every page asks: what nobody added to since is not read again.
        with self._lock:
            seen = (self._records.version(), self._added)
            if seen != self._seen:
                self._seen, self._last = seen, {}
            if (whole, holding) not in self._last:
                found = self._select("WHERE whole >= ? AND holds >= ?", 1, int(whole), int(holding))
                self._last[whole, holding] = found[0] if found else None
            return self._last[whole, holding]

    def under_way(self) -> UnderWay:
        [row] = self._records.rows("SELECT asked, busy, done, total FROM under_way")
        return UnderWay(bool(row[0]), bool(row[1]), row[2], row[3])

    def ask(self) -> None:
        """Have the whole log verified by whoever does that."""
        self._set("asked = asked + 1")

    def begin(self) -> int:
        """Say that a run begins; return how often it was asked for by now."""
        with self._records.writing():
            self._set("busy = 1, done = 0, total = 0")
            [row] = self._records.rows("SELECT asked FROM under_way")
        return int(row[0])

    def answered(self, asked: int) -> None:
        """Say that a run of the whole log gave its verdict to so many who had asked for one.

        Who asked since is still waited for, and so are all where a run gave none.
        """
        self._set("asked = max(asked - ?, 0)", asked)

    def advance(self, done: int, total: int) -> None:
        self._set("done = ?, total = ?", done, total)

    def end(self) -> None:
        """Say that no run is under way: it ended, or its process did."""
        self._set("busy = 0")

    def latest(self, count: int) -> list[Run]:
        """Return the last runs, the latest first."""
        return self._select("", count)

    def close(self) -> None:
        self._records.close()

    def _set(self, what: str, *values: int) -> None:
        with self._records.writing() as connection:
            connection.execute(f"UPDATE under_way SET {what}", values)  # noqa: S608 - ours

    def _select(self, where: str, count: int, *values: int) -> list[Run]:
        rows = self._records.rows(
            f"SELECT whole, ended_at_s, took_ms, found FROM verdicts {where}"  # noqa: S608 - ours
            " ORDER BY id DESC LIMIT ?",
            *values,
            count,
        )
        return [
            Run(bool(row[0]), row[1], row[2], msgspec.json.decode(row[3], type=Found))
            for row in rows
        ]
