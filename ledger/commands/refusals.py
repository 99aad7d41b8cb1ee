"""Puts on record who tried what and which rule stopped it, in a stream of its own."""

from collections.abc import Collection
from uuid import UUID, uuid4

from ledger.commands.duties import acting_officer, require_post
from ledger.domain.officer import Role, RoleMissing
from ledger.domain.refusal import Refusal
from ledger.domain.values import stable_id
from ledger.errors import LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, Work


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


def put_on_record(
    ledger: Ledger, act: CommandAct, tried: str, refusal: LedgerError, subject: UUID, name: str
) -> None:
    """Put an attempt on record by an act of its own, called `name`, as the one tried is refused."""
    attempt = CommandAct(act.actor, act.happened_on, act.recorded_at)

    def decide(work: Work) -> None:
        work.save(recorded(attempt, tried, refusal, subject))

    ledger.perform(attempt, name, None, decide)


def may(
    work: Work,
    act: CommandAct,
    tried: str,
    organisation: UUID,
    roles: Collection[Role],
    subject: UUID,
) -> bool:
    """Say whether the actor's posts allow it; a try that they do not is put on record.

    Raises:
        OfficerRequired: The operator acts.
    """
    acting_officer(act)
    try:
        require_post(work, act, roles, organisation)
    except RoleMissing as refusal:
        refuse(work, act, tried, refusal, subject)
        return False
    return True


def refuse(work: Work, act: CommandAct, tried: str, refusal: LedgerError, subject: UUID) -> None:
    """Answer with a refusal, and put the attempt on record."""
    work.save(recorded(act, tried, refusal, subject, subject))
    work.refuse(refusal)
