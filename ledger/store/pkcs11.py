"""The ledger's own key in a token (PKCS#11), which signs and never hands the key out.

Source: PKCS #11 v3.0, sections 2.3.5 (Edwards keys), 2.3.14 (EdDSA); RFC 8410 (the curve's name).
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error, Session

from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import Algorithm, PublicKey, SignatureBroken, verify

ED25519_PARAMETERS = bytes.fromhex("06032b6570")
"""The object identifier 1.3.101.112 in DER."""

PUBLIC_BYTES = 32
_OCTET_STRING = bytes([4, PUBLIC_BYTES])
_TRIAL = b"nuanzhang token trial\n"
"""No event and no checkpoint begins so; what a token signs here serves for nothing else."""


class TokenUnusable(LedgerError):
    """The token is not there, does not let us in, or failed. What it was told is not repeated."""

    code = "token.unusable"
    kind = Kind.CONFLICT

    def __init__(self, label: str, cause: str) -> None:
        super().__init__(f"token {label}: {cause}")


class TokenKeyMissing(LedgerError):
    """The token holds no such key, or several of one label."""

    code = "token.key_missing"
    kind = Kind.ABSENT

    def __init__(self, label: str, key_label: str, found: int) -> None:
        super().__init__(
            f"token {label} has {found} Ed25519 key pairs labelled {key_label}, expected 1;"
            " `nuanzhang key make-in-token` makes one"
        )


@dataclass(frozen=True, slots=True)
class Token:
    """Where a token is reached, and what opens it."""

    module: Path
    label: str
    pin: str = field(repr=False)

    def signer(self, key_label: str) -> "TokenSigner":
        """Return who signs with the key of this label.

        Raises:
            TokenUnusable: The token is not there, or the PIN is another.
            TokenKeyMissing: It holds none, or several.
        """
        return TokenSigner(self, key_label)

    def find_or_make(self, key_label: str) -> "TokenSigner":
        """Return who signs with the key of this label; have the token make it if it has none.

        The key cannot be taken out again, by us neither: a token that breaks is followed by a
        rotation, so keep a second one at hand.

        Raises:
            TokenUnusable, TokenKeyMissing: As `signer`.
        """
        with _reported(self.label):
            session = _session(self)
            if not any(True for _ in session.get_objects({Attribute.LABEL: key_label})):
                parameters = session.create_domain_parameters(
                    KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: ED25519_PARAMETERS}, local=True
                )
                parameters.generate_keypair(
                    id=secrets.token_bytes(16),
                    label=key_label,
                    store=True,
                    mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
                    private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
                )
        return TokenSigner(self, key_label)


class TokenSigner:
    """Signs with Ed25519 in a token, one message after the other."""

    def __init__(self, token: Token, key_label: str) -> None:
        self._token = token.label
        # A session does one thing at a time, and it is one for the whole process.
        self._lock = Lock()
        with _reported(token.label):
            session = _session(token)
            public, private = (
                _objects(session, kind, key_label)
                for kind in (ObjectClass.PUBLIC_KEY, ObjectClass.PRIVATE_KEY)
            )
            if (len(public), len(private)) != (1, 1):
                raise TokenKeyMissing(token.label, key_label, min(len(public), len(private)))
            self._private = private[0]
            point = bytes(public[0][Attribute.EC_POINT])
        self.public_key = PublicKey(Algorithm.ED25519, _raw(token.label, point))
        self._try()

    def __repr__(self) -> str:
        return f"TokenSigner({self.public_key.key_id})"

    def sign(self, message: bytes) -> bytes:
        """Sign.

        Raises:
            TokenUnusable: The token failed, or was taken out.
        """
        with self._lock, _reported(self._token):
            return bytes(self._private.sign(message, mechanism=Mechanism.EDDSA))

    def sign_all(self, messages: Iterable[bytes]) -> Iterator[bytes]:
        return map(self.sign, messages)

    def close(self) -> None:
        """The session is the process's, and ends with it."""

    def _try(self) -> None:
        """Check that both halves are of one key, before anything is signed that is kept."""
        try:
            verify(self.public_key, _TRIAL, self.sign(_TRIAL))
        except SignatureBroken:
            raise TokenUnusable(self._token, "its key pair does not fit together") from None


@cache
def _session(token: Token) -> Session:
    """Log in, once: PKCS#11 logs a process in and out, not one of its sessions.

    Were a second session closed, the first could sign no more.
    """
    found = pkcs11.lib(str(token.module)).get_token(token_label=token.label)
    return found.open(rw=True, user_pin=token.pin)


@contextmanager
def _reported(label: str) -> Iterator[None]:
    """Name a token's own failures; the texts of a driver are not ours to repeat."""
    try:
        yield
    except PKCS11Error as cause:
        raise TokenUnusable(label, type(cause).__name__) from None


def _objects(session: Session, kind: ObjectClass, key_label: str) -> list[Any]:
    wanted = {
        Attribute.CLASS: kind,
        Attribute.KEY_TYPE: KeyType.EC_EDWARDS,
        Attribute.LABEL: key_label,
    }
    return list(session.get_objects(wanted))


def _raw(label: str, point: bytes) -> bytes:
    """Take the public key out of a point, which tokens give bare, or as an OCTET STRING in DER."""
    raw = point.removeprefix(_OCTET_STRING) if len(point) > PUBLIC_BYTES else point
    if len(raw) != PUBLIC_BYTES:
        raise TokenUnusable(label, f"a public key of {len(raw)} bytes, expected {PUBLIC_BYTES}")
    return raw
