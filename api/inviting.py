"""Letting officers in and out; who could have used their way in does not confirm their key."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from api.callers import Caller
from api.dependencies import Served
from api.entering import require_present
from ledger.commands.officers import SECURITY, require_over
from ledger.domain.officer import Officer, Role, RoleMissing
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import NotOnRecord


class InviterConfirms(LedgerError):
    """Whoever made an officer's way in could have used it; another confirms the key."""

    code = "officer.inviter_confirms"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: UUID, key_id: str) -> None:
        super().__init__(f"key {key_id} of {officer_id}: who invited them cannot confirm it")


class InvitesOneself(LedgerError):
    """A way in for oneself would outlast a session that is in other hands."""

    code = "officer.invites_oneself"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("another security administrator invites you")


class KeyHandedInBefore(LedgerError):
    """Whoever was signed in before an officer's last way in was used may have been another."""

    code = "officer.key_handed_in_before"
    kind = Kind.CONFLICT

    def __init__(self, officer_id: UUID, key_id: str) -> None:
        super().__init__(
            f"key {key_id} of {officer_id} was handed in before they set their password anew"
        )


def invite_officer(found: Served, caller: Caller, officer_id: UUID) -> str:
    """Return a code with which an officer sets a password; shown this once.

    Raises:
        NotOnRecord: No such officer.
        RoleMissing: The caller is no security administrator over each place where they act.
        InvitesOneself: As it says.
        NotSignedIn, PresenceNotProved: The caller has not just shown who they are.
    """
    officer = _administered(found, caller, officer_id)
    if officer_id == caller.officer_id:
        raise InvitesOneself
    require_present(found, caller)
    now_s = found.clock.now_s()
    return found.door.invite(officer_id, officer.staff_number, caller.officer_id, now_s)


def sign_out_officer(found: Served, caller: Caller, officer_id: UUID) -> None:
    """End all sessions and tokens of an officer, and forget their passkeys.

    One may have been added by whoever has their session; their password lets them add others.

    Raises:
        NotOnRecord, RoleMissing: As for `invite_officer`.
    """
    _administered(found, caller, officer_id)
    now_s = found.clock.now_s()
    found.door.sign_out_everywhere(officer_id, caller.officer_id, now_s, passkeys=True)


def require_not_inviter(found: Served, officer_id: UUID, key_id: str, confirming: UUID) -> None:
    """Check that a key is its owner's who was let in last, and confirmed by who let nobody in.

    Neither by who made the way in that was open when it was handed in, nor by who made one since.

    Raises:
        KeyHandedInBefore: The officer was let in anew since.
        InviterConfirms: Whoever confirms invited them.
    """
    journal = found.door.journal
    for event in found.ledger.events.get(officer_id):
        if isinstance(event, Officer.KeyProposed) and event.key_id == key_id:
            handed_in_s = int(datetime.fromisoformat(event.recorded_at).timestamp())
            if handed_in_s < journal.last_accepted_s(officer_id):
                raise KeyHandedInBefore(officer_id, key_id)
            # Within one second nobody can say what came first: then an earlier way in counts, too.
            if confirming in journal.inviters(officer_id, handed_in_s):
                raise InviterConfirms(officer_id, key_id)


def administers(found: Served, caller: Caller, officer_id: UUID, roles: Collection[Role]) -> bool:
    """Say whether a caller holds one of the posts over each place where an officer acts."""
    try:
        require_over(found.ledger, _today(found, caller), officer_id, roles)
    except RoleMissing:
        return False
    return True


def _administered(found: Served, caller: Caller, officer_id: UUID) -> Officer:
    require_over(found.ledger, _today(found, caller), officer_id, SECURITY)
    officer = found.ledger.load(Officer, officer_id)
    if officer is None:
        raise NotOnRecord("officer", officer_id)
    return officer


def _today(found: Served, caller: Caller) -> CommandAct:
    return CommandAct(str(caller.officer_id), caller.day, found.clock.now(), signed_in=True)
