"""Checks a backup where it lies, without keys, network or the ledger it is of."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from ledger.backups.manifest import (
    BackupTorn,
    Manifest,
    ManifestBroken,
    read_manifest,
    require_signed,
    require_whole,
)
from ledger.backups.segments import ROWS_AT_ONCE, Chain, Progress, entries_in, reading
from ledger.commands.continuing import read_keys
from ledger.commands.log_ranges import stored_entry
from ledger.domain.events import committing_topics
from ledger.evidence.keys import KeyHistory
from ledger.evidence.log import CheckpointDiffers, verify_checkpoint
from ledger.evidence.merkle import Edge, leaf_hash
from ledger.evidence.verify import Rules, verify_entry


class EntriesDiffer(BackupTorn):
    """The entries in the backup are others than its checkpoint is over."""

    code = "backup.entries_differ"

    def __init__(self, cause: str) -> None:
        super().__init__("log", cause)


def check(
    folder: Path, founding_key_id: str = "", progress: Progress | None = None
) -> tuple[Manifest, KeyHistory]:
    """Check that a backup is whole, and as its ledger signed it; return it, and the ledger's keys.

    Every file by its hash, every entry under the root of the signed checkpoint, both signatures by
    a key that was the ledger's at that size. What each entry's own signatures are worth is left to
    `verify_log`, once the log is put together.

    Args:
        folder: The backup.
        founding_key_id: As it is known from elsewhere; empty to believe the backup.
        progress: Told how many entries were hashed.

    Raises:
        BackupMissing, ManifestBroken, BackupTorn, EntriesDiffer, EntryBroken, CheckpointDiffers: At
            the first thing that does not hold.
    """
    manifest, written = read_manifest(folder)
    for file in manifest.files():
        require_whole(folder, file)
    _require_in_a_row(manifest)
    with opened(folder, manifest) as chain:
        edge = Edge.empty()
        entries = entries_in(chain)
        while some := list(islice(entries, ROWS_AT_ONCE)):
            positions = range(edge.size, edge.size + len(some))
            if any(found != at for at, (found, _) in zip(positions, some, strict=True)):
                raise EntriesDiffer(f"positions from {edge.size} on are not in a row")
            edge = edge.extend([leaf_hash(state) for _, state in some])
            if progress is not None:
                progress(edge.size, manifest.size)
        rules = Rules(
            manifest.origin, committing_topics(), founding_key_id or manifest.founding_key_id
        )
        keys = _keys(chain, rules)
    if edge != manifest.tree:
        raise EntriesDiffer(f"{edge.size} entries have another root than the manifest says")
    require_signed(manifest, written, keys)
    if verify_checkpoint(manifest.size, manifest.checkpoint, keys, rules).root != edge.root():
        raise CheckpointDiffers(manifest.size, "commits to other entries than are in the backup")
    return manifest, keys


@contextmanager
def opened(folder: Path, manifest: Manifest) -> Iterator[Chain]:
    """Open the log in a backup.

    Raises:
        EntriesDiffer: A file of it is no piece of a log.
    """
    try:
        with reading(paths_of(folder, manifest)) as chain:
            yield chain
    except sqlite3.Error as cause:
        raise EntriesDiffer(str(cause)) from None


def paths_of(folder: Path, manifest: Manifest) -> list[Path]:
    return [folder / each.file.name for each in manifest.segments]


def _keys(chain: Chain, rules: Rules) -> KeyHistory:
    """Return the ledger's keys as its own entries have them, from the founding one on.

    These few are verified whole: whoever writes a log anew would have to bring a key into it.
    """
    keys, positions, fault = read_keys(chain, rules.founding_key_id, None)
    if fault is not None:
        raise fault
    for position in positions:
        row = chain.execute(
            "SELECT position, originator_id, originator_version, topic, state FROM log_events"
            " WHERE position = ?",
            (position,),
        ).fetchone()
        verify_entry(stored_entry(row), keys, rules)
    return keys


def _require_in_a_row(manifest: Manifest) -> None:
    at = 0
    for segment in manifest.segments:
        if segment.start != at or segment.stop < at:
            raise ManifestBroken(f"positions from {at} on are in no file")
        at = segment.stop
    if at != manifest.size or not at:
        raise ManifestBroken(f"its files hold {at} of {manifest.size} entries")
