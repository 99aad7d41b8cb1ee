"""Cosignatures: what witnesses put under a checkpoint, and how many of them are enough.

Source: C2SP tlog-cosignature, version 1: Ed25519 (type 0x04) and ML-DSA-44 (type 0x06).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.keys import (
    RAW_BYTES,
    Algorithm,
    PublicKey,
    SignatureBroken,
    Signer,
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


COSIGNATURE_TYPES = {Algorithm.ED25519: b"\x04", Algorithm.ML_DSA_44: b"\x06"}
"""What a witness may sign with, and its signature type in a note."""


@dataclass(frozen=True, slots=True)
class CosignatureKey:
    """A witness's name and public key."""

    name: str
    public_key: PublicKey

    @property
    def key_hash(self) -> bytes:
        key = self.public_key
        return key_hash(self.name, COSIGNATURE_TYPES[key.algorithm], key.raw)

    def vkey(self) -> str:
        """Write the key as a verifier key (C2SP signed-note)."""
        key = self.public_key
        return verifier_key(self.name, COSIGNATURE_TYPES[key.algorithm], key.raw)

    @classmethod
    def from_vkey(cls, text: str) -> "CosignatureKey":
        """Read a verifier key of a witness.

        Raises:
            NoteBroken: It is none, or not of a witness.
        """
        name, typed = split_verifier_key(text)
        for algorithm, kind in COSIGNATURE_TYPES.items():
            if typed[:1] == kind and len(typed) == 1 + RAW_BYTES[algorithm]:
                return cls(name, PublicKey(algorithm, typed[1:]))
        raise NoteBroken("verifier key of another kind than a witness's")


@dataclass(frozen=True, slots=True)
class Cosigner:
    """Whoever holds a witness's private key, and the name that it signs under."""

    name: str
    signer: Signer

    @property
    def key(self) -> CosignatureKey:
        return CosignatureKey(self.name, self.signer.public_key)


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
    signature = time_s.to_bytes(TIME_BYTES) + cosigner.signer.sign(message)
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
        verify(key.public_key, message, signature)
    except SignatureBroken:
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


def last_times(found: Mapping[CosignatureKey, int]) -> dict[str, int]:
    """Return when each witness cosigned last, by its name: seconds since 1970 by its own clock."""
    latest: dict[str, int] = {}
    for key, time_s in found.items():
        latest[key.name] = max(time_s, latest.get(key.name, 0))
    return latest


def with_lines(note: str, lines: Iterable[SignatureLine]) -> str:
    """Return a note with signature lines added that it has not yet."""
    _, present = split_note(note)
    texts = [line.text() for line in lines if line not in present]
    return note + "".join(dict.fromkeys(texts))


def _message(key: CosignatureKey, body: str, time_s: int) -> bytes:
    if key.public_key.algorithm is Algorithm.ED25519:
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
