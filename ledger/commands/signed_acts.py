"""Acts that officers sign for themselves; a key that may not sign is refused, and on record."""

from uuid import UUID

from ledger.commands.refusals import recorded
from ledger.domain.officer import KeyUnknown
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work


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
            _put_on_record(ledger, act, name, subject, refusal)
        raise


def _put_on_record(
    ledger: Ledger, act: CommandAct, name: str, subject: UUID, refusal: KeyUnknown
) -> None:
    attempt = CommandAct(act.actor, act.happened_on, act.recorded_at)

    def decide(work: Work) -> None:
        work.save(recorded(attempt, name, refusal, subject))

    ledger.perform(attempt, "signature.refuse", None, decide)
