"""SM2 signatures with SM3, as China's commercial-cryptography assessment asks for them.

Source: GB/T 32918.2-2016 (signatures), GB/T 32918.5-2017 (the curve), GB/T 32905-2016 (SM3); the
distinguishing id is the default one of GM/T 0009-2012, section 10.

Verification handles public values alone. **Signing here is not constant-time**: it is for tests,
for ceremonies on a machine of its own, and until a token is bought. Keys in daily use belong into
hardware.
"""

import hmac
from hashlib import sha512

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SM3, Hash

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)

ID = b"1234567812345678"
NUMBER_BYTES = 32
PUBLIC_BYTES = 1 + 2 * NUMBER_BYTES
SIGNATURE_BYTES = 2 * NUMBER_BYTES
_UNCOMPRESSED = 4

Point = tuple[int, int]
_Jacobian = tuple[int, int, int]
"""x/z², y/z³; z is 0 at infinity."""

_INFINITY: _Jacobian = (1, 1, 0)


def sm3(*parts: bytes) -> bytes:
    """Return the SM3 digest, 32 bytes."""
    digest = Hash(SM3())
    for part in parts:
        digest.update(part)
    return digest.finalize()


def public_key(private_key: bytes) -> bytes:
    """Return the public key, 65 bytes (04, x, y), of a private key of 32 bytes.

    Raises:
        ValueError: It is no number from 1 to n - 2.
    """
    point = _affine(_times(_private(private_key), G))
    assert point is not None  # noqa: S101 - no multiple below n is infinity
    return bytes([_UNCOMPRESSED]) + b"".join(each.to_bytes(NUMBER_BYTES) for each in point)


def read_public_key(raw: bytes) -> Point:
    """Read a public key; only points of the curve are let through.

    Raises:
        ValueError: It is not uncompressed, or no point of the curve.
    """
    if len(raw) != PUBLIC_BYTES or raw[0] != _UNCOMPRESSED:
        raise ValueError
    x, y = int.from_bytes(raw[1:33]), int.from_bytes(raw[33:])
    if x >= P or y >= P or (y * y - (x * x * x + A * x + B)) % P:
        raise ValueError
    return x, y


def sign(private_key: bytes, message: bytes) -> bytes:
    """Sign; the same key and message give the same signature, r and s of 32 bytes each.

    The secret number is drawn from key and digest by HMAC, so a bad source of chance cannot give
    the key away.

    Raises:
        ValueError: The private key is none.

    Source: GB/T 32918.2, section 6.
    """
    d = _private(private_key)
    e = int.from_bytes(_digest(public_key(private_key), message))
    for attempt in range(256):
        seed = hmac.digest(private_key, e.to_bytes(NUMBER_BYTES) + bytes([attempt]), sha512)
        k = int.from_bytes(seed) % (N - 1) + 1
        point = _affine(_times(k, G))
        assert point is not None  # noqa: S101 - no multiple below n is infinity
        r = (e + point[0]) % N
        s = pow(1 + d, -1, N) * (k - r * d) % N
        if r and r + k != N and s:
            return r.to_bytes(NUMBER_BYTES) + s.to_bytes(NUMBER_BYTES)
    raise AssertionError("no number that may be used in 256 tries")


def verify(raw: bytes, signature: bytes, message: bytes) -> None:
    """Check a signature.

    Raises:
        InvalidSignature: It does not hold.
        ValueError: The public key is none.

    Source: GB/T 32918.2, section 7.
    """
    point = read_public_key(raw)
    if len(signature) != SIGNATURE_BYTES:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:NUMBER_BYTES]), int.from_bytes(signature[NUMBER_BYTES:])
    t = (r + s) % N
    if not (0 < r < N and 0 < s < N and t):
        raise InvalidSignature
    e = int.from_bytes(_digest(raw, message))
    found = _affine(_sum_of_products(s, G, t, point))
    if found is None or (e + found[0]) % N != r:
        raise InvalidSignature


def _digest(raw: bytes, message: bytes) -> bytes:
    """Hash a message together with whose signature it is to be."""
    constants = b"".join(each.to_bytes(NUMBER_BYTES) for each in (A, B, *G))
    whose = sm3((len(ID) * 8).to_bytes(2), ID, constants, raw[1:])
    return sm3(whose, message)


def _private(raw: bytes) -> int:
    d = int.from_bytes(raw)
    if len(raw) != NUMBER_BYTES or not 0 < d < N - 1:
        raise ValueError("no private key of SM2")
    return d


def _times(k: int, point: Point) -> _Jacobian:
    return _sum_of_products(k, point, 0, point)


def _sum_of_products(s: int, first: Point, t: int, second: Point) -> _Jacobian:
    """Return s·first + t·second, bit by bit of both together."""
    one: _Jacobian = (*first, 1)
    other: _Jacobian = (*second, 1)
    both = _add(one, other)
    choices = {(1, 0): one, (0, 1): other, (1, 1): both}
    total = _INFINITY
    for bit in range(max(s.bit_length(), t.bit_length()) - 1, -1, -1):
        total = _double(total)
        chosen = choices.get((s >> bit & 1, t >> bit & 1))
        if chosen is not None:
            total = _add(total, chosen)
    return total


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    if not z or not y:
        return _INFINITY
    yy = y * y % P
    s = 4 * x * yy % P
    zz = z * z % P
    m = 3 * (x - zz) * (x + zz) % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(one: _Jacobian, other: _Jacobian) -> _Jacobian:
    if not one[2]:
        return other
    if not other[2]:
        return one
    (x1, y1, z1), (x2, y2, z2) = one, other
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2z2 % P, x2 * z1z1 % P
    s1, s2 = y1 * z2 * z2z2 % P, y2 * z1 * z1z1 % P
    if u1 == u2:
        return _double(one) if s1 == s2 else _INFINITY
    h, r = u2 - u1, s2 - s1
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P


def _affine(point: _Jacobian) -> Point | None:
    x, y, z = point
    if not z:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P
