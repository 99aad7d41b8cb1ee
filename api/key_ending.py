"""Ending an officer's key: who may, and which of two things that is."""

from uuid import UUID

from api.acting import Acting
from api.callers import PostMissing
from api.v1.forms import KeyEndForm
from ledger.commands.officer_keys import KeyRevocation, give_up_key, revoke_key
from ledger.domain.officer import Officer, Role
from ledger.store.application import Answer, Ledger, NotOnRecord


def end_officer_key(
    ledger: Ledger, acting: Acting, officer_id: UUID, key_id: str, form: KeyEndForm
) -> Answer:
    """Revoke a key, or record that somebody else had it from a position of the log on.

    Raises:
        NotOnRecord: No such officer.
        PostMissing: It is another's, and whoever asks is no security administrator.
        KeyUnknown, KeyNotValid: As they say.
    """
    officer = ledger.load(Officer, officer_id)
    if officer is None:
        raise NotOnRecord("officer", officer_id)
    require_own_or_security(acting, officer_id)
    order = KeyRevocation(officer.staff_number, key_id, form.reason)
    act = acting.act(form.happened_on, stream=officer_id)
    if form.compromised_from is None:
        return revoke_key(ledger, act, order)
    return give_up_key(ledger, act, order, form.compromised_from)


def require_own_or_security(acting: Acting, officer_id: UUID) -> None:
    """Check that what is the officer's own is asked for by themselves, or a security administrator.

    Raises:
        PostMissing: It is not.
    """
    caller = acting.caller
    own = caller.officer_id == officer_id
    if not own and not caller.holds_any({Role.SECURITY_ADMINISTRATOR}):
        raise PostMissing(caller.staff_number, {Role.SECURITY_ADMINISTRATOR})
