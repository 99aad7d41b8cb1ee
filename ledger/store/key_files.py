"""An officer's private key in a file of its own, under a passphrase that nobody else knows."""

import os
from pathlib import Path

from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import Algorithm, Signer, signer_from_seed
from ledger.store.pkcs8 import SEED_BYTES, decrypted_pem, encrypted_pem

OWNER_ONLY_FILE = 0o600
PASSPHRASE_MIN = 12


class KeyFileUnreadable(LedgerError):
    """The file is no key file, or the passphrase is another."""

    code = "key_file.unreadable"
    kind = Kind.INVALID

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name}: no private key by scrypt, or another passphrase")


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
    """Make a key, and keep it in a new file (PKCS#8, PEM), readable by its owner alone.

    Raises:
        PassphraseShort, KeyFileTaken: As they say; nothing is written.
    """
    if len(passphrase) < PASSPHRASE_MIN:
        raise PassphraseShort
    seed, signer = _new_key(algorithm)
    pem = encrypted_pem(algorithm, seed, passphrase)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    except FileExistsError:
        raise KeyFileTaken(path) from None
    # Crash here: a file that is no key yet, of a key that nobody knows of.
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(pem)
        file.flush()
        os.fsync(descriptor)
    return signer


def read_key_file(path: Path, passphrase: str) -> Signer:
    """Open a key file.

    Raises:
        KeyFileUnreadable: It is none, was altered, or the passphrase is another.
    """
    try:
        return signer_from_seed(*decrypted_pem(path.read_text(encoding="ascii"), passphrase))
    except (OSError, ValueError):
        # Which of these it is, the file cannot tell.
        raise KeyFileUnreadable(path) from None


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
