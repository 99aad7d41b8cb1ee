"""Signatures that look alike, side by side, and devices on which many signed in no time."""

from base64 import b64encode
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response

from api.alike import pairs_seen, shown_of
from api.callers import READ, UNMASK, TheReach
from api.dependencies import TheLedger, TheMoment, TheReadModel, TheServed
from api.known import TheKept, within
from api.payees import payees_of
from api.v1.signature_clusters import Number, ShownForm
from api.web.given import Given, TheFields, formed
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from ledger.commands.comparing import Picture, show_signatures
from ledger.domain.disbursement import Manner
from ledger.errors import LedgerError
from ledger.store.application import NotOnRecord
from projections.findings.signatures import IN_A_ROW, NIGHT, PACE
from projections.organisations import tree_on
from projections.signature_clusters import cluster_list, run_of

router = APIRouter(include_in_schema=False)

PAGE = "alike/pairs.html"


@router.get("/findings/signatures", dependencies=[READ])
def show_clusters(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMoment,
    the_ledger: TheLedger,
    kept: TheKept,
) -> Response:
    """List clusters of signatures that look alike, and devices that many signed on."""
    known = kept.known(model, the_ledger, moment, screen.today)
    devices = [
        each
        for each in within(known, reach)
        if each.rule == "D2" and each.detail in (PACE, IN_A_ROW, NIGHT)
    ]
    found = cluster_list(model, sorted(reach.ids))
    return screen.show("alike/list.html", clusters=found, devices=devices, tree=known.tree)


@router.get("/findings/signatures/{number}", dependencies=[READ])
def show_pairs(
    number: Number, screen: TheScreen, model: TheReadModel, reach: TheReach, the_ledger: TheLedger
) -> Response:
    """Show a cluster pair by pair, with people masked and without pictures."""
    shown = _shown(model, the_ledger, reach, number, Given(), {})
    return screen.show(PAGE, code=None, **shown)


@router.post("/findings/signatures/{number}", dependencies=[UNMASK])
def show_pictures(
    number: Number,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    reach: TheReach,
    found: TheServed,
) -> Response:
    """Show the pictures, once: they stand in this answer and nowhere else."""
    wanted = shown_of(pairs_seen(model, found.ledger, reach, number))
    try:
        form = formed(ShownForm, {"reason": given["reason"]}, screen.language)
        pictures = show_signatures(found.ledger, acting.act(), wanted, form.reason)
    except LedgerError as refusal:
        return show_above(
            screen, refusal, PAGE, **_shown(model, found.ledger, reach, number, given, {})
        )
    shown = _shown(model, found.ledger, reach, number, Given(), _addresses(pictures))
    return screen.show(PAGE, code=None, **shown)


@router.get("/findings/devices/{position}", dependencies=[READ])
def show_run(
    position: Annotated[int, Path(ge=0, lt=2**53)],
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
) -> Response:
    """Show what was drawn on a device on a day, one after another."""
    run = run_of(model, position, sorted(reach.ids))
    if not run:
        raise NotOnRecord("signature", UUID(int=position))
    payees = payees_of(the_ledger, (each.disbursement_id for each in run))
    rows = [(each, payees[each.disbursement_id]) for each in run]
    return screen.show("alike/run.html", rows=rows, tree=tree_on(model), first=run[0])


def _shown(
    model: TheReadModel,
    ledger: TheLedger,
    reach: TheReach,
    number: int,
    given: Given,
    pictures: dict[tuple[UUID, str], str],
) -> dict[str, Any]:
    return {
        "number": number,
        "pairs": pairs_seen(model, ledger, reach, number),
        "tree": tree_on(model),
        "given": given,
        "pictures": pictures,
    }


def _addresses(pictures: dict[tuple[UUID, str], Picture]) -> dict[tuple[UUID, str], str]:
    """Return pictures as addresses that hold them: no other address has them."""
    made = {}
    for key, each in pictures.items():
        if each.manner == Manner.DRAWN:
            made[key] = f"data:image/svg+xml;base64,{b64encode(each.content.encode()).decode()}"
        else:
            made[key] = f"data:image/png;base64,{each.content}"
    return made
