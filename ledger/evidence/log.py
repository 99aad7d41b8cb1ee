"""The log as a whole: its order, its checkpoints, and a tree that only ever grew."""

from collections.abc import Callable, Iterable, Sequence

from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint, open_note
from ledger.evidence.keys import SERVICE, KeyHistory
from ledger.evidence.merkle import Edge
from ledger.evidence.note import NoteBroken, NoteKey
from ledger.evidence.replay import CLAIMING, Claims, LogReplay, named_of
from ledger.evidence.tree_heads import TREE_HEAD, SignedUpon
from ledger.evidence.verify import (
    KEY_TOPICS,
    EntryBroken,
    EntryFacts,
    Rules,
    Stored,
    learn_keys,
    verify_entry,
)


class CheckpointDiffers(LedgerError):
    """A checkpoint is not signed by the ledger, or commits to other entries than are stored."""

    code = "verify.checkpoint_differs"
    kind = Kind.BROKEN

    def __init__(self, size: int, cause: str, last_good_size: int | None = None) -> None:
        good = "" if last_good_size is None else f"; the last good one is of {last_good_size}"
        super().__init__(f"checkpoint of {size} entries: {cause}{good}")
        self.arguments = (size, cause, last_good_size)
        self.size = size
        self.last_good_size = last_good_size

    def __reduce__(self) -> tuple[type["CheckpointDiffers"], tuple[int, str, int | None]]:
        """Travel whole from a worker process."""
        return type(self), self.arguments


def verify_log(entries: Sequence[Stored], notes: Sequence[tuple[int, str]], rules: Rules) -> Edge:
    """Check a whole log in memory, step after step; return the edge of its tree.

    Args:
        entries: From the first on.
        notes: Size and signed note of each checkpoint, rising.
        rules: What is demanded of this log.

    Raises:
        EntryBroken: An entry is altered, forged, missing, or covered by no checkpoint.
        CheckpointDiffers: A checkpoint is, or it commits to other entries.

    Source: FORMAT.md, "Checking a log".
    """
    keys = KeyHistory()
    for entry in entries:
        if entry.topic in KEY_TOPICS:
            learn_keys(keys, entry)
    facts = [verify_entry(entry, keys, rules) for entry in entries]
    verify_claims(entries, facts)
    signed = [each.signed_upon for each in facts if each.signed_upon is not None]
    require_signed_upon(signed, roots_at(signed, [each.leaf for each in facts]).get)
    verify_order(0, {}, ((each.position, each.stream, each.version) for each in entries))
    checkpoints = [verify_checkpoint(size, note, keys, rules) for size, note in notes]
    edge = verify_growth(Edge.empty(), [each.leaf for each in facts], checkpoints)
    covered = notes[-1][0] if notes else 0
    for entry in entries[covered:]:
        cause = f"the last one covers {covered} entries"
        raise EntryBroken(entry.position, entry.stream, entry.version, "checkpoint", cause)
    return edge


def verify_claims(entries: Sequence[Stored], facts: Sequence[EntryFacts]) -> None:
    """Check what events claim about the entries before them: maps, and roots under another hash.

    Args:
        entries: From the first on, each verified by itself already.
        facts: What that has given.

    Raises:
        EntryBroken: One claims another root.

    Source: FORMAT.md, "Checking a log", steps 10 and 11.
    """
    last = Claims(
        *(
            max((each.position for each in entries if each.topic == topic), default=-1)
            for topic in CLAIMING
        )
    )
    replay = LogReplay()
    for entry, fact in zip(entries, facts, strict=True):
        named = named_of(entry, last)
        replay.follow(entry.position, entry.stream, entry.version, named, fact.leaf)


def require_signed_upon(
    signed: Iterable[SignedUpon], root_at: Callable[[int], bytes | None]
) -> None:
    """Check that what officers signed upon is this very log.

    Args:
        signed: In the order of the log.
        root_at: Returns the root over as many entries; None if that is not known.

    Raises:
        EntryBroken: At the first that was signed upon another log.

    Source: FORMAT.md, "Checking a log", step 12.
    """
    for position, stream, version, head in signed:
        if root_at(head.size) != head.root:
            cause = "the officer signed upon a log that had another root at this size"
            raise EntryBroken(position, stream, version, f"data.{TREE_HEAD}", cause)


def roots_at(signed: Iterable[SignedUpon], leaves: Sequence[bytes]) -> dict[int, bytes]:
    """Return the root that the tree over all leaves had at each size that is signed upon."""
    roots, edge = {}, Edge.empty()
    for size in sorted({each.head.size for each in signed}):
        edge = edge.extend(leaves[edge.size : size])
        roots[size] = edge.root()
    return roots


def verify_order(
    position: int, versions: dict[str, int], entries: Iterable[tuple[int, str, int]]
) -> int:
    """Check that no position is missing, and in no stream a version.

    Args:
        position: Where the next entry must stand.
        versions: Last version of each stream so far; brought up to date.
        entries: Position, stream and version, in the order of the log.

    Returns:
        Where the entry after these must stand.

    Raises:
        EntryBroken: At the first place where something is missing, or stands twice.

    Source: FORMAT.md, "Checking a log", step 7.
    """
    for stored, stream, version in entries:
        if stored != position:
            cause = f"expected {position}, got {stored}"
            raise EntryBroken(position, stream, version, "position", cause)
        expected = versions.get(stream, 0) + 1
        if version != expected:
            cause = f"expected {expected}, got {version}"
            raise EntryBroken(position, stream, version, "version", cause)
        versions[stream] = version
        position += 1
    return position


def verify_checkpoint(size: int, note: str, keys: KeyHistory, rules: Rules) -> Checkpoint:
    """Check that the ledger signed this checkpoint, with a key valid at the last entry it covers.

    Args:
        size: Number of entries that the checkpoint is stored under.
        note: The signed note.
        keys: All keys of the log.
        rules: The log's name stands in them.

    Raises:
        CheckpointDiffers: It did not, or the note is of another log or size.

    Source: FORMAT.md, "Checking a log", step 8.
    """
    if not isinstance(size, int) or not isinstance(note, str):
        # A damaged database can hand over anything.
        raise CheckpointDiffers(0, "not a number and a text")
    valid = [NoteKey(rules.origin, key) for key in keys.valid_keys(SERVICE, size - 1)]
    try:
        checkpoint = open_note(note, valid)
    except NoteBroken as cause:
        raise CheckpointDiffers(size, str(cause)) from None
    if checkpoint.size != size:
        raise CheckpointDiffers(size, f"signed for {checkpoint.size}")
    return checkpoint


def verify_growth(edge: Edge, leaves: Sequence[bytes], checkpoints: Sequence[Checkpoint]) -> Edge:
    """Check that the tree had the root of each checkpoint when it had its size.

    Args:
        edge: The tree before these leaves, whose root is known to be right.
        leaves: Leaf hashes of the entries that follow.
        checkpoints: Verified ones, of sizes beyond the edge's and rising, none past the leaves.

    Returns:
        The edge of the tree with all the leaves.

    Raises:
        CheckpointDiffers: With the size of the first that differs, and of the last that does not.

    Source: FORMAT.md, "Checking a log", step 9.
    """
    first, good = edge.size, edge.size
    for checkpoint in checkpoints:
        if not edge.size < checkpoint.size <= first + len(leaves):
            raise CheckpointDiffers(checkpoint.size, "covers entries that are not there", good)
        edge = edge.extend(leaves[edge.size - first : checkpoint.size - first])
        if edge.root() != checkpoint.root:
            raise CheckpointDiffers(checkpoint.size, "the entries have another root", good)
        good = checkpoint.size
    return edge.extend(leaves[edge.size - first :])
