"""Other ledgers that money may go to and come from: registered and struck off by approvers."""

from fastapi import APIRouter, Response

from api.callers import SIGNED_IN, TheCaller
from api.dependencies import TheLedger, TheReadModel
from api.web.screen import TheScreen
from ledger.commands.policies import APPROVERS
from projections.remittances import known_ledgers

router = APIRouter(include_in_schema=False)


@router.get("/remittances/ledgers", dependencies=[SIGNED_IN])
def show_ledgers(
    screen: TheScreen, caller: TheCaller, model: TheReadModel, the_ledger: TheLedger
) -> Response:
    """List the other ledgers, say what others need to know of this one, and let approvers sign."""
    return screen.show(
        "remittances/ledgers.html",
        known=known_ledgers(model),
        own_key=the_ledger.founding_key_id(),
        own_origin=the_ledger.origin,
        approves=caller.holds_any(APPROVERS),
    )
