"""Money to and from other ledgers: what waits, and the other side's files to be taken in."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile
from sqlalchemy import Connection

from api.callers import CASH, READ, Reach, TheCaller, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.remitting import read_proof
from api.web.asked import TheMomentOnPage, Word
from api.web.bank_asked import fen_of
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from api.within import organisation_within
from ledger.commands.funds import CASHIERS
from ledger.commands.remittances import acknowledge_remittance, receive_remittance
from ledger.errors import LedgerError
from projections.asked import NOW, Moment
from projections.organisations import tree_on
from projections.remittances import known_ledgers, remittance_list

router = APIRouter(include_in_schema=False)

PAGE = "remittances.html"

ProofFile = Annotated[UploadFile, File()]


@router.get("/remittances", dependencies=[READ])
def show_remittances(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    page: ThePage,
    moment: TheMomentOnPage,
    organisation: Word = None,
) -> Response:
    """List what was sent to other ledgers and came from them; say what waits for their word."""
    tree = tree_on(model)
    ids = sorted(reach.ids)
    if organisation is not None:
        ids = tree.subtree(organisation_within(tree, reach, organisation).organisation_id)
    found = remittance_list(
        model, moment, organisation_ids=ids, after=page.after, limit=page.limit + 1
    )
    shown, further = page.cut(found)
    return screen.show(
        PAGE,
        code=None,
        tree=tree,
        remittances=shown,
        next=further,
        known=known_ledgers(model),
        cashes=caller.holds_any(CASHIERS),
        amount="",
    )


@router.post("/remittances/arrivals", dependencies=[CASH])
def take_in(
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    amount: Annotated[str, Form(max_length=30)],
    file: ProofFile,
) -> Response:
    """Take in what another ledger sent."""
    try:
        receive_remittance(the_ledger, acting.act(), read_proof(file), fen_of(amount))
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_beside(model, reach, amount))
    return screen.go("/remittances", N_("款项已入账，来源、文号和年度不变。请把回执文件发给对方。"))


@router.post("/remittances/acknowledgements", dependencies=[CASH])
def acknowledge(
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    file: ProofFile,
) -> Response:
    """Take in the receiver's proof."""
    try:
        acknowledge_remittance(the_ledger, acting.act(), read_proof(file))
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_beside(model, reach, ""))
    return screen.go("/remittances", N_("对方已确认到账。"))


def _beside(model: Connection, reach: Reach, amount: str, moment: Moment = NOW) -> dict[str, Any]:
    return {
        "tree": tree_on(model),
        "remittances": remittance_list(model, moment, organisation_ids=sorted(reach.ids)),
        "next": None,
        "known": known_ledgers(model),
        "cashes": True,
        "amount": amount,
    }
