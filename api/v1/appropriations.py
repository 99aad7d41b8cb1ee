"""Appropriations: money from outside, and what became of it down to the recipients."""

from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.acting import TheActing
from api.callers import CASH, CORRECT, READ, Reach, TheReach
from api.crossing import crossings
from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.edge.one_thread import InOneThread
from api.histories import history_of
from api.orders import receipt_of
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.written import NamedLot, Nothing, Written, written
from ledger.commands.funds import ReceiptCorrection, correct_receipt, receive_funds
from ledger.store.application import NotOnRecord
from projections.flows import appropriations, trace_forward

router = APIRouter(
    route_class=InOneThread, prefix="/appropriations", tags=["appropriations"], responses=RESPONSES
)


@router.get("", dependencies=[READ])
def list_appropriations(
    model: TheReadModel, page: ThePage, reach: TheReach, organisation_id: UUID | None = None
) -> models.Listed[models.LotStep]:
    """List the lots that came in from outside, in the order of the log."""
    found = appropriations(
        model,
        organisation_ids=reach.within(organisation_id),
        after=page.after,
        limit=page.limit + 1,
    )
    shown, further = page.cut(found)
    return models.Listed(
        items=[models.LotStep.model_validate(each) for each in shown],
        next=further,
        at=page.at,
    )


@router.post("", status_code=201, dependencies=[CASH])
def create_appropriation(
    form: forms.ReceiptForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[NamedLot]:
    """Take in money from outside as a lot of its own."""
    answer = receive_funds(the_ledger, acting.act(form.happened_on), receipt_of(form))
    return written(the_ledger, response, answer, NamedLot)


@router.post("/{lot_id}/corrections", status_code=201, dependencies=[CORRECT])
def correct_appropriation(
    lot_id: UUID,
    form: forms.ReceiptCorrectionForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Put right a receipt that was entered wrongly, by adding the difference."""
    order = ReceiptCorrection(
        form.organisation_code,
        form.earmark,
        lot_id,
        form.corrects_version,
        form.difference_fen,
        form.reason,
    )
    answer = correct_receipt(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, Nothing)


@router.get("/{lot_id}/trace", dependencies=[READ])
def trace_appropriation(
    lot_id: UUID,
    model: TheReadModel,
    moment: TheMoment,
    page: ThePage,
    reach: TheReach,
    the_ledger: TheLedger,
) -> models.TraceForward:
    """Trace an appropriation forward: through which organisations, to which payments."""
    _require_within(model, reach, lot_id)
    found = trace_forward(model, lot_id, moment, after=page.after, limit=page.limit)
    if found is None:
        raise NotOnRecord("appropriation", lot_id)
    crossing = crossings(the_ledger, model, [lot_id]).get(lot_id)
    return models.TraceForward(
        origin=models.LotStep.model_validate(found.origin),
        crossing=models.crossing_of(crossing),
        received_fen=found.received_fen,
        in_hand_fen=found.in_hand_fen,
        in_transit_fen=found.in_transit_fen,
        paid_fen=found.paid_fen,
        remitted_fen=found.remitted_fen,
        lots=[models.LotStep.model_validate(each) for each in found.lots],
        places=[models.Place.model_validate(each) for each in found.places],
        payments=[models.PaidFrom.model_validate(each) for each in found.payments],
        next=page.cursor(found.next_after),
        at=page.at,
    )


@router.get("/{lot_id}/history", dependencies=[READ])
def show_history(
    lot_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that moved the appropriation's money, with signatures and proofs."""
    _require_within(model, reach, lot_id)
    return history_of(the_ledger, model, lot_id, page, envelopes=envelopes)


def _require_within(model: Connection, reach: Reach, lot_id: UUID) -> None:
    """Check that whoever took the money in is within reach: it is followed from there."""
    found = appropriations(model, lot_id=lot_id)
    if not found:
        raise NotOnRecord("appropriation", lot_id)
    reach.require(found[0].organisation_id)
