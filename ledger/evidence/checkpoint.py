"""Checkpoints: how many entries the log has and their root, as C2SP signed notes."""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import Algorithm, PublicKey, SignatureBroken, Signer, verify
from ledger.evidence.merkle import HASH_BYTES

NOTE_TYPES = {Algorithm.ED25519: b"\x01"}
"""Signature types of a signed note; an algorithm without one cannot sign checkpoints."""

SIZE_MAX = 2**63 - 1

_KEY_HASH_BYTES = 4
_RAW_KEY_BYTES = 32
_NOTE_LINES_MAX = 100
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


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
        if (
            len(checkpoint.root) != HASH_BYTES
            or not 0 <= checkpoint.size <= SIZE_MAX
            or not body.startswith(checkpoint.body())
        ):
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
        encoded = b64encode(_typed(self.public_key)).decode()
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"

    @classmethod
    def from_vkey(cls, text: str) -> "NoteKey":
        """Read what `vkey` wrote.

        Raises:
            CheckpointBroken: Not a verifier key of an algorithm known here, or its hash differs.
        """
        try:
            name, _, encoded = text.split("+", 2)
            raw = b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise CheckpointBroken("verifier key cannot be read") from None
        if raw[:1] != NOTE_TYPES[Algorithm.ED25519] or len(raw) != 1 + _RAW_KEY_BYTES:
            raise CheckpointBroken("verifier key of another algorithm or length")
        key = cls(name, PublicKey(Algorithm.ED25519, raw[1:]))
        if key.vkey() != text:
            raise CheckpointBroken("verifier key does not agree with its hash")
        return key


def sign_note(checkpoint: Checkpoint, name: str, signer: Signer) -> str:
    """Write and sign a checkpoint.

    Source: C2SP signed-note: text, empty line, `— name base64(key hash, signature)`.
    """
    if not _is_line(checkpoint.origin):
        raise CheckpointBroken("an origin is one line of text")
    body = checkpoint.body()
    signed = _key_hash(name, signer.public_key) + signer.sign(body.encode())
    return f"{body}\n— {name} {b64encode(signed).decode()}\n"


def open_note(note: str, keys: Iterable[NoteKey]) -> Checkpoint:
    """Return the checkpoint that the log's own key signed; signatures by unknown keys are ignored.

    Args:
        note: Text and signatures, as `sign_note` wrote them and witnesses added to them.
        keys: Keys that are known; the log's is the one whose name is the origin.

    Raises:
        CheckpointBroken: Malformed; not signed by a known key of its origin; or a signature that
            claims to be by a known key does not hold.

    Source: C2SP signed-note and tlog-checkpoint.
    """
    body, signatures = _parts(note)
    checkpoint = Checkpoint.from_body(body)
    known = {(key.name, key.key_hash): key.public_key for key in keys}
    vouched = False
    for line in signatures:
        name, key_hash, signature = _signature(line)
        key = known.get((name, key_hash))
        if key is not None:
            try:
                verify(key, body.encode(), signature)
            except SignatureBroken:
                raise CheckpointBroken(f"the signature of {name} does not hold") from None
            # A key may serve two logs under two names: it vouches for the log it is named after.
            vouched = vouched or name == checkpoint.origin
    if not vouched:
        raise CheckpointBroken("no known key of its origin signed it")
    return checkpoint


@lru_cache(maxsize=256)
def _key_hash(name: str, key: PublicKey) -> bytes:
    """Return the four bytes that tell keys of one name apart.

    Source: C2SP signed-note, "Signature types": SHA-256 of name, newline, type and key.
    """
    if not _is_name(name):
        raise CheckpointBroken("a key's name has neither spaces nor plus signs")
    return sha256(name.encode() + b"\n" + _typed(key)).digest()[:_KEY_HASH_BYTES]


def _typed(key: PublicKey) -> bytes:
    return NOTE_TYPES[key.algorithm] + key.raw


def _parts(note: str) -> tuple[str, list[str]]:
    body, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or len(lines) < 2 or lines.pop() or len(lines) > _NOTE_LINES_MAX:  # noqa: PLR2004
        raise CheckpointBroken("no text followed by signatures")
    if _FORBIDDEN.search(note):
        raise CheckpointBroken("control characters or lone surrogates")
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
    return _is_line(name) and "+" not in name and not any(char.isspace() for char in name)


def _is_line(text: str) -> bool:
    return bool(text) and "\n" not in text and not _FORBIDDEN.search(text)
