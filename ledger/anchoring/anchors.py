"""What others put under published checkpoints: cosignatures and time-stamps, beside the log.

They stand outside the log, since they are about it: whoever holds them needs no word of ours.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

from ledger.database import open_tables
from ledger.evidence.note import SignatureLine, split_note

SCHEMA = """
CREATE TABLE IF NOT EXISTS cosignatures (
    size INTEGER NOT NULL,
    name TEXT NOT NULL,
    line TEXT NOT NULL,
    time_s INTEGER NOT NULL,
    PRIMARY KEY (size, line)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    at TEXT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS timestamps (
    size INTEGER NOT NULL,
    token BLOB NOT NULL,
    authority TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (size, token)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified line under the checkpoint of a size, and when the witness made it (seconds)."""

    size: int
    name: str
    line: SignatureLine
    time_s: int


@dataclass(frozen=True, slots=True)
class Asked:
    """When a witness was asked last, for which size, and what came of it."""

    name: str
    size: int
    at: str
    outcome: str


class Anchors:
    """One SQLite file; it only ever gains rows."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = open_tables(path, SCHEMA)

    def add_cosignature(self, size: int, line: SignatureLine, time_s: int) -> None:
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO cosignatures VALUES (?, ?, ?, ?)",
                (size, line.name, line.text(), time_s),
            )

    def cosignatures(self, size: int) -> list[Cosignature]:
        """Return what stands under the checkpoint of a size, in the order of names and times."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT name, line, time_s FROM cosignatures WHERE size = ?"
                " ORDER BY name, time_s, line",
                (size,),
            ).fetchall()
        return [Cosignature(size, name, _line(text), time_s) for name, text, time_s in rows]

    def sizes_cosigned(self) -> list[int]:
        """Return of which sizes anything stands under a checkpoint, the largest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT DISTINCT size FROM cosignatures ORDER BY size DESC"
            ).fetchall()
        return [size for (size,) in rows]

    def last_cosigned(self, name: str) -> Cosignature | None:
        """Return the largest checkpoint that a witness cosigned."""
        with self._lock:
            row = self._connection.execute(
                "SELECT size, name, line, time_s FROM cosignatures WHERE name = ?"
                " ORDER BY size DESC, time_s DESC LIMIT 1",
                (name,),
            ).fetchone()
        return Cosignature(row[0], row[1], _line(row[2]), row[3]) if row else None

    def add_asked(self, asked: Asked) -> None:
        with self._lock:
            self._connection.execute(
                "INSERT INTO asked (name, size, at, outcome) VALUES (?, ?, ?, ?)",
                (asked.name, asked.size, asked.at, asked.outcome),
            )

    def last_asked(self, name: str) -> Asked | None:
        with self._lock:
            row = self._connection.execute(
                "SELECT name, size, at, outcome FROM asked WHERE name = ? ORDER BY id DESC LIMIT 1",
                (name,),
            ).fetchone()
        return Asked(*row) if row else None

    def add_timestamp(self, size: int, token: bytes, authority: str, at: str) -> None:
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO timestamps VALUES (?, ?, ?, ?)", (size, token, authority, at)
            )

    def timestamps(self, size: int) -> list[bytes]:
        """Return the time-stamp tokens over the checkpoint of a size."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT token FROM timestamps WHERE size = ? ORDER BY at, token", (size,)
            ).fetchall()
        return [token for (token,) in rows]

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _line(text: str) -> SignatureLine:
    return split_note("-\n\n" + text)[1][0]
