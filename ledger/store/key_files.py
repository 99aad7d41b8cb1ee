"""An officer's private key in a file of its own, under a passphrase that nobody else knows."""

import binascii
import json
import os
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import Algorithm, Signer, signer_from_seed

FORMAT = "nuanzhang key file 1"
SEED_BYTES, SALT_BYTES, NONCE_BYTES = 32, 16, 12
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
"""A guess costs 32 MiB and some tenths of a second. Source: RFC 7914; OWASP password storage."""

OWNER_ONLY_FILE = 0o600
PASSPHRASE_MIN = 12


class KeyFileUnreadable(LedgerError):
    """The file is no key file, or the passphrase is another."""

    code = "key_file.unreadable"
    kind = Kind.INVALID

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(f"{path.name}: {cause}")


class PassphraseShort(LedgerError):
    """A passphrase that can be guessed keeps nothing."""

    code = "key_file.passphrase_short"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(f"a passphrase has {PASSPHRASE_MIN} characters or more")


class KeyFileTaken(LedgerError):
    """There is a file already; it is left alone."""

    code = "key_file.taken"
    kind = Kind.CONFLICT

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} exists; nothing was written")


def write_key_file(path: Path, algorithm: Algorithm, passphrase: str) -> Signer:
    """Make a key, and keep it in a new file, readable by its owner alone.

    Raises:
        PassphraseShort, KeyFileTaken: As they say; nothing is written.
    """
    if len(passphrase) < PASSPHRASE_MIN:
        raise PassphraseShort
    seed, signer = _new_key(algorithm)
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    sealed = AESGCM(_derived(passphrase, salt)).encrypt(nonce, seed, algorithm.value.encode())
    content = {
        "format": FORMAT,
        "algorithm": algorithm.value,
        "key_id": signer.public_key.key_id,
        "public_key": _text(signer.public_key.raw),
        "salt": _text(salt),
        "nonce": _text(nonce),
        "sealed": _text(sealed),
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    except FileExistsError:
        raise KeyFileTaken(path) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(descriptor)
    return signer


def read_key_file(path: Path, passphrase: str) -> Signer:
    """Open a key file.

    Raises:
        KeyFileUnreadable: It is none, was altered, or the passphrase is another.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise KeyFileUnreadable(path, "of another format")
        algorithm = Algorithm(content["algorithm"])
        salt, nonce, sealed = (_raw(content[name]) for name in ("salt", "nonce", "sealed"))
        cipher = AESGCM(_derived(passphrase, salt))
        seed = cipher.decrypt(nonce, sealed, algorithm.value.encode())
        return signer_from_seed(algorithm, seed)
    except InvalidTag:
        raise KeyFileUnreadable(path, "another passphrase, or the file was altered") from None
    except (OSError, ValueError, KeyError, TypeError, binascii.Error):
        raise KeyFileUnreadable(path, "no key file") from None


def new_seed(algorithm: Algorithm) -> bytes:
    """Return a new private key of 32 bytes."""
    return _new_key(algorithm)[0]


def _new_key(algorithm: Algorithm) -> tuple[bytes, Signer]:
    while True:
        seed = os.urandom(SEED_BYTES)
        try:
            return seed, signer_from_seed(algorithm, seed)
        except ValueError:  # once in 2^32 draws, no number that SM2 allows
            continue


def _derived(passphrase: str, salt: bytes) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return kdf.derive(passphrase.encode())


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


def _raw(text: str) -> bytes:
    return b64decode(text, validate=True)
