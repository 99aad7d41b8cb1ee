"""Keys: names, signatures, keys that must not sign, and validity in the log."""

import copy
import pickle
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.keys import (
    SERVICE,
    Algorithm,
    Ed25519Signer,
    KeyHistory,
    KeyNotValid,
    PublicKey,
    SignatureBroken,
    verify,
)
from tests.evidence.sample_log import OFFICER, OFFICER_SIGNER, SERVICE_SIGNER

FIELD = 2**255 - 19
CURVE_D = -121665 * pow(121666, -1, FIELD) % FIELD

Point = tuple[int, int]


def add(first: Point, second: Point) -> Point:
    """Add two points of edwards25519, by its affine formulas (RFC 8032, section 5.1)."""
    (x1, y1), (x2, y2) = first, second
    product = CURVE_D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, -1, FIELD) % FIELD,
        (y1 * y2 + x1 * x2) * pow(1 - product, -1, FIELD) % FIELD,
    )


def points_at(y: int) -> list[Point]:
    """Return the points of the curve with this y."""
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, FIELD) % FIELD
    root = pow(square, (FIELD + 3) // 8, FIELD)
    roots = {root, root * pow(2, (FIELD - 1) // 4, FIELD) % FIELD}
    return [(sign * x % FIELD, y) for x in roots if x * x % FIELD == square for sign in (1, -1)]


ORDER_EIGHT_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_ORDER_Y = [0, 1, FIELD - 1, ORDER_EIGHT_Y, FIELD - ORDER_EIGHT_Y]


def encoded(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def published_cases() -> list[tuple[bytes, bytes, bytes, bytes]]:
    folder = Path(cryptography_vectors.__file__).parent / "asymmetric" / "Ed25519"
    lines = (folder / "sign.input").read_text().split()
    fields = [list(map(bytes.fromhex, line.split(":")[:4])) for line in lines]
    return [
        (private[:32], public, message, signed[:64]) for private, public, message, signed in fields
    ]


def test_published_signatures_are_made_and_verified() -> None:
    cases = published_cases()
    assert len(cases) == 1024

    for private, public, message, signature in cases[::8]:
        signer = Ed25519Signer.from_seed(private)
        assert signer.public_key == PublicKey(Algorithm.ED25519, public)
        assert signer.sign(message) == signature
        verify(signer.public_key, message, signature)


@given(st.binary(max_size=50), st.integers(0, 63), st.integers(1, 255))
def test_a_changed_signature_or_message_does_not_hold(message: bytes, at: int, flip: int) -> None:
    signature = bytearray(SERVICE_SIGNER.sign(message))
    signature[at] ^= flip

    for changed, signed in ((bytes(signature), message), (bytes(64), message)):
        with pytest.raises(SignatureBroken):
            verify(SERVICE_SIGNER.public_key, signed, changed)
    with pytest.raises(SignatureBroken):
        verify(SERVICE_SIGNER.public_key, message + b"!", SERVICE_SIGNER.sign(message))


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_a_signature_of_a_wrong_length_does_not_hold(length: int) -> None:
    with pytest.raises(SignatureBroken):
        verify(SERVICE_SIGNER.public_key, b"", bytes(length))


def test_every_point_of_small_order_is_among_those_we_refuse() -> None:
    points = {point for y in SMALL_ORDER_Y for point in points_at(y)}
    assert len(points) == 8

    for point in points:
        doubled = point
        for _ in range(3):
            doubled = add(doubled, doubled)
        assert doubled == (0, 1)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [*SMALL_ORDER_Y, FIELD, FIELD + 1, 2**255 - 1])
def test_a_key_under_which_anybody_can_sign_is_refused(y: int, sign: int) -> None:
    key = PublicKey(Algorithm.ED25519, encoded(y, sign))

    with pytest.raises(SignatureBroken):
        KeyHistory().register(OFFICER, key, 0)
    with pytest.raises(SignatureBroken):
        verify(key, b"anything", bytes(64))


def test_without_our_refusal_one_signature_would_hold_for_every_message() -> None:
    identity = encoded(1, 0)
    forged = identity + bytes(32)  # R is the identity, S is zero: R = S·B - h·A for every h

    for message in (b"pay", b"do not pay"):
        Ed25519PublicKey.from_public_bytes(identity).verify(forged, message)
        with pytest.raises(SignatureBroken):
            verify(PublicKey(Algorithm.ED25519, identity), message, forged)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_a_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(SignatureBroken):
        KeyHistory().register(SERVICE, PublicKey(Algorithm.ED25519, b"\x02" * length), 0)


def test_a_private_key_stays_out_of_every_text() -> None:
    signer = Ed25519Signer.generate()

    shown = f"{signer!r} {signer} {signer.public_key!r}"

    assert signer.seed.hex() not in shown
    assert repr(signer.seed) not in shown
    assert Ed25519Signer.from_seed(signer.seed).public_key == signer.public_key


def test_a_key_is_valid_from_its_registration_until_before_its_revocation() -> None:
    keys = KeyHistory()
    key = OFFICER_SIGNER.public_key
    keys.register(OFFICER, key, 5)
    keys.revoke(OFFICER, key.key_id, 9)

    for position in range(5, 9):
        assert keys.valid_at(key.key_id, position).owner == OFFICER
        assert keys.valid_keys(OFFICER, position) == [key]
    for position in (0, 4, 9, 10, 2**62):
        assert keys.valid_keys(OFFICER, position) == []
        with pytest.raises(KeyNotValid):
            keys.valid_at(key.key_id, position)


def test_a_key_is_registered_once_and_ended_once_and_by_its_owner_alone() -> None:
    keys = KeyHistory()
    key = OFFICER_SIGNER.public_key
    keys.register(OFFICER, key, 1)

    with pytest.raises(KeyNotValid):
        keys.register(SERVICE, key, 2)
    with pytest.raises(KeyNotValid):
        keys.revoke(SERVICE, key.key_id, 2)
    with pytest.raises(KeyNotValid):
        keys.revoke(OFFICER, SERVICE_SIGNER.public_key.key_id, 2)
    keys.revoke(OFFICER, key.key_id, 3)
    with pytest.raises(KeyNotValid):
        keys.revoke(OFFICER, key.key_id, 4)
    with pytest.raises(KeyNotValid):
        keys.register(OFFICER, key, 5)


def test_a_history_travels_to_worker_processes_whole() -> None:
    keys = KeyHistory()
    keys.register(SERVICE, SERVICE_SIGNER.public_key, 0)

    arrived = pickle.loads(pickle.dumps(keys))

    assert arrived.records == keys.records
    assert arrived.valid_keys(SERVICE, 1) == [SERVICE_SIGNER.public_key]
    assert copy.deepcopy(keys).records == keys.records
