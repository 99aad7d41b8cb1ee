"""The register of unions: who stands under whom on a day, registering one, and moving one."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import KEEP_SYSTEM, SIGNED_IN
from api.dependencies import TheLedger, TheReadModel
from api.v1 import forms
from api.web.asked import Day, Word
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from ledger.commands.officers import SYSTEM
from ledger.commands.organisations import (
    Move,
    Registration,
    move_organisation,
    register_organisation,
)
from ledger.errors import LedgerError
from ledger.store.application import NotOnRecord
from projections.organisations import Organisation, Tree, parents_of, tree_on

router = APIRouter(include_in_schema=False)

ROWS_MAX = 500
LIST, ONE = "admin/organisations.html", "admin/organisation.html"


@dataclass(frozen=True, slots=True)
class Row:
    organisation: Organisation
    depth: int


@router.get("/admin/organisations", dependencies=[SIGNED_IN])
def show_organisations(
    screen: TheScreen, model: TheReadModel, on: Day = None, q: Word = None
) -> Response:
    """List unions in their tree on a day; `q` is part of a code or a name."""
    return screen.show(LIST, code=None, given=Given(), on=on, q=q, **_listed(screen, model, on, q))


@router.post("/admin/organisations", dependencies=[KEEP_SYSTEM])
def register(
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    the_ledger: TheLedger,
) -> Response:
    """Register a union under its parent, from a day on."""
    try:
        form = formed(forms.OrganisationForm, given, screen.language)
        order = Registration(form.code, form.name, form.kind, form.parent_code)
        answer = register_organisation(the_ledger, acting.act(form.happened_on), order)
    except LedgerError as refusal:
        listed = _listed(screen, model, None, None)
        return show_above(screen, refusal, LIST, given=given, on=None, q=None, **listed)
    return screen.go(f"/admin/organisations/{answer.result['organisation_id']}", N_("单位已登记。"))


@router.get("/admin/organisations/{organisation_id}", dependencies=[SIGNED_IN])
def show_organisation(organisation_id: UUID, screen: TheScreen, model: TheReadModel) -> Response:
    """Show a union: under whom it stood from when on, and what stands below it."""
    return screen.show(ONE, code=None, given=Given(), **_shown(screen, model, organisation_id))


@router.post("/admin/organisations/{organisation_id}/moves", dependencies=[KEEP_SYSTEM])
def move(
    organisation_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    the_ledger: TheLedger,
) -> Response:
    """Put a union under another parent, from a day on."""
    shown = _shown(screen, model, organisation_id)
    try:
        form = formed(forms.MoveForm, {"parent_code": None, **given}, screen.language)
        order = Move(shown["organisation"].code, form.parent_code, form.reason)
        move_organisation(the_ledger, acting.act(form.happened_on), order)
    except LedgerError as refusal:
        return show_above(screen, refusal, ONE, given=given, **shown)
    return screen.go(f"/admin/organisations/{organisation_id}", N_("上级单位已变更。"))


def _listed(screen: TheScreen, model: Connection, on: Day, q: Word) -> dict[str, Any]:
    tree = tree_on(model, on)
    rows = [row for root in tree.roots() for row in _below(tree, root, 0)]
    if q is not None:
        sought = q.casefold()
        rows = [
            row
            for row in rows
            if sought in f"{row.organisation.code} {row.organisation.name}".casefold()
        ]
    kinds = list(dict.fromkeys(each.kind for each in tree.by_id.values()))
    return {
        "rows": rows[:ROWS_MAX],
        "rows_count": len(rows),
        "tree": tree,
        "kinds": kinds,
        "keeps": _keeps(screen),
        "today": screen.today,
    }


def _shown(screen: TheScreen, model: Connection, organisation_id: UUID) -> dict[str, Any]:
    tree = tree_on(model, screen.today)
    found = tree.by_id.get(organisation_id)
    if found is None:
        raise NotOnRecord("organisation", organisation_id)
    return {
        "organisation": found,
        "parents": parents_of(model, organisation_id),
        "children": tree.children(organisation_id),
        "tree": tree,
        "keeps": _keeps(screen),
        "today": screen.today,
    }


def _keeps(screen: TheScreen) -> bool:
    return screen.caller is not None and screen.caller.holds_any(SYSTEM)


def _below(tree: Tree, at: Organisation, depth: int) -> list[Row]:
    rows = [Row(at, depth)]
    for child in tree.children(at.organisation_id):
        rows += _below(tree, child, depth + 1)
    return rows
