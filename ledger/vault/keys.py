"""The data key of each person, wrapped by one master key, in an SQLite file of its own."""

import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.database import BUSY_TIMEOUT_S, Connection, transaction, write_ahead
from ledger.errors import Kind, LedgerError
from ledger.vault.prints import SCHEMA as PRINTS_SCHEMA
from ledger.vault.prints import Prints

SCHEMA = """
CREATE TABLE IF NOT EXISTS person_keys (
    subject BLOB PRIMARY KEY,
    wrapped BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS erased ON person_keys (subject) WHERE wrapped IS NULL;
CREATE TABLE IF NOT EXISTS restricted (subject BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS person_indexes (
    value BLOB NOT NULL,
    subject BLOB NOT NULL,
    PRIMARY KEY (value, subject)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS indexes_by_subject ON person_indexes (subject);
CREATE TABLE IF NOT EXISTS master_check (id INTEGER PRIMARY KEY CHECK (id = 0), wrapped BLOB);
CREATE TABLE IF NOT EXISTS index_check (id INTEGER PRIMARY KEY CHECK (id = 0), digest BLOB);
"""

FOLDING_S = 5
"""How long an erasure waits for those who read the vault."""

DATA_KEY_BITS = 256
NONCE_BYTES = 12
KEYS_KEPT = 5_000
INDEXES_AT_ONCE = 50_000
INDEX_BYTES, SUBJECT_BYTES = 32, 16
NOTE_BYTES = INDEX_BYTES + SUBJECT_BYTES

# In one call of the database, during which other threads go on; in the order of the file, or each
# insertion reads another page.
KEEP_NOTES = f"""WITH RECURSIVE note(at) AS (
    VALUES (0) UNION ALL SELECT at + {NOTE_BYTES} FROM note WHERE at + {NOTE_BYTES} < length(?1)
)
INSERT OR IGNORE INTO person_indexes
SELECT substr(?1, at + 1, {INDEX_BYTES}) AS value,
    substr(?1, at + {INDEX_BYTES} + 1, {SUBJECT_BYTES}) AS subject
FROM note ORDER BY value, subject"""  # noqa: S608 - widths only

FOUND_ERASED = """SELECT subject FROM person_keys AS of WHERE wrapped IS NULL AND (
    EXISTS (SELECT 1 FROM person_indexes WHERE subject = of.subject)
    OR EXISTS (SELECT 1 FROM signature_prints WHERE subject = of.subject)
)"""
"""People whose key was destroyed and who could be found all the same, or compared."""

_CHECK = UUID(int=0)


class _NewKey(NamedTuple):
    """A data key that is not in the file yet, bare and as it will stand there."""

    key: AESGCM
    wrapped: bytes


class PersonErased(LedgerError):
    """The person's data key was destroyed; what was sealed under it cannot be read any more."""

    code = "vault.person_erased"
    kind = Kind.CONFLICT

    def __init__(self, subject: UUID) -> None:
        super().__init__(f"the data key of person {subject} was destroyed")


class PersonRestricted(PersonErased):
    """The data is kept and used for nothing else (个人信息保护法 art. 47) until that is lifted.

    Whoever reads for business meets what they meet after an erasure.
    """

    code = "vault.person_restricted"

    def __init__(self, subject: UUID) -> None:
        LedgerError.__init__(self, f"the personal data of person {subject} is restricted")


class MasterKeyWrong(LedgerError):
    """The master key is not the one that this vault was made with."""

    code = "vault.master_key_wrong"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("the master key does not open this vault")


class IndexKeyWrong(LedgerError):
    """The index key is not the one that this vault was made with: it would name people anew."""

    code = "vault.index_key_wrong"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("the index key is not the one that this vault was made with")


class KeyMadeElsewhere(LedgerError):
    """Another process made or destroyed a key of the same person meanwhile; try again."""

    code = "vault.key_made_elsewhere"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("another process changed the data key of a person named here; try again")


class KeyStillReadable(LedgerError):
    """The key is destroyed, but its old page cannot leave the disk while others read the vault."""

    code = "vault.key_still_on_disk"
    kind = Kind.CONFLICT

    def __init__(self, subject: UUID) -> None:
        super().__init__(
            f"the key page of person {subject} is held by a reader; repeat the erasure"
        )


class VaultUnreadable(LedgerError):
    """The file is no vault, or is damaged."""

    code = "vault.unreadable"
    kind = Kind.BROKEN

    def __init__(self, file: str) -> None:
        super().__init__(f"{file} cannot be read as a vault")


class PersonKeys:
    """Makes, keeps and destroys data keys.

    New keys stay in memory until `flush`, which comes before the events that need them are stored.
    """

    def __init__(self, path: Path, master_key: bytes) -> None:
        """Open the file, or make it.

        Raises:
            MasterKeyWrong: The file was made with another master key.
            VaultUnreadable: The file is no vault, or is damaged.
        """
        self._path = path
        self._master = AESGCM(master_key)
        self._lock = threading.RLock()
        self._new: dict[UUID, _NewKey] = {}
        self._kept: OrderedDict[UUID, AESGCM] = OrderedDict()
        self._seen_version = 0
        self._local = threading.local()
        self._restricted: set[bytes] = set()
        self._new_notes = bytearray()  # each an index and whom it finds
        self._connection = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )
        self.prints = Prints(self._connection)
        try:
            write_ahead(self._connection)
            self._connection.execute("PRAGMA synchronous = FULL")
            # A destroyed key is overwritten in the file, not only unlinked from it.
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.executescript(SCHEMA + PRINTS_SCHEMA)
            self._check_master()
            self._forget_what_was_left()
        except (sqlite3.OperationalError, LedgerError):
            self._connection.close()
            raise  # locked, or no such folder: nothing is wrong with the file
        except sqlite3.DatabaseError:
            self._connection.close()
            raise VaultUnreadable(path.name) from None
        except MasterKeyWrong:
            self._connection.close()
            raise

    def require_index(self, digest: bytes) -> None:
        """Check what the index key makes of a constant; keep it the first time.

        Raises:
            IndexKeyWrong: It was another.
        """
        with self._lock:
            asked = "SELECT digest FROM index_check"
            if self._connection.execute(asked).fetchone() is None:
                kept = "INSERT OR IGNORE INTO index_check VALUES (0, ?)"
                self._connection.execute(kept, (digest,))
            if self._connection.execute(asked).fetchone() != (digest,):
                raise IndexKeyWrong

    def flush(self) -> None:
        """Make new keys durable.

        Raises:
            KeyMadeElsewhere: Another process made or destroyed a key of one of these people. What
                was sealed here must not be stored: its key would be lost.
        """
        with self._lock:
            if not self._new and not self._new_notes and not self.prints.waiting:
                return
            try:
                with transaction(self._connection):
                    self._connection.executemany(
                        "INSERT INTO person_keys VALUES (?, ?)",
                        [(subject.bytes, new.wrapped) for subject, new in self._new.items()],
                    )
                    notes, width = self._new_notes, INDEXES_AT_ONCE * NOTE_BYTES
                    for at in range(0, len(notes), width):
                        self._connection.execute(KEEP_NOTES, (bytes(notes[at : at + width]),))
                    self.prints.write_new()
                    # Somebody may have been erased after they were sealed for here.
                    if notes or self.prints.waiting:
                        self._require_none_erased()
            except (sqlite3.IntegrityError, KeyMadeElsewhere):
                self._clear_new()
                raise KeyMadeElsewhere from None
            for subject, new in self._new.items():
                self._keep(subject, new.key)
            self._clear_new()

    def _require_none_erased(self) -> None:
        if self._connection.execute(FOUND_ERASED).fetchone() is not None:
            raise KeyMadeElsewhere

    def _forget_what_was_left(self) -> None:
        """Take away by what erased people can still be found; earlier versions left some of it."""
        for (subject,) in self._connection.execute(FOUND_ERASED).fetchall():
            self._unlist(UUID(bytes=subject))

    def _unlist(self, subject: UUID) -> None:
        self._connection.execute("DELETE FROM person_indexes WHERE subject = ?", (subject.bytes,))
        self.prints.forget(subject)

    def discard_new(self) -> None:
        """Forget keys made since the last `flush`: what they sealed was not stored."""
        with self._lock:
            self._clear_new()

    def note(self, subject: UUID, values: Iterable[bytes]) -> None:
        """Have a person found by blind indexes, from the next `flush` on until they are erased."""
        finds = subject.bytes
        with self._lock:
            for value in values:
                self._new_notes += value + finds

    def noted(self, value: bytes) -> set[UUID]:
        """Return who is found by a blind index."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT subject FROM person_indexes WHERE value = ?", (value,)
            ).fetchall()
        return {UUID(bytes=row[0]) for row in rows}

    def findable(self, value: bytes) -> set[UUID]:
        """Return who is found by a blind index, without those whose data is restricted."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT subject FROM person_indexes WHERE value = ?"
                " AND subject NOT IN (SELECT subject FROM restricted)",
                (value,),
            ).fetchall()
        return {UUID(bytes=row[0]) for row in rows}

    def restrict(self, subject: UUID) -> None:
        """Keep a person's key from being used until that is lifted. Safe to repeat."""
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO restricted VALUES (?)", (subject.bytes,)
            )
            self._seen_version = -1

    def lift(self, subject: UUID) -> None:
        """Let a restricted person's key be used again. Safe to repeat."""
        with self._lock:
            self._connection.execute("DELETE FROM restricted WHERE subject = ?", (subject.bytes,))
            self._seen_version = -1

    def forget(self, subject: UUID) -> bool:
        """Destroy a person's key for good; return whether there was one.

        The row stays, empty, so that nothing is sealed for this person again. Safe to repeat.

        Raises:
            KeyStillReadable: The key is gone from the vault, but not from its write-ahead log yet.
        """
        with self._lock:
            self._new.pop(subject, None)
            self._kept.pop(subject, None)
            had = self._wrapped(subject)
            self._connection.execute("REPLACE INTO person_keys VALUES (?, NULL)", (subject.bytes,))
            self._unlist(subject)
            # The write-ahead log still holds the page with the key: fold it in and empty it.
            # Who reads may go on for long, and this is safe to repeat: they are waited for less.
            self._connection.execute(f"PRAGMA busy_timeout = {FOLDING_S * 1000}")
            try:
                folded = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
            if folded[0]:
                raise KeyStillReadable(subject)
            return had is not None and had[0] is not None

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def find(self, subject: UUID) -> AESGCM | None:
        """Return a person's key, or None when there never was one.

        Raises:
            PersonErased: There was one, and it was destroyed.
            PersonRestricted: It is kept, and may not be used.
            VaultUnreadable: It was altered in the file.
        """
        with self._lock:
            if not getattr(self._local, "at_hand", False):
                self._drop_kept_if_changed()
            if subject.bytes in self._restricted:
                raise PersonRestricted(subject)
            kept = self._kept.get(subject)
            if kept is not None:
                return kept
            new = self._new.get(subject)
            if new is not None:
                return new.key
            row = self._wrapped(subject)
            if row is None:
                return None
            if row[0] is None:
                raise PersonErased(subject)
            try:
                key = AESGCM(self._unwrap(subject, row[0]))
            except (InvalidTag, ValueError):
                raise VaultUnreadable(self._path.name) from None
            self._keep(subject, key)
            return key

    @contextmanager
    def at_hand(self, subjects: Collection[UUID]) -> Iterator[None]:
        """Have the keys of people at hand, and look no more for what others do meanwhile.

        It holds for this thread, and for as long as some hundred people take.
        """
        self.keep_all(subjects)
        self._local.at_hand = True
        try:
            yield
        finally:
            self._local.at_hand = False

    def keep_all(self, subjects: Collection[UUID]) -> None:
        """Have the keys of people at hand who are about to be asked for one by one.

        Who has none, or must not be read, is found out when they are asked for.
        """
        with self._lock:
            self._drop_kept_if_changed()
            wanted = {each.bytes: each for each in subjects if each not in self._kept}
            rows = self._connection.execute(
                "SELECT subject, wrapped FROM person_keys WHERE wrapped IS NOT NULL"  # noqa: S608 - marks only
                f" AND subject IN ({','.join('?' * len(wanted))})",
                list(wanted),
            )
            for raw, wrapped in rows.fetchall():
                with suppress(InvalidTag, ValueError):
                    subject = wanted[raw]
                    self._keep(subject, AESGCM(self._unwrap(subject, wrapped)))

    def find_or_make(self, subject: UUID) -> AESGCM:
        """Return a person's key, made now if there never was one.

        Raises:
            PersonErased: It was destroyed, and no other is made.
            VaultUnreadable: It was altered in the file.
        """
        with self._lock:
            found = self.find(subject)
            if found is not None:
                return found
            raw = AESGCM.generate_key(bit_length=DATA_KEY_BITS)
            made = self._new[subject] = _NewKey(AESGCM(raw), self._wrap(subject, raw))
            return made.key

    @property
    def lock(self) -> threading.RLock:
        return self._lock

    def _clear_new(self) -> None:
        self._new.clear()
        self._new_notes.clear()
        self.prints.discard_new()

    def _keep(self, subject: UUID, key: AESGCM) -> None:
        self._kept[subject] = key
        if len(self._kept) > KEYS_KEPT:
            self._kept.popitem(last=False)

    def _drop_kept_if_changed(self) -> None:
        """Keep no key that another process may have destroyed: the file tells when one wrote."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._seen_version:
            self._kept.clear()
            self._restricted = {
                row[0] for row in self._connection.execute("SELECT subject FROM restricted")
            }
            self._seen_version = version

    def _wrapped(self, subject: UUID) -> tuple[bytes | None] | None:
        row: tuple[bytes | None] | None = self._connection.execute(
            "SELECT wrapped FROM person_keys WHERE subject = ?", (subject.bytes,)
        ).fetchone()
        return row

    def _wrap(self, subject: UUID, raw: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, raw, context(subject, "data key"))

    def _unwrap(self, subject: UUID, wrapped: bytes) -> bytes:
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        return self._master.decrypt(nonce, sealed, context(subject, "data key"))

    def _check_master(self) -> None:
        row = self._connection.execute("SELECT wrapped FROM master_check").fetchone()
        if row is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO master_check VALUES (0, ?)", (self._wrap(_CHECK, b"master"),)
            )
            return
        try:
            self._unwrap(_CHECK, row[0])
        except (InvalidTag, ValueError):
            raise MasterKeyWrong from None


def context(subject: UUID, purpose: str) -> bytes:
    """Name what is sealed, so that it opens as nothing else."""
    return b"nuanzhang sealed v1\x00" + subject.bytes + purpose.encode()
