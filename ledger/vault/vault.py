"""Seals personal data, opens it, forgets it; names people without naming them."""

import os
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from ledger.errors import Kind, LedgerError
from ledger.vault.keys import NONCE_BYTES, PersonErased, PersonKeys, context
from ledger.vault.prints import SealedPrint

KEY_BYTES = 32
"""Length of the master key and of the index key."""

SALT_BYTES = 32


PRINT = "signature print"
BAND_BYTES = 8


class Print(NamedTuple):
    """What a signature is compared by: of which picture (SHA-256), that stands for which payment.

    `kind` says what was made of it, and how: prints of different kinds are not compared.
    """

    subject: UUID
    payment: UUID
    image: str
    kind: str
    content: bytes


class _Plain(msgspec.Struct):
    fields: dict[str, str]
    salt: str


class SealBroken(LedgerError):
    """The sealed data was altered, or belongs to another person or purpose."""

    code = "vault.seal_broken"
    kind = Kind.BROKEN

    def __init__(self, subject: UUID) -> None:
        super().__init__(f"sealed data of person {subject} does not open")


class Vault:
    """What is sealed stands in the ledger's events; the keys stand here, in a file of their own."""

    def __init__(self, path: Path, master_key: bytes, index_key: bytes) -> None:
        """Open the vault, or make it.

        Raises:
            MasterKeyWrong, IndexKeyWrong: The file was made with another key.
            VaultUnreadable: The file is no vault, or is damaged.
        """
        self._path = path
        self._index_key = index_key
        self._begun: dict[tuple[str, str], HMAC] = {}
        self._keys = PersonKeys(path, master_key)
        try:
            self._keys.require_index(self._digest("check", "index", ""))
        except BaseException:
            self._keys.close()
            raise

    @property
    def folder(self) -> Path:
        """Where the ledger keeps what only its owner may read."""
        return self._path.parent

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

    def veil(self, kind: str, value: str, note: bytes) -> bytes:
        """Cover a few bytes beside a blind index, or uncover them: both are the same.

        Each `kind` and value is to cover one note: two under the same would tell how they differ.
        """
        cover = self._digest("veil", kind, value)
        return bytes(each ^ over for each, over in zip(note, cover, strict=False))

    # Sealing.

    def note(self, subject: UUID, values: Iterable[tuple[str, str]]) -> None:
        """Have a person found by values that are not kept: blind indexes, gone with their key.

        Args:
            subject: Whom.
            values: Each the kind of a value and the value.
        """
        self._keys.note(subject, [self._digest("find", kind, value) for kind, value in values])

    def noted(self, kind: str, value: str) -> set[UUID]:
        """Return who is found by a value."""
        return self._keys.noted(self._digest("find", kind, value))

    def findable(self, kind: str, value: str) -> set[UUID]:
        """Return who may be searched for by a value: nobody whose data is restricted."""
        return self._keys.findable(self._digest("find", kind, value))

    def restrict(self, subject: UUID) -> None:
        """Keep a person's data from being read or added to. Safe to repeat."""
        self._keys.restrict(subject)

    def lift(self, subject: UUID) -> None:
        """Let a restricted person's data be used again. Safe to repeat."""
        self._keys.lift(subject)

    def keep_all(self, subjects: Collection[UUID]) -> None:
        """Have the keys of some hundred people at hand whose data is about to be opened."""
        self._keys.keep_all(subjects)

    def at_hand(self, subjects: Collection[UUID]) -> AbstractContextManager[None]:
        """Have the keys of some hundred people at hand, as they are now, while they are needed."""
        return self._keys.at_hand(subjects)

    def seal(self, subject: UUID, purpose: str, fields: Mapping[str, str]) -> tuple[str, str]:
        """Seal fields under the person's data key, which is made when there is none.

        Returns the ciphertext (base64) and a commitment, the SHA-256 of the salted plaintext (hex).

        Raises:
            PersonErased: The person's key was destroyed; nothing is sealed for them again.
        """
        salt = b64encode(os.urandom(SALT_BYTES)).decode()
        plain = msgspec.json.encode({"fields": dict(fields), "salt": salt}, order="deterministic")
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._keys.find_or_make(subject).encrypt(
            nonce, plain, context(subject, purpose)
        )
        return b64encode(sealed).decode(), sha256(plain).hexdigest()

    def open(self, subject: UUID, purpose: str, ciphertext: str, commitment: str) -> dict[str, str]:
        """Return the fields that were sealed.

        Raises:
            PersonErased: The person's key was destroyed.
            SealBroken: Altered, or sealed for another person or purpose.
        """
        return self.open_whole(subject, purpose, ciphertext, commitment)[0]

    def open_whole(
        self, subject: UUID, purpose: str, ciphertext: str, commitment: str
    ) -> tuple[dict[str, str], str]:
        """Return the fields that were sealed and the salt: with both, the commitment is checked.

        Raises:
            PersonErased, SealBroken: As `open` does.
        """
        key = self._keys.find(subject)
        if key is None:
            raise SealBroken(subject)
        try:
            sealed = b64decode(ciphertext, validate=True)
            plain = key.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context(subject, purpose)
            )
        except (InvalidTag, ValueError):
            raise SealBroken(subject) from None
        if sha256(plain).hexdigest() != commitment:
            raise SealBroken(subject)
        whole = msgspec.json.decode(plain, type=_Plain)
        return whole.fields, whole.salt

    # Prints of signatures.

    def keep_print(self, made: Print, bands: Sequence[str]) -> None:
        """Keep what a signature is compared by until its person is erased, from `flush` on.

        Raises:
            PersonErased: The person's key was destroyed, or may not be used.
        """
        nonce = os.urandom(NONCE_BYTES)
        image = bytes.fromhex(made.image)
        sealed = nonce + self._keys.find_or_make(made.subject).encrypt(
            nonce, made.content, _print_context(made.subject, made.payment, made.kind)
        )
        kept = SealedPrint(made.subject, made.payment, image, made.kind, sealed)
        with self._keys.lock:
            self._keys.prints.add(kept, [self._band(made.kind, each) for each in bands])

    def has_print(self, payment: UUID, image: str, kind: str) -> bool:
        with self._keys.lock:
            return self._keys.prints.has(payment, bytes.fromhex(image), kind)

    def prints_sharing(self, kind: str, bands: Sequence[str]) -> list[Print]:
        """Return prints that share bands: those that share the most first, and not too many.

        People who were erased or restricted are left out.
        """
        with self._keys.lock:
            found = self._keys.prints.sharing(kind, [self._band(kind, each) for each in bands])
        prints = []
        for each in found:
            try:
                content = self._opened(each)
            except PersonErased:
                continue
            prints.append(Print(each.subject, each.payment, each.image.hex(), kind, content))
        return prints

    def _opened(self, kept: SealedPrint) -> bytes:
        key = self._keys.find(kept.subject)
        if key is None:
            raise SealBroken(kept.subject)
        nonce, sealed = kept.sealed[:NONCE_BYTES], kept.sealed[NONCE_BYTES:]
        try:
            return key.decrypt(nonce, sealed, _print_context(kept.subject, kept.payment, kept.kind))
        except InvalidTag:
            raise SealBroken(kept.subject) from None

    def _band(self, kind: str, band: str) -> int:
        digest = self._digest("band", kind, band)[:BAND_BYTES]
        return int.from_bytes(digest, "big", signed=True)

    # Keys.

    def flush(self) -> None:
        """Make new keys durable; before the events that need them are stored.

        Raises:
            KeyMadeElsewhere: Another process has a key of one of these people, or destroyed it.
        """
        self._keys.flush()

    def discard_new(self) -> None:
        """Forget keys made since the last `flush`: what they sealed was not stored."""
        self._keys.discard_new()

    def forget(self, subject: UUID) -> bool:
        """Destroy a person's key for good; return whether there was one. Safe to repeat.

        Raises:
            KeyStillReadable: The key is gone from the vault, but not from its write-ahead log yet.
        """
        return self._keys.forget(subject)

    def close(self) -> None:
        self._keys.close()

    def __repr__(self) -> str:
        return f"Vault({self._path.name})"

    def _digest(self, purpose: str, kind: str, value: str) -> bytes:
        # Each part with its length, so that no two lists of parts give the same bytes.
        begun = self._begun.get((purpose, kind))
        if begun is None:
            begun = HMAC(self._index_key, SHA256())
            begun.update(_part(purpose) + _part(kind))
            self._begun[purpose, kind] = begun
        # Copied in half the time that the standard library takes.
        digest = begun.copy()
        digest.update(_part(value))
        return digest.finalize()


def _print_context(subject: UUID, payment: UUID, kind: str) -> bytes:
    return context(subject, f"{PRINT} {kind} {payment}")


def _part(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return b"%d:%b" % (len(raw), raw)
