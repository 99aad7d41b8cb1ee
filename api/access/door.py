"""The door: signing in and out, with passwords, waiting, sessions, tokens and the journal."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from api.access.accounts import Account, Accounts
from api.access.journal import AccessJournal
from api.access.lockout import Lockout
from api.access.looks import Looks
from api.access.passkeys import Passkeys, RelyingParty
from api.access.passwords import Passwords
from api.access.recent import Recent
from api.access.refusals import InvitationUnknown, PasskeyRefused, SignInFailed, TooManyLooks
from api.access.sessions import Sessions
from api.access.store import AccessStore
from api.access.tokens import Token, Tokens
from ledger.errors import LedgerError


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`secret` opens the session; by `device` this device is known when it comes again."""

    officer_id: UUID
    secret: str
    device: str


@dataclass(frozen=True, slots=True)
class Look:
    """A look at people, which is on record before anybody is told what it found.

    `sort` is `search` or `trial`, `at` what of them was sought or tried: its kind, never the value.
    `people` are those whom it tells of. It counts as `count` of the `most` of its sort in a day.
    """

    sort: str
    at: tuple[str, ...]
    people: Collection[UUID]
    count: int
    most: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How an officer stands at the door. Times are seconds since 1970.

    `active`: they have set a password. `invited_until_s`: their last code is unused, and good until
    then. `waiting_s`: devices that are not known have to wait so long, after too many failed tries.
    """

    active: bool
    invited_until_s: int | None
    signed_in_s: int | None
    sessions: int
    waiting_s: int


class Door:
    def __init__(self, path: Path, party: RelyingParty, passwords: Passwords | None = None) -> None:
        self._store = AccessStore(path)
        self.accounts = Accounts(self._store, passwords or Passwords())
        self.sessions = Sessions(self._store)
        self.tokens = Tokens(self._store)
        self.passkeys = Passkeys(self._store, party)
        self.journal = AccessJournal(self._store)
        self._lockout = Lockout(self._store)
        self._looks = Looks(self._store)
        self.recent = Recent()
        self.endings = self._store.endings

    def sign_in(
        self, staff_number: str, password: str, device: str | None, address: str, now_s: int
    ) -> SignedIn:
        """Open a session for whoever knows the password.

        Raises:
            TooManyTries: This place failed too often.
            SignInFailed: There is no such account, or it has another password.
        """
        self._lockout.require_free(staff_number, device, address, now_s)
        account = self.accounts.checked(staff_number, password)
        if account is None:
            self._lockout.failed(staff_number, device, address, now_s)
            tried = self.accounts.find(staff_number)
            self.journal.add(
                "sign_in.failed",
                now_s,
                officer_id=None if tried is None else tried.officer_id,
                address=address,
            )
            raise SignInFailed
        return self._open(account, "password", device, address, now_s)

    def sign_in_with_passkey(
        self, credential: dict[str, object], device: str | None, address: str, now_s: int
    ) -> SignedIn:
        """Open a session for whose passkey answered.

        Raises:
            PasskeyRefused: As it says. Nobody guesses one, so nobody is made to wait.
        """
        try:
            officer_id = self.passkeys.sign_in(credential, now_s)
        except PasskeyRefused:
            self.journal.add("passkey.failed", now_s, address=address)
            raise
        account = Account(officer_id, "", active=True)
        return self._open(account, "passkey", device, address, now_s)

    def accept(
        self, code: str, password: str, device: str | None, address: str, now_s: int
    ) -> SignedIn:
        """Set a first or another password with a code, and sign in.

        Raises:
            InvitationUnknown, PasswordWeak: As they say. Nobody guesses a code of 160 bits.
        """
        try:
            # Together: by their order in the journal it is told which invitation was used.
            with self._store.writing():
                account = self.accounts.accept(code, password, now_s)
                self.journal.add(
                    "password.set", now_s, officer_id=account.officer_id, address=address
                )
        except InvitationUnknown:
            self.journal.add("invitation.failed", now_s, address=address)
            raise
        return self._open(account, "invitation", device, address, now_s)

    def prove(
        self,
        officer_id: UUID,
        secret: str,
        now_s: int,
        *,
        staff_number: str,
        shown: str | dict[str, object],
        device: str | None,
        address: str,
    ) -> None:
        """Have an officer show anew who they are, by their password or what a passkey answered.

        Raises:
            TooManyTries: This place failed too often.
            SignInFailed, PasskeyRefused: It is not theirs.
        """
        refusal: LedgerError | None = None
        if isinstance(shown, str):
            self._lockout.require_free(staff_number, device, address, now_s)
            if self.accounts.checked(staff_number, shown) is None:
                self._lockout.failed(staff_number, device, address, now_s)
                refusal = SignInFailed()
        else:
            refusal = self._other_than(officer_id, shown, now_s)
        if refusal is not None:
            self.journal.add("presence.failed", now_s, officer_id=officer_id, address=address)
            raise refusal
        way = "password" if isinstance(shown, str) else "passkey"
        self.sessions.prove(secret, now_s)
        self.journal.add(f"presence.{way}", now_s, officer_id=officer_id, address=address)

    def _other_than(
        self, officer_id: UUID, credential: dict[str, object], now_s: int
    ) -> PasskeyRefused | None:
        """Return why what a passkey answered is not this officer's; None where it is."""
        try:
            owner = self.passkeys.sign_in(credential, now_s)
        except PasskeyRefused as refusal:
            return refusal
        return None if owner == officer_id else PasskeyRefused("it is another officer's")

    def sign_out(self, secret: str, officer_id: UUID, now_s: int) -> None:
        self.sessions.end(secret)
        self.journal.add("sign_out", now_s, officer_id=officer_id)

    def sign_out_everywhere(
        self, officer_id: UUID, by: UUID, now_s: int, *, passkeys: bool = False
    ) -> int:
        """End every session and token of an officer, and forget their passkeys if asked to.

        Return how many sessions and tokens there were.
        """
        with self._store.writing():
            ended = self.sessions.end_all(officer_id) + self.tokens.revoke_all(officer_id)
            self.journal.add("sign_out.everywhere", now_s, officer_id=officer_id, by=by)
            if passkeys and self.passkeys.remove_all(officer_id):
                self.journal.add("passkey.removed", now_s, officer_id=officer_id, by=by)
        return ended

    def invite(self, officer_id: UUID, staff_number: str, by: UUID | None, now_s: int) -> str:
        """Return the code with which an officer sets a password; shown this once."""
        with self._store.writing():
            code = self.accounts.invite(officer_id, staff_number, now_s)
            self.journal.add("invited", now_s, officer_id=officer_id, by=by)
        return code

    def standing(self, officer_id: UUID, staff_number: str, now_s: int) -> Standing:
        """Say how an officer stands: let in before, invited, locked out."""
        account = self.accounts.find(staff_number)
        return Standing(
            account is not None and account.active,
            self.accounts.invited_until_s(officer_id),
            self.journal.last_signed_in_s(officer_id),
            len(self.sessions.list_of(officer_id, None, now_s)),
            self._lockout.waiting_s(staff_number, now_s),
        )

    def remove_passkey(self, officer_id: UUID, passkey_id: str, now_s: int) -> None:
        """Forget a passkey of an officer.

        Raises:
            PasskeyUnknown: It is not theirs.
        """
        self.passkeys.remove(officer_id, passkey_id)
        self.journal.add("passkey.removed", now_s, officer_id=officer_id)

    def revoke_token(self, officer_id: UUID, token_id: str, now_s: int) -> None:
        """End a token of an officer.

        Raises:
            TokenUnknown: It is not theirs.
        """
        self.tokens.revoke(officer_id, token_id)
        self.journal.add("token.revoked", now_s, officer_id=officer_id)

    def issue_token(
        self, officer_id: UUID, *, label: str, read_only: bool, ttl_s: int, now_s: int
    ) -> tuple[str, Token]:
        """Return a token's text, shown this once, and what is kept of it."""
        text, token = self.tokens.issue(
            officer_id, label=label, read_only=read_only, ttl_s=ttl_s, now_s=now_s
        )
        self.journal.add("token.issued", now_s, officer_id=officer_id)
        return text, token

    def look(
        self, officer_id: UUID, look: Look, *, day: date, now_s: int, address: str = ""
    ) -> None:
        """Put on record that an officer looks at people.

        Raises:
            TooManyLooks: They looked as often as is allowed in a day. That is on record, too.
        """
        with self._store.writing():
            total = self._looks.count(officer_id, look.sort, day) + look.count
            refused = total > look.most
            if not refused:
                self._looks.set(officer_id, look.sort, day, total)
            for name in ("refused",) if refused else look.at:
                self.journal.add(
                    f"{look.sort}.{name}",
                    now_s,
                    officer_id=officer_id,
                    address=address,
                    people=() if refused else look.people,
                )
        if refused:
            raise TooManyLooks(look.most)

    def open_for(self, officer_id: UUID, opened_by: str, address: str, now_s: int) -> str:
        """Open a session for somebody who was recognised otherwise: the demo's one click."""
        self.journal.add(f"sign_in.{opened_by}", now_s, officer_id=officer_id, address=address)
        return self.sessions.open(officer_id, opened_by, now_s)

    def close(self) -> None:
        self._store.close()

    def _open(
        self, account: Account, opened_by: str, device: str | None, address: str, now_s: int
    ) -> SignedIn:
        known = self._lockout.succeeded(
            account.officer_id, account.staff_number, device, address, now_s
        )
        secret = self.open_for(account.officer_id, opened_by, address, now_s)
        return SignedIn(account.officer_id, secret, known)
