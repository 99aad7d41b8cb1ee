"""Checks a published log as an outsider has it: a folder of tiles, and the founding key's id."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from ledger.commands.held_checkpoint import (
    CheckpointBeyond,
    CheckpointContradicted,
    CheckpointForeign,
)
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import NotCanonical, parse_canonical
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.envelope import EnvelopeBroken, decode
from ledger.evidence.keys import Doubt, KeyHistory
from ledger.evidence.log import (
    CheckpointDiffers,
    require_signed_upon,
    roots_at,
    verify_checkpoint,
    verify_order,
)
from ledger.evidence.merkle import HASH_BYTES, Edge, Node, root_at, root_hash
from ledger.evidence.note import split_note
from ledger.evidence.replay import CLAIMING, Claims, LogReplay, named_of
from ledger.evidence.tlog_tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    BundleBroken,
    Tile,
    iter_bundle,
    tiles_of,
)
from ledger.evidence.tree_heads import SignedUpon
from ledger.evidence.verify import (
    KEY_TOPICS,
    Rules,
    Stored,
    learn_keys,
    read_entry,
    self_described,
    verify_entry,
)
from ledger.evidence.vouching import (
    SERVICE_ALONE,
    VOUCHED_FOR,
    VOUCHING_TOPICS,
    FirstKey,
    attestation,
    vouched_keys,
)

Progress = Callable[[int, int], None]


class PublicationUnreadable(LedgerError):
    """A file that the checkpoint covers is missing, or is no such file."""

    code = "publication.unreadable"
    kind = Kind.BROKEN

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")


@dataclass(frozen=True, slots=True)
class PublicationHolds:
    """What was checked: the log's name, how many entries, and the founding key that was found.

    `note` is the checkpoint it was checked against, with whatever cosignatures it has; `kept` the
    one that somebody else kept, if there was any; `doubts` says which entries rest on keys that
    somebody else had. `attested` counts the entries by who answers for them; `first_keys` are those
    of the first administrators, from which the officers' own descend. `held_size` is up to where
    officers signed upon the log, by keys that were theirs alone; 0 where none did.
    """

    origin: str
    size: int
    founding_key_id: str
    note: str
    kept: Checkpoint | None = None
    doubts: tuple[Doubt, ...] = ()
    attested: Mapping[str, int] = field(default_factory=dict)
    first_keys: tuple[FirstKey, ...] = ()
    held_size: int = 0


class PublishedFolder:
    """Reads a folder in the form of C2SP tlog-tiles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self) -> str:
        try:
            return (self._folder / "checkpoint").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise PublicationUnreadable("checkpoint", "missing, or cannot be read") from None

    def read(self, tile: Tile) -> bytes:
        """Return a file's bytes; of a partial tile that has become full since, its part.

        Raises:
            PublicationUnreadable: Neither is there.
        """
        for each in (tile, Tile(tile.level, tile.index)):
            try:
                return (self._folder / each.path()).read_bytes()
            except OSError:
                continue
        raise PublicationUnreadable(tile.path(), "missing")

    def node(self, size: int) -> Node:
        """Return a function that reads the hash of a complete subtree, for proofs."""

        def node(level: int, index: int) -> bytes:
            tile_level, height = divmod(level, TILE_HEIGHT)
            first = index << height
            number, at = divmod(first, TILE_WIDTH)
            held = (size >> TILE_HEIGHT * tile_level) - number * TILE_WIDTH
            hashes = self.hashes(Tile(tile_level, number, min(held, TILE_WIDTH)))
            return root_hash(
                [
                    hashes[each * HASH_BYTES : (each + 1) * HASH_BYTES]
                    for each in range(at, at + (1 << height))
                ]
            )

        return node

    def entries(self, tile: Tile) -> Iterator[bytes]:
        """Yield the entries of a bundle one by one, so that the first at fault can be named."""
        count = 0
        try:
            for entry in iter_bundle(self.read(tile)):
                if count < tile.width:
                    yield entry
                count += 1
        except BundleBroken as cause:
            place = f"entry {tile.start + count} in {tile.path()}"
            raise PublicationUnreadable(place, str(cause)) from None
        if count < tile.width:
            raise PublicationUnreadable(tile.path(), f"{count} entries of {tile.width}")

    def hashes(self, tile: Tile) -> bytes:
        hashes = self.read(tile)
        if len(hashes) < tile.width * HASH_BYTES:
            raise PublicationUnreadable(tile.path(), "not of its length")
        return hashes[: tile.width * HASH_BYTES]


def verify_published(
    folder: PublishedFolder,
    rules: Rules | None,
    officer_signed: frozenset[str],
    key_id: str,
    progress: Progress | None = None,
    kept: str | None = None,
) -> PublicationHolds:
    """Check every entry, signature, key, map and tile of a published log, and its checkpoint.

    Args:
        folder: Where it is.
        rules: What is known from elsewhere; None takes the log's name from its first entry.
        officer_signed: Event types that an officer has to sign.
        key_id: The founding key's id, from elsewhere. Empty: whichever founded it, which proves
            nothing about who made the log, and the caller has to say so.
        progress: Told how many entries were checked.
        kept: The note of a checkpoint that somebody else kept, or that another publication of
            this log has: this one has to go on from it.

    Raises:
        PublicationUnreadable, EntryBroken, CheckpointDiffers, CheckpointBroken, NoteBroken: At
            the first thing that does not hold.
        CheckpointForeign, CheckpointBeyond, CheckpointContradicted: It holds, but is not of the
            checkpoint that was kept.

    Source: FORMAT.md, "Checking a log"; C2SP tlog-tiles.
    """
    note = folder.note()
    claimed = Checkpoint.from_body(split_note(note)[0])
    keys = KeyHistory()
    origin = claimed.origin
    last: dict[str, int] = {}
    for entry in entries_from(folder, claimed.size):
        if entry.position == 0:
            origin = _origin(entry)
        if entry.topic in KEY_TOPICS:
            learn_keys(keys, entry)
        if entry.topic in CLAIMING:
            last[entry.topic] = entry.position
    rules = rules or Rules(origin, officer_signed, key_id or None)
    versions: dict[str, int] = {}
    claims = Claims(*(last.get(topic, -1) for topic in CLAIMING))
    replay, edge, position = LogReplay(), Edge.empty(), 0
    levels: list[list[bytes]] = [[]]
    signed: list[SignedUpon] = []
    signers = _Signers(officer_signed)
    for entry in entries_from(folder, claimed.size):
        _, leaf, upon = verify_entry(entry, keys, rules)
        signed += () if upon is None else (upon,)
        position = verify_order(position, versions, [(entry.position, entry.stream, entry.version)])
        named = named_of(entry, claims)
        replay.follow(entry.position, entry.stream, entry.version, named, leaf)
        edge = edge.append(leaf)
        levels[0].append(leaf)
        signers.follow(entry, upon)
        if progress is not None and position % TILE_WIDTH == 0:
            progress(position, claimed.size)
    require_signed_upon(signed, roots_at(signed, levels[0]).get)
    # After the entries: where one that brought a key was altered, it is at fault, and not the
    # checkpoint that this key signed.
    checkpoint = verify_checkpoint(claimed.size, note, keys, rules)
    if edge.root() != checkpoint.root:
        raise PublicationUnreadable("checkpoint", "the entries have another root")
    _check_tiles(folder, claimed.size, levels[0])
    holding = None
    if kept is not None:
        holding = _require_kept(kept, checkpoint, folder, keys, rules)
    founding = next(iter(keys.records))
    return PublicationHolds(
        claimed.origin,
        claimed.size,
        founding,
        note,
        holding,
        tuple(keys.doubts()),
        *signers.answers(keys, claimed.size),
    )


class _Signers:
    """Who signed what, as the entries go by; whose word that is, is known after the last one."""

    def __init__(self, officer_signed: frozenset[str]) -> None:
        self._topics = officer_signed.union(VOUCHED_FOR)
        self._vouching: list[Stored] = []
        self._signed = Counter[tuple[str, ...]]()
        self._upon: dict[str, dict[int, int]] = defaultdict(dict)
        """By key, each size that was signed upon, and the position where it was so first."""

    def follow(self, entry: Stored, upon: SignedUpon | None) -> None:
        if entry.topic in VOUCHING_TOPICS:
            self._vouching.append(entry)
        if entry.topic not in self._topics:
            return
        key_ids = tuple(each.keyid for each in decode(entry.envelope).signatures)
        self._signed[key_ids] += 1
        if upon is not None:
            for key_id in key_ids[1:]:
                self._upon[key_id].setdefault(upon.head.size, entry.position)

    def answers(
        self, keys: KeyHistory, size: int
    ) -> tuple[dict[str, int], tuple[FirstKey, ...], int]:
        """Return what `PublicationHolds` tells: counts, the first keys, and how far all is held.

        Args:
            keys: All keys of the log.
            size: How many entries it has; of other types than these, the ledger alone signs.
        """
        vouched = vouched_keys(self._vouching, keys)
        found = Counter[str]()
        for key_ids, count in self._signed.items():
            records = (keys.records[key_id] for key_id in key_ids)
            signed = ((each.public_key.key_id, each.custody) for each in records)
            found[attestation(signed, vouched.key_ids)] += count
        found[SERVICE_ALONE] += size - found.total()
        held = (
            signed_upon
            for key_id in vouched.key_ids
            for signed_upon, position in self._upon.get(key_id, {}).items()
            if (lost_from := keys.lost_from(key_id)) is None or position < lost_from
        )
        return dict(sorted(found.items())), vouched.first, max(held, default=0)


def _require_kept(
    note: str, held: Checkpoint, folder: PublishedFolder, keys: KeyHistory, rules: Rules
) -> Checkpoint:
    """Check that a publication, whose tiles were compared with its entries, holds a checkpoint."""
    kept = Checkpoint.from_body(split_note(note)[0])
    if kept.origin != held.origin:
        raise CheckpointForeign(kept.origin, held.origin)
    if kept.size > held.size:
        raise CheckpointBeyond(kept.size, held.size)
    if root_at(kept.size, folder.node(held.size)) != kept.root:
        raise CheckpointContradicted(kept.size, "another root")
    try:
        return verify_checkpoint(kept.size, note, keys, rules)
    except CheckpointDiffers as cause:
        raise CheckpointContradicted(kept.size, str(cause)) from None


def entries_from(folder: PublishedFolder, size: int) -> Iterator[Stored]:
    """Yield the entries of a published log, one bundle after the other; nothing is verified."""
    # A checkpoint may claim any size.
    for tile in takewhile(lambda each: each.level is None, tiles_of(size)):
        for position, envelope in enumerate(folder.entries(tile), tile.start):
            yield _stored(position, envelope)


def _stored(position: int, envelope: bytes) -> Stored:
    """Return an entry with the columns that its own payload names: published, it has no others."""
    name = f"entry {position}"
    try:
        # Strictly: where a length before it is altered, this is the entry to be named, though a
        # payload may still be found in it.
        payload = parse_canonical(decode(envelope).payload)
    except (EnvelopeBroken, NotCanonical) as cause:
        raise PublicationUnreadable(name, f"is no event: {cause}") from None
    entry = self_described(position, payload, envelope)
    if entry is None:
        raise PublicationUnreadable(name, "is no event")
    return entry


def _origin(entry: Stored) -> str:
    """Return the name of the log that an entry says it is of; nothing is verified yet."""
    _, payload = read_entry(entry)
    if not isinstance(payload["origin"], str):
        raise PublicationUnreadable("entry 0", "is no event")
    return payload["origin"]


def _check_tiles(folder: PublishedFolder, size: int, hashes: list[bytes]) -> None:
    """Compare every tile of hashes with those of the entries, level by level."""
    level = 0
    for tile in tiles_of(size):
        if tile.level is None:
            continue
        while level < tile.level:
            full = len(hashes) // TILE_WIDTH
            hashes = [
                root_hash(hashes[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]) for at in range(full)
            ]
            level += 1
        if folder.hashes(tile) != b"".join(hashes[tile.start : tile.stop]):
            raise PublicationUnreadable(tile.path(), "does not hold the hashes of the entries")
