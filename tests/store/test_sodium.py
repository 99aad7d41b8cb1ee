"""The service's signer signs as `cryptography` does, alone and beside another thread."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.keys import Ed25519Signer, verify
from ledger.store.sodium import ALONE_MAX, SodiumSigner


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_both_libraries_give_the_same_key_and_signature(seed: bytes, message: bytes) -> None:
    ours, theirs = SodiumSigner(seed), Ed25519Signer.from_seed(seed)

    assert ours.public_key == theirs.public_key
    assert ours.sign(message) == theirs.sign(message)
    verify(theirs.public_key, message, ours.sign(message))


def test_many_messages_get_each_its_own_signature() -> None:
    signer = SodiumSigner(bytes(range(32)))
    for count in (0, 1, ALONE_MAX, ALONE_MAX + 1, 1000):
        messages = [str(number).encode() for number in range(count)]
        assert signer.sign_all(messages) == [signer.sign(message) for message in messages]
