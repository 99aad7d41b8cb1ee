"""What a witness remembers: its logs, how far it cosigned each, and what else came about."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.database import open_tables, transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS logs (
    origin TEXT NOT NULL,
    vkey TEXT NOT NULL,
    PRIMARY KEY (origin, vkey)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended_keys (
    origin TEXT NOT NULL,
    vkey TEXT NOT NULL,
    reason TEXT NOT NULL,
    time_s INTEGER NOT NULL,
    PRIMARY KEY (origin, vkey)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cosigned (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    time_s INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reached (
    origin TEXT NOT NULL,
    hour INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (origin, hour)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    cause TEXT NOT NULL,
    note TEXT NOT NULL,
    held_note TEXT,
    time_s INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS resets (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    held_note TEXT NOT NULL,
    note TEXT NOT NULL,
    reason TEXT NOT NULL,
    time_s INTEGER NOT NULL
);
"""

HOUR_S = 3600

REFUSED_MAX, DOUBTFUL_MAX = 10_000, 100
"""Kept of each log: enough to prove misbehaviour, too few to fill a disk with."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The last checkpoint of a log that was cosigned: size, root, the note, and when."""

    origin: str
    size: int
    root: bytes
    note: str
    time_s: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A checkpoint that its log signed and that contradicts what was cosigned: the evidence."""

    origin: str
    cause: str
    note: str
    held_note: str | None
    time_s: int


@dataclass(frozen=True, slots=True)
class EndedKey:
    """A key that is no longer believed for its log: why, and since when."""

    origin: str
    vkey: str
    reason: str
    time_s: int


@dataclass(frozen=True, slots=True)
class Reset:
    """What was held of a log, what was put in its place by hand, and why."""

    origin: str
    held_note: str
    note: str
    reason: str
    time_s: int


class WitnessState:
    """One SQLite file; every change is on the disk before it is answered."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = open_tables(path, SCHEMA)

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Hold everybody else off, other processes too, from reading the state to changing it."""
        # A crash before the commit leaves the older checkpoint, and nobody has a cosignature
        # of the newer one: it is handed out only after this.
        with self._lock, transaction(self._connection):
            yield

    def add_log(self, origin: str, vkey: str) -> None:
        with self._lock:
            self._connection.execute("INSERT OR IGNORE INTO logs VALUES (?, ?)", (origin, vkey))

    def end_key(self, ended: EndedKey) -> None:
        self._connection.execute(
            "INSERT INTO ended_keys VALUES (?, ?, ?, ?)",
            (ended.origin, ended.vkey, ended.reason, ended.time_s),
        )

    def ended_keys(self, origin: str) -> list[EndedKey]:
        with self._lock:
            rows = self._connection.execute(
                "SELECT * FROM ended_keys WHERE origin = ? ORDER BY time_s, vkey", (origin,)
            ).fetchall()
        return [EndedKey(*row) for row in rows]

    def logs(self) -> list[tuple[str, str]]:
        """Return origin and verifier key of every log that is watched; ended keys are left out."""
        # Read under the lock too: SQLite lets no connection begin to write at once while another
        # thread still reads through it, and would say that the database is locked.
        with self._lock:
            return self._connection.execute(
                "SELECT * FROM logs EXCEPT SELECT origin, vkey FROM ended_keys ORDER BY 1, 2"
            ).fetchall()

    def cosigned(self, origin: str) -> Cosigned | None:
        with self._lock:
            row = self._connection.execute(
                "SELECT * FROM cosigned WHERE origin = ?", (origin,)
            ).fetchone()
        return Cosigned(*row) if row else None

    def keep(self, cosigned: Cosigned) -> None:
        self._connection.execute(
            "REPLACE INTO cosigned VALUES (?, ?, ?, ?, ?)",
            (cosigned.origin, cosigned.size, cosigned.root, cosigned.note, cosigned.time_s),
        )
        # One for an hour: whoever posts a checkpoint a second fills no disk.
        self._connection.execute(
            "REPLACE INTO reached VALUES (?, ?, ?)",
            (cosigned.origin, cosigned.time_s // HOUR_S, cosigned.size),
        )

    def reset(self, reset: Reset, to: Cosigned) -> None:
        """Hold another checkpoint of a log from now on; what was held stays as evidence."""
        self._connection.execute(
            "INSERT INTO resets (origin, held_note, note, reason, time_s) VALUES (?, ?, ?, ?, ?)",
            (reset.origin, reset.held_note, reset.note, reset.reason, reset.time_s),
        )
        self._connection.execute(
            "DELETE FROM reached WHERE origin = ? AND size > ?", (to.origin, to.size)
        )
        self.keep(to)

    def resets(self, origin: str) -> list[Reset]:
        with self._lock:
            rows = self._connection.execute(
                "SELECT origin, held_note, note, reason, time_s FROM resets WHERE origin = ?"
                " ORDER BY id",
                (origin,),
            ).fetchall()
        return [Reset(*row) for row in rows]

    def reached(self, origin: str, until_s: int) -> int:
        """Return how many entries of a log were cosigned by a time, to the hour; 0 for none."""
        with self._lock:
            (size,) = self._connection.execute(
                "SELECT max(size) FROM (SELECT size FROM reached WHERE origin = ? AND hour < ?"
                " UNION ALL SELECT size FROM cosigned WHERE origin = ? AND time_s <= ?)",
                (origin, until_s // HOUR_S, origin, until_s),
            ).fetchone()
        return size or 0

    def keep_refused(self, refused: Refused, *, certain: bool) -> None:
        """Keep a contradiction once.

        One that is `certain` is proof against the log. Another may be anybody's, who sent a
        checkpoint with a proof that proves nothing: of these a few are kept, and leave room.
        """
        known = self._connection.execute(
            "SELECT count(*), coalesce(sum(note = ?), 0) FROM refused WHERE origin = ?",
            (refused.note, refused.origin),
        ).fetchone()
        if known[0] < (REFUSED_MAX if certain else DOUBTFUL_MAX) and not known[1]:
            self._connection.execute(
                "INSERT INTO refused (origin, cause, note, held_note, time_s)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    refused.origin,
                    refused.cause,
                    refused.note,
                    refused.held_note,
                    refused.time_s,
                ),
            )

    def acquit(self, origin: str, body: str, *, but: str) -> None:
        """Forget what was refused of a checkpoint that was proved since, save for one cause."""
        self._connection.execute(
            "DELETE FROM refused WHERE origin = ? AND substr(note, 1, ?) = ? AND cause != ?",
            (origin, len(body), body, but),
        )

    def refused(self, origin: str) -> list[Refused]:
        with self._lock:
            rows = self._connection.execute(
                "SELECT origin, cause, note, held_note, time_s FROM refused WHERE origin = ?"
                " ORDER BY id",
                (origin,),
            ).fetchall()
        return [Refused(*row) for row in rows]

    def close(self) -> None:
        with self._lock:
            self._connection.close()
