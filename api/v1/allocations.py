"""Allocations: money passed down the tree, signed by the giver, acknowledged by the receiver."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.acting import Prepared, Signed, TheActing, prepared
from api.callers import APPROVE, CASH, READ, OutsideReach, TheReach
from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.edge.one_thread import InOneThread
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.models import Answer, Day, Fen, Id, Position
from api.v1.written import NamedAllocation, Nothing, Written, written
from ledger.commands.funds import (
    Allocation,
    acknowledge_allocation,
    allocate,
    prepare_allocation,
)
from ledger.store.application import NotOnRecord
from projections.allocations import Allocation as Listed
from projections.allocations import allocation_list

router = APIRouter(
    route_class=InOneThread, prefix="/allocations", tags=["allocations"], responses=RESPONSES
)


class SignedAllocation(forms.Form):
    allocation: forms.AllocationForm
    signed: Signed


class AllocationView(Answer):
    """Money passed down; `acknowledged_on` is null until the receiver says that it is there."""

    allocation_id: Id
    from_organisation_id: Id
    from_fund_id: Id
    to_organisation_id: Id
    to_fund_id: Id
    document: str
    amount_fen: Fen
    happened_on: Day
    position: Position
    acknowledged_on: str | None
    acknowledged_by: UUID | None


@router.get("", dependencies=[READ])
def list_allocations(
    model: TheReadModel,
    page: ThePage,
    moment: TheMoment,
    reach: TheReach,
    organisation_id: UUID | None = None,
) -> models.Listed[AllocationView]:
    """List allocations that an organisation within reach gave or got."""
    found = allocation_list(
        model,
        moment,
        organisation_ids=reach.within(organisation_id),
        after=page.after,
        limit=page.limit + 1,
    )
    shown, further = page.cut(found)
    return models.Listed(
        items=[AllocationView.model_validate(each) for each in shown],
        next=further,
        at=page.at,
    )


@router.get("/{allocation_id}", dependencies=[READ])
def show_allocation(
    allocation_id: UUID, model: TheReadModel, moment: TheMoment, reach: TheReach
) -> AllocationView:
    """Show an allocation as it stood at the moment."""
    found = allocation_list(model, moment, allocation_id=allocation_id)
    if not found:
        raise NotOnRecord("allocation", allocation_id)
    _require_within(reach, found[0])
    return AllocationView.model_validate(found[0])


@router.post("/preparations", dependencies=[APPROVE])
def prepare(form: forms.AllocationForm, acting: TheActing, the_ledger: TheLedger) -> Prepared:
    """Prepare an allocation: what the giver's approver is to sign. Nothing is written."""
    return prepared(prepare_allocation(the_ledger, acting.act(), _order(form)))


@router.post("", status_code=201, dependencies=[APPROVE])
def create_allocation(
    form: SignedAllocation, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[NamedAllocation]:
    """Pass money down, as it was prepared and signed. Too little money is put on record."""
    answer = allocate(the_ledger, acting.signed(form.signed), _order(form.allocation))
    return written(the_ledger, response, answer, NamedAllocation)


@router.post("/{allocation_id}/acknowledgement", status_code=201, dependencies=[CASH])
def acknowledge(
    allocation_id: UUID,
    form: forms.DatedForm,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    response: Response,
) -> Written[Nothing]:
    """Say, as cashier of the receiver, that the money is there."""
    found = allocation_list(model, allocation_id=allocation_id)
    if not found:
        raise NotOnRecord("allocation", allocation_id)
    act = acting.act(form.happened_on, stream=found[0].to_fund_id)
    answer = acknowledge_allocation(the_ledger, act, found[0].to_fund_id, allocation_id)
    return written(the_ledger, response, answer, Nothing)


def _order(form: forms.AllocationForm) -> Allocation:
    return Allocation(form.from_code, form.to_code, form.earmark, form.document, form.amount_fen)


def _require_within(reach: TheReach, found: Listed) -> None:
    if reach.ids.isdisjoint({found.from_organisation_id, found.to_organisation_id}):
        raise OutsideReach(found.to_organisation_id)
