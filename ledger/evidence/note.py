"""Signed notes: a text, and lines under it by keys that are known by name and key hash."""

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.keys import RAW_BYTES, Algorithm, PublicKey

NOTE_TYPES = {
    Algorithm.ED25519: b"\x01",
    Algorithm.SM2_SM3: b"\xffnuanzhang sm2-sm3\n",
    Algorithm.ML_DSA_44: b"\xffnuanzhang ml-dsa-44\n",
    Algorithm.ML_DSA_65: b"\xffnuanzhang ml-dsa-65\n",
}
"""Signature types of a signed note; an algorithm without one cannot sign checkpoints.

No byte is assigned to those but the first, so they begin with ff and a longer name (signed-note,
"Signature types"). They sign the text as Ed25519 does. The ML-DSA-44 type 06 is for cosignatures:
it leaves out all but origin, size and root, and asks for a time.
"""

KEY_HASH_BYTES = 4
LINES_MAX = 100

_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


class NoteBroken(LedgerError):
    """The note is malformed, or a signature in it does not hold."""

    code = "evidence.note_broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"signed note: {cause}")


class SignatureLine(NamedTuple):
    """One signature of a note: whose it claims to be, and its bytes after the key hash."""

    name: str
    key_hash: bytes
    signature: bytes

    def text(self) -> str:
        """Write the line, its line feed included."""
        return f"— {self.name} {base64_text(self.key_hash + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A key that signs notes, and the name it signs under."""

    name: str
    public_key: PublicKey

    @property
    def key_hash(self) -> bytes:
        return key_hash(self.name, NOTE_TYPES[self.public_key.algorithm], self.public_key.raw)

    def vkey(self) -> str:
        """Write the key as Go's note package and witnesses take it.

        Source: C2SP signed-note, "Verifier keys".
        """
        key = self.public_key
        return verifier_key(self.name, NOTE_TYPES[key.algorithm], key.raw)

    @classmethod
    def from_vkey(cls, text: str) -> "NoteKey":
        """Read what `vkey` wrote.

        Raises:
            NoteBroken: Not a verifier key of an algorithm known here, or its hash differs.
        """
        name, typed = split_verifier_key(text)
        for algorithm, kind in NOTE_TYPES.items():
            if typed.startswith(kind) and len(typed) == len(kind) + RAW_BYTES[algorithm]:
                return cls(name, PublicKey(algorithm, typed[len(kind) :]))
        raise NoteBroken("verifier key of another algorithm or length")


def split_note(note: str) -> tuple[str, list[SignatureLine]]:
    """Take a note apart, strictly; nothing is verified.

    Returns:
        The text that is signed, its last line feed included, and the signature lines.

    Raises:
        NoteBroken: It is not written in its one form.

    Source: C2SP signed-note, "Format".
    """
    body, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or len(lines) < 2 or lines.pop() or len(lines) > LINES_MAX:  # noqa: PLR2004
        raise NoteBroken("no text followed by signatures")
    if _FORBIDDEN.search(note):
        raise NoteBroken("control characters or lone surrogates")
    return body + "\n", [_signature(line) for line in lines]


def verifier_key(name: str, signature_type: bytes, raw: bytes) -> str:
    """Write a verifier key: name, key hash in hex, base64 of type and key."""
    encoded = base64_text(signature_type + raw)
    return f"{name}+{key_hash(name, signature_type, raw).hex()}+{encoded}"


def split_verifier_key(text: str) -> tuple[str, bytes]:
    """Return the name, and the signature type followed by the raw key.

    Raises:
        NoteBroken: It cannot be read, or its hash is not that of its key.
    """
    try:
        name, _, encoded = text.split("+", 2)
        typed = b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise NoteBroken("verifier key cannot be read") from None
    if verifier_key(name, b"", typed) != text:
        raise NoteBroken("verifier key does not agree with its hash")
    return name, typed


@lru_cache(maxsize=256)
def key_hash(name: str, signature_type: bytes, raw: bytes) -> bytes:
    """Return the four bytes that tell keys of one name apart.

    Raises:
        NoteBroken: The name cannot stand in a signature line.

    Source: C2SP signed-note, "Signatures": SHA-256 of name, newline, type and key.
    """
    if not is_name(name):
        raise NoteBroken("a key's name has neither spaces nor plus signs")
    return sha256(name.encode() + b"\n" + signature_type + raw).digest()[:KEY_HASH_BYTES]


def is_name(name: str) -> bool:
    """Say whether a key may be called so."""
    return is_line(name) and "+" not in name and not any(char.isspace() for char in name)


def is_line(text: str) -> bool:
    """Say whether a text may stand as one line of a note."""
    return bool(text) and "\n" not in text and not _FORBIDDEN.search(text)


def _signature(line: str) -> SignatureLine:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        raw = b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise NoteBroken("a signature line cannot be read") from None
    if dash != "—" or not is_name(name) or len(raw) <= KEY_HASH_BYTES:
        raise NoteBroken("a signature line cannot be read")
    if base64_text(raw) != encoded:
        raise NoteBroken("a signature line is not written in its one form")
    return SignatureLine(name, raw[:KEY_HASH_BYTES], raw[KEY_HASH_BYTES:])
