"""The service's signer signs as `cryptography` does, alone and beside another process."""

import hashlib
import time
from collections.abc import Iterator
from errno import EAGAIN
from functools import partialmethod
from itertools import count, islice
from multiprocessing import active_children
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from ledger.evidence.keys import Algorithm, Ed25519Signer, PublicKey, SignatureBroken, verify
from ledger.store import sodium
from ledger.store.sodium import ALONE_MAX, CHUNK, CHUNKS_AHEAD, SodiumSigner, verify_signature


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_both_libraries_give_the_same_key_and_signature(seed: bytes, message: bytes) -> None:
    ours, theirs = SodiumSigner(seed), Ed25519Signer.from_seed(seed)

    assert ours.public_key == theirs.public_key
    assert ours.sign(message) == theirs.sign(message)
    verify(theirs.public_key, message, ours.sign(message))


MANY = [b"%d" % number * 50 for number in range(ALONE_MAX + 200 * CHUNK + 7)]


@pytest.mark.parametrize("many", [0, 1, ALONE_MAX, ALONE_MAX + 1, len(MANY)])
def test_many_messages_get_each_its_own_signature(many: int) -> None:
    signer = SodiumSigner(bytes(range(32)))
    assert list(signer.sign_all(MANY[:many])) == [signer.sign(each) for each in MANY[:many]]


def test_a_second_process_signs_some_of_many_and_is_gone_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = Mock(side_effect=sodium._SecondSigner.answer, autospec=True)
    monkeypatch.setattr(sodium._SecondSigner, "answer", partialmethod(answers))
    signer = SodiumSigner(bytes(range(32)))

    def messages() -> Iterator[bytes]:
        for number, message in enumerate(MANY):
            if number >= ALONE_MAX and number % CHUNK == 0:
                time.sleep(0.005)  # as if they took long to make: the other is there by then
            yield message

    assert list(signer.sign_all(messages())) == [signer.sign(each) for each in MANY]
    assert answers.call_count > 10
    assert active_children() == []


def test_where_the_second_process_is_killed_the_first_signs_all_the_same() -> None:
    signer = SodiumSigner(bytes(range(32)))
    killed: list[int] = []

    def messages() -> Iterator[bytes]:
        for number, message in enumerate(MANY):
            if number == ALONE_MAX + 100 * CHUNK:
                (other,) = active_children()
                other.kill()
                other.join()
                killed.append(number)
            yield message

    signed = list(signer.sign_all(messages()))

    assert killed
    assert signed == [signer.sign(each) for each in MANY]


def test_whoever_stops_asking_leaves_no_process_behind() -> None:
    signed = SodiumSigner(bytes(range(32))).sign_all(MANY)
    for _ in range(ALONE_MAX + 1):
        next(signed)
    assert active_children()

    signed.close()  # type: ignore[attr-defined]  # as when nobody holds it any more

    assert active_children() == []


def test_who_may_start_no_process_signs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sodium, "current_process", lambda: SimpleNamespace(daemon=True))
    signer = SodiumSigner(bytes(range(32)))

    assert list(signer.sign_all(MANY)) == [signer.sign(each) for each in MANY]


def test_where_no_more_processes_are_to_be_had_the_first_signs_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> None:
        raise OSError(EAGAIN, "no more processes")

    monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", refuse)
    signer = SodiumSigner(bytes(range(32)))

    assert list(signer.sign_all(MANY)) == [signer.sign(each) for each in MANY]


def test_no_more_is_read_ahead_than_is_worth_it() -> None:
    signer = SodiumSigner(bytes(range(32)))
    read = count()

    signed = signer.sign_all(b"%d" % number for number in islice(read, 100_000))

    for number in range(ALONE_MAX + 1):
        assert next(signed) == signer.sign(b"%d" % number)
    assert next(read) <= ALONE_MAX + CHUNK * (CHUNKS_AHEAD + 2)


@pytest.mark.parametrize("before", [1000, ALONE_MAX + 1000])
def test_what_cannot_be_signed_is_told_to_who_asks_for_it(before: int) -> None:
    signer = SodiumSigner(bytes(range(32)))
    messages: list[Any] = [b"some"] * before + ["no bytes"] + [b"more"] * 1000

    with pytest.raises(TypeError):
        list(signer.sign_all(messages))


@given(st.binary(max_size=100), st.integers(0, 511), st.booleans())
def test_both_libraries_refuse_what_either_should(message: bytes, bit: int, short: bool) -> None:
    signer = SodiumSigner(bytes(range(32)))
    signature = bytearray(signer.sign(message))
    verify_signature(signer.public_key, message, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    broken = bytes(signature)[: 63 if short else 64]

    for check in (verify, verify_signature):
        with pytest.raises(SignatureBroken):
            check(signer.public_key, message, broken)


def test_a_signature_that_only_the_stricter_library_refuses_is_taken_by_both() -> None:
    """R is the neutral element: allowed by RFC 8032, turned down by libsodium.

    An officer who made one on purpose must not be able to break verification of the whole log.
    """
    order = 2**252 + 27742317777372353535851937790883648493
    secret = 12345
    public, neutral = _base_times(secret), (1).to_bytes(32, "little")
    message = b"approved"
    digest = hashlib.sha512(neutral + public + message).digest()
    proof = (int.from_bytes(digest, "little") * secret) % order
    signature = neutral + proof.to_bytes(32, "little")
    key = PublicKey(Algorithm.ED25519, public)

    verify(key, message, signature)
    verify_signature(key, message, signature)


def _base_times(scalar: int) -> bytes:
    return bytes(crypto_scalarmult_ed25519_base_noclamp(scalar.to_bytes(32, "little")))
