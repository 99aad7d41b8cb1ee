"""SM2 and SM3 against an implementation that others wrote: each holds what the other signs."""

from gmalg import SM2, SM3
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.evidence import sm2

private_keys = st.integers(1, sm2.N - 2).map(lambda number: number.to_bytes(32))


@settings(max_examples=20, deadline=None)
@given(private_keys, st.binary(max_size=300))
def test_each_holds_what_the_other_signs(private: bytes, message: bytes) -> None:
    public = sm2.public_key(private)
    peer = SM2(private, sm2.ID)

    r, s = peer.sign(message)
    sm2.verify(public, r.rjust(32, b"\0") + s.rjust(32, b"\0"), message)

    ours = sm2.sign(private, message)
    assert peer.generate_pk(private) == public
    assert peer.verify(message, ours[:32], ours[32:])
    assert not peer.verify(message + b"x", ours[:32], ours[32:])


@given(st.binary(max_size=300))
def test_both_make_the_same_digest(message: bytes) -> None:
    peer = SM3()
    peer.update(message)

    assert sm2.sm3(message) == peer.value()
