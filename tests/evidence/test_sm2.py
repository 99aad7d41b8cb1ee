"""SM2 with SM3: the standard's example, and signatures that must not hold."""

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.evidence import sm2

# GB/T 32918.5-2017, annex A.2: private key, public key, message, signature.
PRIVATE = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
PUBLIC = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
MESSAGE = b"message digest"
SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


def test_the_example_of_the_standard_holds() -> None:
    assert sm2.public_key(PRIVATE) == PUBLIC
    sm2.verify(PUBLIC, SIGNATURE, MESSAGE)


def test_sm3_gives_the_examples_of_its_standard() -> None:
    # GB/T 32905-2016, annex A.
    assert sm2.sm3(b"abc").hex() == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    assert sm2.sm3(b"abcd" * 8, b"abcd" * 8).hex() == (
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_what_is_signed_holds_and_nothing_else(private: bytes, message: bytes) -> None:
    try:
        public = sm2.public_key(private)
    except ValueError:
        return
    signature = sm2.sign(private, message)

    sm2.verify(public, signature, message)
    assert sm2.sign(private, message) == signature
    with pytest.raises(InvalidSignature):
        sm2.verify(public, signature, message + b"x")
    with pytest.raises(InvalidSignature):
        sm2.verify(PUBLIC, signature, message)


ZERO, ORDER = bytes(32), sm2.N.to_bytes(32)
R, S = SIGNATURE[:32], SIGNATURE[32:]


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(ZERO + S, id="r is zero"),
        pytest.param(R + ZERO, id="s is zero"),
        pytest.param(ORDER + S, id="r is n"),
        pytest.param(R + ORDER, id="s is n"),
        pytest.param(R + (sm2.N - int.from_bytes(R)).to_bytes(32), id="r and s add up to n"),
        pytest.param((int.from_bytes(R) + sm2.N).to_bytes(33)[-32:] + S, id="r beyond n"),
        pytest.param(S + R, id="swapped"),
        pytest.param(SIGNATURE[:-1], id="too short"),
        pytest.param(SIGNATURE + b"\0", id="too long"),
        pytest.param(b"", id="nothing"),
        pytest.param(SIGNATURE[:40] + b"\xff" + SIGNATURE[41:], id="altered"),
    ],
)
def test_what_is_no_signature_is_refused(signature: bytes) -> None:
    with pytest.raises(InvalidSignature):
        sm2.verify(PUBLIC, signature, MESSAGE)


@pytest.mark.parametrize(
    "public",
    [
        pytest.param(PUBLIC[1:], id="without its first byte"),
        pytest.param(b"\x02" + PUBLIC[1:33], id="compressed"),
        pytest.param(b"\x04" + bytes(64), id="not on the curve"),
        pytest.param(PUBLIC[:-1] + bytes([PUBLIC[-1] ^ 1]), id="beside the curve"),
        pytest.param(b"\x04" + sm2.P.to_bytes(32) + PUBLIC[33:], id="beyond the field"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_public_key_is_refused(public: bytes) -> None:
    with pytest.raises(ValueError):
        sm2.verify(public, SIGNATURE, MESSAGE)


@pytest.mark.parametrize("private", [bytes(32), ORDER, (sm2.N - 1).to_bytes(32), b"short"])
def test_what_is_no_private_key_is_refused(private: bytes) -> None:
    with pytest.raises(ValueError):
        sm2.sign(private, MESSAGE)
