"""Private keys as others write and read them: PKCS#8, under a passphrase by scrypt and AES.

`openssl pkey -in FILE` opens every one of them but ML-DSA before OpenSSL 3.5.

Source: RFC 5958 (PKCS#8), RFC 8018, section 6.2 (PBES2), RFC 7914, section 7 (scrypt), RFC 8410
(Ed25519), RFC 9881 (ML-DSA), RFC 5915 and GM/T 0006 (SM2).
"""

import os
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

from ledger.evidence.keys import Algorithm, signer_from_seed

SEED_BYTES, SALT_BYTES, BLOCK_BYTES, KEY_BYTES = 32, 16, 16, 32
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 5
"""A guess costs 16 MiB, five times over; OpenSSL reads no more than 32 MiB.

Source: OWASP password storage, which asks for these or dearer ones.
"""
_COST_MAX = 2**20 * 8 * 16

BEGIN, END = "-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----"

SEQUENCE, INTEGER, OCTETS, OBJECT_ID = 0x30, 0x02, 0x04, 0x06
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")

_BEFORE_SEED = {
    Algorithm.ED25519: bytes.fromhex("302e020100300506032b657004220420"),
    Algorithm.ML_DSA_44: bytes.fromhex("3034020100300b060960864801650304031104228020"),
    Algorithm.ML_DSA_65: bytes.fromhex("3034020100300b060960864801650304031204228020"),
    # An ECPrivateKey on the curve 1.2.156.10197.1.301, with its public key behind it.
    Algorithm.SM2_SM3: bytes.fromhex(
        "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"
    ),
}
"""All that stands before the 32 bytes; each algorithm's key has one form, to the byte."""

_BEFORE_SM2_POINT = bytes.fromhex("a144034200")

Node = tuple[int, bytes]
"""Tag and content."""


def private_key_info(algorithm: Algorithm, seed: bytes) -> bytes:
    """Write a private key as PKCS#8 has it, in clear."""
    written = _BEFORE_SEED[algorithm] + seed
    if algorithm is Algorithm.SM2_SM3:
        written += _BEFORE_SM2_POINT + signer_from_seed(algorithm, seed).public_key.raw
    return written


def read_private_key_info(written: bytes) -> tuple[Algorithm, bytes]:
    """Read what `private_key_info` wrote.

    Raises:
        ValueError: It is written in another form, or of another algorithm.
    """
    for algorithm, before in _BEFORE_SEED.items():
        if written.startswith(before):
            seed = written[len(before) :][:SEED_BYTES]
            if len(seed) == SEED_BYTES and private_key_info(algorithm, seed) == written:
                return algorithm, seed
    raise ValueError("no private key that is known here")


def encrypted_pem(algorithm: Algorithm, seed: bytes, passphrase: str) -> str:
    """Write a private key under a passphrase."""
    salt, vector = os.urandom(SALT_BYTES), os.urandom(BLOCK_BYTES)
    padder = PKCS7(BLOCK_BYTES * 8).padder()
    padded = padder.update(private_key_info(algorithm, seed)) + padder.finalize()
    key = _derived(passphrase, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    encryptor = Cipher(AES256(key), CBC(vector)).encryptor()
    sealed = encryptor.update(padded) + encryptor.finalize()
    costs = b"".join(_integer(each) for each in (SCRYPT_N, SCRYPT_R, SCRYPT_P))
    derivation = _der(SEQUENCE, _SCRYPT, _der(SEQUENCE, _der(OCTETS, salt), costs))
    cipher = _der(SEQUENCE, _AES_256_CBC, _der(OCTETS, vector))
    scheme = _der(SEQUENCE, _PBES2, _der(SEQUENCE, derivation, cipher))
    text = b64encode(_der(SEQUENCE, scheme, _der(OCTETS, sealed))).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([BEGIN, *lines, END, ""])


def decrypted_pem(pem: str, passphrase: str) -> tuple[Algorithm, bytes]:
    """Read a private key under a passphrase.

    Whoever alters the file can turn an Ed25519 or ML-DSA key into another, which no ledger knows;
    an SM2 key carries its public half and is refused.

    Raises:
        ValueError: No such file, another passphrase, or not by scrypt and AES-256.
    """
    text = pem.strip().removeprefix(BEGIN).removesuffix(END)
    [whole] = _contents(b64decode("".join(text.split()), validate=True), SEQUENCE)
    scheme, sealed = _contents(whole, SEQUENCE, OCTETS)
    pbes2, parameters = _contents(scheme, OBJECT_ID, SEQUENCE)
    derivation, cipher = _contents(parameters, SEQUENCE, SEQUENCE)
    scrypt, costs = _contents(derivation, OBJECT_ID, SEQUENCE)
    aes, vector = _contents(cipher, OBJECT_ID, OCTETS)
    ids = [_der(OBJECT_ID, each) for each in (pbes2, scrypt, aes)]
    if ids != [_PBES2, _SCRYPT, _AES_256_CBC]:
        raise ValueError("a private key under another cipher")
    # How long the derived key is may stand behind the costs.
    salt, *numbers = _contents(costs, OCTETS, *(INTEGER for _ in _nodes(costs)[1:]))
    n, r, p = map(int.from_bytes, numbers[:3])
    if not 0 < n * r * p <= _COST_MAX:
        raise ValueError("a passphrase that costs more than is reasonable")
    decryptor = Cipher(AES256(_derived(passphrase, salt, n, r, p)), CBC(vector)).decryptor()
    unpadder = PKCS7(BLOCK_BYTES * 8).unpadder()
    padded = decryptor.update(sealed) + decryptor.finalize()
    return read_private_key_info(unpadder.update(padded) + unpadder.finalize())


def _derived(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=n, r=r, p=p).derive(passphrase.encode())


def _integer(number: int) -> bytes:
    return _der(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = bytes([len(content)])
    if len(content) >= 0x80:  # noqa: PLR2004 - then the length has a length (X.690, 8.1.3.5)
        digits = len(content).to_bytes((len(content).bit_length() + 7) // 8)
        length = bytes([0x80 | len(digits)]) + digits
    return bytes([tag]) + length + content


def _contents(data: bytes, *tags: int) -> list[bytes]:
    """Take apart what stands side by side under these tags.

    Raises:
        ValueError: It is no DER, or stands under others.
    """
    found = _nodes(data)
    if tuple(tag for tag, _ in found) != tags:
        raise ValueError("no private key under a passphrase")
    return [content for _, content in found]


def _nodes(data: bytes) -> list[Node]:
    """Take apart what stands side by side.

    Raises:
        ValueError: It is no DER.
    """
    found: list[Node] = []
    while data:
        head = 2
        if len(data) < head:
            raise ValueError("cut off")
        size = data[1]
        if size >= 0x80:  # noqa: PLR2004 - as above
            head += size & 0x7F
            size = int.from_bytes(data[2:head])
        content = data[head : head + size]
        node = _der(data[0], content)
        if not data.startswith(node):
            raise ValueError("no DER, or cut off")
        found.append((data[0], content))
        data = data[len(node) :]
    return found
