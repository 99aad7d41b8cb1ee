"""Who made an officer's way in: they could have used it, so they do not confirm its key."""

from uuid import UUID

from api.dependencies import Served
from ledger.errors import Kind, LedgerError


class InviterConfirms(LedgerError):
    """Whoever made an officer's way in could have used it; another confirms the key."""

    code = "officer.inviter_confirms"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: UUID, key_id: str) -> None:
        super().__init__(f"key {key_id} of {officer_id}: who invited them cannot confirm it")


def require_not_inviter(found: Served, officer_id: UUID, key_id: str, confirming: UUID) -> None:
    """Check that a key is confirmed by another than who invited its owner last.

    Raises:
        InviterConfirms: It is not.
    """
    if found.door.journal.last_inviter(officer_id) == confirming:
        raise InviterConfirms(officer_id, key_id)
