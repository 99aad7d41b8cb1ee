"""Keys: how they are named, how they sign, and over which part of the log they were valid."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache, partial
from hashlib import sha256
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
)

from ledger.errors import Kind, LedgerError
from ledger.evidence import sm2
from ledger.evidence.doubts import Doubts, Loss, Reaffirmation

SERVICE = "service"
"""The owner under which the ledger's own keys are registered; officers' ids own theirs."""

OWN_CUSTODY = "officer"
"""Nobody but the officer has the private key; the operator may hold keys of any other custody."""


class SignatureBroken(LedgerError):
    """The signature is not this key's over these bytes."""

    code = "evidence.signature_broken"
    kind = Kind.BROKEN

    def __init__(self, key_id: str, cause: str = "does not hold") -> None:
        super().__init__(f"signature by key {key_id}: {cause}")


class KeyNotValid(LedgerError):
    """No such key was valid at that position of the log."""

    code = "evidence.key_not_valid"
    kind = Kind.BROKEN

    def __init__(self, key_id: str, position: int, cause: str = "not valid") -> None:
        super().__init__(f"key {key_id} at position {position}: {cause}")


class Algorithm(StrEnum):
    """Signature algorithms; an event names its key, and the key's record names its algorithm."""

    ED25519 = "ed25519"
    SM2_SM3 = "sm2-sm3"
    ML_DSA_44 = "ml-dsa-44"
    ML_DSA_65 = "ml-dsa-65"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key in its raw form; RAW_BYTES says how long that is."""

    algorithm: Algorithm
    raw: bytes

    @property
    def key_id(self) -> str:
        """The key's name: 32 hex digits of a hash over algorithm and key."""
        return _key_id(self)


@lru_cache(maxsize=4096)
def _key_id(key: PublicKey) -> str:
    named = b"nuanzhang key v1\n" + key.algorithm.encode() + b"\n" + key.raw
    return sha256(named).hexdigest()[:32]


RAW_BYTES = {
    Algorithm.ED25519: 32,
    Algorithm.SM2_SM3: sm2.PUBLIC_BYTES,
    Algorithm.ML_DSA_44: 1312,
    Algorithm.ML_DSA_65: 1952,
}


class Signer(Protocol):
    """Whoever holds a private key."""

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes: ...


class Ed25519Signer:
    """Holds a private key in memory; its repr does not show it."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public_key = PublicKey(Algorithm.ED25519, private_key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> "Ed25519Signer":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> "Ed25519Signer":
        """Take the 32-byte private key of RFC 8032, section 5.1.5."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def seed(self) -> bytes:
        return self._private_key.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._private_key.sign(message)


class Sm2Signer:
    """Holds an SM2 private key in memory; `sm2.sign` says what that is good for."""

    def __init__(self, private_key: bytes) -> None:
        """Take 32 bytes.

        Raises:
            ValueError: They are no private key.
        """
        self.seed = private_key
        self.public_key = PublicKey(Algorithm.SM2_SM3, sm2.public_key(private_key))

    def __repr__(self) -> str:
        return f"Sm2Signer({self.public_key.key_id})"

    def sign(self, message: bytes) -> bytes:
        return sm2.sign(self.seed, message)


class MlDsaSigner:
    """Holds an ML-DSA private key in memory (FIPS 204, pure, without a context)."""

    def __init__(self, algorithm: Algorithm, seed: bytes) -> None:
        """Take the 32-byte seed of FIPS 204, algorithm 1."""
        self.seed = seed
        kind = MLDSA44PrivateKey if algorithm is Algorithm.ML_DSA_44 else MLDSA65PrivateKey
        self._private_key = kind.from_seed_bytes(seed)
        self.public_key = PublicKey(algorithm, self._private_key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"MlDsaSigner({self.public_key.key_id})"

    def sign(self, message: bytes) -> bytes:
        return self._private_key.sign(message)


def signer_from_seed(algorithm: Algorithm, seed: bytes) -> Ed25519Signer | Sm2Signer | MlDsaSigner:
    """Return who signs with a private key of 32 bytes.

    Raises:
        ValueError: They are no private key of this algorithm.
    """
    if algorithm is Algorithm.ED25519:
        return Ed25519Signer.from_seed(seed)
    if algorithm is Algorithm.SM2_SM3:
        return Sm2Signer(seed)
    return MlDsaSigner(algorithm, seed)


Verify = Callable[[bytes, bytes], None]
"""Takes signature and message; raises InvalidSignature."""


def verify(key: PublicKey, message: bytes, signature: bytes) -> None:
    """Check a signature.

    Raises:
        SignatureBroken: It does not hold, or the bytes are no public key.

    Source: RFC 8032, section 5.1.7; GB/T 32918.2, section 7; FIPS 204, algorithm 3.
    """
    try:
        verifier(key)(signature, message)
    except InvalidSignature:
        raise SignatureBroken(key.key_id) from None


@lru_cache(maxsize=4096)
def verifier(key: PublicKey) -> Verify:
    """Return the check of one key; kept, since a few keys sign most of a log.

    Raises:
        SignatureBroken: The bytes are no public key, or one under which anybody can sign.
    """
    try:
        return _VERIFIERS[key.algorithm](key.raw)
    except (ValueError, KeyError):
        raise SignatureBroken(key.key_id, "not a public key that may sign") from None


def _ed25519(raw: bytes) -> Verify:
    """Read a public key, but none of the eight points of small order and no second spelling.

    OpenSSL takes them. Under a point of small order some signature holds for any message, so its
    owner could deny having signed; two spellings of one point would have two key ids.
    """
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    if y >= _FIELD or y in _SMALL_ORDER:
        raise ValueError
    return Ed25519PublicKey.from_public_bytes(raw).verify


_FIELD = 2**255 - 19
_ORDER_EIGHT = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _ORDER_EIGHT, _FIELD - _ORDER_EIGHT})


def _sm2(raw: bytes) -> Verify:
    sm2.read_public_key(raw)
    return partial(sm2.verify, raw)


def _ml_dsa_44(raw: bytes) -> Verify:
    return MLDSA44PublicKey.from_public_bytes(raw).verify


def _ml_dsa_65(raw: bytes) -> Verify:
    return MLDSA65PublicKey.from_public_bytes(raw).verify


_VERIFIERS: dict[Algorithm, Callable[[bytes], Verify]] = {
    Algorithm.ED25519: _ed25519,
    Algorithm.SM2_SM3: _sm2,
    Algorithm.ML_DSA_44: _ml_dsa_44,
    Algorithm.ML_DSA_65: _ml_dsa_65,
}


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """Valid at positions from `valid_from` up to, not including, `valid_until` (None: still).

    `custody` says who holds an officer's private key; it is empty for the ledger's own.
    """

    owner: str
    public_key: PublicKey
    valid_from: int
    valid_until: int | None = None
    custody: str = ""

    def is_valid_at(self, position: int) -> bool:
        until = self.valid_until
        return self.valid_from <= position and (until is None or position < until)


class Doubt(NamedTuple):
    """Between these positions (the last not included) signatures of this key prove nothing."""

    key_id: str
    owner: str
    start: int
    stop: int


class KeyHistory:
    """Which key was whose, and over which positions; built from the events that say so.

    A key counts from the position of the event that registers it (so the founding event is signed
    by the key that it registers), and no longer at the position of the event that revokes it.
    """

    def __init__(self, records: Mapping[str, KeyRecord] | None = None) -> None:
        self.records: dict[str, KeyRecord] = dict(records or {})
        self._doubts = Doubts()
        self._owned: dict[str, list[str]] = {}
        for key_id, record in self.records.items():
            self._owned.setdefault(record.owner, []).append(key_id)

    def register(
        self,
        owner: str,
        public_key: PublicKey,
        position: int,
        custody: str = "",
        signers: Collection[str] = (),
    ) -> None:
        """Add a key; a key id is registered once, so a second owner cannot claim it.

        Args:
            owner: SERVICE, or an officer's id.
            public_key: The key.
            position: Of the event that registers it.
            custody: Who holds an officer's private key.
            signers: Ids of the keys that signed that event; what is lost of theirs touches this
                key's word for what they signed.

        Raises:
            KeyNotValid: The key id is taken.
            SignatureBroken: The bytes are no public key that may sign.
        """
        if public_key.key_id in self.records:
            raise KeyNotValid(public_key.key_id, position, "registered already")
        verifier(public_key)
        self.records[public_key.key_id] = KeyRecord(owner, public_key, position, custody=custody)
        self._owned.setdefault(owner, []).append(public_key.key_id)
        self._doubts.register(public_key.key_id, signers, position)

    def revoke(self, owner: str, key_id: str, position: int) -> None:
        """End a key at this position, for good.

        Raises:
            KeyNotValid: It is not this owner's, or not valid as it is.
        """
        record = self.valid_at(key_id, position)
        if record.owner != owner or record.valid_until is not None:
            raise KeyNotValid(key_id, position, "another's, or ended already")
        self.records[key_id] = replace(record, valid_until=position)

    def compromise(self, owner: str, key_id: str, counts_from: int, position: int) -> None:
        """Have a key's signatures from `counts_from` on count for nothing; end it if it has not.

        Raises:
            KeyNotValid: It is not this owner's, or was never valid from there on.
        """
        record = self.records.get(key_id)
        if record is None or record.owner != owner:
            raise KeyNotValid(key_id, position, "another's, or unknown")
        until = position if record.valid_until is None else record.valid_until
        if not record.valid_from <= counts_from < until:
            raise KeyNotValid(key_id, counts_from, f"valid from {record.valid_from} to {until}")
        self.records[key_id] = replace(record, valid_until=until)
        self._doubts.lose(Loss(key_id, counts_from, position))

    def reaffirm(self, officer: str, key_ids: Collection[str], position: int) -> None:
        """Have an officer vouch for the entries before this position; it takes two to count.

        Keys that the operator holds for officers vouch for nothing: whoever lost the ledger's key
        may have lost them with it. Nor do those that a lost key helped to register.
        """
        own = frozenset(each for each in key_ids if self._is_own(officer, each))
        if own:
            self._doubts.reaffirm(Reaffirmation(position, officer, frozenset(key_ids), own))

    def _is_own(self, officer: str, key_id: str) -> bool:
        record = self.records.get(key_id)
        return record is not None and (record.owner, record.custody) == (officer, OWN_CUSTODY)

    def rests_on_doubt(self, key_id: str) -> bool:
        """Say whether a key was registered by signatures that prove nothing any more."""
        return self._doubts.rests_on_doubt(key_id)

    def reaffirming_officers(self) -> set[str]:
        """Return the officers who have vouched for all entries since a key was last lost."""
        return self._doubts.officers()

    def lost_from(self, key_id: str) -> int | None:
        """Return the position from which somebody else had the key, reaffirmed since or not."""
        return self._doubts.lost_from(key_id)

    def is_doubted(self, key_id: str, position: int) -> bool:
        """Say whether a signature by this key at this position proves nothing any more."""
        return self._doubts.is_doubted(key_id, position)

    def doubts(self) -> list[Doubt]:
        """Return over which positions which keys prove nothing, in the order of positions."""
        found = [
            Doubt(key_id, record.owner, start, record.valid_until or 0)
            for key_id, record in self.records.items()
            if (start := self._doubts.starts(key_id)) is not None
        ]
        return sorted(found, key=lambda each: (each.start, each.key_id))

    def valid_at(self, key_id: str, position: int) -> KeyRecord:
        """Return the key's record.

        Raises:
            KeyNotValid: Unknown, or not valid at this position.
        """
        record = self.records.get(key_id)
        if record is None or not record.is_valid_at(position):
            raise KeyNotValid(key_id, position)
        return record

    def valid_keys(self, owner: str, position: int) -> list[PublicKey]:
        """Return the owner's keys that are valid at this position."""
        return [
            record.public_key
            for record in map(self.records.__getitem__, self._owned.get(owner, ()))
            if record.is_valid_at(position)
        ]
