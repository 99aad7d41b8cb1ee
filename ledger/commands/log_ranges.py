"""Checks ranges of a log, each by itself, so that worker processes can share the work."""

import sqlite3
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import KeyHistory, KeyRecord
from ledger.evidence.log import CheckpointDiffers, verify_checkpoint
from ledger.evidence.replay import CLAIMING, Claims, Named, named_of
from ledger.evidence.tree_heads import SignedUpon
from ledger.evidence.verify import EntryBroken, Rules, Stored, verify_entry
from ledger.postgresql import Database, PageDamaged
from ledger.store.stored_log import connect

CHUNK_EVENTS = 4096
UUID_BYTES = 16

UNREADABLE = (sqlite3.DatabaseError, PageDamaged)
"""What a database says of a file, or of pages, that are damaged."""


class LogBroken(LedgerError):
    """What is stored beside the entries does not agree with them."""

    code = "verify.log_broken"
    kind = Kind.BROKEN

    def __init__(self, place: str, cause: str) -> None:
        super().__init__(f"{place}: {cause}")
        self.arguments = (place, cause)
        self.place = place

    def __reduce__(self) -> tuple[type["LogBroken"], tuple[str, str]]:
        """Travel whole from a worker process."""
        return type(self), self.arguments


class SignedCheckpoint(NamedTuple):
    """A checkpoint that the ledger signed: its number in the table, and what it commits to."""

    number: int
    size: int
    root: bytes


class Chunk(NamedTuple):
    """What a range of entries was found to be, so that the ranges can be put together.

    `leaves`, `named` and `signed` are those before the first broken entry (`named` only up to the
    last claim that is to be checked), `checkpoints` those before the first one that differs.
    """

    start: int
    order: list[tuple[int, bytes, int]]
    leaves: bytes
    named: list[Named]
    signed: list[SignedUpon]
    checkpoints: list[SignedCheckpoint]
    broken: LedgerError | None
    differs: CheckpointDiffers | None


class Scope(NamedTuple):
    """The last position and the largest checkpoint when verification began.

    What is written while it goes on is left to the next time: a log that is in use would otherwise
    seem to have entries without a checkpoint. With `follows`, what is needed to check what events
    claim of all before them is found out too.
    """

    position: int
    size: int
    follows: bool = True


class RangeChecker:
    """Checks ranges of entries; one in each worker process."""

    def __init__(
        self, path: Path | Database, records: dict[str, KeyRecord], rules: Rules, scope: Scope
    ) -> None:
        self.connection = connect(path)
        self._keys = KeyHistory(records)
        self._rules = rules
        self._scope = scope
        # What is claimed of earlier entries is followed up to the last claim, and no further.
        self._claimed_up_to = Claims(*map(self._last, CLAIMING)) if scope.follows else Claims()

    def check(self, start: int) -> Chunk:
        order: list[tuple[int, bytes, int]] = []
        leaves: list[bytes] = []
        named: list[Named] = []
        signed: list[SignedUpon] = []
        checkpoints: list[SignedCheckpoint] = []
        broken: LedgerError | None = None
        differs: CheckpointDiffers | None = None
        try:
            self._check_entries(start, order, leaves, named, signed)
        except EntryBroken as cause:
            broken = cause
        except UNREADABLE as cause:
            broken = LogBroken(f"database file, from position {start}", str(cause))
        try:
            self._check_checkpoints(start, checkpoints)
        except CheckpointDiffers as cause:
            differs = cause
        except UNREADABLE as cause:
            broken = broken or LogBroken(f"database file, checkpoints from {start}", str(cause))
        return Chunk(start, order, b"".join(leaves), named, signed, checkpoints, broken, differs)

    def _last(self, topic: str) -> int:
        (last,) = self.connection.execute(
            "SELECT max(position) FROM log_events WHERE topic = ?", (topic,)
        ).fetchone()
        return last if isinstance(last, int) else -1

    def _check_entries(
        self,
        start: int,
        order: list[tuple[int, bytes, int]],
        leaves: list[bytes],
        named: list[Named],
        signed: list[SignedUpon],
    ) -> None:
        for row in self.connection.execute(
            "SELECT position, originator_id, originator_version, topic, state FROM log_events"
            " WHERE position >= ? AND position < ? ORDER BY position",
            (start, min(start + CHUNK_EVENTS, self._scope.position + 1)),
        ):
            entry = stored_entry(row)
            order.append((entry.position, row[1], entry.version))
            facts = verify_entry(entry, self._keys, self._rules)
            leaves.append(facts.leaf)
            if facts.signed_upon is not None:
                signed.append(facts.signed_upon)
            if entry.position <= max(self._claimed_up_to):
                named.append(named_of(entry, self._claimed_up_to))

    def _check_checkpoints(self, start: int, checkpoints: list[SignedCheckpoint]) -> None:
        for number, size, note in self.connection.execute(
            "SELECT number, size, note FROM log_checkpoints WHERE size > ? AND size <= ?"
            " ORDER BY size",
            (start, min(start + CHUNK_EVENTS, self._scope.size)),
        ):
            if type(number) is not int or type(size) is not int or not isinstance(note, str):
                raise CheckpointDiffers(size, f"number {number}: not two numbers and a text")
            checkpoint = verify_checkpoint(size, note, self._keys, self._rules)
            checkpoints.append(SignedCheckpoint(number, size, checkpoint.root))


_worker: list[RangeChecker] = []


def start_worker(
    path: Path | Database, records: dict[str, KeyRecord], rules: Rules, scope: Scope
) -> None:
    _worker[:] = [RangeChecker(path, records, rules, scope)]


def check_in_worker(start: int) -> Chunk:
    return _worker[0].check(start)


def stored_entry(row: tuple[Any, ...]) -> Stored:
    position, stream, version, topic, state = row
    for name, value, kind in (
        ("position", position, int),
        ("originator_id", stream, bytes),
        ("originator_version", version, int),
        ("topic", topic, str),
        ("state", state, bytes),
    ):
        if not isinstance(value, kind):
            raise EntryBroken(position, "unknown", 0, name, "not of its type")
    if len(stream) != UUID_BYTES:
        raise EntryBroken(position, "unknown", 0, "originator_id", "not of its length")
    return Stored(position, str(UUID(bytes=stream)), version, topic, state)
