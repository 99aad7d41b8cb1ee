"""Checks sealed segments where they lie: no database, key or network of the ledger is needed.

The work on each segment is one function over one task, so that processes, or the machines of a
cluster, can share it; what has to be known of all of them together is small.
"""

from base64 import b64decode
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any, NamedTuple

from ledger.domain.events import committing_topics
from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.keys import Doubt, KeyHistory
from ledger.evidence.log import CheckpointDiffers, require_signed_upon, verify_checkpoint
from ledger.evidence.merkle import (
    HASH_BYTES,
    Edge,
    Node,
    ProofBroken,
    leaf_hash,
    node_hash,
    root_at,
    root_hash,
    verify_consistency,
)
from ledger.evidence.note import split_note
from ledger.evidence.tlog_tiles import TILE_HEIGHT, TILE_WIDTH, Tile
from ledger.evidence.tree_heads import SignedUpon
from ledger.evidence.verify import EntryBroken, Rules, Stored, learn_keys, verify_entry
from ledger.segments.manifest import (
    MANIFEST,
    PARQUET,
    Manifest,
    Sealed,
    SegmentBroken,
    require_chain,
    require_signed,
)
from ledger.segments.parquet import arrow, read_rows
from ledger.segments.segment_check import (
    SegmentFound,
    Task,
    check_segment,
    require_files,
    roots_in,
    split_hashes,
    stored_entry,
)
from ledger.segments.tables import EVENTS, Flat
from ledger.store.signed_lists import fault_of
from ledger.store.sodium import verify_signature
from ledger.store.tiles import GrowingTree

Progress = Callable[[int, int], None]

NODES_KEPT = 65_536


class SegmentsShort(LedgerError):
    """The checkpoint is of more entries than are sealed: nothing here says whether it is theirs."""

    code = "segment.checkpoint_beyond"
    kind = Kind.CONFLICT

    def __init__(self, size: int, sealed: int) -> None:
        super().__init__(
            f"the checkpoint is of {size} entries, and {sealed} are sealed: seal further, or hold"
            " it against the log itself (`nuanzhang verify --checkpoint`)"
        )


class OutOfTurn(NamedTuple):
    """An entry whose version is not the next one of its stream."""

    position: int
    stream: str
    version: int
    expected: int


Share = Callable[[Callable[[Task], SegmentFound], Sequence[Task]], Iterator[SegmentFound]]
"""Does the tasks somewhere, and hands over what was found in their order."""

Order = Callable[[Sequence[Manifest]], OutOfTurn | None]
"""Finds the first entry out of turn over all segments; see `order.sql`."""


class Checked(NamedTuple):
    """Segments that hold, up to `edge`; entries in `doubts` rest on keys that somebody else had."""

    manifests: list[Manifest]
    edge: Edge
    doubts: tuple[Doubt, ...]
    held: int | None
    key_entries: tuple[Stored, ...]


def check_segments(
    folder: Path,
    flat: Flat,
    share: Share,
    order: Order,
    founding_key_id: str = "",
    note: str | None = None,
    progress: Progress | None = None,
    known: str | None = None,
) -> Checked:
    """Check every sealed segment of a folder, and that each goes on from the one before.

    Steps 1 to 9 and 12 of "Checking a log" for the entries, and that files, tiles, tables and
    manifests are what those entries give. What entries claim of maps and of the tree before them
    (steps 10 and 11) is left to a verification of the log or of its publication.

    Args:
        folder: Where they are.
        flat: The tables beside the events.
        share: Does the work on each segment.
        order: Checks the versions of streams.
        founding_key_id: As it is known from elsewhere; empty to believe the first segment.
        note: A checkpoint that somebody else kept, which the segments have to hold.
        progress: Told how many entries were checked.
        known: The hash by which the last segment is named that was checked before; of it and those
            before it only the files' hashes, tiles and manifests are. None checks all anew.

    Raises:
        SegmentsNone, SegmentBroken, EntryBroken, CheckpointDiffers, SegmentsShort: At the first
            thing that does not hold.

    Source: FORMAT.md, "Sealed segments".
    """
    chain = require_chain(folder)
    manifests = [each.manifest for each in chain]
    keys, rules, key_entries = _signed(folder, chain, founding_key_id)
    kept = None if note is None else _kept(note, keys, rules, manifests[-1].stop)
    tree = GrowingTree(Edge.empty())  # of tiles of leaves
    last_known = next((each.number for each in manifests if each.sha256 == known), 0)
    tasks = [
        Task(
            folder / each.folder,
            each,
            keys.records,
            rules.founding_key_id or "",
            flat,
            each.number <= last_known,
        )
        for each in manifests
    ]
    signed: list[SignedUpon] = []
    for task, found in zip(tasks, share(check_segment, tasks), strict=True):
        if found.fault is not None:
            raise found.fault
        before, tree = tree.edge, _grown(task.folder, task.manifest, tree, found.tile_roots)
        if kept is not None and task.manifest.start < kept.size <= task.manifest.stop:
            _require_kept(task, before, found.tile_roots, kept)
        signed += found.signed
        if progress is not None:
            progress(task.manifest.stop, manifests[-1].stop)
    # All tiles were compared by now: one that is altered is at fault, and no officer's signature.
    node = _node(folder, manifests)
    require_signed_upon(signed, lambda size: root_at(size, node))
    out_of_turn = order(manifests)
    if out_of_turn is not None:
        position, stream, version, expected = out_of_turn
        cause = f"expected {expected}, got {version}"
        raise EntryBroken(position, stream, version, "version", cause)
    edge = Edge(manifests[-1].stop, tree.edge.peaks)
    held = None if kept is None else kept.size
    return Checked(manifests, edge, tuple(keys.doubts()), held, key_entries)


def in_processes(processes: int | None = None) -> Share:
    """Return what shares the work among processes of this machine; None for one a core."""

    def share(act: Callable[[Task], SegmentFound], tasks: Sequence[Task]) -> Iterator[SegmentFound]:
        count = min(processes or cpu_count() or 1, len(tasks))
        if count <= 1:
            yield from map(act, tasks)
            return
        # The libraries of tables have threads of their own, which forking would tear.
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            yield from pool.map(act, tasks)

    return share


def signed_chain(folder: Path, founding_key_id: str = "") -> list[Manifest]:
    """Return the segments of a folder that is to be read, each as its ledger signed it.

    Files are compared by their hashes, and tiles with the tree that is under the checkpoint, so
    that `read_entries` can hold entries against tiles. What their signatures are worth, and whether
    the other tables are what they leave, is left to `check_segments`.

    Raises:
        SegmentsNone, SegmentBroken, EntryBroken, CheckpointDiffers: At the first fault.
    """
    chain = require_chain(folder)
    _signed(folder, chain, founding_key_id)
    manifests = [each.manifest for each in chain]
    tree = GrowingTree(Edge.empty())  # of tiles of leaves
    for manifest in manifests:
        own = folder / manifest.folder
        require_files(own, manifest)
        tree = _grown(own, manifest, tree, roots_in(own, manifest))
    return manifests


def read_entries(folder: Path, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield the rows of a segment's table of events, by name.

    Raises:
        SegmentBroken: At the first entry that is not the one in the segment's tiles.
    """
    own = folder / manifest.folder
    name = f"{EVENTS.name}{PARQUET}"
    position, leaves = manifest.start, b""
    for group in read_rows(own / name, EVENTS):
        for row in group.to_pylist():
            at = position % TILE_WIDTH * HASH_BYTES
            if at == 0:
                leaves = (own / Tile(0, position // TILE_WIDTH).path()).read_bytes()
            leaf = leaf_hash(row["envelope"])
            if row["position"] != position or leaf != leaves[at : at + HASH_BYTES]:
                raise SegmentBroken(manifest.folder, name, f"entry {position} is another")
            yield row
            position += 1


def _signed(
    folder: Path, chain: Sequence[Sealed], founding_key_id: str
) -> tuple[KeyHistory, Rules, tuple[Stored, ...]]:
    """Check the manifests' signatures and checkpoints; return the keys that the segments tell of.

    The events of keys are verified whole here: whoever writes segments anew would have to bring a
    key of theirs into them.
    """
    first = chain[0].manifest
    founding = founding_key_id or first.founding_key_id
    rules = Rules(first.origin, committing_topics(), founding, verify_signature)
    if first.founding_key_id != founding:
        raise SegmentBroken(first.folder, MANIFEST, f"founded by {first.founding_key_id}")
    keys, entries = KeyHistory(), []
    for sealed in chain:
        if sealed.manifest.keys:
            entries += _key_entries(folder, sealed.manifest)
    for entry in entries:
        learn_keys(keys, entry)
    for entry in entries:
        verify_entry(entry, keys, rules)
    for sealed in chain:
        require_signed(sealed, keys)
        manifest = sealed.manifest
        size = Checkpoint.from_body(split_note(manifest.checkpoint)[0]).size
        root = verify_checkpoint(size, manifest.checkpoint, keys, rules).root
        try:
            path = [b64decode(each, validate=True) for each in manifest.consistency]
            verify_consistency(manifest.stop, size, manifest.tree.root(), root, path)
        except (ProofBroken, ValueError):
            raise CheckpointDiffers(
                size, f"does not go on from segment {manifest.folder}"
            ) from None
    return keys, rules, tuple(entries)


def _key_entries(folder: Path, manifest: Manifest) -> list[Stored]:
    name = f"{EVENTS.name}{PARQUET}"
    file = next(each for each in manifest.files if each.name == name)
    fault = fault_of(folder / manifest.folder, file)
    if fault is not None:
        raise SegmentBroken(manifest.folder, name, fault)
    found = []
    wanted = arrow().array(manifest.keys, arrow().int64())
    try:
        for group in read_rows(folder / manifest.folder / name, EVENTS):
            some = group.filter(arrow().compute.is_in(group["position"], wanted))
            found += [stored_entry(row) for row in some.to_pylist()]
    except (ValueError, OSError) as cause:
        raise SegmentBroken(manifest.folder, name, f"cannot be read: {cause}") from None
    if [each.position for each in found] != list(manifest.keys):
        raise SegmentBroken(manifest.folder, MANIFEST, "names events of keys that are not there")
    return found


def _grown(folder: Path, manifest: Manifest, tree: GrowingTree, tile_roots: bytes) -> GrowingTree:
    """Add a segment to the tree; check the tiles above the lowest, and the edge it names."""
    grown, full = tree.extended(split_hashes(tile_roots))
    for level, number, hashes, _ in full:
        tile = Tile(level + 1, number)
        if (folder / tile.path()).read_bytes() != hashes:
            raise SegmentBroken(manifest.folder, tile.path(), "is not of these entries")
    if Edge(manifest.stop, grown.edge.peaks) != manifest.tree:
        raise SegmentBroken(manifest.folder, MANIFEST, "its entries have another root")
    return grown


def _node(folder: Path, manifests: Sequence[Manifest]) -> Node:
    """Return what reads the hash of a complete subtree from the tiles of all segments."""
    stops = [each.stop for each in manifests]

    @lru_cache(NODES_KEPT)
    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, at = divmod(index << height, TILE_WIDTH)
        tile = Tile(tile_level, number)
        if not tile.is_within(stops[-1]):
            return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
        own = folder / manifests[bisect_left(stops, tile.stop << TILE_HEIGHT * tile_level)].folder
        hashes = split_hashes((own / tile.path()).read_bytes())
        return root_hash(hashes[at : at + (1 << height)])

    return node


def _kept(note: str, keys: KeyHistory, rules: Rules, sealed: int) -> Checkpoint:
    size = Checkpoint.from_body(split_note(note)[0]).size
    if size > sealed:
        raise SegmentsShort(size, sealed)
    return verify_checkpoint(size, note, keys, rules)


def _require_kept(task: Task, before: Edge, tile_roots: bytes, kept: Checkpoint) -> None:
    """Check that these entries are those of a checkpoint whose last entry is among them."""
    tiles, left = divmod(kept.size - task.manifest.start, TILE_WIDTH)
    whole = before.extend(split_hashes(tile_roots)[:tiles])
    edge = Edge(whole.size * TILE_WIDTH, whole.peaks)
    if left:
        tile = Tile(0, edge.size // TILE_WIDTH)
        edge = edge.extend(split_hashes((task.folder / tile.path()).read_bytes())[:left])
    if edge.root() != kept.root:
        raise CheckpointDiffers(kept.size, "commits to other entries than are sealed")
