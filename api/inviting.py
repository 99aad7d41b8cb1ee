"""Who made an officer's way in: they could have used it, so they do not confirm its key."""

from datetime import datetime
from uuid import UUID

from api.dependencies import Served
from ledger.domain.officer import Officer
from ledger.errors import Kind, LedgerError


class InviterConfirms(LedgerError):
    """Whoever made an officer's way in could have used it; another confirms the key."""

    code = "officer.inviter_confirms"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: UUID, key_id: str) -> None:
        super().__init__(f"key {key_id} of {officer_id}: who invited them cannot confirm it")


def require_not_inviter(found: Served, officer_id: UUID, key_id: str, confirming: UUID) -> None:
    """Check that a key is confirmed by another than who invited its owner.

    Neither whoever did so last, nor whoever made the way in that was open when it was handed in.

    Raises:
        InviterConfirms: It is not.
    """
    journal = found.door.journal
    inviters = {journal.last_inviter(officer_id)}
    for event in found.ledger.events.get(officer_id):
        if isinstance(event, Officer.KeyProposed) and event.key_id == key_id:
            handed_in_s = int(datetime.fromisoformat(event.recorded_at).timestamp())
            inviters.add(journal.last_inviter(officer_id, handed_in_s))
    if confirming in inviters:
        raise InviterConfirms(officer_id, key_id)
