"""A ledger's keys in one file under a passphrase, for whoever wants them in the backup too."""

import os
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text, canonical_json
from ledger.store.home import Home
from ledger.store.key_files import PASSPHRASE_MIN, PassphraseShort
from ledger.store.pkcs8 import SCRYPT_N, SCRYPT_P, SCRYPT_R

SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
_CONTEXT = b"nuanzhang backup keys v1"

NEEDED = ("keys/master.key", "keys/index.key")
"""Without these nobody's personal data opens again."""
SIGNING = "keys/service.key"
"""May stand in a token instead."""

Keys = Mapping[str, bytes]
"""Content of each key file, by its path within the home folder."""


class KeysUnreadable(LedgerError):
    """The keys in the backup do not open: altered, or another passphrase."""

    code = "backup.keys_unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("the keys in this backup do not open under this passphrase")


class KeysMissing(LedgerError):
    """A ledger is put back with the keys that it was made with, and they are not at hand."""

    code = "backup.keys_missing"
    kind = Kind.ABSENT

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; give --keys FOLDER, a copy of the ledger's keys/ folder")


class _SealedKeys(msgspec.Struct, forbid_unknown_fields=True):
    salt: str
    nonce: str
    sealed: str


def keys_of(home: Home) -> Keys:
    """Read a ledger's key files, officers' in the operator's keyring among them."""
    return {
        f"{folder.name}/{file.name}": file.read_bytes()
        for folder in (home.keys, home.keyring)
        for file in sorted(folder.glob("*"))
        if file.is_file()
    }


def keys_in(folder: Path) -> Keys:
    """Read a copy of a ledger's `keys` folder.

    Raises:
        KeysMissing: Keys are not in it without which no personal data opens.
    """
    found = {f"keys/{file.name}": file.read_bytes() for file in folder.glob("*") if file.is_file()}
    for name in NEEDED:
        if name not in found:
            raise KeysMissing(f"{folder} has no {PurePosixPath(name).name}")
    return found


def sealed(keys: Keys, passphrase: str) -> bytes:
    """Put keys under a passphrase.

    Raises:
        PassphraseShort: It can be guessed.
    """
    if len(passphrase) < PASSPHRASE_MIN:
        raise PassphraseShort
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    plain = canonical_json({name: base64_text(content) for name, content in keys.items()})
    closed = AESGCM(_key(passphrase, salt)).encrypt(nonce, plain, _CONTEXT)
    parts = _SealedKeys(*(base64_text(each) for each in (salt, nonce, closed)))
    return msgspec.json.encode(parts)


def opened(written: bytes, passphrase: str) -> Keys:
    """Open what `sealed` wrote.

    Raises:
        KeysUnreadable: Altered, or under another passphrase.
    """
    try:
        parts = msgspec.json.decode(written, type=_SealedKeys)
        key = AESGCM(_key(passphrase, b64decode(parts.salt)))
        plain = key.decrypt(b64decode(parts.nonce), b64decode(parts.sealed), _CONTEXT)
        found = msgspec.json.decode(plain, type=dict[str, bytes])
    except (InvalidTag, ValueError):
        raise KeysUnreadable from None
    for name in found:
        folder, _, file = name.partition("/")
        if folder not in {"keys", "keyring"} or PurePosixPath(file).name != file:
            raise KeysUnreadable
    return found


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt, KEY_BYTES, SCRYPT_N, SCRYPT_R, SCRYPT_P).derive(passphrase.encode())
