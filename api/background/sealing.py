"""Seals what waits on the disk: uploaded files hold personal data, webhooks have secrets."""

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import Kind, LedgerError

NONCE_BYTES = 12


class SealBroken(LedgerError):
    """What was sealed was altered, or belongs to another ledger."""

    code = "background.seal_broken"
    kind = Kind.BROKEN

    def __init__(self, name: str) -> None:
        super().__init__(f"what is kept for {name} cannot be opened with this ledger's key")


class Seal:
    """AES-256-GCM and HMAC-SHA-256 under keys that follow from one of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(key, b"seal", sha256))
        self._print_key = hmac.digest(key, b"fingerprint", sha256)

    def seal(self, plain: bytes, name: str) -> bytes:
        """Return nonce and ciphertext, which open under the same name alone."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """Return what was sealed under a name.

        Raises:
            SealBroken: It was not sealed so.
        """
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, name.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(name) from None

    def fingerprint(self, plain: bytes) -> bytes:
        """Return what tells two requests apart. Keyed: a short one could be guessed."""
        return hmac.digest(self._print_key, plain, sha256)
