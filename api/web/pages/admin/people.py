"""Requests about people's data, to restrict, release or erase: one asks, another decides."""

from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import APPROVE, ASK, READ, Reach, TheReach
from api.dependencies import TheReadModel, TheServed
from api.v1.people import ChangeForm, DecisionForm, PersonId, carry_out
from api.web.asked import Number
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from ledger.commands.recipients import ASKING, DECIDING, request_change
from ledger.domain.recipient import Change
from ledger.errors import LedgerError
from projections.asked import PAGE_ROWS_MAX
from projections.organisations import staff_numbers
from projections.people import organisations_knowing, person_changes

router = APIRouter(include_in_schema=False)

PAGE, ASKED = "admin/people.html", "admin/person_request.html"
HERE = "/admin/people"
ROWS = 50


@router.get(HERE, dependencies=[READ])
def show_requests(
    screen: TheScreen, model: TheReadModel, reach: TheReach, before: Number = None
) -> Response:
    """List what waits for a decision, and what was decided."""
    return screen.show(PAGE, code=None, **_listed(screen, model, reach, before))


@router.get(f"{HERE}/{{person_id}}/request", dependencies=[ASK])
def show_form(person_id: PersonId, screen: TheScreen) -> Response:
    """Ask what is to be done with a person's data, and why."""
    return screen.show(ASKED, code=None, given=Given(), person_id=person_id, changes=list(Change))


@router.post(f"{HERE}/{{person_id}}/request", dependencies=[ASK])
def ask(
    person_id: PersonId,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    found: TheServed,
    model: TheReadModel,
) -> Response:
    """Ask that a person's data be restricted, released or erased; another officer decides."""
    try:
        form = formed(ChangeForm, given, screen.language)
        act = acting.act(form.happened_on)
        request_change(
            found.ledger,
            act,
            person_id,
            form.change,
            form.reason,
            form.overriding,
            known_at=organisations_knowing(model, person_id),
        )
    except LedgerError as refusal:
        shown = {"person_id": person_id, "changes": list(Change)}
        return show_above(screen, refusal, ASKED, given=given, **shown)
    return screen.go(HERE, N_("申请已登记，由另一人决定。"))


@router.post(f"{HERE}/{{person_id}}/decision", dependencies=[APPROVE])
def decide(
    person_id: PersonId,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Carry out what another officer asked for; nobody decides on their own request."""
    try:
        form = formed(DecisionForm, given, screen.language)
        carry_out(found.ledger, model, acting.act(form.happened_on), person_id, form)
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_listed(screen, model, reach, None))
    return screen.go(HERE, N_("已照申请办理。"))


def _listed(screen: Screen, model: Connection, reach: Reach, before: int | None) -> dict[str, Any]:
    ids, caller = sorted(reach.ids), screen.caller
    history = person_changes(model, ids, before=before, limit=ROWS + 1)
    shown = history[:ROWS]
    return {
        "pending": person_changes(model, ids, pending=True, limit=PAGE_ROWS_MAX),
        "history": shown,
        "next": shown[-1].position if len(history) > ROWS else None,
        "staff": staff_numbers(model),
        "decides": caller is not None and caller.holds_any(DECIDING),
        "asks": caller is not None and caller.holds_any(ASKING),
    }
