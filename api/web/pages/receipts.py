"""A recipient's receipt: one payment and its proof for whoever holds the code, no more."""

from dataclasses import dataclass
from uuid import UUID

import segno
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from api.callers import ANYBODY, READ, TheReach
from api.dependencies import Served, TheReadModel, TheServed
from api.histories import entry_of
from api.payees import payment_of
from api.receipts import ReceiptUnknown, payment_id_of, token_of
from api.web.screen import TheScreen
from api.within import payment_within
from ledger.commands.searching import KEPT
from projections.asked import PAGE_ROWS_MAX
from projections.batches import campaign_list
from projections.disbursements import Disbursement, disbursement_list
from projections.organisations import tree_on

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a receipt says of its payment."""

    payment: Disbursement
    name: str
    organisation: str
    campaign: str


@router.get("/r/{token}", dependencies=[ANYBODY])
def show_receipt(token: str, screen: TheScreen, found: TheServed, model: TheReadModel) -> Response:
    """Show the payment that the address is of; once the person is erased there is no such page."""
    shown = _shown(found, model, payment_id_of(found.home, token))
    proof = entry_of(found.ledger, shown.payment.position)
    return screen.show("receipts/receipt.html", shown=shown, proof=proof, token=token)


@router.get("/r/{token}/proof.json", dependencies=[ANYBODY])
def download_proof(token: str, found: TheServed, model: TheReadModel) -> Response:
    """Hand out the signed entry with its proof, to be checked elsewhere."""
    shown = _shown(found, model, payment_id_of(found.home, token))
    return Response(
        entry_of(found.ledger, shown.payment.position).model_dump_json(),
        media_type="application/json",
        headers={
            "Content-Disposition": 'attachment; filename="receipt.json"',
            "Cache-Control": "no-store",
        },
    )


@router.get("/receipts/{disbursement_id}", dependencies=[READ])
def show_slip(
    disbursement_id: UUID,
    request: Request,
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Show an officer the slip to print: the payment, masked, and the code of its receipt."""
    payment_within(model, reach, disbursement_id)
    address = f"{request.base_url}r/{token_of(found.home, disbursement_id)}"
    code = segno.make(address, error="m").svg_inline(scale=4, title=address)
    shown = _shown(found, model, disbursement_id)
    return screen.show("receipts/slip.html", shown=shown, address=address, code=code)


def _shown(found: Served, model: Connection, payment: UUID) -> Shown:
    """Return what may be shown of a payment.

    Raises:
        ReceiptUnknown: There is no such payment, or its payee is erased or restricted.
    """
    listed = disbursement_list(model, disbursement_id=payment)
    payee = payment_of(found.ledger, listed[0]).payee if listed else None
    if payee is None or payee.state != KEPT:
        raise ReceiptUnknown
    campaigns = {each.campaign_id: each.name for each in campaign_list(model, limit=PAGE_ROWS_MAX)}
    organisation = tree_on(model, found.clock.today()).by_id[listed[0].organisation_id]
    return Shown(listed[0], payee.name or "", organisation.name, campaigns[listed[0].campaign_id])
