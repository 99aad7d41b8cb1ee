"""Whoever signs for the ledger: a key from a file or the environment, in any of the algorithms."""

from collections.abc import Iterable, Iterator

from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import Algorithm, Signer, signer_from_seed
from ledger.store.signing import ServiceSigner
from ledger.store.sodium import SodiumSigner


class ServiceKeyUnreadable(LedgerError):
    """What should be the ledger's private key is none. What it is instead is not repeated here."""

    code = "service_key.unreadable"
    kind = Kind.INVALID

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} holds no private key: 64 hex digits, or ALGORITHM:HEX")


class OneByOne:
    """Signs many messages one after the other, where nothing quicker is known."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self.public_key = signer.public_key

    def sign(self, message: bytes) -> bytes:
        return self._signer.sign(message)

    def sign_all(self, messages: Iterable[bytes]) -> Iterator[bytes]:
        return map(self.sign, messages)

    def close(self) -> None:
        """Nothing is held open."""


def service_signer(text: str, place: str) -> ServiceSigner:
    """Return the signer of a private key written as `HEX` (Ed25519) or `ALGORITHM:HEX`.

    Raises:
        ServiceKeyUnreadable: It is none.
    """
    name, colon, digits = text.strip().rpartition(":")
    try:
        algorithm = Algorithm(name) if colon else Algorithm.ED25519
        seed = bytes.fromhex(digits)
        if len(seed) != 32:  # noqa: PLR2004 - every algorithm's private key, or its seed
            raise ServiceKeyUnreadable(place)
        if algorithm is Algorithm.ED25519:
            return SodiumSigner(seed)
        return OneByOne(signer_from_seed(algorithm, seed))
    except ValueError:
        raise ServiceKeyUnreadable(place) from None


def key_text(algorithm: Algorithm, seed: bytes) -> str:
    """Write a private key as `service_signer` reads it."""
    return seed.hex() if algorithm is Algorithm.ED25519 else f"{algorithm.value}:{seed.hex()}"
