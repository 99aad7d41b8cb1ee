"""A recipient's receipt: one payment and its proof for whoever holds the code, no more."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection

from api.callers import ANYBODY, READ, TheReach
from api.dependencies import Served, TheReadModel, TheServed
from api.file_answer import JSON, PDF, file_answer
from api.histories import Signer, entry_of, head_of, signers_of
from api.payees import payment_of
from api.receipts import ReceiptUnknown, payment_id_of, token_of
from api.v1 import models
from api.web.handbills import SLIPS_MAX, Slip, set_in_type, slips
from api.web.screen import TheScreen
from api.within import batch_within, payment_within
from ledger.commands.searching import KEPT
from projections.asked import PAGE_ROWS_MAX
from projections.batches import campaign_list
from projections.disbursements import (
    Disbursement,
    Question,
    disbursement_list,
    every_disbursement,
    first_and_last_state,
)
from projections.keys import service_key_registrations
from projections.organisations import tree_on

router = APIRouter(include_in_schema=False)

TO_FIX = {
    "NAME_MISMATCH": "name",
    "ACCT_INVALID": "card",
    "ACCT_CLOSED": "card",
    "ACCT_FROZEN": "card",
    "CARD_LOST": "card",
    "DORMANT": "card",
    "NOT_SETTLEMENT_ACCT": "card",
}
"""What a recipient can do about a bank's reason; of all others the union takes care."""

Token = Annotated[str, Path(max_length=200)]
AtPosition = Annotated[int, Path(ge=0, lt=2**53)]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a receipt says of its payment; `card` is the tail of the card that it went to."""

    payment: Disbursement
    name: str
    card: str
    organisation: str
    campaign: str

    @property
    def to_fix(self) -> str:
        return TO_FIX.get(self.payment.reason or "", "union")


@dataclass(frozen=True, slots=True)
class Proven:
    """The entries that a receipt rests on, and where keys were registered, and ended.

    `entries` are the instruction and the last that was heard of it: one entry where that is all.
    `service_keys` lead from whichever key of the ledger a recipient once noted to today's.
    """

    entries: list[models.Entry]
    signers: list[Signer]
    service_keys: list[int]

    @property
    def positions(self) -> set[int]:
        keys = {at for each in self.signers for at in (each.registered_at, each.ended_at)}
        told = {each.position for each in self.entries} | keys | set(self.service_keys)
        return {at for at in told if at is not None}


class Download(BaseModel):
    """What is carried away to be checked elsewhere."""

    disbursement_id: UUID
    vkey: str
    entries: list[models.Entry]
    keys: list[models.Entry]


@router.get("/r/{token}", dependencies=[ANYBODY])
def show_receipt(
    token: Token, screen: TheScreen, found: TheServed, model: TheReadModel
) -> Response:
    """Show the payment that the address is of; once the person is erased there is no such page."""
    shown = _shown(found, model, payment_id_of(found.home, token))
    answer = screen.show(
        "receipts/receipt.html",
        shown=shown,
        proven=_proven(found, model, shown.payment),
        token=token,
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return answer


@router.get("/r/{token}/proof.json", dependencies=[ANYBODY])
def download_proof(token: Token, found: TheServed, model: TheReadModel) -> Response:
    """Hand out the signed entries with their proofs, to be checked elsewhere."""
    payment = _shown(found, model, payment_id_of(found.home, token)).payment
    proven = _proven(found, model, payment)
    keys = sorted(proven.positions - {each.position for each in proven.entries})
    download = Download(
        disbursement_id=payment.disbursement_id,
        vkey=head_of(found).vkey,
        entries=proven.entries,
        keys=[entry_of(found.ledger, position) for position in keys],
    )
    return file_answer(download.model_dump_json(), JSON, "receipt.json")


@router.get("/r/{token}/log", dependencies=[ANYBODY])
def show_head(
    token: Token, found: TheServed, model: TheReadModel, response: Response
) -> models.LogHead:
    """Show the log's key and checkpoint to whoever holds the code, for their browser to verify."""
    _shown(found, model, payment_id_of(found.home, token))
    response.headers["Cache-Control"] = "no-store"
    return head_of(found)


@router.get("/r/{token}/entries/{position}", dependencies=[ANYBODY])
def show_entry(
    token: Token,
    position: AtPosition,
    found: TheServed,
    model: TheReadModel,
    response: Response,
) -> models.Entry:
    """Show an entry that this receipt rests on; all others are not there.

    Raises:
        ReceiptUnknown: The token is none of ours, or the entry is another's.
    """
    payment = _shown(found, model, payment_id_of(found.home, token)).payment
    if position not in _proven(found, model, payment).positions:
        raise ReceiptUnknown
    response.headers["Cache-Control"] = "no-store"
    return entry_of(found.ledger, position)


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
    address = _address(request, found, disbursement_id)
    code = segno.make(address, error="m").svg_inline(scale=4, title=address)
    shown = _shown(found, model, disbursement_id)
    return screen.show("receipts/slip.html", shown=shown, address=address, code=code)


@router.get("/batches/{batch_id}/slips.pdf", dependencies=[READ])
def print_slips(
    batch_id: UUID,
    request: Request,
    screen: TheScreen,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    part: Annotated[int, Query(ge=1, lt=10**6)] = 1,
) -> Response:
    """Set the slips of a batch's payments, eight a page; people stand masked on them.

    Of whom nothing may be shown there is no slip; the last page counts them.

    Raises:
        ReceiptUnknown: There is no such part.
    """
    batch = batch_within(model, reach, batch_id)
    payments = every_disbursement(model, Question(batch_id=batch_id))
    of_part = list(islice(payments, (part - 1) * SLIPS_MAX, part * SLIPS_MAX))
    if not of_part:
        raise ReceiptUnknown
    shown = list(_each_shown(found, model, of_part))
    made = [
        Slip(
            f"{batch.code}-{each.payment.number}",
            each.name,
            each.organisation,
            each.campaign,
            each.payment.amount_fen,
            each.payment.happened_on,
            each.payment.channel,
            _address(request, found, each.payment.disbursement_id),
        )
        for each in shown
    ]
    said = slips(screen, made, left_out=len(of_part) - len(shown))
    paper = set_in_type("receipts/slips.typ", said, screen)
    return file_answer(paper, PDF, f"slips-{batch_id}-{part}.pdf", shown=True)


def _address(request: Request, found: Served, payment: UUID) -> str:
    return f"{request.base_url}r/{token_of(found.home, payment)}"


def _shown(found: Served, model: Connection, payment: UUID) -> Shown:
    """Return what may be shown of a payment.

    Raises:
        ReceiptUnknown: There is no such payment, or its payee is erased or restricted.
    """
    for shown in _each_shown(found, model, disbursement_list(model, disbursement_id=payment)):
        return shown
    raise ReceiptUnknown


def _each_shown(found: Served, model: Connection, payments: list[Disbursement]) -> Iterator[Shown]:
    """Return what may be shown of payments; those whose payee is erased or restricted are not."""
    campaigns = {each.campaign_id: each.name for each in campaign_list(model, limit=PAGE_ROWS_MAX)}
    known = tree_on(model, found.clock.today()).by_id
    for payment in payments:
        payee = payment_of(found.ledger, payment).payee
        if payee.state == KEPT:
            yield Shown(
                payment,
                payee.name or "",
                payee.card_number or "",
                known[payment.organisation_id].name,
                campaigns[payment.campaign_id],
            )


def _proven(found: Served, model: Connection, payment: Disbursement) -> Proven:
    positions = first_and_last_state(model, payment.disbursement_id)
    entries = [entry_of(found.ledger, position) for position in positions]
    return Proven(entries, signers_of(model, entries), service_key_registrations(model))
