"""What verification found, run after run: a file beside the log that may be lost."""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from api.background.verifying import Found
from api.records import Records

SCHEMA = """
CREATE TABLE IF NOT EXISTS verdicts (
    id INTEGER PRIMARY KEY,
    whole INTEGER NOT NULL,
    ended_at_s INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    holds INTEGER NOT NULL,
    found BLOB NOT NULL
);
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


class Verdicts:
    """`at_s` are seconds since 1970."""

    def __init__(self, path: Path) -> None:
        try:
            self._records = Records(path, SCHEMA)
        except sqlite3.DatabaseError:
            # Damaged: the log is verified whole again, and nothing else is lost with it.
            for leftover in (path, *(Path(f"{path}-{end}") for end in ("wal", "shm"))):
                with suppress(FileNotFoundError):
                    leftover.unlink()
            self._records = Records(path, SCHEMA)

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

    def last(self, *, whole: bool = False, holding: bool = False) -> Run | None:
        """Return the last run: any, or of the whole log, or one that found that it holds."""
        runs = self._select("WHERE whole >= ? AND holds >= ?", 1, int(whole), int(holding))
        return runs[0] if runs else None

    def latest(self, count: int) -> list[Run]:
        """Return the last runs, the latest first."""
        return self._select("", count)

    def close(self) -> None:
        self._records.close()

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
