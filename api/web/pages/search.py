"""Finding: people by what is known of them, and what stands under a number."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.payees import payment_of
from api.web.refused import show_refusal
from api.web.screen import TheScreen
from api.within import batch_within
from ledger.commands.searching import find_people
from ledger.domain.batch import batch_id
from ledger.errors import LedgerError
from projections.disbursements import Question, disbursement_list
from projections.flows import appropriations
from projections.organisations import tree_on

router = APIRouter(include_in_schema=False)

PEOPLE_KINDS = ("name", "id_number", "card_number", "phone")
KINDS = (*PEOPLE_KINDS, "batch", "document", "position")
PEOPLE_MAX = 20


@router.get("/search", dependencies=[READ])
def show_search(screen: TheScreen) -> Response:
    """Show what can be searched for."""
    return screen.show("search.html", kinds=KINDS, asked=None, code=None)


@router.post("/search", dependencies=[READ])
def search(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    kind: Annotated[str, Form(max_length=20)],
    value: Annotated[str, Form(max_length=200)],
) -> Response:
    """Find it. What was searched for stands in no address and no log, and is not shown again."""
    sought = value.strip()
    try:
        if kind == "batch":
            return screen.go(f"/batches/{batch_within(model, reach, batch_id(sought)).batch_id}")
        if kind == "position" and sought.isdecimal() and len(sought) < 16:  # noqa: PLR2004
            the_ledger.require_position(int(sought))
            return screen.go(f"/verify/{int(sought)}")
        people = sorted(find_people(the_ledger, {kind: sought}) if kind in PEOPLE_KINDS else ())
    except LedgerError as refusal:
        return show_refusal(screen, refusal, "search.html", kinds=KINDS, asked=kind)
    payments = (
        disbursement_list(
            model,
            asked=Question(organisation_ids=reach.within(None)),
            person_ids=people[:PEOPLE_MAX],
        )
        if people
        else []
    )
    return screen.show(
        "search.html",
        kinds=KINDS,
        asked=kind,
        code=None,
        payments=[payment_of(the_ledger, each) for each in payments],
        lots=appropriations(model, organisation_ids=reach.within(None), document=sought)
        if kind == "document"
        else [],
        tree=tree_on(model),
    )
