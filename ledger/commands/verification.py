"""Verifies a log, on all cores: every envelope, signature, position, tile and checkpoint.

All of it, or what came since it was verified before.
"""

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from threading import active_count
from typing import Any
from uuid import UUID

import msgspec

from ledger.commands.attestation import attested_in, vouched_in
from ledger.commands.continuing import (
    LogCutBack,
    LogRewritten,
    Verified,
    Versions,
    read_keys,
    require_continued,
)
from ledger.commands.log_ranges import (
    CHUNK_EVENTS,
    UNREADABLE,
    Chunk,
    LogBroken,
    RangeChecker,
    Scope,
    SignedCheckpoint,
    check_in_worker,
    start_worker,
)
from ledger.commands.signed_upon import SignedUponThisLog
from ledger.database import Reader
from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.keys import Doubt, KeyHistory
from ledger.evidence.log import (
    CheckpointDiffers,
    verify_growth,
    verify_order,
)
from ledger.evidence.merkle import HASH_BYTES, Edge
from ledger.evidence.replay import LogReplay
from ledger.evidence.tlog_tiles import TILE_HEIGHT
from ledger.evidence.verify import (
    EntryBroken,
    Rules,
)
from ledger.evidence.vouching import FirstKey, Vouched
from ledger.postgresql import Database, PageDamaged
from ledger.store.sodium import verify_signature
from ledger.store.stored_log import connect
from ledger.store.tiles import Tile, load_tree

PROCESSES_FROM_EVENTS = 20_000
CHUNKS_AHEAD = 8
LAST = 2**63 - 2

Progress = Callable[[int, int], None]
"""Told how many events were verified, and of how many."""


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
    attested: dict[str, int] = field(default_factory=dict)
    """How many events carry an officer's own signature, one by a key that is an officer's on the
    operator's word alone, one by a key in the operator's keyring, or the service's alone: RELIABLE,
    UNVOUCHED, KEYRING, SERVICE_ALONE (电子签名法 art. 13)."""
    held_size: int = 0
    """How many entries officers signed upon by keys that were theirs alone."""
    first_keys: tuple[FirstKey, ...] = ()
    """The keys of the first administrators, from which the officers' own descend."""
    doubts: tuple[Doubt, ...] = ()
    """Where everything holds, but rests on keys that somebody else had, and nobody reaffirmed."""
    verified: Verified | None = None
    """Where everything holds: what the next time can go on from."""

    @property
    def holds(self) -> bool:
        return self.broken is None


def verify_log(
    path: Path | Database,
    origin: str,
    founding_key_id: str,
    *,
    progress: Progress | None = None,
    processes: int | None = None,
    before: Verified | None = None,
    whole: bool = True,
) -> Verdict:
    """Verify the log in a database from its first event to the last there is by now.

    It may be in use: what is written meanwhile is left to the next time.

    Args:
        path: The file, or the schema in PostgreSQL; it is opened for reading alone.
        origin: The log's name.
        founding_key_id: Of the founding event's key, obtained from elsewhere than the database.
        progress: Told how far it is.
        processes: How many to use; None for one a core, none for a short log.
        before: What was verified before; the log has to go on from there.
        whole: False to verify only what came since `before`. What new events claim of all before
            them (maps, roots under another hash, what officers signed upon of before) is then left
            to the next whole run.
    """
    rules = Rules(origin, committing_topics(), founding_key_id, verify_signature)
    run = _Run(path, rules, progress, before, whole=whole or before is None)
    try:
        return run.verify(processes)
    except (EntryBroken, CheckpointDiffers, LogBroken, LogCutBack, LogRewritten) as broken:
        return run.broken(broken)
    except (sqlite3.Error, PageDamaged, OverflowError, UnicodeDecodeError) as cause:
        # The last when SQLite's own message quotes what it stumbled over.
        return run.broken(LogBroken("database file", type(cause).__name__ + f": {cause}"))


class _Run:
    def __init__(
        self,
        path: Path | Database,
        rules: Rules,
        progress: Progress | None,
        before: Verified | None,
        *,
        whole: bool,
    ) -> None:
        self._path = path
        self._rules = rules
        self._progress = progress
        self._before = before
        self._start = None if whole else before
        self._edge = Edge.empty() if self._start is None else self._start.edge
        self._checkpoints_before = 0 if self._start is None else self._start.checkpoints
        self._size = 0
        self._checkpoints = 0
        self._last_good = self._edge.size
        self._replay = LogReplay()

    def verify(self, processes: int | None) -> Verdict:
        with closing(connect(self._path)) as connection:
            # One state of the log, however it grows meanwhile.
            connection.execute("BEGIN")
            self._size, self._checkpoints = _counts(connection)
            keys, positions, fault = read_keys(connection, self._rules.founding_key_id, self._start)
            if self._start is not None:
                require_continued(connection, self._size, self._start, keys, self._rules)
            fault = _first(fault, _displaced(connection, self._size))
            with closing(self._chunks(connection, keys, processes)) as chunks:
                self._put_together(connection, chunks, fault)
            if self._before is not None and self._start is None:
                require_continued(connection, self._size, self._before, keys, self._rules)
            attested, held, vouched = dict[str, int](), 0, Vouched()
            if self._start is None:
                vouched = vouched_in(connection, keys)
                attested, held = attested_in(connection, keys, vouched.key_ids, self._size)
        return Verdict(
            self._size,
            self._checkpoints,
            last_good_size=self._size,
            attested=attested,
            held_size=held,
            first_keys=vouched.first,
            doubts=tuple(keys.doubts()),
            verified=Verified(self._edge, self._checkpoints, positions),
        )

    def broken(self, broken: LedgerError) -> Verdict:
        position = getattr(broken, "position", None)
        affected = {} if position is None else _affected(self._path, position)
        good = 0 if isinstance(broken, LogRewritten) else min(self._last_good, self._size)
        return Verdict(self._size, self._checkpoints, broken, position, good, affected)

    def _chunks(
        self, connection: Reader, keys: KeyHistory, processes: int | None
    ) -> Generator[Chunk, None, None]:
        starts = range(self._edge.size, self._size, CHUNK_EVENTS)
        scope = _scope(connection, follows=self._start is None)
        if processes is None:
            long = self._size - self._edge.size >= PROCESSES_FROM_EVENTS
            processes = (cpu_count() or 1) if long else 0
        if processes <= 1:
            checker = RangeChecker(self._path, keys.records, self._rules, scope)
            with closing(checker.connection):
                yield from map(checker.check, starts)
            return
        with ProcessPoolExecutor(
            processes,
            # Forking is quicker, but safe only while no other thread may hold a lock.
            mp_context=get_context("fork" if active_count() == 1 else "spawn"),
            initializer=start_worker,
            initargs=(self._path, keys.records, self._rules, scope),
        ) as pool:
            # Only so many ranges are under way at once: results wait in memory to be put together.
            waiting = [pool.submit(check_in_worker, s) for s in starts[:CHUNKS_AHEAD]]
            for start in starts[CHUNKS_AHEAD:]:
                yield waiting.pop(0).result()
                waiting.append(pool.submit(check_in_worker, start))
            for future in waiting:
                yield future.result()

    def _put_together(
        self, connection: Reader, chunks: Iterator[Chunk], fault: EntryBroken | None
    ) -> None:
        """Go through the log from its beginning, and stop at the first thing that does not hold.

        What comes before a broken entry is put together all the same: an earlier checkpoint may be
        at fault, and otherwise the last good one is to be named.
        """
        versions = Versions(connection, self._edge.size)
        tree = load_tree(connection, self._edge)
        upon = SignedUponThisLog(connection, self._edge)
        edge = self._edge
        tiles: list[Tile] = []
        number = self._checkpoints_before
        for chunk in chunks:
            versions.recall(stream for _, stream, _ in chunk.order)
            broken, leaves = _sound(chunk, versions, fault)
            broken, leaves = self._followed(chunk, broken, leaves)
            covered = chunk.start + len(leaves)
            checkpoints = [c for c in chunk.checkpoints if broken is None or c.size <= covered]
            misnumbered = _misnumbered(number, checkpoints)
            if misnumbered is not None:
                checkpoints = checkpoints[: misnumbered - number - 1]
            covering = [
                Checkpoint(self._rules.origin, each.size, each.root) for each in checkpoints
            ]
            edge = self._grown(edge, leaves, covering)
            upon.passed(covering)
            number += len(checkpoints)
            if misnumbered is not None:
                raise LogBroken(f"log_checkpoints number {misnumbered}", "is not the next by size")
            if chunk.differs is not None and (broken is None or chunk.differs.size <= covered):
                raise chunk.differs
            upon.require(each for each in chunk.signed if each.position < covered)
            if broken is not None:
                raise broken
            tree, full = tree.extended(leaves)
            tiles += full
            tiles = _checked(connection, tiles, self._last_good)
            if self._progress is not None:
                self._progress(covered, self._size)
        if fault is not None:
            raise fault
        if self._last_good != self._size or number != self._checkpoints:
            cause = (
                f"{number} of {self._checkpoints} rows cover"
                f" {self._last_good} of {self._size} events"
            )
            raise LogBroken(f"log_checkpoints number {number + 1}", cause)
        upon.close()
        self._edge = edge
        _check_edge(connection, edge)
        _check_no_other_tiles(connection, self._size)

    def _followed(
        self, chunk: Chunk, broken: LedgerError | None, leaves: list[bytes]
    ) -> tuple[LedgerError | None, list[bytes]]:
        """Check what is claimed of earlier entries; return what is broken first, and the leaves."""
        for named, (position, stream, version), leaf in zip(
            chunk.named, chunk.order, leaves, strict=False
        ):
            try:
                self._replay.follow(position, str(UUID(bytes=stream)), version, named, leaf)
            except EntryBroken as differs:
                return differs, leaves[: position - chunk.start]
        return broken, leaves

    def _grown(self, edge: Edge, leaves: Sequence[bytes], covering: Sequence[Checkpoint]) -> Edge:
        try:
            edge = verify_growth(edge, leaves, covering)
        except CheckpointDiffers as differs:
            covering = [each for each in covering if each.size <= (differs.last_good_size or 0)]
            raise
        finally:
            if covering:
                self._last_good = covering[-1].size
        return edge


def _counts(connection: Reader) -> tuple[int, int]:
    (events,) = connection.execute("SELECT count(*) FROM log_events").fetchone()
    (checkpoints,) = connection.execute("SELECT count(*) FROM log_checkpoints").fetchone()
    return events, checkpoints


def _scope(connection: Reader, *, follows: bool) -> Scope:
    """Return where the log ends by now; a number that is none bounds nothing."""
    (position,) = connection.execute("SELECT max(position) FROM log_events").fetchone()
    (size,) = connection.execute("SELECT max(size) FROM log_checkpoints").fetchone()
    return Scope(_end(position), _end(size), follows)


def _end(number: object) -> int:
    return min(number, LAST) if isinstance(number, int) else LAST


def _displaced(connection: Reader, size: int) -> EntryBroken | None:
    """Find a missing or displaced position, of which no range of entries may know."""
    lowest, highest = connection.execute(
        "SELECT min(position), max(position) FROM log_events"
    ).fetchone()
    if not size or (lowest == 0 and highest == size - 1):
        return None
    rows = connection.execute("SELECT position FROM log_events ORDER BY position")
    for expected, (position,) in enumerate(rows):
        if position != expected:
            cause = f"expected {expected}, got {position}"
            return EntryBroken(expected, "unknown", 0, "position", cause)
    return None


def _named(broken: EntryBroken) -> EntryBroken:
    """Name the stream of a version out of turn as people write it."""
    position, stream, version, name, cause = broken.arguments
    if isinstance(stream, bytes):
        stream = str(UUID(bytes=stream))
    return EntryBroken(position, stream, version, name, cause)


def _first(one: EntryBroken | None, other: EntryBroken | None) -> EntryBroken | None:
    if one is None or other is None:
        return one or other
    return one if one.position <= other.position else other


def _sound(
    chunk: Chunk, versions: dict[Any, int], fault: EntryBroken | None
) -> tuple[LedgerError | None, list[bytes]]:
    """Return what is broken first in a range, and the leaves of the entries before it."""
    broken = chunk.broken
    leaves = [chunk.leaves[at : at + HASH_BYTES] for at in range(0, len(chunk.leaves), HASH_BYTES)]
    try:
        verify_order(chunk.start, versions, chunk.order)  # type: ignore[arg-type]
    except EntryBroken as cause:
        fault = _first(fault, _named(cause))
    stop = chunk.start + CHUNK_EVENTS
    if broken is not None:
        stop = getattr(broken, "position", chunk.start + len(leaves))
    if fault is not None and fault.position < stop:
        return fault, leaves[: max(fault.position - chunk.start, 0)]
    return broken, leaves


def _misnumbered(last: int, checkpoints: Sequence[SignedCheckpoint]) -> int | None:
    """Return the first number that is not the next in the order of sizes."""
    for expected, checkpoint in enumerate(checkpoints, last + 1):
        if checkpoint.number != expected:
            return expected
    return None


def _checked(connection: Reader, tiles: Sequence[Tile], size: int) -> list[Tile]:
    """Check the tiles over events that a good checkpoint covers; return the others.

    So a tile is at fault only where the events are not.
    """
    others = []
    for tile in tiles:
        level, number, *_ = tile
        if (number + 1) << TILE_HEIGHT * (level + 1) <= size:
            _check_tile(connection, *tile)
        else:
            others.append(tile)
    return others


def _check_tile(connection: Reader, level: int, number: int, hashes: bytes, root: bytes) -> None:
    rows = connection.execute(
        "SELECT hashes, root FROM log_tiles WHERE level = ? AND number = ?", (level, number)
    ).fetchall()
    if rows != [(hashes, root)]:
        cause = "does not hold the hashes of the entries" if rows else "missing"
        raise LogBroken(f"log_tiles level {level} number {number}", cause)


def _check_edge(connection: Reader, edge: Edge) -> None:
    rows = connection.execute("SELECT id, edge FROM log_edge").fetchall()
    found = [(id_, type(id_), row) for id_, row in rows]
    if found != ([(0, int, edge.to_bytes())] if edge.size else []):
        raise LogBroken("log_edge", "is not the right edge of the entries' tree")


def _check_no_other_tiles(connection: Reader, size: int) -> None:
    for level, number in connection.execute("SELECT level, number FROM log_tiles"):
        if (
            type(level) is not int
            or type(number) is not int
            or not 0 <= number < size >> TILE_HEIGHT * (max(level, 0) + 1)
        ):
            raise LogBroken(f"log_tiles level {level} number {number}", "no entries make this tile")


def _affected(path: Path | Database, position: int) -> dict[str, str]:
    """Return the ids that an event names, read leniently: it is known to be broken."""
    try:
        with closing(connect(path)) as connection:
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
    except (*UNREADABLE, ValueError, TypeError, KeyError, AttributeError):
        # A payload that is no UTF-8 or no JSON is a ValueError too.
        return {}
    return named


class _Payload(msgspec.Struct):
    payload: bytes
