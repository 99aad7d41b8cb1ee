"""The service's signer signs as `cryptography` does, alone and beside another thread."""

import hashlib
from itertools import count, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from ledger.evidence.keys import Algorithm, Ed25519Signer, PublicKey, SignatureBroken, verify
from ledger.store.sodium import ALONE_MAX, CHUNK, CHUNKS_AHEAD, SodiumSigner, verify_signature


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_both_libraries_give_the_same_key_and_signature(seed: bytes, message: bytes) -> None:
    ours, theirs = SodiumSigner(seed), Ed25519Signer.from_seed(seed)

    assert ours.public_key == theirs.public_key
    assert ours.sign(message) == theirs.sign(message)
    verify(theirs.public_key, message, ours.sign(message))


def test_many_messages_get_each_its_own_signature() -> None:
    signer = SodiumSigner(bytes(range(32)))
    for many in (0, 1, ALONE_MAX, ALONE_MAX + 1, 1000):
        messages = [str(number).encode() for number in range(many)]
        assert list(signer.sign_all(messages)) == [signer.sign(each) for each in messages]


def test_no_more_is_read_ahead_than_a_second_thread_can_be_kept_busy_with() -> None:
    signer = SodiumSigner(bytes(range(32)))
    read = count()

    signed = signer.sign_all(b"%d" % number for number in islice(read, 100_000))

    assert next(signed) == signer.sign(b"0")
    assert next(read) <= ALONE_MAX + CHUNK * (CHUNKS_AHEAD + 1)


def test_what_cannot_be_signed_is_told_to_who_asks_for_it() -> None:
    signer = SodiumSigner(bytes(range(32)))
    messages: list[Any] = [b"some"] * 1000 + ["no bytes"] + [b"more"] * 1000

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
