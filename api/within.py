"""What a caller may look at: it is there, and its organisation is within their reach."""

from collections.abc import Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from api.background.jobs import Job, Jobs, JobUnknown
from api.callers import Caller, Reach
from ledger.commands.officers import SYSTEM
from ledger.domain.organisation import organisation_id
from ledger.domain.recipient import Recipient
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import NOW, Moment
from projections.batches import Batch, batch_list
from projections.disbursements import Disbursement, disbursement_list
from projections.notices import Notice, notice_list
from projections.organisations import Organisation, Tree
from projections.people import organisations_knowing
from projections.remittances import RemittanceView, remittance_list


def remittance_within(
    model: Connection, reach: Reach, remittance_id: UUID, moment: Moment = NOW
) -> RemittanceView:
    """Return a remittance as it stood at the moment.

    Raises:
        NotOnRecord: There is none.
        OutsideReach: It is not within reach.
    """
    return _one_within(
        remittance_list(model, moment, remittance_id=remittance_id),
        reach,
        "remittance",
        remittance_id,
    )


def batch_within(model: Connection, reach: Reach, batch_id: UUID) -> Batch:
    """Return a batch.

    Raises:
        NotOnRecord: There is none.
        OutsideReach: It is not within reach.
    """
    return _one_within(batch_list(model, batch_id=batch_id), reach, "batch", batch_id)


def payment_within(
    model: Connection, reach: Reach, disbursement_id: UUID, moment: Moment = NOW
) -> Disbursement:
    """Return a payment as it stood at the moment.

    Raises:
        NotOnRecord: There was none.
        OutsideReach: It is not within reach.
    """
    return _one_within(
        disbursement_list(model, moment, disbursement_id=disbursement_id),
        reach,
        "disbursement",
        disbursement_id,
    )


def notice_within(model: Connection, reach: Reach, notice_id: UUID) -> Notice:
    """Return a public notice with what was said against it.

    Raises:
        NotOnRecord: There is none.
        OutsideReach: It is not within reach.
    """
    return _one_within(notice_list(model, notice_id=notice_id), reach, "notice", notice_id)


def is_wholly_within(ledger: Ledger, model: Connection, reach: Reach, person_id: UUID) -> bool:
    """Say whether every union that had a person on file, paid or listed them is within reach."""
    recipient = ledger.load(Recipient, person_id)
    came_by = set() if recipient is None else {recipient.organisation_id} - {None}
    return {*came_by, *organisations_knowing(model, person_id)} <= reach.ids


class _Placed(Protocol):
    """Something of an organisation."""

    @property
    def organisation_id(self) -> UUID: ...


TPlaced = TypeVar("TPlaced", bound=_Placed)


def _one_within(found: Sequence[TPlaced], reach: Reach, noun: str, id_: UUID) -> TPlaced:
    if not found:
        raise NotOnRecord(noun, id_)
    reach.require(found[0].organisation_id)
    return found[0]


def organisation_within(tree: Tree, reach: Reach, code: str) -> Organisation:
    """Return an organisation by its code.

    Raises:
        NotOnRecord: There is none.
        OutsideReach: It is not within reach.
    """
    found = tree.by_code.get(code)
    if found is None:
        raise NotOnRecord("organisation", organisation_id(code))
    reach.require(found.organisation_id)
    return found


def job_within(jobs: Jobs, caller: Caller, job_id: UUID) -> Job:
    """Return a job of the caller's; a system administrator sees everybody's.

    Raises:
        JobUnknown: There is none, or it is another's: nobody learns which.
    """
    job = jobs.find(str(job_id))
    if job.officer_id != caller.officer_id and not sees_all_jobs(caller):
        raise JobUnknown(str(job_id))
    return job


def own_job(jobs: Jobs, caller: Caller, job_id: UUID) -> Job:
    """Return a job that the caller handed in.

    Raises:
        JobUnknown: There is none, or it is another's.
    """
    job = jobs.find(str(job_id))
    if job.officer_id != caller.officer_id:
        raise JobUnknown(str(job_id))
    return job


def sees_all_jobs(caller: Caller) -> bool:
    return caller.holds_any(SYSTEM)
