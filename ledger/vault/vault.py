"""Seals personal data, opens it, forgets it: a data key for each person, under one master key."""

import hmac
import os
import sqlite3
import threading
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import Kind, LedgerError

SCHEMA = """
CREATE TABLE IF NOT EXISTS person_keys (
    subject BLOB PRIMARY KEY,
    wrapped BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS master_check (id INTEGER PRIMARY KEY CHECK (id = 0), wrapped BLOB);
"""

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 32
KEYS_KEPT = 50_000

_CHECK = UUID(int=0)


class PersonErased(LedgerError):
    """The person's data key was destroyed; what was sealed under it cannot be read any more."""

    code = "vault.person_erased"
    kind = Kind.CONFLICT

    def __init__(self, subject: UUID) -> None:
        super().__init__(f"the data key of person {subject} was destroyed")


class SealBroken(LedgerError):
    """The sealed data was altered, or belongs to another person or purpose."""

    code = "vault.seal_broken"
    kind = Kind.BROKEN

    def __init__(self, subject: UUID) -> None:
        super().__init__(f"sealed data of person {subject} does not open")


class MasterKeyWrong(LedgerError):
    """The master key is not the one that this vault was made with."""

    code = "vault.master_key_wrong"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("the master key does not open this vault")


class Vault:
    """Holds wrapped data keys in a file of its own; the ledger's events hold ciphertext only.

    New keys stay in memory until `flush`, which comes before the events that need them are stored.
    """

    def __init__(self, path: Path, master_key: bytes, index_key: bytes) -> None:
        """Open the vault, or make it.

        Raises:
            MasterKeyWrong: The file was made with another master key.
        """
        self._path = path
        self._master = AESGCM(master_key)
        self._index_key = index_key
        self._lock = threading.RLock()
        self._new: dict[UUID, bytes] = {}
        self._kept: OrderedDict[UUID, AESGCM] = OrderedDict()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL").close()
        self._connection.execute("PRAGMA synchronous = FULL")
        # A destroyed key is overwritten in the file, not only unlinked from it.
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.executescript(SCHEMA)
        self._check_master()

    # Names for people and values that tell nothing without the index key.

    def subject_id(self, kind: str, value: str) -> UUID:
        """Return the id of the person with this `kind` of number; keyed, so not to be guessed."""
        raw = bytearray(self._digest("subject", kind, value)[:16])
        # Version 8, a vendor's own: RFC 9562, section 5.8.
        raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80
        return UUID(bytes=bytes(raw))

    def index(self, kind: str, value: str) -> str:
        """Return a blind index: equal values give equal text, which tells nothing else."""
        return self._digest("index", kind, value).hex()

    # Sealing.

    def seal(self, subject: UUID, purpose: str, fields: Mapping[str, str]) -> tuple[str, str]:
        """Seal fields under the person's data key, which is made when there is none.

        Returns the ciphertext (base64) and a commitment, the SHA-256 of the salted plaintext (hex).

        Raises:
            PersonErased: The person's key was destroyed; nothing is sealed for them again.
        """
        salt = b64encode(os.urandom(SALT_BYTES)).decode()
        plain = msgspec.json.encode({"fields": dict(fields), "salt": salt}, order="deterministic")
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._key(subject).encrypt(nonce, plain, _context(subject, purpose))
        return b64encode(sealed).decode(), sha256(plain).hexdigest()

    def open(self, subject: UUID, purpose: str, ciphertext: str, commitment: str) -> dict[str, str]:
        """Return the fields that were sealed.

        Raises:
            PersonErased: The person's key was destroyed.
            SealBroken: Altered, or sealed for another person or purpose.
        """
        try:
            sealed = b64decode(ciphertext, validate=True)
            plain = self._key(subject, make=False).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _context(subject, purpose)
            )
        except (InvalidTag, ValueError):
            raise SealBroken(subject) from None
        if sha256(plain).hexdigest() != commitment:
            raise SealBroken(subject)
        fields: dict[str, str] = msgspec.json.decode(plain)["fields"]
        return fields

    def flush(self) -> None:
        """Make new keys durable."""
        with self._lock:
            if not self._new:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR IGNORE INTO person_keys VALUES (?, ?)",
                [(subject.bytes, wrapped) for subject, wrapped in self._new.items()],
            )
            self._connection.execute("COMMIT")
            self._new.clear()

    def discard_new(self) -> None:
        """Forget keys made since the last `flush`: what they sealed was not stored."""
        with self._lock:
            for subject in self._new:
                self._kept.pop(subject, None)
            self._new.clear()

    def forget(self, subject: UUID) -> bool:
        """Destroy a person's key for good; return whether there was one.

        The row stays, empty, so that nothing is sealed for this person again.
        """
        with self._lock:
            self.discard_new()
            self._kept.pop(subject, None)
            had = self._wrapped(subject)
            self._connection.execute("REPLACE INTO person_keys VALUES (?, NULL)", (subject.bytes,))
            # The write-ahead log still holds the page with the key: fold it in and empty it.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            return had is not None and had[0] is not None

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def __repr__(self) -> str:
        return f"Vault({self._path.name})"

    def _key(self, subject: UUID, *, make: bool = True) -> AESGCM:
        with self._lock:
            kept = self._kept.get(subject)
            if kept is not None:
                return kept
            row = self._wrapped(subject)
            if row is None:
                if not make:
                    raise SealBroken(subject)
                raw = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
                self._new[subject] = self._wrap(subject, raw)
            elif row[0] is None:
                raise PersonErased(subject)
            else:
                raw = self._unwrap(subject, row[0])
            key = self._kept[subject] = AESGCM(raw)
            if len(self._kept) > KEYS_KEPT:
                self._drop_oldest()
            return key

    def _drop_oldest(self) -> None:
        for subject in self._kept:
            if subject not in self._new:
                del self._kept[subject]
                return

    def _wrapped(self, subject: UUID) -> tuple[bytes | None] | None:
        row: tuple[bytes | None] | None = self._connection.execute(
            "SELECT wrapped FROM person_keys WHERE subject = ?", (subject.bytes,)
        ).fetchone()
        return row

    def _wrap(self, subject: UUID, raw: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, raw, _context(subject, "data key"))

    def _unwrap(self, subject: UUID, wrapped: bytes) -> bytes:
        try:
            return self._master.decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _context(subject, "data key")
            )
        except InvalidTag:
            raise MasterKeyWrong from None

    def _check_master(self) -> None:
        row = self._connection.execute("SELECT wrapped FROM master_check").fetchone()
        if row is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO master_check VALUES (0, ?)", (self._wrap(_CHECK, b"master"),)
            )
        else:
            self._unwrap(_CHECK, row[0])

    def _digest(self, *named: str) -> bytes:
        # Each part with its length, so that no two lists of parts give the same bytes.
        message = b"".join(b"%d:%b" % (len(part), part) for part in map(_utf8, named))
        return hmac.digest(self._index_key, message, "sha256")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _context(subject: UUID, purpose: str) -> bytes:
    return b"nuanzhang sealed v1\x00" + subject.bytes + purpose.encode()
