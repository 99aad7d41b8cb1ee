"""Organisations: their tree on a day, their surplus, and all that concerns them."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.acting import TheActing
from api.callers import KEEP_SYSTEM, READ, SIGNED_IN, TheReach
from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.edge.one_thread import InOneThread
from api.histories import history_of
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.written import NamedOrganisation, Nothing, Written, tag, written
from ledger.commands.organisations import (
    Move,
    Registration,
    move_organisation,
    register_organisation,
)
from ledger.domain.organisation import Organisation as Root
from ledger.store.application import NotOnRecord
from projections.organisations import Organisation, Tree, tree_on
from projections.surplus import surplus

router = APIRouter(
    route_class=InOneThread, prefix="/organisations", tags=["organisations"], responses=RESPONSES
)


@router.get("", dependencies=[SIGNED_IN])
def list_organisations(
    model: TheReadModel, page: ThePage, on: date | None = None
) -> models.Listed[models.Organisation]:
    """List organisations with their parents on a day, in the order of their registration."""
    listed = list(tree_on(model, on).by_id.values())
    start = page.after + 1
    shown = listed[start : start + page.limit]
    last = start + len(shown) - 1
    return models.Listed(
        items=[models.Organisation.model_validate(each) for each in shown],
        next=page.cursor(last if last + 1 < len(listed) else None),
        at=page.at,
    )


@router.post("", status_code=201, dependencies=[KEEP_SYSTEM])
def create_organisation(
    form: forms.OrganisationForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[NamedOrganisation]:
    """Register an organisation under its parent, from the day on."""
    order = Registration(form.code, form.name, form.kind, form.parent_code)
    answer = register_organisation(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, NamedOrganisation)


@router.get("/{organisation_id}", dependencies=[SIGNED_IN])
def show_organisation(
    organisation_id: UUID,
    model: TheReadModel,
    the_ledger: TheLedger,
    response: Response,
    on: date | None = None,
) -> models.Organisation:
    """Show an organisation with its parent on a day."""
    tag(the_ledger, response, Root, organisation_id)
    return models.Organisation.model_validate(_known(tree_on(model, on), organisation_id))


@router.post("/{organisation_id}/moves", status_code=201, dependencies=[KEEP_SYSTEM])
def move(
    organisation_id: UUID,
    form: forms.MoveForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Put an organisation under another parent, from the day on."""
    found = the_ledger.load(Root, organisation_id)
    if found is None:
        raise NotOnRecord("organisation", organisation_id)
    act = acting.act(form.happened_on, stream=organisation_id)
    order = Move(found.code, form.parent_code, form.reason)
    return written(the_ledger, response, move_organisation(the_ledger, act, order), Nothing)


@router.get("/{organisation_id}/surplus", dependencies=[READ])
def show_surplus(
    organisation_id: UUID,
    year: Annotated[int, Query(ge=1949, le=2200, examples=[2017])],
    model: TheReadModel,
    moment: TheMoment,
    page: ThePage,
    reach: TheReach,
    scope: Literal["own", "subtree"] = "subtree",
) -> models.Surplus:
    """Show a fiscal year's surplus and how much of it has reached people.

    Money moved down is not consumed; in transit is shown apart.
    """
    tree = tree_on(model, moment.as_of, moment.at)
    _known(tree, organisation_id)
    reach.require(organisation_id)
    ids = tree.subtree(organisation_id) if scope == "subtree" else [organisation_id]
    found = surplus(model, ids, year, moment)
    return models.Surplus(
        organisation_id=organisation_id,
        scope=scope,
        year=year,
        opening_fen=found.opening_fen,
        paid_fen=found.paid_fen,
        in_hand_fen=found.in_hand_fen,
        in_transit_fen=found.in_transit_fen,
        consumed_fen=found.consumed_fen,
        consumed_in_transit_fen=found.consumed_in_transit_fen,
        unconsumed_fen=found.unconsumed_fen,
        ratio_basis_points=found.ratio_basis_points,
        first_year_minimum_bp=found.first_year_minimum_bp,
        all_within_years=found.all_within_years,
        as_of=moment.as_of.isoformat() if moment.as_of else None,
        at=page.at if moment.at is None else moment.at,
    )


@router.get("/{organisation_id}/history", dependencies=[READ])
def show_history(
    organisation_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that names the organisation, with signatures and proofs."""
    _known(tree_on(model), organisation_id)
    reach.require(organisation_id)
    return history_of(the_ledger, model, organisation_id, page, envelopes=envelopes)


def _known(tree: Tree, organisation_id: UUID) -> Organisation:
    found = tree.by_id.get(organisation_id)
    if found is None:
        raise NotOnRecord("organisation", organisation_id)
    return found
