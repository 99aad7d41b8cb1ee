"""Verify here: the browser recomputes an entry's proofs, and does not take the server's word."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.callers import READ
from api.dependencies import TheLedger, TheReadModel
from api.histories import entry_of, signers_of
from api.web.screen import TheScreen
from projections.keys import service_key_registrations

router = APIRouter(include_in_schema=False)


@router.get("/verify/{position}", dependencies=[READ])
def show_verification(
    position: Annotated[int, Path(ge=0, lt=2**53)],
    screen: TheScreen,
    model: TheReadModel,
    the_ledger: TheLedger,
) -> Response:
    """Show an entry, and the steps in which the page's script verifies it.

    Raises:
        NoSuchPosition: The log is shorter.
    """
    return screen.show(
        "verify.html",
        position=position,
        signers=signers_of(model, [entry_of(the_ledger, position)]),
        last=the_ledger.size() - 1,
        service_keys=service_key_registrations(model),
    )
