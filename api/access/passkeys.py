"""Passkeys: signing in with what the officer's device or security key holds (W3C WebAuthn)."""

import json
import secrets
import sqlite3
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import webauthn
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from api.access.refusals import PasskeyRefused, PasskeyUnknown
from api.access.store import AccessStore

CHALLENGE_TTL_S = 300
CHALLENGE_BYTES = 32
ADD, SIGN_IN = "add", "sign_in"

UNREADABLE = (WebAuthnException, LookupError, ValueError, TypeError, AttributeError, RecursionError)
"""What reading an answer may end in when it is none; the library lets some of them through."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The service as authenticators know it: a host name, and the origin its pages come from."""

    id: str
    origin: str
    name: str = "暖账 Nuanzhang"


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner is shown it; `passkey_id` opens nothing."""

    passkey_id: str
    label: str
    added_at_s: int


class Passkeys:
    """Challenges are made here, good once and for five minutes; the device confirms its user."""

    def __init__(self, store: AccessStore, party: RelyingParty) -> None:
        self._store = store
        self._party = party

    def adding(self, officer_id: UUID, staff_number: str, now_s: int) -> dict[str, Any]:
        """Return the options for `navigator.credentials.create`."""
        challenge = self._challenge(ADD, officer_id, now_s)
        options = webauthn.generate_registration_options(
            rp_id=self._party.id,
            rp_name=self._party.name,
            user_name=staff_number,
            user_id=officer_id.bytes,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=row["credential_id"])
                for row in self._store.rows(
                    "SELECT credential_id FROM passkeys WHERE officer_id = ?", str(officer_id)
                )
            ],
        )
        return _plain(options)

    def add(self, officer_id: UUID, label: str, credential: dict[str, Any], now_s: int) -> None:
        """Keep a passkey.

        Raises:
            PasskeyRefused: Another origin, an old challenge, or no confirmation of the user.
        """
        challenge = self._take(credential, ADD, now_s, officer_id)
        try:
            verified = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                require_user_verification=True,
            )
        except UNREADABLE as cause:
            raise PasskeyRefused(type(cause).__name__) from None
        with self._store.writing() as sql:
            known = self._store.row(
                "SELECT 1 FROM passkeys WHERE credential_id = ?", verified.credential_id
            )
            if known is not None:
                raise PasskeyRefused("it is known already")
            sql.execute(
                "INSERT INTO passkeys VALUES (?, ?, ?, ?, ?, ?)",
                (
                    verified.credential_id,
                    str(officer_id),
                    verified.credential_public_key,
                    verified.sign_count,
                    label,
                    now_s,
                ),
            )

    def list_of(self, officer_id: UUID) -> list[Passkey]:
        """Return an officer's passkeys, the first added first."""
        rows = self._store.rows(
            "SELECT * FROM passkeys WHERE officer_id = ? ORDER BY added_at_s, credential_id",
            str(officer_id),
        )
        return [
            Passkey(passkey_id(row["credential_id"]), row["label"], row["added_at_s"])
            for row in rows
        ]

    def remove(self, officer_id: UUID, named: str) -> None:
        """Forget a passkey: what holds it lets nobody in any more.

        Raises:
            PasskeyUnknown: It is not this officer's, or was removed before.
        """
        with self._store.writing() as sql:
            rows = self._store.rows(
                "SELECT credential_id FROM passkeys WHERE officer_id = ?", str(officer_id)
            )
            found = [row["credential_id"] for row in rows]
            mine = [each for each in found if passkey_id(each) == named]
            if not mine:
                raise PasskeyUnknown(named)
            sql.execute("DELETE FROM passkeys WHERE credential_id = ?", (mine[0],))

    def remove_all(self, officer_id: UUID) -> int:
        """Forget all passkeys of an officer; return how many there were."""
        with self._store.writing() as sql:
            return sql.execute(
                "DELETE FROM passkeys WHERE officer_id = ?", (str(officer_id),)
            ).rowcount

    def signing_in(self, now_s: int) -> dict[str, Any]:
        """Return the options for `navigator.credentials.get`; they do not say who has a passkey."""
        options = webauthn.generate_authentication_options(
            rp_id=self._party.id,
            challenge=self._challenge(SIGN_IN, None, now_s),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _plain(options)

    def sign_in(self, credential: dict[str, Any], now_s: int) -> UUID:
        """Return whose passkey answered.

        Raises:
            PasskeyRefused: Nobody's, another origin, an old challenge, or a copied authenticator.
        """
        challenge = self._take(credential, SIGN_IN, now_s, None)
        raw = _bytes(credential.get("rawId") or credential.get("id"))
        # One transaction, so that of two answers at once each is held against the last count.
        with self._store.writing() as sql:
            found = self._store.row("SELECT * FROM passkeys WHERE credential_id = ?", raw)
            if found is None:
                raise PasskeyRefused("nobody's")
            counted = self._verified(credential, challenge, found)
            sql.execute(
                "UPDATE passkeys SET sign_count = ? WHERE credential_id = ?", (counted, raw)
            )
        return UUID(found["officer_id"])

    def _verified(self, credential: dict[str, Any], challenge: bytes, found: sqlite3.Row) -> int:
        """Return what the authenticator has counted to, if it is the one that was added."""
        # Nobody said who signs in, so the device has to: W3C WebAuthn Level 3, 7.2 step 6.
        handle = _bytes(credential["response"].get("userHandle"))
        if handle != UUID(found["officer_id"]).bytes:
            raise PasskeyRefused("its user is another")
        try:
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                credential_public_key=found["public_key"],
                credential_current_sign_count=found["sign_count"],
                require_user_verification=True,
            )
        except UNREADABLE as cause:
            raise PasskeyRefused(type(cause).__name__) from None
        return verified.new_sign_count

    def _challenge(self, purpose: str, officer_id: UUID | None, now_s: int) -> bytes:
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        with self._store.writing() as sql:
            sql.execute("DELETE FROM challenges WHERE until_s <= ?", (now_s,))
            sql.execute(
                "INSERT INTO challenges VALUES (?, ?, ?, ?)",
                (
                    challenge,
                    purpose,
                    None if officer_id is None else str(officer_id),
                    now_s + CHALLENGE_TTL_S,
                ),
            )
        return challenge

    def _take(
        self, credential: dict[str, Any], purpose: str, now_s: int, officer_id: UUID | None
    ) -> bytes:
        """Use up the challenge that the answer names: it is good once, whatever comes of it."""
        try:
            client = json.loads(_bytes(credential["response"]["clientDataJSON"]))
            challenge = _bytes(client["challenge"])
        except UNREADABLE:
            raise PasskeyRefused("it cannot be read") from None
        with self._store.writing() as sql:
            found = self._store.row("SELECT * FROM challenges WHERE challenge = ?", challenge)
            sql.execute("DELETE FROM challenges WHERE challenge = ?", (challenge,))
        named = None if officer_id is None else str(officer_id)
        if (
            found is None
            or found["until_s"] <= now_s
            or (found["purpose"], found["officer_id"]) != (purpose, named)
        ):
            raise PasskeyRefused("its challenge is not in force")
        return challenge


def passkey_id(credential_id: bytes) -> str:
    """Return the short name of a passkey, which stands in addresses in place of the credential."""
    return sha256(credential_id).hexdigest()[:16]


def _plain(options: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return plain


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise PasskeyRefused("it cannot be read")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise PasskeyRefused("it cannot be read") from None
