"""Ed25519 by libsodium: signs and verifies in two thirds of the time, beside other threads."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from ledger.evidence.keys import Algorithm, PublicKey, verifier, verify

ALONE_MAX = 128
"""Up to so many messages a second thread costs more than it gains."""

CHUNK = 64
_SIGNATURE_BYTES = 64


def verify_signature(key: PublicKey, message: bytes, signature: bytes) -> None:
    """Check a signature as `ledger.evidence.keys.verify` does, in two thirds of the time.

    What libsodium refuses is asked of the other once more: it turns down a few signatures that
    RFC 8032 allows, and both must say the same of one log. What it takes, the other takes too.

    Raises:
        SignatureBroken: It does not hold, or the key is none that may sign.
    """
    verifier(key)
    if key.algorithm is not Algorithm.ED25519:
        verify(key, message, signature)
        return
    try:
        if len(signature) == _SIGNATURE_BYTES:
            crypto_sign_open(signature + message, key.raw)
            return
    except BadSignatureError:
        pass
    verify(key, message, signature)


class SodiumSigner:
    """Signs with Ed25519, which gives the same signatures whoever computes them.

    Source: RFC 8032, section 5.1.6; `tests/store/test_sodium.py` holds it against `cryptography`.
    """

    def __init__(self, seed: bytes) -> None:
        """Take the 32-byte private key of RFC 8032, section 5.1.5."""
        public, self._secret = crypto_sign_seed_keypair(seed)
        self.public_key = PublicKey(Algorithm.ED25519, public)
        self._second = ThreadPoolExecutor(1, thread_name_prefix="signing")

    def sign(self, message: bytes) -> bytes:
        signed: bytes = crypto_sign(message, self._secret)
        return signed[:_SIGNATURE_BYTES]

    def sign_all(self, messages: Sequence[bytes]) -> list[bytes]:
        """Sign many messages, a second thread taking its share: libsodium runs outside the GIL."""
        if len(messages) <= ALONE_MAX:
            return [self.sign(message) for message in messages]
        signatures = [b""] * len(messages)
        starts = count(0, CHUNK)

        def work() -> None:
            # Both threads take the next chunk until none is left; counting is one step to either.
            while (start := next(starts)) < len(messages):
                chunk = messages[start : start + CHUNK]
                signatures[start : start + CHUNK] = [self.sign(message) for message in chunk]

        second = self._second.submit(work)
        work()
        second.result()
        return signatures

    def close(self) -> None:
        """End the second thread."""
        self._second.shutdown()
