"""Prints of signatures: what they are compared by, kept with the keys and gone with them.

They tell how somebody writes, so no event holds them: each is sealed under its person's key, and
found by keyed bands that tell nothing without the index key. Both go when the person is erased.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

SCHEMA = """
CREATE TABLE IF NOT EXISTS signature_prints (
    id INTEGER PRIMARY KEY,
    subject BLOB NOT NULL,
    payment BLOB NOT NULL,
    image BLOB NOT NULL,
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL,
    UNIQUE (image, kind, payment)
);
CREATE INDEX IF NOT EXISTS prints_by_subject ON signature_prints (subject);
CREATE TABLE IF NOT EXISTS signature_bands (
    value INTEGER NOT NULL,
    print INTEGER NOT NULL,
    PRIMARY KEY (value, print)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS bands_by_print ON signature_bands (print);
"""

BAND_PRINTS_MAX = 1_000
"""Of a band so many are counted, the first: far more than handwriting brings together."""

PRINTS_MAX = 100
"""So many are looked at, those with the most bands in common first."""


class SealedPrint(NamedTuple):
    """A print as it is kept: of which picture (SHA-256) that stands for which payment."""

    subject: UUID
    payment: UUID
    image: bytes
    kind: str
    sealed: bytes


class Prints:
    """The tables of a vault's file that hold prints; whoever calls holds the file's lock.

    New ones stay in memory until they are written with new keys, and are found all the same: the
    rows of one scanned page are compared with one another.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._new: dict[tuple[UUID, bytes, str], tuple[SealedPrint, Sequence[int]]] = {}

    @property
    def waiting(self) -> bool:
        return bool(self._new)

    def add(self, kept: SealedPrint, bands: Sequence[int]) -> None:
        self._new[kept.payment, kept.image, kept.kind] = (kept, bands)

    def discard_new(self) -> None:
        self._new.clear()

    def write_new(self) -> None:
        """Write new ones, within a transaction of the caller's."""
        for kept, bands in self._new.values():
            written = self._connection.execute(
                "INSERT OR IGNORE INTO signature_prints (subject, payment, image, kind, sealed)"
                " VALUES (?, ?, ?, ?, ?)",
                (kept.subject.bytes, kept.payment.bytes, kept.image, kept.kind, kept.sealed),
            )
            if written.rowcount:
                self._connection.executemany(
                    "INSERT OR IGNORE INTO signature_bands VALUES (?, ?)",
                    [(band, written.lastrowid) for band in bands],
                )

    def has(self, payment: UUID, image: bytes, kind: str) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM signature_prints WHERE image = ? AND kind = ? AND payment = ?",
            (image, kind, payment.bytes),
        ).fetchone()
        return found is not None or (payment, image, kind) in self._new

    def sharing(self, kind: str, bands: Sequence[int]) -> list[SealedPrint]:
        """Return prints that share bands: those that share the most first."""
        shared: Counter[int] = Counter()
        for band in bands:
            # Where one form stands for everybody, all that ever arrived share their bands.
            found = self._connection.execute(
                "SELECT print FROM signature_bands WHERE value = ? ORDER BY print LIMIT ?",
                (band, BAND_PRINTS_MAX),
            )
            shared.update(row[0] for row in found)
        most = sorted(shared.items(), key=lambda each: (-each[1], each[0]))[:PRINTS_MAX]
        sought = set(bands)
        waiting = [
            kept
            for kept, own in self._new.values()
            if kept.kind == kind and not sought.isdisjoint(own)
        ]
        return [*waiting, *self._kept(kind, [number for number, _ in most])]

    def forget(self, subject: UUID) -> None:
        """Remove a person's prints, and what they are found by."""
        for key in [key for key, (kept, _) in self._new.items() if kept.subject == subject]:
            del self._new[key]
        of = "SELECT id FROM signature_prints WHERE subject = ?"
        self._connection.execute(
            f"DELETE FROM signature_bands WHERE print IN ({of})",  # noqa: S608 - a query of ours
            (subject.bytes,),
        )
        self._connection.execute("DELETE FROM signature_prints WHERE subject = ?", (subject.bytes,))

    def _kept(self, kind: str, numbers: Sequence[int]) -> Iterable[SealedPrint]:
        for number in numbers:
            row = self._connection.execute(
                "SELECT subject, payment, image, kind, sealed FROM signature_prints WHERE id = ?",
                (number,),
            ).fetchone()
            if row is not None and row[3] == kind:
                yield SealedPrint(UUID(bytes=row[0]), UUID(bytes=row[1]), *row[2:])
