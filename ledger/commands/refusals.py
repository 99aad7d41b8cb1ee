"""Puts on record who tried what and which rule stopped it, in a stream of its own."""

from uuid import UUID, uuid4

from ledger.domain.refusal import Refusal
from ledger.domain.values import stable_id
from ledger.errors import LedgerError
from ledger.store.act import CommandAct


def recorded(
    act: CommandAct, tried: str, refusal: LedgerError, subject: UUID, *place: object
) -> Refusal:
    """Return the record of an attempt, to be saved.

    Args:
        act: Who tried, and when; under its key the record has the same id when it is asked again.
        tried: What was tried, e.g. `fund.allocate`.
        refusal: What stopped it.
        subject: What it was about.
        place: What tells several refusals of one act apart.
    """
    return Refusal.record(
        act,
        stable_id("refusal", act.idempotency_key or uuid4(), *place),
        tried=tried,
        refusal_code=refusal.code,
        subject_id=subject,
        explanation=str(refusal),
    )
