"""Acts that officers sign for themselves; a key that may not sign is refused, and on record."""

from uuid import UUID

from ledger.commands.refusals import put_on_record
from ledger.domain.officer import KeyUnknown
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger


def perform_signed(
    ledger: Ledger, act: CommandAct, name: str, request: object, subject: UUID, decide: Decide
) -> Answer:
    """Perform an act that commits an organisation.

    Raises:
        KeyUnknown: The officer has no such key in force: never had, or it was revoked. The attempt
            is put on record before this is said.
        LedgerError: What `Ledger.perform` refuses.
    """
    try:
        return ledger.perform(act, name, request, decide)
    except KeyUnknown as refusal:
        if not act.dry_run:
            put_on_record(ledger, act, name, refusal, subject, "signature.refuse")
        raise
