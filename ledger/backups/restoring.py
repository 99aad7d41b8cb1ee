"""Puts a backup back into an empty folder, and people who were erased stay erased."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain as joined
from pathlib import Path

from ledger.anchoring.published_log import (
    PublishedFolder,
    entries_from,
    verify_published,
)
from ledger.backups.checking import check, opened, paths_of
from ledger.backups.manifest import Manifest
from ledger.backups.sealed_keys import NEEDED, SIGNING, Keys, KeysMissing
from ledger.backups.segments import TABLES, Progress, put_together, rows_of, settle
from ledger.commands.reapplying import CHANGING, Reapplied, reapply_changes
from ledger.domain.events import committing_topics
from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import SERVICE, KeyHistory
from ledger.evidence.merkle import root_at
from ledger.evidence.verify import Rules
from ledger.postgresql import Database
from ledger.postgresql_session import connect
from ledger.store.high_water import Mark, put_mark
from ledger.store.home import (
    OWNER_ONLY_FOLDER,
    POSTGRESQL,
    SQLITE,
    DatabaseTaken,
    Home,
    write_once,
)
from ledger.store.postgresql_recorder import lay_out_log
from ledger.store.service_signers import service_signer
from ledger.store.sodium import verify_signature
from ledger.vault.vault import Vault


class RestoreFolderTaken(LedgerError):
    """A backup is put back into an empty folder alone; nothing that is there is written over."""

    code = "backup.target_taken"
    kind = Kind.CONFLICT

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is not empty; nothing was restored")


class PublicationUnrelated(LedgerError):
    """The published log and the backup are not of one log, or the backup goes further."""

    code = "backup.publication_unrelated"
    kind = Kind.BROKEN

    def __init__(self, size: int, published: int) -> None:
        super().__init__(
            f"the {published} published entries do not go on from the {size} in the backup"
        )


class SigningKeyEnded(LedgerError):
    """The signing key at hand is not the one that the ledger signs with."""

    code = "backup.signing_key_ended"
    kind = Kind.CONFLICT

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"keys/service.key is {key_id}, which does not sign for this ledger any more: what is"
            " put back can be read and not written to. Copy keys/ again after each rotation"
        )


@dataclass(frozen=True, slots=True)
class Restoring:
    """How a backup is to be put back.

    `keys`: None puts back the log and the sealed vault, which nobody can open: for a drill.
    `founding_key_id`: as it is known from elsewhere; empty to believe the backup.
    `published`: the log as it was published later, for whom it has erased since.
    `for_a_moment`: the keys are used and not written down, since nobody goes on with it.
    """

    keys: Keys | None = None
    founding_key_id: str = ""
    published: Path | None = None
    database: Database | None = None
    keep_address: bool = False
    for_a_moment: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    manifest: Manifest
    reapplied: Reapplied | None
    """None where no keys were at hand: then nothing personal can be opened."""
    unsigned: SigningKeyEnded | None
    """Why nothing can be written to it with the signing key at hand; None also where none is."""


def restore(
    folder: Path, target: Path, how: Restoring, progress: Progress | None = None
) -> Restored:
    """Put a backup back; what is refused leaves nothing behind.

    The file that makes the folder a ledger's is written last: a crash before leaves a folder that
    nothing takes for one.

    Raises:
        BackupMissing, ManifestBroken, BackupTorn, EntriesDiffer, EntryBroken, CheckpointDiffers:
            The backup does not hold.
        RestoreFolderTaken, DatabaseTaken: Something is there.
        KeysMissing, MasterKeyWrong, IndexKeyWrong: The keys are not those of this ledger.
        PublicationUnrelated: It tells nothing of this backup.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RestoreFolderTaken(target)
    _require_keys(how.keys)
    manifest, history = check(folder, how.founding_key_id, progress)
    made = not target.exists()
    target.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    target.chmod(OWNER_ONLY_FOLDER)
    try:
        reapplied = _put_back(folder, Home(target, named=how.database), manifest, how)
    except BaseException:
        for entry in target.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if made:
            target.rmdir()
        raise
    return Restored(manifest, reapplied, _unsigned(how.keys, history, manifest.size))


def _put_back(folder: Path, home: Home, manifest: Manifest, how: Restoring) -> Reapplied | None:
    for part, place in (
        ("vault", home.vault),
        ("access", home.access),
        ("anchors", home.anchors),
    ):
        if part in manifest.parts:
            shutil.copyfile(folder / manifest.parts[part].name, place)
            settle(place)
    for each in (home.keys, home.keyring):
        each.mkdir(mode=OWNER_ONLY_FOLDER)
    for name, content in ({} if how.for_a_moment else how.keys or {}).items():
        write_once(home.path / name, content)
    write_once(home.founding, manifest.founding_key_id.encode() + b"\n")
    # Where what is put back is lost in its turn, no other log is begun under the same key.
    put_mark(home.high_water, Mark(manifest.size, manifest.tree.root().hex()))
    reapplied = None
    if how.keys is not None:
        reapplied = _reapply(folder, home, manifest, how)
    if how.database is None:
        put_together(paths_of(folder, manifest), manifest.tree, home.events)
        home.give_name(manifest.origin, SQLITE)
        return reapplied
    _into_database(folder, manifest, how.database)
    if how.keep_address:
        write_once(home.address, how.database.address.encode() + b"\n")
    home.give_name(manifest.origin, POSTGRESQL)
    return reapplied


def _reapply(folder: Path, home: Home, manifest: Manifest, how: Restoring) -> Reapplied:
    assert how.keys is not None  # noqa: S101 - the caller looked
    master, index = (bytes.fromhex(how.keys[name].decode().strip()) for name in NEEDED)
    vault = Vault(home.vault, master, index)
    try:
        with opened(folder, manifest) as chain:
            marks = ",".join("?" * len(CHANGING))
            recorded = chain.execute(
                f"SELECT topic, state FROM log_events WHERE topic IN ({marks}) ORDER BY position",  # noqa: S608 - marks only
                CHANGING,
            )
            since = _published_since(how.published, manifest)
            return reapply_changes(vault, joined(recorded, since))
    finally:
        vault.close()


def _published_since(folder: Path | None, manifest: Manifest) -> Iterable[tuple[str, bytes]]:
    """Return what a later, published state of the same log says was done to people's keys."""
    if folder is None:
        return ()
    published = PublishedFolder(folder)
    topics = committing_topics()
    rules = Rules(manifest.origin, topics, manifest.founding_key_id, verify_signature)
    holds = verify_published(published, rules, topics, manifest.founding_key_id)
    if holds.size < manifest.size or (
        root_at(manifest.size, published.node(holds.size)) != manifest.tree.root()
    ):
        raise PublicationUnrelated(manifest.size, holds.size)
    return _changes(published, manifest.size, holds.size)


def _changes(published: PublishedFolder, start: int, size: int) -> Iterator[tuple[str, bytes]]:
    for entry in entries_from(published, size):
        if entry.position >= start and entry.topic in CHANGING:
            yield entry.topic, entry.envelope


def _into_database(folder: Path, manifest: Manifest, database: Database) -> None:
    lay_out_log(database)
    session = connect(database)
    try:
        session.execute("BEGIN")
        # Nobody else begins a log here meanwhile: its first event would have to write this row.
        found = session.execute(
            "INSERT INTO log_edge VALUES (0, ?) ON CONFLICT DO NOTHING RETURNING id",
            (manifest.tree.to_bytes(),),
        )
        if not found:
            raise DatabaseTaken(database.schema)
        with opened(folder, manifest) as chain:
            for table in TABLES:
                session.copy(table, rows_of(chain, table))
        session.execute("COMMIT")
    finally:
        session.close()


def _unsigned(keys: Keys | None, history: KeyHistory, size: int) -> SigningKeyEnded | None:
    """Hold the signing key against those that were the ledger's when the backup was taken."""
    text = (keys or {}).get(SIGNING)
    if text is None:
        return None
    signer = service_signer(text.decode(), SIGNING)
    signer.close()
    own = [key.key_id for key in history.valid_keys(SERVICE, size)]
    key_id = signer.public_key.key_id
    return None if key_id in own else SigningKeyEnded(key_id)


def _require_keys(keys: Keys | None) -> None:
    for name in NEEDED:
        if keys is not None and name not in keys:
            raise KeysMissing(f"the keys at hand have no {name}")
