"""Takes a backup of a ledger that is in use, into a folder that may hold earlier ones of it.

In this order, so that what is put back fits together: cosignatures and time-stamps, which are about
what the log held by then; the log, in one state of it; the vault, which has the keys of all whom
the log names by then, since keys are durable before events; who may sign in. What was restricted or
erased in the log and not yet in the vault is done again when it is put back.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ledger.backups.manifest import (
    FORMAT,
    MANIFEST,
    OURS_OR_DRAFT,
    BackupMissing,
    Manifest,
    Segment,
    edge_text,
    read_manifest,
    require_whole,
    write_manifest,
)
from ledger.backups.sealed_keys import Keys, sealed
from ledger.backups.segments import Progress, copy_new, reading, settle
from ledger.errors import Kind, LedgerError
from ledger.evidence.merkle import Edge
from ledger.store.home import DRAFT, OWNER_ONLY_FOLDER, POSTGRESQL, SQLITE, Home
from ledger.store.recorder import LogRecorder
from ledger.store.signed_lists import File, alone, on_disk

LOCK = "backup.lock"
DRAFT_MANIFEST = MANIFEST + DRAFT

Totals = Callable[[int], dict[str, int | str]]
"""What read models make of the first so many entries."""


class BackupFolderTaken(LedgerError):
    """The folder holds something else, which is left alone."""

    code = "backup.folder_taken"
    kind = Kind.CONFLICT

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds other things than backups; nothing was written")


class BackupInsideHome(LedgerError):
    """The folder lies in the ledger's own, and would be lost with it."""

    code = "backup.inside_home"
    kind = Kind.CONFLICT

    def __init__(self, folder: Path, home: Path) -> None:
        super().__init__(
            f"{folder} lies in {home}, which it is to save; choose a folder on another disk"
        )


class BackupInsideBackup(LedgerError):
    """The folder lies in one that holds a backup, and holds its own files alone."""

    code = "backup.inside_backup"
    kind = Kind.CONFLICT

    def __init__(self, folder: Path, other: Path) -> None:
        super().__init__(f"{folder} lies in {other}, which holds a backup; nothing was written")


class BackupForeign(LedgerError):
    """The folder holds the backup of another ledger."""

    code = "backup.foreign"
    kind = Kind.CONFLICT

    def __init__(self, folder: Path, origin: str) -> None:
        super().__init__(f"{folder} holds the backup of ledger {origin}; nothing was written")


class BackupDiffers(LedgerError):
    """The ledger does not hold what was backed up before: it was cut back, or written anew."""

    code = "backup.log_differs"
    kind = Kind.BROKEN

    def __init__(self, backed_up: int, size: int) -> None:
        super().__init__(
            f"{backed_up} entries were backed up, and the log, of {size}, does not go on from"
            " them; the backup was left as it is: verify the ledger, and keep that backup"
        )


class BackupUnderWay(LedgerError):
    """Another process is writing into this folder."""

    code = "backup.under_way"
    kind = Kind.BUSY

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another backup into {folder} is under way")


@dataclass(frozen=True, slots=True)
class Order:
    """What a backup is to hold beside the log: when, which figures, and keys under a passphrase."""

    taken_at: str
    totals: Totals
    keys: Keys | None = None
    passphrase: str = ""


def take(
    home: Home, log: LogRecorder, folder: Path, order: Order, progress: Progress | None = None
) -> Manifest:
    """Take a backup; of the log only what is new since the last one in this folder.

    A crash at any point leaves the last backup whole: a new manifest takes the old one's place when
    all it names is on the disk.

    Raises:
        BackupInsideHome, BackupInsideBackup, BackupFolderTaken, BackupForeign, BackupUnderWay:
            Nothing was written.
        BackupDiffers, CheckpointDiffers, BackupTorn: The log, or the last backup, is not sound.
        PassphraseShort: As it says.
    """
    _require_apart(home, folder)
    folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    closed = None if order.keys is None else sealed(order.keys, order.passphrase)
    with alone(folder / LOCK, BackupUnderWay(folder)):
        before = _before(home, folder)
        number = 1 if before is None else before.number + 1
        parts = {}
        if home.anchors.exists():
            parts["anchors"] = _copied(home.anchors, folder / f"anchors-{number:06}.sqlite")
        segments, edge, note = _copy_log(log, folder, before, number, progress)
        for name, source in (("vault", home.vault), ("access", home.access)):
            if source.exists():
                parts[name] = _copied(source, folder / f"{name}-{number:06}.sqlite")
        if closed is not None:
            parts["keys"] = _written(folder / f"keys-{number:06}.sealed", closed)
        manifest = Manifest(
            format=FORMAT,
            origin=home.origin(),
            founding_key_id=home.founding_key_id(),
            store=SQLITE if home.database is None else POSTGRESQL,
            number=number,
            taken_at=order.taken_at,
            size=edge.size,
            edge=edge_text(edge),
            checkpoint=note,
            segments=segments,
            parts=parts,
            totals=order.totals(edge.size),
        )
        _written(folder / MANIFEST, write_manifest(manifest, home.service_signer()))
        # The folder's own entry, so that the new names outlast a power failure. What they replace
        # goes only then: an older copy of the vault would keep keys that are destroyed since.
        on_disk(folder)
        _drop_others(folder, manifest)
    return manifest


def _require_apart(home: Home, folder: Path) -> None:
    place, own = folder.resolve(), home.path.resolve()
    if place.is_relative_to(own):
        raise BackupInsideHome(folder, home.path)
    for above in place.parents:
        if (above / MANIFEST).exists():
            raise BackupInsideBackup(folder, above)


def _before(home: Home, folder: Path) -> Manifest | None:
    try:
        before, _ = read_manifest(folder)
    except BackupMissing:
        for entry in folder.iterdir():
            if not OURS_OR_DRAFT.fullmatch(entry.name) and entry.name not in {DRAFT_MANIFEST, LOCK}:
                raise BackupFolderTaken(folder) from None
        return None
    if (before.origin, before.founding_key_id) != (home.origin(), home.founding_key_id()):
        raise BackupForeign(folder, before.origin)
    for segment in before.segments:
        require_whole(folder, segment.file, hashed=False)
    return before


def _copy_log(
    log: LogRecorder,
    folder: Path,
    before: Manifest | None,
    number: int,
    progress: Progress | None,
) -> tuple[tuple[Segment, ...], Edge, str]:
    segments = () if before is None else before.segments
    edge = Edge.empty() if before is None else before.tree
    path = folder / f"log-{number:06}.sqlite"
    draft = path.with_name(path.name + DRAFT)
    draft.unlink(missing_ok=True)
    with log.reading(), reading([folder / each.file.name for each in segments]) as chain:
        size = log.size()
        if size < edge.size or (edge.size and log.root_at(edge.size) != edge.root()):
            raise BackupDiffers(edge.size, size)
        grown, note, anything = copy_new(log, edge, chain.answer_keys(), draft, progress)
    if not anything:
        draft.unlink()
        return segments, grown, note
    settle(draft)
    draft.rename(path)
    segment = Segment(file=File.of(path), start=edge.size, stop=grown.size)
    return (*segments, segment), grown, note


def _copied(source: Path, target: Path) -> File:
    """Copy a database that others write to, in one state of it, as one file."""
    draft = target.with_name(target.name + DRAFT)
    draft.unlink(missing_ok=True)
    uri = source.absolute().as_uri() + "?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True)) as live,
        closing(sqlite3.connect(draft, isolation_level=None)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").close()
    settle(draft)
    draft.rename(target)
    return File.of(target)


def _written(target: Path, content: bytes) -> File:
    draft = target.with_name(target.name + DRAFT)
    draft.write_bytes(content)
    settle(draft)
    draft.rename(target)
    return File.of(target)


def _drop_others(folder: Path, manifest: Manifest) -> None:
    named = {each.name for each in manifest.files()}
    for entry in folder.iterdir():
        if OURS_OR_DRAFT.fullmatch(entry.name) and entry.name not in named:
            entry.unlink()
