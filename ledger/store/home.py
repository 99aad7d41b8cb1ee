"""The folder that holds all state: the log, the vault, the read models and the keys."""

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.database import delete_database
from ledger.domain.aggregate import OPERATOR
from ledger.domain.key import KeyClaim
from ledger.domain.service_key import ServiceKey, service_key_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.keys import SERVICE
from ledger.evidence.note import NoteKey
from ledger.postgresql import Database
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, Work
from ledger.store.high_water import (
    NOTHING,
    HighWaterMark,
    LogReplaced,
    LogShorter,
    Mark,
    MarkUnreadable,
    put_mark,
    require_goes_on,
)
from ledger.store.postgresql_recorder import PostgresRecorder, lay_out_log
from ledger.store.recorder import LogRecorder
from ledger.store.service_signers import service_signer
from ledger.store.signing import ServiceSigner
from ledger.store.sqlite_recorder import SqliteRecorder
from ledger.vault.vault import KEY_BYTES, Vault

OWNER_ONLY_FILE = 0o600
OWNER_ONLY_FOLDER = 0o700
DRAFT = ".new"
"""Ends the name of a file that is not whole yet."""


class HomeMissing(LedgerError):
    """There is no ledger in this folder yet."""

    code = "home.missing"
    kind = Kind.ABSENT

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds no ledger; `nuanzhang init` makes one")


class HomeTaken(LedgerError):
    """The folder holds something else, which is left alone."""

    code = "home.taken"
    kind = Kind.CONFLICT

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not empty and holds no whole ledger; nothing was touched")


class HomeUnreadable(LedgerError):
    """A small file that the ledger cannot do without is not what it was. It is not repeated."""

    code = "home.unreadable"
    kind = Kind.BROKEN

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is damaged; put back the copy that was kept of it (keys/), or a backup into a"
            " new folder"
        )


class HomeKeyMissing(LedgerError):
    """A key that the ledger cannot do without is not in its folder."""

    code = "home.key_missing"
    kind = Kind.ABSENT

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing; put back the copy that was kept of keys/. Without it `nuanzhang"
            " verify --key ID` verifies all the same"
        )


class ServiceKeyForeign(LedgerError):
    """The key at hand is none that this ledger knows."""

    code = "service_key.foreign"
    kind = Kind.CONFLICT

    def __init__(self, key_id: str) -> None:
        super().__init__(f"this ledger knows no service key {key_id}; nothing was written")


class DatabaseNotNamed(LedgerError):
    """The ledger's log stands in PostgreSQL, and nothing says where."""

    code = "home.database_not_named"
    kind = Kind.ABSENT

    def __init__(self) -> None:
        super().__init__("this ledger is in PostgreSQL; set NUANZHANG_DATABASE to its address")


class DatabaseTaken(LedgerError):
    """Another ledger's log stands there, which is left alone."""

    code = "home.database_taken"
    kind = Kind.CONFLICT

    def __init__(self, schema: str) -> None:
        super().__init__(f"schema {schema} of the database holds another ledger's log")


class LossUnlike(LedgerError):
    """What is to be accepted as lost is not what is missing."""

    code = "log.loss_unlike"
    kind = Kind.CONFLICT

    def __init__(self, size: int, known: int) -> None:
        super().__init__(f"the log holds {size} entries, and held {known} before")


SQLITE, POSTGRESQL = "sqlite", "postgresql"


class _Identity(msgspec.Struct):
    """What `ledger.json` says: the log's name, which stands in every event and checkpoint.

    `store` says in which kind of database the log is, so that no empty one is taken for it.
    """

    origin: str
    store: str = SQLITE


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything is. The folder and its files are readable by their owner alone."""

    path: Path
    signs: Callable[[], ServiceSigner] | None = field(default=None, repr=False, compare=False)
    """Whoever signs for the ledger; None for the key file in the folder."""
    named: Database | None = field(default=None, repr=False, compare=False)
    """The PostgreSQL database that is to hold the log; None for the one that the folder names."""

    @property
    def database(self) -> Database | None:
        """The PostgreSQL database that holds the log; None where a file does.

        Raises:
            DatabaseNotNamed: The log is in PostgreSQL, and nothing says where.
        """
        if self.exists() and self._identity().store == SQLITE:
            return None
        if self.named is not None:
            return self.named
        if self.address.exists():
            return Database.at(self.address.read_text().strip())
        if self.exists():
            raise DatabaseNotNamed
        return None

    @property
    def address(self) -> Path:
        """Names the database, if it is PostgreSQL and the environment does not name it."""
        return self.path / "database.url"

    @property
    def log(self) -> Path | Database:
        """Where the log stands, for those who verify it."""
        return self.database or self.events

    @property
    def identity(self) -> Path:
        return self.path / "ledger.json"

    @property
    def events(self) -> Path:
        return self.path / "events.sqlite"

    @property
    def high_water(self) -> Path:
        """How far the log is known to have gone."""
        return self.path / "log.mark"

    @property
    def read_models(self) -> Path:
        return self.path / "read.sqlite"

    @property
    def map(self) -> Path:
        """The verifiable map of the log; it may be dropped, and is built anew."""
        return self.path / "map.sqlite"

    @property
    def anchors(self) -> Path:
        """Cosignatures and time-stamps of published checkpoints."""
        return self.path / "anchors.sqlite"

    @property
    def access(self) -> Path:
        """Accounts, sessions and tokens; the ledger loses nothing with it."""
        return self.path / "access.sqlite"

    @property
    def jobs(self) -> Path:
        """Long work under way, and webhooks; the ledger loses nothing with it."""
        return self.path / "jobs.sqlite"

    @property
    def packages(self) -> Path:
        """Packages for inspectors, sealed, for a day; the ledger loses nothing with it."""
        return self.path / "packages"

    @property
    def verdicts(self) -> Path:
        """What verification found while the ledger was served; it may be lost."""
        return self.path / "verdicts.sqlite"

    @property
    def lead(self) -> Path:
        """Locked by the one process that works in the background for all that serve the ledger."""
        return self.path / "background.lock"

    @property
    def demo(self) -> Path:
        """Marks a ledger as a demo, and names the inspector whom anybody may be."""
        return self.path / "demo.json"

    @property
    def vault(self) -> Path:
        return self.path / "vault.sqlite"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def keyring(self) -> Path:
        """Officers' keys of whoever enters past files; the server never opens it."""
        return self.path / "keyring"

    def exists(self) -> bool:
        return self.identity.exists()

    def create(self, origin: str | None = None, *, keep_address: bool = False) -> None:
        """Make the folder, its keys and its name; leave an existing ledger as it is.

        Args:
            origin: The log's name; None for one that is made up.
            keep_address: Whether to keep the address of its PostgreSQL database in the folder.

        Raises:
            HomeTaken: The folder holds other things.
            DatabaseTaken: The database holds another ledger's log.
        """
        if self.exists():
            return
        if self.path.exists() and not self._is_unfinished():
            raise HomeTaken(self.path)
        for folder in (self.path, self.keys, self.keyring):
            folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            folder.chmod(OWNER_ONLY_FOLDER)
        # A key that is kept elsewhere has no file here.
        own = () if self.signs is not None else ("service",)
        for name in (*own, "master", "index"):
            write_once(self.keys / f"{name}.key", secrets.token_hex(KEY_BYTES).encode())
        write_once(self.founding, self.service_signer().public_key.key_id.encode() + b"\n")
        if self.named is not None and keep_address:
            write_once(self.address, self.named.address.encode() + b"\n")
        database = self.database
        if database is None:
            self._lay_out_log()
        else:
            self._lay_out_database(database)
        # Says that this log is empty for being new: one that was lost is not begun again.
        put_mark(self.high_water, NOTHING)
        # Last, so that a folder with a name is a whole one: a crash before is made good by
        # running this again, with the keys that are there.
        name = origin or f"nuanzhang.local/{secrets.token_hex(4)}"
        self.give_name(name, SQLITE if database is None else POSTGRESQL)

    def give_name(self, origin: str, store: str) -> None:
        """Write what makes the folder a ledger's, when all else is in it."""
        write_once(self.identity, msgspec.json.encode(_Identity(origin, store)) + b"\n")

    def _is_unfinished(self) -> bool:
        """Say whether nothing is here but what `create` left when it was cut off."""
        drafts = (
            self.events.name + DRAFT,
            self.identity.name + DRAFT,
            f"{self.high_water.name}.",
        )
        left = {"keys", "keyring", self.address.name}
        if HighWaterMark(self.high_water).mark == NOTHING:
            left.add(self.high_water.name)
        others = [
            entry.name
            for entry in self.path.iterdir()
            if entry.name not in left and not entry.name.startswith(drafts)
        ]
        if not others:
            return True
        if not all(name.startswith(self.events.name) for name in others):
            return False
        if self.signs is None and not self.service_key.exists():
            return False
        recorder = SqliteRecorder(self.events, "", self.service_signer())
        try:
            return recorder.max_notification_id() is None
        finally:
            recorder.close()

    def _lay_out_database(self, database: Database) -> None:
        lay_out_log(database)
        recorder = PostgresRecorder(database, "", self.service_signer())
        try:
            if recorder.max_notification_id() is not None:
                raise DatabaseTaken(database.schema)
        finally:
            recorder.close()

    def migrate(self) -> None:
        """Bring the tables of a PostgreSQL database to this version's; a file has them anyway.

        Raises:
            HomeMissing: There is no ledger here.
        """
        self.origin()
        if self.database is not None:
            lay_out_log(self.database)

    def _lay_out_log(self) -> None:
        """Make the log's tables: whoever verifies finds an empty log, never half of one."""
        if self.events.exists():
            return
        draft = self.events.with_name(self.events.name + DRAFT)
        for leftover in self.path.glob(f"{draft.name}*"):
            leftover.unlink()
        SqliteRecorder(draft, "", self.service_signer()).close()
        draft.chmod(OWNER_ONLY_FILE)
        draft.rename(self.events)

    def origin(self) -> str:
        if not self.exists():
            raise HomeMissing(self.path)
        return self._identity().origin

    def _identity(self) -> _Identity:
        try:
            return msgspec.json.decode(self.identity.read_bytes(), type=_Identity)
        except msgspec.MsgspecError:
            raise HomeUnreadable(self.identity) from None

    @property
    def service_key(self) -> Path:
        return self.keys / "service.key"

    @property
    def next_service_key(self) -> Path:
        """The key that is being rotated to; there while a rotation is under way."""
        return self.keys / "service.next.key"

    @property
    def founding(self) -> Path:
        """The id of the key that founded the log, by which everything in it is checked."""
        return self.keys / "founding.id"

    def founding_key_id(self) -> str:
        """Return the id of the key that founded the log, as it was when the folder was made.

        Raises:
            HomeKeyMissing: Nothing in the folder says it.
        """
        if self.founding.exists():
            return self.founding.read_text(errors="replace").strip()
        return self.service_signer().public_key.key_id

    def service_signer(self) -> ServiceSigner:
        """Return who signs for the ledger.

        Raises:
            HomeKeyMissing: There is no such file.
            ServiceKeyUnreadable: The file holds no private key.
        """
        if self.signs is not None:
            return self.signs()
        return service_signer(_key_text(self.service_key), self.service_key.name)

    def note_key(self) -> NoteKey:
        """Return the key that outsiders check checkpoints with."""
        return NoteKey(self.origin(), self.service_signer().public_key)

    def open(self, recorded_at: str, today: date) -> Ledger:
        """Open the ledger; its first event, the service key, is written when there is none.

        Raises:
            HomeMissing: There is no ledger here.
            HomeUnreadable, HomeKeyMissing, ServiceKeyUnreadable: Its name or a key is damaged, or
                gone.
        """
        origin, signer = self.origin(), self.service_signer()
        os.umask(0o077)  # what SQLite adds beside its files is the owner's alone too
        # What is opened in vain is closed: whoever waits for the database tries again and again.
        with ExitStack() as opening:
            opening.callback(signer.close)
            vault = Vault(self.vault, self._key("master"), self._key("index"))
            opening.callback(vault.close)
            recorder = self.recorder()
            opening.callback(recorder.close)
            ledger = Ledger(origin=origin, recorder=recorder, signer=signer, vault=vault)
            for file in (self.events, self.vault):
                if file.exists():
                    file.chmod(OWNER_ONLY_FILE)
            if ledger.size() == 0:
                _found(ledger, signer, CommandAct(OPERATOR, today, recorded_at))
            _require_in_force(ledger, signer)
            opening.pop_all()
        return ledger

    def recorder(self) -> LogRecorder:
        """Return what writes and reads the log.

        Raises:
            LogMissing, LogNotBegun, LogShorter, LogReplaced: It is not the log that was here
                before.
        """
        recorder = self._recorder()
        try:
            recorder.go_on_from(HighWaterMark(self.high_water))
        except BaseException:
            recorder.close()
            raise
        return recorder

    def accept_loss(self, size: int) -> range | None:
        """Go on from a log that is shorter than it was, or another; return what is missing.

        Or from one of which nobody knows what it was, since the mark is damaged.

        What was made from the lost entries goes: verdicts and read models are made anew.

        Args:
            size: How many entries the log holds, so that nobody accepts what they did not look at.

        Returns:
            The positions that it held and holds no more; an empty range, where it holds others;
            None, where the mark was damaged, and nobody knows.

        Raises:
            LossUnlike: The log is of another size, or empty, or what it was.
        """
        recorder = self._recorder()
        try:
            held, mark = recorder.size(), self._mark()
            known = held if mark is None else mark.size
            if not held or held != size or not (mark is None or _is_another(mark, recorder)):
                raise LossUnlike(held, known)
            put_mark(self.high_water, Mark(held, recorder.root_at(held).hex()))
        finally:
            recorder.close()
        for made in (self.verdicts, self.read_models):
            delete_database(made)
        return None if mark is None else range(held, max(held, known))

    def _mark(self) -> Mark | None:
        """Return how far the log had gone; None where what says so is damaged."""
        try:
            return HighWaterMark(self.high_water).mark
        except MarkUnreadable:
            return None

    def _recorder(self) -> LogRecorder:
        origin, signer, database = self.origin(), self.service_signer(), self.database
        if database is None:
            return SqliteRecorder(self.events, origin, signer)
        return PostgresRecorder(database, origin, signer)

    def derived_key(self, purpose: str) -> bytes:
        """Return 32 bytes that follow from the master key, and tell nothing of it.

        Args:
            purpose: What they are for; another purpose has another key.

        Source: RFC 5869, with SHA-256 and no salt.
        """
        expanded = HKDF(SHA256(), KEY_BYTES, None, f"nuanzhang {purpose}".encode())
        return expanded.derive(self._key("master"))

    def _key(self, name: str) -> bytes:
        path = self.keys / f"{name}.key"
        try:
            key = bytes.fromhex(_key_text(path).strip())
        except ValueError:
            raise HomeUnreadable(path) from None
        if len(key) != KEY_BYTES:
            raise HomeUnreadable(path)
        return key


def _key_text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        raise HomeKeyMissing(path) from None


def _is_another(mark: Mark, recorder: LogRecorder) -> bool:
    size = recorder.size()
    try:
        require_goes_on(mark, size, lambda: recorder.root_at(size), recorder.subtree_hash)
    except (LogShorter, LogReplaced):
        return True
    return False


def _require_in_force(ledger: Ledger, signer: ServiceSigner) -> None:
    """Check that the ledger knows the key that is to sign for it: another would break the log."""
    key_id = signer.public_key.key_id
    key = ledger.load(ServiceKey, service_key_id(key_id))
    if key is None:
        raise ServiceKeyForeign(key_id)
    key.require_in_force()


def _found(ledger: Ledger, signer: ServiceSigner, act: CommandAct) -> None:
    key = signer.public_key

    def decide(work: Work) -> None:
        if ledger.size() == 0:
            work.save(
                ServiceKey.register(
                    act,
                    key_id=key.key_id,
                    algorithm=key.algorithm.value,
                    public_key=base64_text(key.raw),
                ),
                KeyClaim.claim(act, key_id=key.key_id, owner=SERVICE),
            )

    ledger.perform(act, "ledger.found", None, decide)


def write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for its owner alone; keep the one that is there."""
    if path.exists():
        return
    draft = path.with_name(path.name + DRAFT)
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
