"""Lists of other authorities: which are held, bringing one, and what of its file was at fault."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile
from sqlalchemy import Connection

from api.callers import BRING_LISTS, READ, Reach, TheCaller, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.outside_lists import uploaded
from api.v1 import forms
from api.web.language import N_
from api.web.posted import TheActingOnPage, done
from api.web.refused import show_above
from api.web.screen import TheScreen
from ledger.commands.outside_lists import LIST_KEEPERS, ListBrought, take_list, withdraw_list
from ledger.domain.outside_list import ListKind
from ledger.errors import LedgerError
from projections.findings.aside import LISTS_BESIDE, LISTS_OF
from projections.organisations import staff_numbers, tree_on
from projections.outside_lists import list_editions

router = APIRouter(include_in_schema=False)

PAGE = "findings/lists.html"
FAULTS_SHOWN = 100
GIVEN = (
    *("organisation_code", "kind", "source", "listed_on"),
    *("header_row", "number_column", "beside_column"),
)
NOTHING_GIVEN = dict.fromkeys(GIVEN, "")

Column = Annotated[str, Form(max_length=2)]


@router.get("/findings/lists", dependencies=[READ])
def show_lists(
    screen: TheScreen, model: TheReadModel, reach: TheReach, caller: TheCaller
) -> Response:
    """List what is held, and ask for more."""
    return screen.show(
        PAGE, code=None, came=None, **_shown(model, reach, keeps=caller.holds_any(LIST_KEEPERS))
    )


@router.post("/findings/lists", dependencies=[BRING_LISTS])
def take(
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    organisation_code: Annotated[forms.Code, Form()],
    kind: Annotated[ListKind, Form()],
    source: Annotated[forms.Text, Form()],
    listed_on: Annotated[date, Form()],
    file: Annotated[UploadFile, File()],
    header_row: Annotated[str, Form(pattern=r"^[0-9]{0,7}$")] = "",
    number_column: Column = "",
    beside_column: Column = "",
    only_try: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Take in a list, or only read it; what is at fault in it is told cell by cell."""
    given = {
        "organisation_code": organisation_code,
        "kind": kind.value,
        "source": source,
        "listed_on": listed_on.isoformat(),
        "header_row": header_row,
        "number_column": number_column,
        "beside_column": beside_column,
    }
    try:
        row = int(header_row) if header_row else None
        read = uploaded(file, kind, row, number_column, beside_column)
        order = ListBrought(organisation_code, source, listed_on, read)
        came = done(take_list(the_ledger, acting.act(dry_run=bool(only_try)), order)).result
    except LedgerError as refusal:
        shown = _shown(model, reach, keeps=True, given=given)
        return show_above(screen, refusal, PAGE, came=None, **shown)
    if not only_try:
        said = N_("名单已登记，只存盲索引。")
        if came["refused_count"]:
            said = N_("名单已登记，有误的行不在其中；再试读一次可看到是哪些行。")
        return screen.go("/findings/lists", said)
    faulty = came["refused"][:FAULTS_SHOWN]
    shown = _shown(model, reach, keeps=True, given=given)
    return screen.show(PAGE, code=None, came=came, faulty=faulty, **shown)


@router.post("/findings/lists/{list_id}/withdrawal", dependencies=[BRING_LISTS])
def withdraw(
    list_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    reason: Annotated[forms.Text, Form()],
) -> Response:
    """Withdraw a list."""
    withdraw_list(the_ledger, acting.act(), list_id, reason)
    return screen.go("/findings/lists", N_("名单已撤下，由它查出的疑点不再列出。"))


def _shown(
    model: Connection, reach: Reach, *, keeps: bool, given: dict[str, str] = NOTHING_GIVEN
) -> dict[str, Any]:
    tree = tree_on(model)
    editions = [each for each in list_editions(model) if each.organisation_id in reach.ids]
    held = {each.kind for each in editions if each.held}
    asking = {**LISTS_OF, **LISTS_BESIDE}
    return {
        "tree": tree,
        "editions": editions,
        "choices": tree.among(reach.ids),
        "kinds": list(ListKind),
        "rules": {kind: rule for rule, kinds in asking.items() for kind in kinds},
        "missing": [each for each in ListKind if each not in held],
        "staff": {str(id_): number for id_, number in staff_numbers(model).items()},
        "keeps": keeps,
        "given": given,
    }
