"""Checkpoints: how many entries the log has and their root, as C2SP signed notes."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import Algorithm, PublicKey, SignatureBroken, Signer, verify
from ledger.evidence.merkle import HASH_BYTES

ED25519_NOTE = b"\x01"
"""Signature type of Ed25519 in a signed note."""

_KEY_HASH_BYTES = 4
_NOTE_LINES_MAX = 100


class CheckpointBroken(LedgerError):
    """The note is malformed, or no key that is known signed it."""

    code = "evidence.checkpoint_broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"checkpoint: {cause}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log called `origin` has `size` entries, whose Merkle root is `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """Write the text that is signed.

        Source: C2SP tlog-checkpoint: origin, size and root, a line each.
        """
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def from_body(cls, body: str) -> "Checkpoint":
        """Read a note's text; extension lines after the third are allowed and ignored.

        Raises:
            CheckpointBroken: It does not say origin, size and root in their one form.
        """
        lines = body.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):  # noqa: PLR2004
            raise CheckpointBroken("the text is not of three lines or more")
        try:
            checkpoint = cls(lines[0], int(lines[1]), b64decode(lines[2], validate=True))
        except (ValueError, binascii.Error):
            raise CheckpointBroken("size or root cannot be read") from None
        if len(checkpoint.root) != HASH_BYTES or not body.startswith(checkpoint.body()):
            raise CheckpointBroken("size or root is not written in its one form")
        return checkpoint


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A key that signs notes, and the name it signs under."""

    name: str
    public_key: PublicKey

    @property
    def key_hash(self) -> bytes:
        return _key_hash(self.name, self.public_key)

    def vkey(self) -> str:
        """Write the key as Go's note package and witnesses take it.

        Source: C2SP signed-note, "Verifier keys".
        """
        encoded = b64encode(ED25519_NOTE + self.public_key.raw).decode()
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"

    @classmethod
    def from_vkey(cls, text: str) -> "NoteKey":
        try:
            name, key_hash, encoded = text.split("+", 2)
            raw = b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise CheckpointBroken("verifier key cannot be read") from None
        key = cls(name, PublicKey(Algorithm.ED25519, raw[1:]))
        if raw[:1] != ED25519_NOTE or key.key_hash.hex() != key_hash or not _is_name(name):
            raise CheckpointBroken("verifier key does not agree with its hash")
        return key


def sign_note(checkpoint: Checkpoint, name: str, signer: Signer) -> str:
    """Write and sign a checkpoint.

    Source: C2SP signed-note: text, empty line, `— name base64(key hash, signature)`.
    """
    body = checkpoint.body()
    signed = _key_hash(name, signer.public_key) + signer.sign(body.encode())
    return f"{body}\n— {name} {b64encode(signed).decode()}\n"


def open_note(note: str, keys: Iterable[NoteKey]) -> Checkpoint:
    """Return the checkpoint that at least one of the keys signed; other signatures are ignored.

    Raises:
        CheckpointBroken: Malformed; signed by none of the keys; or a signature that claims to be
            by one of them does not hold.
    """
    body, signatures = _parts(note)
    known = {(key.name, key.key_hash): key.public_key for key in keys}
    found = False
    for line in signatures:
        name, key_hash, signature = _signature(line)
        key = known.get((name, key_hash))
        if key is not None:
            try:
                verify(key, body.encode(), signature)
            except SignatureBroken:
                raise CheckpointBroken(f"the signature of {name} does not hold") from None
            found = True
    if not found:
        raise CheckpointBroken("no known key signed it")
    return Checkpoint.from_body(body)


@lru_cache(maxsize=256)
def _key_hash(name: str, key: PublicKey) -> bytes:
    """Return the four bytes that tell keys of one name apart.

    Source: C2SP signed-note, "Signature types": SHA-256 of name, newline, type and key.
    """
    return sha256(name.encode() + b"\n" + ED25519_NOTE + key.raw).digest()[:_KEY_HASH_BYTES]


def _parts(note: str) -> tuple[str, list[str]]:
    body, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or len(lines) < 2 or lines.pop() or len(lines) > _NOTE_LINES_MAX:  # noqa: PLR2004
        raise CheckpointBroken("no text followed by signatures")
    if any(ord(char) < 0x20 and char != "\n" for char in note):  # noqa: PLR2004
        raise CheckpointBroken("control characters")
    return body + "\n", lines


def _signature(line: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        raw = b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise CheckpointBroken("a signature line cannot be read") from None
    if dash != "—" or not _is_name(name) or len(raw) <= _KEY_HASH_BYTES:
        raise CheckpointBroken("a signature line cannot be read")
    if b64encode(raw).decode() != encoded:
        raise CheckpointBroken("a signature line is not written in its one form")
    return name, raw[:_KEY_HASH_BYTES], raw[_KEY_HASH_BYTES:]


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(char.isspace() for char in name)
