"""Ed25519 by libsodium: signs and verifies in two thirds of the time, beside other threads."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import Lock

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from ledger.evidence.keys import Algorithm, PublicKey, verifier, verify

ALONE_MAX = 128
"""Up to so many messages a second thread costs more than it gains."""

CHUNK = 64
CHUNKS_AHEAD = 16
"""How far a second thread may be ahead of whoever writes down what was signed."""

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


class _Chunk:
    """Messages that whichever thread comes first signs."""

    made: Future[None]

    def __init__(self, messages: Sequence[bytes]) -> None:
        self._messages = messages
        self._taken = Lock()
        self.signatures: list[bytes] = []

    def sign_if_free(self, signer: "SodiumSigner") -> None:
        if self._taken.acquire(blocking=False):
            self.signatures = [signer.sign(message) for message in self._messages]


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

    def sign_all(self, messages: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the signature over each message, in their order.

        Of many a second thread signs ahead of who asks: libsodium runs outside the GIL. Who asks
        for one that is not made yet signs others meanwhile.
        """
        coming = iter(messages)
        chunk = list(islice(coming, ALONE_MAX))
        if len(chunk) < ALONE_MAX:
            yield from map(self.sign, chunk)
            return
        ahead = deque[_Chunk]()
        while chunk or ahead:
            while chunk and len(ahead) < CHUNKS_AHEAD:
                ahead.append(_Chunk(chunk))
                ahead[-1].made = self._second.submit(ahead[-1].sign_if_free, self)
                chunk = list(islice(coming, CHUNK))
            yield from self._signed(ahead.popleft(), ahead)

    def _signed(self, first: "_Chunk", ahead: Sequence["_Chunk"]) -> list[bytes]:
        first.sign_if_free(self)
        others = reversed(ahead)
        while not first.made.done() and not first.signatures:
            other = next(others, None)
            if other is None:
                break
            other.sign_if_free(self)
        if not first.signatures:
            first.made.result()
        return first.signatures

    def close(self) -> None:
        """End the second thread."""
        self._second.shutdown()
