"""Ed25519 by libsodium: signs and verifies in two thirds of the time, many in a second process."""

import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import chain, islice
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

import msgspec
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from ledger.evidence.keys import Algorithm, PublicKey, verifier, verify

ALONE_MAX = 2_000
"""Up to so many messages another process costs more than it gains."""

CHUNK = 64
CHUNKS_AHEAD = 64
"""How far signing may be ahead of whoever writes down what was signed."""

CHUNKS_ASKED = 3
"""How much the other may be asked for at once: about what the line has room for, so that who asks
signs meanwhile instead of waiting to hand over more."""

_READY = b"ready"
_MESSAGES = msgspec.msgpack.Encoder()
_MESSAGES_READ = msgspec.msgpack.Decoder(list[bytes])
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

    def sign(self, message: bytes) -> bytes:
        return _signature(message, self._secret)

    def sign_all(self, messages: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the signature over each message, in their order.

        Of many a second process signs ahead of who asks, as long as that lasts. A second thread
        would not do: it waits for its turn after each signature for longer than that takes.
        """
        coming = iter(messages)
        yield from map(self.sign, islice(coming, ALONE_MAX))
        more = list(islice(coming, CHUNK))
        if not more:
            return
        if current_process().daemon:  # may not start another
            yield from map(self.sign, chain(more, coming))
            return
        with closing(_SecondSigner(self._secret)) as second:
            yield from self._beside(second, more, coming)

    def _beside(
        self, second: "_SecondSigner", more: list[bytes], coming: Iterator[bytes]
    ) -> Iterator[bytes]:
        ahead = deque[_Chunk]()
        while more or ahead:
            while more and len(ahead) < CHUNKS_AHEAD:
                asked = second.waiting < CHUNKS_ASKED and second.ask(more)
                if not asked and ahead and (ahead[0].signatures or second.has_answered()):
                    break  # what is ready goes first
                signatures = None if asked else [self.sign(message) for message in more]
                ahead.append(_Chunk(more, signatures))
                more = list(islice(coming, CHUNK))
            messages, signatures = ahead.popleft()
            yield from signatures or second.answer() or map(self.sign, messages)

    def close(self) -> None:
        """Nothing is held open."""


class _Chunk(NamedTuple):
    """Messages, and what they were signed with; None: another process is asked for it."""

    messages: list[bytes]
    signatures: list[bytes] | None


class _SecondSigner:
    """Another process that signs, told the key over a line that ends with whoever asks."""

    def __init__(self, secret: bytes) -> None:
        self.waiting = 0
        """How many answers it owes."""
        self._is_there = False
        context = get_context("spawn")  # to fork is not safe beside other threads
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_sign_for, args=(theirs, secret), daemon=True)
        # Where no more processes are to be had, who asks signs alone: the line breaks off at once,
        # as it does when this one ends, which alone holds it from here on.
        with closing(theirs), suppress(OSError):
            self._process.start()

    def ask(self, messages: Sequence[bytes]) -> bool:
        """Hand messages over; say whether it takes any, or is not ready or gone."""
        try:
            if not self._is_there:
                self._is_there = self._line.poll() and self._line.recv_bytes() == _READY
            if self._is_there:
                self._line.send_bytes(_MESSAGES.encode(messages))
                self.waiting += 1
        except (EOFError, OSError):
            self._is_there = False
        return self._is_there

    def has_answered(self) -> bool:
        """Say whether `answer` would return at once."""
        try:
            return not self._is_there or self._line.poll()
        except OSError:
            return True

    def answer(self) -> list[bytes] | None:
        """Return the signatures over the messages handed over first; None where it is gone."""
        self.waiting -= 1
        try:
            signed = self._line.recv_bytes()
        except (EOFError, OSError):
            self._is_there = False
            return None
        width = _SIGNATURE_BYTES
        return [signed[at : at + width] for at in range(0, len(signed), width)]

    def close(self) -> None:
        self._line.close()
        if self._process.pid is not None:
            self._process.terminate()
            self._process.join()


def _sign_for(line: Connection, secret: bytes) -> None:
    """Sign what comes until the line ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks says when it is over
    with suppress(EOFError, OSError):
        line.send_bytes(_READY)
        while True:
            messages = _MESSAGES_READ.decode(line.recv_bytes())
            line.send_bytes(b"".join([_signature(message, secret) for message in messages]))


def _signature(message: bytes, secret: bytes) -> bytes:
    signed: bytes = crypto_sign(message, secret)
    return signed[:_SIGNATURE_BYTES]
