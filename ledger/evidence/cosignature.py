"""Cosignatures: what witnesses put under a checkpoint, and how many of them are enough.

Source: C2SP tlog-cosignature, version 1: Ed25519 (type 0x04) and ML-DSA-44 (type 0x06).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
)

from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.keys import (
    Algorithm,
    Ed25519Signer,
    PublicKey,
    SignatureBroken,
    verify,
)
from ledger.evidence.note import (
    NoteBroken,
    SignatureLine,
    key_hash,
    split_note,
    split_verifier_key,
    verifier_key,
)

TIME_BYTES = 8
TIME_MAX = 2**63 - 1


class CosignatureBroken(NoteBroken):
    """A line that claims to be by a known witness does not hold."""

    code = "evidence.cosignature_broken"


class QuorumMissing(LedgerError):
    """Fewer witnesses than agreed cosigned the checkpoint."""

    code = "evidence.quorum_missing"
    kind = Kind.BROKEN

    def __init__(self, needed: int, found: int) -> None:
        super().__init__(f"{needed} witnesses have to cosign, {found} did")


class CosignatureType(Enum):
    """What a witness signs with; the value is the signature type of a note."""

    ED25519 = b"\x04"
    ML_DSA_44 = b"\x06"


_RAW_BYTES = {CosignatureType.ED25519: 32, CosignatureType.ML_DSA_44: 1312}


@dataclass(frozen=True, slots=True)
class CosignatureKey:
    """A witness's name and public key."""

    name: str
    type: CosignatureType
    raw: bytes

    @property
    def key_hash(self) -> bytes:
        return key_hash(self.name, self.type.value, self.raw)

    def vkey(self) -> str:
        """Write the key as a verifier key (C2SP signed-note)."""
        return verifier_key(self.name, self.type.value, self.raw)

    @classmethod
    def from_vkey(cls, text: str) -> "CosignatureKey":
        """Read a verifier key of a witness.

        Raises:
            NoteBroken: It is none, or not of a witness.
        """
        name, typed = split_verifier_key(text)
        for kind, length in _RAW_BYTES.items():
            if typed[:1] == kind.value and len(typed) == 1 + length:
                return cls(name, kind, typed[1:])
        raise NoteBroken("verifier key of another kind than a witness's")


class Cosigner(Protocol):
    """Whoever holds a witness's private key."""

    @property
    def key(self) -> CosignatureKey: ...

    def sign(self, message: bytes) -> bytes: ...


class Ed25519Cosigner:
    """Cosigns with Ed25519, which signs the whole text of the checkpoint."""

    def __init__(self, name: str, signer: Ed25519Signer) -> None:
        self._signer = signer
        self.key = CosignatureKey(name, CosignatureType.ED25519, signer.public_key.raw)

    def sign(self, message: bytes) -> bytes:
        return self._signer.sign(message)


class MlDsaCosigner:
    """Cosigns with ML-DSA-44, which no quantum computer is known to break (FIPS 204)."""

    def __init__(self, name: str, private_key: MLDSA44PrivateKey) -> None:
        self._private_key = private_key
        raw = private_key.public_key().public_bytes_raw()
        self.key = CosignatureKey(name, CosignatureType.ML_DSA_44, raw)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "MlDsaCosigner":
        """Take the 32-byte seed of FIPS 204, algorithm 1."""
        return cls(name, MLDSA44PrivateKey.from_seed_bytes(seed))

    def sign(self, message: bytes) -> bytes:
        return self._private_key.sign(message)


def cosign(body: str, cosigner: Cosigner, time_s: int) -> SignatureLine:
    """Cosign a checkpoint; whoever calls this has checked that it is consistent.

    Args:
        body: The checkpoint's text, its last line feed included.
        cosigner: The witness.
        time_s: Now, in seconds since 1970; above zero.

    Source: C2SP tlog-cosignature, "Format".
    """
    if not 0 < time_s <= TIME_MAX:
        raise CosignatureBroken("a time that cannot be written")
    message = _message(cosigner.key, body, time_s)
    signature = time_s.to_bytes(TIME_BYTES) + cosigner.sign(message)
    return SignatureLine(cosigner.key.name, cosigner.key.key_hash, signature)


def verify_cosignature(key: CosignatureKey, body: str, line: SignatureLine) -> int:
    """Check a cosignature; return when it was made, in seconds since 1970.

    Raises:
        CosignatureBroken: It is not this witness's under this checkpoint.
    """
    time_s = int.from_bytes(line.signature[:TIME_BYTES])
    if not 0 < time_s <= TIME_MAX:
        raise CosignatureBroken(f"the time of {key.name} is none")
    message, signature = _message(key, body, time_s), line.signature[TIME_BYTES:]
    try:
        if key.type is CosignatureType.ED25519:
            verify(PublicKey(Algorithm.ED25519, key.raw), message, signature)
        else:
            _ml_dsa(key.raw).verify(signature, message)
    except (SignatureBroken, InvalidSignature, ValueError):
        raise CosignatureBroken(f"the cosignature of {key.name} does not hold") from None
    return time_s


def cosignatures(note: str, keys: Iterable[CosignatureKey]) -> Mapping[CosignatureKey, int]:
    """Return which of the known witnesses cosigned a note, and when (seconds since 1970).

    Lines by others are ignored. Where a witness signed twice, the later time counts.

    Raises:
        NoteBroken: The note is malformed; as CosignatureBroken, a line that claims to be by one of
            these keys does not hold, which spoils the whole note (C2SP signed-note).
    """
    body, lines = split_note(note)
    known = {(key.name, key.key_hash): key for key in keys}
    found: dict[CosignatureKey, int] = {}
    for line in lines:
        key = known.get((line.name, line.key_hash))
        if key is not None:
            found[key] = max(verify_cosignature(key, body, line), found.get(key, 0))
    return found


def require_quorum(
    note: str, keys: Sequence[CosignatureKey], needed: int
) -> Mapping[CosignatureKey, int]:
    """Check that enough of the witnesses cosigned; return which, and when.

    A witness counts once, by its name, however many keys it signs with.

    Raises:
        NoteBroken: As `cosignatures` does.
        QuorumMissing: Fewer than `needed` did.
    """
    found = cosignatures(note, keys)
    names = {key.name for key in found}
    if len(names) < needed:
        raise QuorumMissing(needed, len(names))
    return found


def with_lines(note: str, lines: Iterable[SignatureLine]) -> str:
    """Return a note with signature lines added that it has not yet."""
    _, present = split_note(note)
    texts = [line.text() for line in lines if line not in present]
    return note + "".join(dict.fromkeys(texts))


def _message(key: CosignatureKey, body: str, time_s: int) -> bytes:
    if key.type is CosignatureType.ED25519:
        return f"cosignature/v1\ntime {time_s}\n{body}".encode()
    checkpoint = Checkpoint.from_body(body)
    return b"".join(
        (
            b"subtree/v1\n\x00",
            _short(key.name),
            time_s.to_bytes(8),
            _short(checkpoint.origin),
            (0).to_bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _short(text: str) -> bytes:
    """Write a text after its length in one byte, as RFC 8446 has it for `<1..2^8-1>`."""
    raw = text.encode()
    if not 0 < len(raw) < 256:  # noqa: PLR2004 - what one byte can say
        raise CosignatureBroken("a name or origin of more than 255 bytes")
    return len(raw).to_bytes(1) + raw


@lru_cache(maxsize=64)
def _ml_dsa(raw: bytes) -> MLDSA44PublicKey:
    return MLDSA44PublicKey.from_public_bytes(raw)
