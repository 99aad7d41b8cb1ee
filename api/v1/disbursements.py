"""Disbursements: single payments, where their money came from, and all that happened to them."""

from uuid import UUID

from fastapi import APIRouter

from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.histories import history_of
from api.problems import RESPONSES
from api.v1 import models
from ledger.domain.disbursement import Status
from ledger.store.application import NotOnRecord
from projections.disbursements import disbursement_list
from projections.flows import trace_back

router = APIRouter(prefix="/disbursements", tags=["disbursements"], responses=RESPONSES)


@router.get("")
def list_disbursements(
    model: TheReadModel,
    page: ThePage,
    moment: TheMoment,
    batch_id: UUID | None = None,
    organisation_id: UUID | None = None,
    status: Status | None = None,
) -> models.Listed[models.Disbursement]:
    """List payments in the order in which they were instructed, as they stood at the moment."""
    found = disbursement_list(
        model,
        moment,
        batch_id=batch_id,
        organisation_ids=None if organisation_id is None else [organisation_id],
        status=status,
        after=page.after,
        limit=page.limit + 1,
    )
    found = [each for each in found if each.position <= page.at]
    shown = found[: page.limit]
    return models.Listed(
        items=[models.Disbursement.model_validate(each) for each in shown],
        next=page.cursor(shown[-1].position if len(found) > page.limit else None),
        at=page.at,
    )


@router.get("/{disbursement_id}")
def show_disbursement(
    disbursement_id: UUID, model: TheReadModel, moment: TheMoment
) -> models.Disbursement:
    """Show a payment as it stood at the moment."""
    found = disbursement_list(model, moment, disbursement_id=disbursement_id)
    if not found:
        raise NotOnRecord("disbursement", disbursement_id)
    return models.Disbursement.model_validate(found[0])


@router.get("/{disbursement_id}/trace")
def trace_disbursement(disbursement_id: UUID, model: TheReadModel) -> models.TraceBack:
    """Trace a payment back, lot by lot, through every organisation to the sources of its money."""
    strands = trace_back(model, disbursement_id)
    if not strands:
        raise NotOnRecord("disbursement", disbursement_id)
    return models.TraceBack(
        disbursement_id=disbursement_id,
        amount_fen=sum(strand.amount_fen for strand in strands),
        strands=[models.Strand.model_validate(strand) for strand in strands],
    )


@router.get("/{disbursement_id}/history")
def show_history(
    disbursement_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that concerns the payment, with signatures and proofs."""
    return history_of(the_ledger, model, disbursement_id, page, envelopes=envelopes)
