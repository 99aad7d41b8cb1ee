"""Seals closed ranges of the log, one folder each, while the log goes on being written to.

What is true if we crash: a segment is written under another name, is on the disk whole, and takes
its own name in one step. So a folder that bears a segment's name is a segment, and none is ever
written again; what a run that was cut off left behind the next one takes away.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.keys import KeyHistory
from ledger.evidence.log import verify_checkpoint
from ledger.evidence.merkle import (
    Edge,
    ProofBroken,
    consistency_path,
    leaf_hash,
    verify_consistency,
)
from ledger.evidence.tlog_tiles import TILE_WIDTH, Tile
from ledger.evidence.verify import KEY_TOPICS, Rules, Stored, learn_keys
from ledger.segments.manifest import (
    FORMAT,
    MANIFEST,
    PARQUET,
    Manifest,
    TableSealed,
    edge_text,
    folder_name,
    is_folder_name,
    read_chain,
    write_manifest,
)
from ledger.segments.parquet import TableWriter, written_by
from ledger.segments.tables import EVENTS, Flat, FlatTable
from ledger.store.feed import Recorded
from ledger.store.home import Home
from ledger.store.mapper import event_of
from ledger.store.recorder import LogRecorder
from ledger.store.signed_lists import File, alone, on_disk
from ledger.store.signing import ServiceSigner
from ledger.store.tiles import GrowingTree, load_tree

LENGTH = TILE_WIDTH**2
"""Positions of a segment, unless another power of two is asked for: a tile of the second level."""
LENGTH_MAX = 2**24
EVENTS_AT_ONCE = 4_096
LOCK, DRAFT = "segments.lock", ".sealing"
FILE_MODE, FOLDER_MODE = 0o444, 0o755

Progress = Callable[[int, int], None]


class SegmentLengthWrong(LedgerError):
    """All segments of a chain are of one length, a power of two."""

    code = "segment.length_wrong"
    kind = Kind.INVALID

    def __init__(self, length: int, held: int | None = None) -> None:
        if held is None:
            what = f"a power of two from {TILE_WIDTH} to {LENGTH_MAX}"
        else:
            what = f"{held}, as those that are sealed already"
        super().__init__(f"segments of {length} positions: expected {what}")


class SegmentsFolderTaken(LedgerError):
    """The folder holds something else, which is left alone."""

    code = "segment.folder_taken"
    kind = Kind.CONFLICT

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds other things than segments; nothing was written")


class SegmentsForeign(LedgerError):
    """The folder holds segments of another ledger."""

    code = "segment.foreign"
    kind = Kind.CONFLICT

    def __init__(self, folder: Path, origin: str) -> None:
        super().__init__(f"{folder} holds segments of ledger {origin}; nothing was written")


class SegmentsDiffer(LedgerError):
    """The log is not what its sealed segments or its checkpoints say."""

    code = "segment.log_differs"
    kind = Kind.BROKEN

    def __init__(self, position: int, cause: str) -> None:
        super().__init__(
            f"position {position}: {cause}; nothing more was sealed: verify the ledger, and keep"
            " the segments"
        )


class SealingUnderWay(LedgerError):
    """Another process is sealing into this folder."""

    code = "segment.under_way"
    kind = Kind.BUSY

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another process is sealing into {folder}")


class SealingKeyTooNew(LedgerError):
    """The key that would sign is on record behind the last closed range."""

    code = "segment.key_too_new"
    kind = Kind.CONFLICT

    def __init__(self, key_id: str, stop: int) -> None:
        super().__init__(
            f"key {key_id} is not on record before position {stop}: whoever reads the segments"
            " could not know it; seal when the range that registers it is closed"
        )


def seal(
    home: Home,
    log: LogRecorder,
    folder: Path,
    flat: Flat,
    length: int | None = None,
    progress: Progress | None = None,
) -> list[Manifest]:
    """Seal every range that is closed and not sealed yet; return their manifests.

    A range is closed when all of it stands under a signed checkpoint. What it is sealed as hangs on
    the log and the range alone: sealed again elsewhere, all files have the same bytes, as long as
    the same library writes them.

    Args:
        home: Whose log it is, and with which key to sign.
        log: The log.
        folder: Made if there is none; else it holds earlier segments of this log.
        flat: The tables beside the events.
        length: Positions of a segment; None for that of earlier ones, or LENGTH.
        progress: Told how many events were written, and of how many.

    Raises:
        SegmentsFolderTaken, SegmentsForeign, SegmentLengthWrong, SealingUnderWay: Not there or so.
        SealingKeyTooNew: Nobody could check the signature yet.
        SegmentsDiffer, SegmentBroken, EventUnreadable: The log, or what is sealed, is not sound.
        LibrariesMissing: As it says.
    """
    written_by()
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    _require_ours(folder)
    with alone(folder / LOCK, SealingUnderWay(folder)):
        for leftover in folder.glob(f"{DRAFT}-*"):
            shutil.rmtree(leftover)
        held = [each.manifest for each in read_chain(folder)]
        if held:
            _require_of_this_ledger(home, folder, held[-1])
            require_goes_on(log, held[-1])
        length = _length(length, held)
        before = held[-1].stop if held else 0
        last = log.select_checkpoint()
        closed = (0 if last is None else last[0]) // length * length
        closed, keys = _keys_before(log, held, closed, length)
        if closed <= before:
            return []
        signer = home.service_signer()
        if signer.public_key.key_id not in keys.records:
            raise SealingKeyTooNew(signer.public_key.key_id, closed)
        run = _Run(home, log, folder, flat, keys, signer, (before, closed), progress)
        found: list[Manifest] = []
        for start in range(before, closed, length):
            previous = found[-1] if found else held[-1] if held else None
            found.append(run.seal(start, start + length, previous))
        return found


class _Run:
    def __init__(
        self,
        home: Home,
        log: LogRecorder,
        folder: Path,
        flat: Flat,
        keys: KeyHistory,
        signer: ServiceSigner,
        extent: tuple[int, int],
        progress: Progress | None,
    ) -> None:
        self._log, self._folder, self._flat = log, folder, flat
        self._keys, self._signer = keys, signer
        self._rules = Rules(home.origin(), frozenset(), home.founding_key_id())
        self._extent, self._progress = extent, progress
        self._tree = _tree_at(log, extent[0])

    def seal(self, start: int, stop: int, previous: Manifest | None) -> Manifest:
        name = folder_name(start, stop)
        draft = self._folder / f"{DRAFT}-{name}"
        draft.mkdir(mode=FOLDER_MODE)
        tables, keys = self._write(draft, start, stop)
        note, path = self._covered(stop)
        names = sorted(each.relative_to(draft).as_posix() for each in _files(draft))
        manifest = Manifest(
            format=FORMAT,
            origin=self._rules.origin,
            founding_key_id=self._rules.founding_key_id or "",
            number=1 if previous is None else previous.number + 1,
            start=start,
            stop=stop,
            edge=edge_text(self._tree.edge),
            checkpoint=note,
            consistency=path,
            keys=keys,
            previous=None if previous is None else previous.sha256,
            written_by=written_by(),
            tables=tables,
            files=tuple(File.of(draft / each, each) for each in names),
        )
        (draft / MANIFEST).write_bytes(write_manifest(manifest, self._signer))
        for each in (*draft.rglob("*"), draft):
            each.chmod(FOLDER_MODE if each.is_dir() else FILE_MODE)  # whatever the umask is
            on_disk(each)
        draft.rename(self._folder / name)
        on_disk(self._folder)
        return manifest

    def _write(
        self, draft: Path, start: int, stop: int
    ) -> tuple[tuple[TableSealed, ...], tuple[int, ...]]:
        tables = (EVENTS, *self._flat.tables)
        writers = {each.name: TableWriter(draft / f"{each.name}{PARQUET}", each) for each in tables}
        keys: list[int] = []
        for at in range(start, stop, EVENTS_AT_ONCE):
            end = min(at + EVENTS_AT_ONCE, stop)
            rows, leaves, happened = [], [], []
            for entry, recorded in _events(self._log, at, end):
                leaves.append(leaf_hash(entry.envelope))
                rows.append(event_row(entry, recorded, leaves[-1]))
                happened.append(recorded)
                if entry.position == 0 or entry.topic in KEY_TOPICS:
                    keys.append(entry.position)
            writers[EVENTS.name].add(rows)
            for name, flat_rows in self._flat.rows(happened).items():
                writers[name].add(flat_rows)
            self._tree, full = self._tree.extended(leaves)
            for level, number, hashes, _ in full:
                path = draft / Tile(level, number).path()
                path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                path.write_bytes(hashes)
            if self._progress is not None:
                self._progress(end - self._extent[0], self._extent[1] - self._extent[0])
        for writer in writers.values():
            writer.close()
        return tuple(sealed_table(each, writers[each.name].rows) for each in tables), tuple(keys)

    def _covered(self, stop: int) -> tuple[str, tuple[str, ...]]:
        """Return the first checkpoint over the range, and what leads to it from the range's end."""
        found = self._log.select_checkpoint(stop)
        if found is None:
            raise SegmentsDiffer(stop - 1, "no checkpoint covers it")
        size, note = found
        root = verify_checkpoint(size, note, self._keys, self._rules).root
        path = consistency_path(stop, size, self._log.subtree_hash) if size > stop else []
        try:
            verify_consistency(stop, size, self._tree.edge.root(), root, path)
        except ProofBroken:
            cause = f"the checkpoint of {size} entries is over other entries than these"
            raise SegmentsDiffer(stop - 1, cause) from None
        return note, tuple(base64_text(each) for each in path)


def event_row(entry: Stored, recorded: Recorded, leaf: bytes) -> tuple[object, ...]:
    """Return what stands of an event in the table of events."""
    event = recorded.event
    return (
        entry.position,
        event.originator_id.bytes,
        entry.version,
        entry.topic,
        type(event).SCHEMA,
        event.recorded_at,
        event.happened_on.isoformat(),
        event.actor,
        leaf,
        entry.envelope,
    )


def sealed_table(table: FlatTable, rows: int) -> TableSealed:
    return TableSealed(
        name=table.name,
        rows=rows,
        columns=tuple((each.name, each.kind.value, each.nullable) for each in table.columns),
    )


def _events(log: LogRecorder, start: int, stop: int) -> Iterator[tuple[Stored, Recorded]]:
    found = log.select_notifications(start, stop - start)
    if len(found) != stop - start:
        raise SegmentsDiffer(start, f"{len(found)} of {stop - start} entries are there")
    for position, each in enumerate(found, start):
        if each.id != position:
            raise SegmentsDiffer(position, "no entry stands there")
        event = event_of(each.topic, each.state)
        stored = (each.originator_id, each.originator_version)
        if (event.originator_id, event.originator_version) != stored:
            raise SegmentsDiffer(position, "what was signed and what is stored beside it differ")
        entry = Stored(
            position, str(event.originator_id), event.originator_version, each.topic, each.state
        )
        yield entry, Recorded(position, event)


def _tree_at(log: LogRecorder, size: int) -> GrowingTree:
    """Return the tree as it was when the log had so many entries, a multiple of a tile's width."""
    peaks: list[bytes] = []
    at = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            peaks.append(log.subtree_hash(level, at >> level))
            at += 1 << level
    return load_tree(log.reader(), Edge(size, tuple(peaks)))


def _keys_before(
    log: LogRecorder, held: list[Manifest], closed: int, length: int
) -> tuple[int, KeyHistory]:
    """Return up to where to seal, and the keys on record by then.

    Where the ledger's keys changed between the end of the last range and the checkpoint over it,
    who reads the segments could not check that checkpoint: that range waits for the next one.
    """
    found = log.select_checkpoint(closed)
    if closed and found is not None:
        topics = [each for each in KEY_TOPICS if each.startswith("service_key.")]
        if log.select_notifications(closed, 1, found[0] - 1, topics):
            closed -= length
    # Of what is sealed it is known where keys are told of: only what is new is gone through.
    before = held[-1].stop if held else 0
    events = [log.select_notifications(at, 1)[0] for each in held for at in each.keys]
    if closed > before:
        events += log.select_notifications(before, closed, closed - 1, KEY_TOPICS)
    keys = KeyHistory()
    for each in events:
        stream = str(each.originator_id)
        learn_keys(keys, Stored(each.id, stream, each.originator_version, each.topic, each.state))
    return closed, keys


def _require_of_this_ledger(home: Home, folder: Path, last: Manifest) -> None:
    if (last.origin, last.founding_key_id) != (home.origin(), home.founding_key_id()):
        raise SegmentsForeign(folder, last.origin)


def require_goes_on(log: LogRecorder, last: Manifest) -> None:
    """Check that a log holds what was sealed up to a segment.

    Raises:
        SegmentsDiffer: It does not.
    """
    if log.size() < last.stop or log.root_at(last.stop) != last.tree.root():
        raise SegmentsDiffer(last.stop - 1, "the log does not go on from what is sealed")


def _require_ours(folder: Path) -> None:
    for each in folder.iterdir():
        draft = each.name.startswith(f"{DRAFT}-")
        if not (draft or each.name == LOCK or is_folder_name(each.name)):
            raise SegmentsFolderTaken(folder)


def _length(asked: int | None, held: list[Manifest]) -> int:
    if held:
        length = held[-1].stop - held[-1].start
        if asked not in (None, length):
            raise SegmentLengthWrong(asked or 0, length)
        return length
    length = LENGTH if asked is None else asked
    if not TILE_WIDTH <= length <= LENGTH_MAX or length & (length - 1):
        raise SegmentLengthWrong(length)
    return length


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]
