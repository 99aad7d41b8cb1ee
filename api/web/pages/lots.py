"""Appropriations followed forward: through which organisations, to which payments."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import READ, TheReach
from api.crossing import crossings
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.payees import payments_of
from api.v1 import models
from api.web.asked import TheMomentOnPage
from api.web.screen import TheScreen
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import Moment
from projections.disbursements import disbursement_list
from projections.flows import Forward, LotStep, PaidFrom, Place, lot, trace_forward
from projections.organisations import tree_on

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Station:
    """An organisation on the money's way, below the one that passed it on, with its documents."""

    place: Place
    depth: int
    lots: list[LotStep]


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment, and what of it came from this money."""

    part: PaidFrom
    payment: models.Disbursement


@router.get("/trace/lots/{lot_id}", dependencies=[READ])
def trace_lot(
    lot_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    moment: TheMomentOnPage,
    the_ledger: TheLedger,
) -> Response:
    """Follow an appropriation forward; a part that was passed on leads to where it came from.

    Raises:
        NotOnRecord: There is no such lot.
        OutsideReach: Whoever took the money in is not within reach.
    """
    found = lot(model, lot_id)
    if found is None:
        raise NotOnRecord("appropriation", lot_id)
    if found.origin_id != lot_id:
        return screen.go(f"/trace/lots/{found.origin_id}")
    reach.require(found.organisation_id)
    until = Moment(moment.as_of, page.at if moment.at is None else min(page.at, moment.at))
    tree = tree_on(model, until.as_of, until.at)
    if found.organisation_id not in tree.by_id:
        raise NotOnRecord("appropriation", lot_id)
    forward = trace_forward(model, lot_id, until, after=page.after, limit=page.limit)
    if forward is None:
        raise NotOnRecord("appropriation", lot_id)
    return screen.show(
        "trace/lot.html",
        forward=forward,
        crossing=crossings(the_ledger, model, [lot_id]).get(lot_id),
        stations=list(stations(forward)),
        payments=_payments(the_ledger, model, forward, until),
        tree=tree,
        moment=moment,
        next=page.cursor(forward.next_after),
        at=page.at,
    )


def stations(forward: Forward) -> Iterator[Station]:
    """Return the organisations in the order in which the money went down, each of them once."""
    place_of = {place.organisation_id: place for place in forward.places}
    organisation_of = {step.lot_id: step.organisation_id for step in forward.lots}
    came_as: dict[UUID, list[LotStep]] = defaultdict(list)
    below: dict[UUID, list[UUID]] = defaultdict(list)
    for step in forward.lots:
        giver = None if step.parent_id is None else organisation_of[step.parent_id]
        if step.organisation_id not in came_as and giver is not None:
            below[giver].append(step.organisation_id)
        came_as[step.organisation_id].append(step)
    yield from _downwards(forward.origin.organisation_id, 0, below, came_as, place_of)


def _downwards(
    at: UUID,
    depth: int,
    below: Mapping[UUID, list[UUID]],
    came_as: Mapping[UUID, list[LotStep]],
    place_of: Mapping[UUID, Place],
) -> Iterator[Station]:
    yield Station(place_of[at], depth, came_as[at])
    for each in below.get(at, ()):
        yield from _downwards(each, depth + 1, below, came_as, place_of)


def _payments(ledger: Ledger, model: Connection, forward: Forward, until: Moment) -> list[Paid]:
    ids = [part.disbursement_id for part in forward.payments]
    found = disbursement_list(model, until, disbursement_ids=ids)
    shown = {each.disbursement_id: each for each in payments_of(ledger, found)}
    return [
        Paid(part, shown[part.disbursement_id])
        for part in forward.payments
        if part.disbursement_id in shown
    ]
