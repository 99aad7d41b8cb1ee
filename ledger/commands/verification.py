"""Verifies a whole log, on all cores: every envelope, signature, position, tile and checkpoint."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from threading import active_count
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ledger.domain.aggregate import committing_topics
from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.keys import KeyHistory, KeyRecord, PublicKey
from ledger.evidence.log import (
    CheckpointDiffers,
    verify_checkpoint,
    verify_growth,
    verify_order,
)
from ledger.evidence.merkle import HASH_BYTES, Edge
from ledger.evidence.verify import (
    KEY_TOPICS,
    EntryBroken,
    Rules,
    Stored,
    learn_keys,
    verify_entry,
)
from ledger.store.tiles import GrowingTree

CHUNK_EVENTS = 4096
PROCESSES_FROM_EVENTS = 20_000
CHUNKS_AHEAD = 8
UUID_BYTES = 16

Progress = Callable[[int, int], None]
"""Told how many events were verified, and of how many."""


class LogBroken(LedgerError):
    """What is stored beside the entries does not agree with them."""

    code = "verify.log_broken"
    kind = Kind.BROKEN

    def __init__(self, place: str, cause: str) -> None:
        super().__init__(f"{place}: {cause}")
        self.place = place


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found. `broken` is None when everything holds.

    `last_good_size` is the size of the last checkpoint up to which everything was found to hold;
    `affected` are the ids that the broken event names, as far as it can still be read.
    """

    events: int
    checkpoints: int
    broken: LedgerError | None = None
    position: int | None = None
    last_good_size: int = 0
    affected: dict[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return self.broken is None


def verify_log(
    path: Path,
    origin: str,
    service_key: PublicKey,
    *,
    progress: Progress | None = None,
    processes: int | None = None,
) -> Verdict:
    """Verify the log in a database file from its first event to its last.

    Args:
        path: The database; it is opened for reading alone.
        origin: The log's name.
        service_key: The key of the founding event, obtained from elsewhere than the database.
        progress: Told how far it is.
        processes: How many to use; None for one a core, none for a short log.
    """
    run = _Run(path, Rules(origin, committing_topics()), service_key, progress)
    try:
        return run.verify(processes)
    except (EntryBroken, CheckpointDiffers, LogBroken) as broken:
        return run.broken(broken)
    except (sqlite3.DatabaseError, OverflowError) as cause:
        return run.broken(LogBroken("database file", type(cause).__name__ + f": {cause}"))


class _Chunk(NamedTuple):
    """What a range of entries was found to be, so that the ranges can be put together."""

    order: list[tuple[int, bytes, int]]
    leaves: bytes
    checkpoints: list[tuple[int, int, bytes]]
    broken: LedgerError | None


class _Run:
    def __init__(
        self, path: Path, rules: Rules, service_key: PublicKey, progress: Progress | None
    ) -> None:
        self._path = path
        self._rules = rules
        self._service_key = service_key
        self._progress = progress
        self._size = 0
        self._checkpoints = 0
        self._last_good = 0

    def verify(self, processes: int | None) -> Verdict:
        with closing(_connect(self._path)) as connection:
            self._size, self._checkpoints = _counts(connection)
            _check_positions(connection, self._size)
            keys = _keys(connection, self._service_key)
            self._put_together(connection, self._chunks(keys, processes))
        return Verdict(self._size, self._checkpoints, last_good_size=self._size)

    def broken(self, broken: LedgerError) -> Verdict:
        position = getattr(broken, "position", None)
        last_good = min(self._last_good, self._size if position is None else position)
        affected = {} if position is None else _affected(self._path, position)
        return Verdict(self._size, self._checkpoints, broken, position, last_good, affected)

    def _chunks(self, keys: KeyHistory, processes: int | None) -> Iterator[_Chunk]:
        starts = range(0, self._size, CHUNK_EVENTS)
        if processes is None:
            processes = (cpu_count() or 1) if self._size >= PROCESSES_FROM_EVENTS else 0
        if processes <= 1:
            checker = _Checker(self._path, keys.records, self._rules)
            with closing(checker.connection):
                yield from map(checker.check, starts)
            return
        with ProcessPoolExecutor(
            processes,
            # Forking is quicker, but safe only while no other thread may hold a lock.
            mp_context=get_context("fork" if active_count() == 1 else "spawn"),
            initializer=_start_worker,
            initargs=(self._path, keys.records, self._rules),
        ) as pool:
            # Only so many ranges are under way at once: results wait in memory to be put together.
            waiting = [pool.submit(_check_in_worker, s) for s in starts[:CHUNKS_AHEAD]]
            for start in starts[CHUNKS_AHEAD:]:
                yield waiting.pop(0).result()
                waiting.append(pool.submit(_check_in_worker, start))
            for future in waiting:
                yield future.result()

    def _put_together(self, connection: sqlite3.Connection, chunks: Iterator[_Chunk]) -> None:
        versions: dict[Any, int] = {}
        tree = GrowingTree(Edge.empty())
        edge = Edge.empty()
        number = position = tiles = 0
        for chunk in chunks:
            try:
                position = verify_order(position, versions, chunk.order)  # type: ignore[arg-type]
            except EntryBroken as broken:
                raise _first(chunk.broken, _named(broken)) from None
            if chunk.broken is not None:
                raise chunk.broken
            leaves = [
                chunk.leaves[at : at + HASH_BYTES] for at in range(0, len(chunk.leaves), HASH_BYTES)
            ]
            number = _check_numbers(number, chunk.checkpoints)
            covering = [Checkpoint(self._rules.origin, *each[1:]) for each in chunk.checkpoints]
            edge = verify_growth(edge, leaves, covering)
            tree, full = tree.extended(leaves)
            for level, tile, hashes, root in full:
                _check_tile(connection, level, tile, hashes, root)
                tiles += 1
            if covering:
                self._last_good = covering[-1].size
            if self._progress is not None:
                self._progress(position, self._size)
        if self._last_good != self._size or number != self._checkpoints:
            raise LogBroken(
                "log_checkpoints",
                f"{self._checkpoints} rows cover {self._last_good} of {self._size} events",
            )
        _check_edge(connection, edge)
        _check_tile_count(connection, tiles)


class _Checker:
    """Checks ranges of entries; one in each worker process."""

    def __init__(self, path: Path, records: dict[str, KeyRecord], rules: Rules) -> None:
        self.connection = _connect(path)
        self._keys = KeyHistory(records)
        self._rules = rules

    def check(self, start: int) -> _Chunk:
        order: list[tuple[int, bytes, int]] = []
        leaves: list[bytes] = []
        checkpoints: list[tuple[int, int, bytes]] = []
        bounds = (start, start + CHUNK_EVENTS)
        try:
            for row in self.connection.execute(
                "SELECT position, originator_id, originator_version, topic, state FROM log_events"
                " WHERE position >= ? AND position < ? ORDER BY position",
                bounds,
            ):
                entry = _stored(row)
                order.append((entry.position, row[1], entry.version))
                leaves.append(verify_entry(entry, self._keys, self._rules).leaf)
            for number, size, note in self.connection.execute(
                "SELECT number, size, note FROM log_checkpoints WHERE size > ? AND size <= ?"
                " ORDER BY size",
                bounds,
            ):
                if not isinstance(note, str) or not isinstance(size, int):
                    raise LogBroken(f"log_checkpoints number {number}", "not of its type")  # noqa: TRY301
                checkpoint = verify_checkpoint(size, note, self._keys, self._rules)
                checkpoints.append((number, size, checkpoint.root))
        except (EntryBroken, CheckpointDiffers, LogBroken) as broken:
            return _Chunk(order, b"".join(leaves), checkpoints, broken)
        except sqlite3.DatabaseError as cause:
            broken_file = LogBroken(f"database file, from position {start}", str(cause))
            return _Chunk(order, b"".join(leaves), checkpoints, broken_file)
        return _Chunk(order, b"".join(leaves), checkpoints, None)


_worker: list[_Checker] = []


def _start_worker(path: Path, records: dict[str, KeyRecord], rules: Rules) -> None:
    _worker[:] = [_Checker(path, records, rules)]


def _check_in_worker(start: int) -> _Chunk:
    return _worker[0].check(start)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    # A value that was altered may be no text at all; it is to be reported, not to stop us.
    connection.text_factory = lambda raw: _text(raw)  # noqa: PLW0108 - looked up late on purpose
    return connection


def _text(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _counts(connection: sqlite3.Connection) -> tuple[int, int]:
    (events,) = connection.execute("SELECT count(*) FROM log_events").fetchone()
    (checkpoints,) = connection.execute("SELECT count(*) FROM log_checkpoints").fetchone()
    return events, checkpoints


def _check_positions(connection: sqlite3.Connection, size: int) -> None:
    """Find a missing or displaced position before ranges are made of them."""
    lowest, highest = connection.execute(
        "SELECT min(position), max(position) FROM log_events"
    ).fetchone()
    if not size or (lowest == 0 and highest == size - 1):
        return
    rows = connection.execute("SELECT position FROM log_events ORDER BY position")
    for expected, (position,) in enumerate(rows):
        if position != expected:
            cause = f"expected {expected}, got {position}"
            raise EntryBroken(expected, "unknown", 0, "position", cause)


def _keys(connection: sqlite3.Connection, service_key: PublicKey) -> KeyHistory:
    keys = KeyHistory()
    marks = ",".join("?" * len(KEY_TOPICS))
    first = True
    for row in connection.execute(
        "SELECT position, originator_id, originator_version, topic, state FROM log_events"  # noqa: S608 - marks only
        f" WHERE topic IN ({marks}) OR position = 0 ORDER BY position",
        KEY_TOPICS,
    ):
        entry = _stored(row)
        learn_keys(keys, entry)
        if first and service_key.key_id not in keys.records:
            raise EntryBroken(
                entry.position, entry.stream, entry.version, "data", "founded by another key"
            )
        first = False
    return keys


def _stored(row: tuple[Any, ...]) -> Stored:
    position, stream, version, topic, state = row
    for name, value, kind in (
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


def _named(broken: EntryBroken) -> EntryBroken:
    """Name the stream of a version out of turn as people write it."""
    position, stream, version, name, cause = broken.arguments
    if isinstance(stream, bytes):
        stream = str(UUID(bytes=stream))
    return EntryBroken(position, stream, version, name, cause)


def _first(one: LedgerError | None, other: EntryBroken) -> LedgerError:
    if isinstance(one, EntryBroken) and one.position <= other.position:
        return one
    return other


def _check_numbers(last: int, checkpoints: Sequence[tuple[int, int, bytes]]) -> int:
    for number, size, _ in checkpoints:
        if number != last + 1:
            raise LogBroken(
                f"log_checkpoints number {last + 1}",
                f"the next by size ({size}) has number {number}",
            )
        last = number
    return last


def _check_tile(
    connection: sqlite3.Connection, level: int, number: int, hashes: bytes, root: bytes
) -> None:
    row = connection.execute(
        "SELECT hashes, root FROM log_tiles WHERE level = ? AND number = ?", (level, number)
    ).fetchone()
    if row != (hashes, root):
        cause = "missing" if row is None else "does not hold the hashes of the entries"
        raise LogBroken(f"log_tiles level {level} number {number}", cause)


def _check_edge(connection: sqlite3.Connection, edge: Edge) -> None:
    rows = connection.execute("SELECT id, edge FROM log_edge").fetchall()
    if rows != ([(0, edge.to_bytes())] if edge.size else []):
        raise LogBroken("log_edge", "is not the right edge of the entries' tree")


def _check_tile_count(connection: sqlite3.Connection, expected: int) -> None:
    (count,) = connection.execute("SELECT count(*) FROM log_tiles").fetchone()
    if count != expected:
        raise LogBroken("log_tiles", f"{count} tiles where the entries make {expected}")


def _affected(path: Path, position: int) -> dict[str, str]:
    """Return the ids that an event names, read leniently: it is known to be broken."""
    try:
        with closing(_connect(path)) as connection:
            row = connection.execute(
                "SELECT topic, state FROM log_events WHERE position = ?", (position,)
            ).fetchone()
        payload = msgspec.json.decode(msgspec.json.decode(row[1], type=_Payload).payload)
        named = {"type": str(row[0]), "stream": str(payload["stream"])}
        named |= {
            name: value
            for name, value in payload["data"].items()
            if name.endswith("_id") and isinstance(value, str)
        }
    except (sqlite3.DatabaseError, msgspec.MsgspecError, TypeError, KeyError, AttributeError):
        return {}
    return named


class _Payload(msgspec.Struct):
    payload: bytes
