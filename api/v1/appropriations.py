"""Appropriations: money from outside, and what became of it down to the recipients."""

from uuid import UUID

from fastapi import APIRouter

from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.histories import history_of
from api.problems import RESPONSES
from api.v1 import models
from ledger.store.application import NotOnRecord
from projections.flows import appropriations, trace_forward

router = APIRouter(prefix="/appropriations", tags=["appropriations"], responses=RESPONSES)


@router.get("")
def list_appropriations(model: TheReadModel, page: ThePage) -> models.Listed[models.LotStep]:
    """List the lots that came in from outside, in the order of the log."""
    found = appropriations(model, after=page.after, limit=page.limit + 1)
    found = [each for each in found if each.position <= page.at]
    shown = found[: page.limit]
    return models.Listed(
        items=[models.LotStep.model_validate(each) for each in shown],
        next=page.cursor(shown[-1].position if len(found) > page.limit else None),
        at=page.at,
    )


@router.get("/{lot_id}/trace")
def trace_appropriation(
    lot_id: UUID, model: TheReadModel, moment: TheMoment, page: ThePage
) -> models.TraceForward:
    """Trace an appropriation forward: through which organisations, to which payments."""
    found = trace_forward(model, lot_id, moment, after=page.after, limit=page.limit)
    if found is None:
        raise NotOnRecord("appropriation", lot_id)
    return models.TraceForward(
        origin=models.LotStep.model_validate(found.origin),
        received_fen=found.received_fen,
        in_hand_fen=found.in_hand_fen,
        in_transit_fen=found.in_transit_fen,
        paid_fen=found.paid_fen,
        lots=[models.LotStep.model_validate(each) for each in found.lots],
        places=[models.Place.model_validate(each) for each in found.places],
        payments=[models.PaidFrom.model_validate(each) for each in found.payments],
        next=page.cursor(found.next_after),
        at=page.at,
    )


@router.get("/{lot_id}/history")
def show_history(
    lot_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that moved the appropriation's money, with signatures and proofs."""
    return history_of(the_ledger, model, lot_id, page, envelopes=envelopes)
