"""An authenticator in software: what a security key and its browser do, written from the standard.

Source: W3C Web Authentication Level 3, sections 5.8.1 (client data), 6.1 (authenticator data), 6.5
(attested credential data), 8.7 (attestation "none"); RFC 9053 (COSE keys).
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, CREDENTIAL_ATTACHED = 0x01, 0x04, 0x40
ES256, EDDSA = -7, -8
AAGUID = bytes(16)
COORDINATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser stands when it asks: it is the browser that says so, not the page."""

    origin: str
    rp_id: str


@dataclass
class Authenticator:
    """Holds one credential. A test may have it forget to verify its user, or count backwards."""

    algorithm: int = ES256
    verifies_user: bool = True
    sign_count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: bytes = b""

    def __post_init__(self) -> None:
        self._key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = (
            ec.generate_private_key(ec.SECP256R1())
            if self.algorithm == ES256
            else ed25519.Ed25519PrivateKey.generate()
        )

    def create(self, options: dict[str, Any], page: Page) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        self.user_handle = unpadded(options["user"]["id"])
        attached = AAGUID + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(page, CREDENTIAL_ATTACHED) + attached + cbor2.dumps(self._cose_key())
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        return self._credential(
            {
                "clientDataJSON": padless(client_data("webauthn.create", options, page)),
                "attestationObject": padless(cbor2.dumps(attestation)),
                "transports": ["usb"],
            }
        )

    def get(self, options: dict[str, Any], page: Page) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        self.sign_count += 1
        client, data = client_data("webauthn.get", options, page), self._data(page)
        return self._credential(
            {
                "clientDataJSON": padless(client),
                "authenticatorData": padless(data),
                "signature": padless(self._sign(data + sha256(client).digest())),
                "userHandle": padless(self.user_handle),
            }
        )

    def passing_for(self, other: "Authenticator") -> "Authenticator":
        """Return one with a key of its own that says it holds the other's credential."""
        return replace(other, algorithm=self.algorithm)

    def _data(self, page: Page, more_flags: int = 0) -> bytes:
        verified = USER_VERIFIED if self.verifies_user else 0
        flags = USER_PRESENT | verified | more_flags
        counted = self.sign_count.to_bytes(4, "big")
        return sha256(page.rp_id.encode()).digest() + bytes([flags]) + counted

    def _cose_key(self) -> dict[int, Any]:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return {1: 1, 3: EDDSA, -1: 6, -2: self._key.public_key().public_bytes_raw()}
        point = self._key.public_key().public_numbers()
        x, y = (each.to_bytes(COORDINATE_BYTES, "big") for each in (point.x, point.y))
        return {1: 2, 3: ES256, -1: 1, -2: x, -3: y}

    def _sign(self, signed: bytes) -> bytes:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(signed)
        return self._key.sign(signed, ec.ECDSA(SHA256()))

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        named = padless(self.credential_id)
        return {
            "id": named,
            "rawId": named,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }


def client_data(kind: str, options: dict[str, Any], page: Page) -> bytes:
    said = {
        "type": kind,
        "challenge": options["challenge"],
        "origin": page.origin,
        "crossOrigin": False,
    }
    return json.dumps(said).encode()


def padless(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
