"""Checks one sealed segment by itself: its files, entries, lowest tiles and tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from ledger.domain.aggregate import Event
from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
from ledger.evidence.keys import KeyHistory, KeyRecord
from ledger.evidence.merkle import HASH_BYTES, root_hash
from ledger.evidence.tlog_tiles import TILE_WIDTH, Tile
from ledger.evidence.tree_heads import SignedUpon, TreeHead
from ledger.evidence.verify import KEY_TOPICS, EntryBroken, Rules, Stored, verify_entry
from ledger.segments.manifest import MANIFEST, PARQUET, Manifest, SegmentBroken, tiles_in
from ledger.segments.parquet import arrow, read_rows, table_of
from ledger.segments.sealing import event_row, sealed_table
from ledger.segments.tables import EVENTS, Flat, FlatTable
from ledger.store.feed import Recorded
from ledger.store.mapper import EventUnreadable, event_of
from ledger.store.signed_lists import fault_of
from ledger.store.sodium import verify_signature


class Task(NamedTuple):
    """A segment to be checked, with all that has to be known beside its own files."""

    folder: Path
    manifest: Manifest
    records: dict[str, KeyRecord]
    founding_key_id: str
    flat: Flat
    known: bool
    """It was verified before: its files have only to be those, by their hashes."""


class SegmentFound(NamedTuple):
    """What a segment was found to be: the roots of its tiles of leaves, or what is at fault.

    `signed` has each tree head that officers signed upon once, with the first entry that names it;
    it is empty for what was verified before.
    """

    number: int
    tile_roots: bytes
    signed: tuple[SignedUpon, ...] = ()
    fault: LedgerError | None = None


def check_segment(task: Task) -> SegmentFound:
    """Check one segment, wherever this runs; what is at fault is an answer, too."""
    number, name = task.manifest.number, task.manifest.folder
    try:
        return _check(task)
    except LedgerError as fault:
        return SegmentFound(number, b"", fault=fault)
    except (ValueError, OSError) as cause:
        # What a library says of a file that is none of its kind.
        broken = SegmentBroken(name, "files", f"cannot be read: {cause}")
        return SegmentFound(number, b"", fault=broken)


def require_files(folder: Path, manifest: Manifest) -> None:
    """Check a segment's files by their hashes, and that there are no others.

    Raises:
        SegmentBroken: Naming the first that is not as it was sealed.
    """
    for file in manifest.files:
        fault = fault_of(folder, file)
        if fault is not None:
            raise SegmentBroken(manifest.folder, file.name, fault)
    named = {each.name for each in manifest.files} | {MANIFEST}
    for each in sorted(folder.rglob("*")):
        name = each.relative_to(folder).as_posix()
        if not each.is_dir() and name not in named:
            raise SegmentBroken(manifest.folder, name, "no such file was sealed")


def roots_in(folder: Path, manifest: Manifest) -> bytes:
    """Return the root over each tile of leaf hashes of a segment, as its files have them."""
    return b"".join(
        root_hash(split_hashes((folder / tile.path()).read_bytes()))
        for tile in tiles_in(manifest.start, manifest.stop)
        if tile.level == 0
    )


def stored_entry(row: dict[str, Any]) -> Stored:
    """Return an entry as the table of events has it."""
    try:
        stream = str(UUID(row["stream"]))
    except (ValueError, TypeError, AttributeError):
        stream = "unknown"
    return Stored(row["position"], stream, row["version"], row["type"], row["envelope"])


def _event(entry: Stored) -> Event:
    try:
        return event_of(entry.topic, entry.envelope)
    except EventUnreadable as cause:
        # Said in a form that travels from another process.
        raise EntryBroken(entry.position, entry.stream, entry.version, "data", str(cause)) from None


def split_hashes(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


class _Entries:
    """Goes through a segment's entries, and gathers what its other files have to agree with."""

    def __init__(self, task: Task) -> None:
        self._manifest, self._flat = task.manifest, task.flat
        self._rules = Rules(
            task.manifest.origin, committing_topics(), task.founding_key_id, verify_signature
        )
        self._keys = KeyHistory(task.records)
        self.position = task.manifest.start
        self.leaves: list[bytes] = []
        self.told: list[int] = []
        self.signed: dict[TreeHead, SignedUpon] = {}
        self.rows: dict[str, list[tuple[Any, ...]]] = {each.name: [] for each in task.flat.tables}

    def follow(self, group: Any) -> None:
        """Take in some more rows of the table of events."""
        recorded, rows = [], []
        for row in group.to_pylist():
            entry = stored_entry(row)
            if entry.position != self.position:
                cause = f"expected {self.position}, got {entry.position}"
                raise EntryBroken(self.position, entry.stream, entry.version, "position", cause)
            _, leaf, upon = verify_entry(entry, self._keys, self._rules)
            happened = Recorded(self.position, _event(entry))
            rows.append(event_row(entry, happened, leaf))
            recorded.append(happened)
            self.leaves.append(leaf)
            if upon is not None:
                self.signed.setdefault(upon.head, upon)
            if self.position == 0 or entry.topic in KEY_TOPICS:
                self.told.append(self.position)
            self.position += 1
        if not table_of(EVENTS, rows).equals(group):
            raise _differs(self._manifest, EVENTS)
        for name, some in self._flat.rows(recorded).items():
            self.rows[name] += some


def _check(task: Task) -> SegmentFound:
    folder, manifest = task.folder, task.manifest
    require_files(folder, manifest)
    if task.known:
        return SegmentFound(manifest.number, roots_in(folder, manifest))
    tables = (EVENTS, *task.flat.tables)
    if [(t.name, t.columns) for t in manifest.tables] != [
        (t.name, sealed_table(t, 0).columns) for t in tables
    ]:
        raise SegmentBroken(manifest.folder, MANIFEST, "its tables have other columns than ours")
    entries = _Entries(task)
    for group in read_rows(folder / f"{EVENTS.name}{PARQUET}", EVENTS):
        entries.follow(group)
    if entries.position != manifest.stop:
        cause = f"ends before position {entries.position}"
        raise SegmentBroken(manifest.folder, f"{EVENTS.name}{PARQUET}", cause)
    if tuple(entries.told) != manifest.keys:
        raise SegmentBroken(manifest.folder, MANIFEST, "names other events of keys than there are")
    counted = {EVENTS.name: len(entries.leaves)} | {
        name: len(rows) for name, rows in entries.rows.items()
    }
    if {each.name: each.rows for each in manifest.tables} != counted:
        raise SegmentBroken(manifest.folder, MANIFEST, "counts other rows than the events leave")
    for table in task.flat.tables:
        _require_rows(folder, manifest, table, entries.rows[table.name])
    tile_roots = _tile_roots(folder, manifest, entries.leaves)
    return SegmentFound(manifest.number, tile_roots, tuple(entries.signed.values()))


def _require_rows(
    folder: Path, manifest: Manifest, table: FlatTable, rows: Sequence[tuple[Any, ...]]
) -> None:
    groups = list(read_rows(folder / f"{table.name}{PARQUET}", table))
    held = arrow().concat_tables([table_of(table, ()), *groups])
    if not table_of(table, rows).equals(held):
        raise _differs(manifest, table)


def _tile_roots(folder: Path, manifest: Manifest, leaves: Sequence[bytes]) -> bytes:
    """Check the tiles of leaf hashes; return the root over each."""
    roots = []
    for at in range(0, len(leaves), TILE_WIDTH):
        hashes = leaves[at : at + TILE_WIDTH]
        tile = Tile(0, (manifest.start + at) // TILE_WIDTH)
        if (folder / tile.path()).read_bytes() != b"".join(hashes):
            raise SegmentBroken(manifest.folder, tile.path(), "is not of these entries")
        roots.append(root_hash(hashes))
    return b"".join(roots)


def _differs(manifest: Manifest, table: FlatTable) -> SegmentBroken:
    cause = "other rows than the events leave"
    return SegmentBroken(manifest.folder, f"{table.name}{PARQUET}", cause)
