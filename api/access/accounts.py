"""Accounts: an officer is invited by a code shown once, and chooses a password with it."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from api.access.passwords import Passwords
from api.access.refusals import InvitationUnknown
from api.access.store import AccessStore, count_ending, hidden

INVITATION_TTL_S = 24 * 3600
CODE_BYTES = 20


@dataclass(frozen=True, slots=True)
class Account:
    officer_id: UUID
    staff_number: str
    active: bool


class Accounts:
    def __init__(self, store: AccessStore, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    def invite(self, officer_id: UUID, staff_number: str, now_s: int) -> str:
        """Return a code, good once within a day, with which the officer sets a password.

        An older code is good no more. The password there is stays until the code is used.
        """
        code = secrets.token_urlsafe(CODE_BYTES)
        with self._store.writing() as sql:
            sql.execute(
                "INSERT INTO accounts VALUES (?, ?, NULL, ?, ?) ON CONFLICT (officer_id) DO UPDATE"
                " SET invitation_hash = excluded.invitation_hash,"
                " invited_until_s = excluded.invited_until_s",
                (str(officer_id), staff_number, hidden(code), now_s + INVITATION_TTL_S),
            )
        return code

    def accept(self, code: str, password: str, now_s: int) -> Account:
        """Set the password; whoever was signed in under the old one is no more.

        Raises:
            InvitationUnknown: The code was never given out, was used, or is too old.
            PasswordWeak: As it says; the code is still good.
        """
        with self._store.writing() as sql:
            found = self._store.row(
                "SELECT * FROM accounts WHERE invitation_hash = ? AND invited_until_s > ?",
                hidden(code),
                now_s,
            )
            if found is None:
                raise InvitationUnknown
            kept = self._passwords.hash(password, found["staff_number"])
            officer_id = found["officer_id"]
            sql.execute(
                "UPDATE accounts SET password_hash = ?, invitation_hash = NULL,"
                " invited_until_s = NULL WHERE officer_id = ?",
                (kept, officer_id),
            )
            for table in ("sessions", "tokens", "devices", "passkeys"):
                sql.execute(f"DELETE FROM {table} WHERE officer_id = ?", (officer_id,))  # noqa: S608 - our own names
            count_ending(sql)
        return Account(UUID(officer_id), found["staff_number"], active=True)

    def invited_until_s(self, officer_id: UUID) -> int | None:
        """Return until when the officer's last code is good; None once it was used, or never."""
        found = self._store.row(
            "SELECT invited_until_s FROM accounts WHERE officer_id = ?", str(officer_id)
        )
        return None if found is None else found["invited_until_s"]

    def find(self, staff_number: str) -> Account | None:
        found = self._store.row("SELECT * FROM accounts WHERE staff_number = ?", staff_number)
        if found is None:
            return None
        active = found["password_hash"] is not None
        return Account(UUID(found["officer_id"]), staff_number, active)

    def checked(self, staff_number: str, password: str) -> Account | None:
        """Return the account if the password is its own; takes as long where there is none."""
        found = self._store.row("SELECT * FROM accounts WHERE staff_number = ?", staff_number)
        kept = None if found is None else found["password_hash"]
        if not self._passwords.holds(kept, password) or found is None or kept is None:
            return None
        if self._passwords.outdated(kept):
            with self._store.writing() as sql:
                sql.execute(
                    "UPDATE accounts SET password_hash = ? WHERE officer_id = ?",
                    (self._passwords.rehash(password), found["officer_id"]),
                )
        return Account(UUID(found["officer_id"]), staff_number, active=True)
