"""Signing on a tablet: one person a screen, and what its witness certifies afterwards."""

from base64 import b64decode
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from sqlalchemy import Connection

from api.callers import WITNESS, Caller, TheCaller, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.web.given import Given
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from api.within import batch_within
from ledger.commands.signatures import (
    Discarding,
    SigningNotBegun,
    begin_signing,
    discard_signature,
    signature_image,
    signing_rows,
    waiting_rows,
)
from ledger.domain import strokes
from ledger.domain.disbursement import Manner
from ledger.errors import LedgerError
from ledger.files.scans import Ink
from ledger.store.application import Ledger
from projections.batches import Batch, campaign_list
from projections.organisations import tree_on
from projections.signatures import scans_of

router = APIRouter(include_in_schema=False)

CERTIFICATION = "signing/certification.html"
MEDIA = {Manner.DRAWN: "image/svg+xml", Manner.SCANNED: "image/png"}

ENOUGH = {
    "points": strokes.POINTS_MIN,
    "length": strokes.INK_UNITS_MIN,
    "long": strokes.LONG_SIDE_UNITS_MIN,
    "short": strokes.SHORT_SIDE_UNITS_MIN,
    "ms": strokes.DURATION_MS_MIN,
    "most": strokes.POINTS_MAX,
}
"""What the device asks of strokes before it lets their giver go; the service judges them itself."""

SAID_OF = (
    "signature.empty",
    "signature.too_long",
    "signature.strokes_unreadable",
    "signature.not_own",
    "signature.reused",
    "signature.row_unknown",
    "signature.ahead",
    "signature.before_approval",
    "signature.another_witness",
    "disbursement.not_in_transit",
    "disbursement.withdrawn",
    "disbursement.objection_upheld",
    "disbursement.dated_backwards",
    "batch.wrong_stage",
    "vault.person_erased",
    "vault.person_restricted",
    "duty.role_missing",
)
"""Refusals that may meet a signature when it is sent: the page has to know their words then."""


@router.get("/batches/{batch_id}/signing", dependencies=[WITNESS])
def show_signing(
    batch_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    the_ledger: TheLedger,
) -> Response:
    """Show the next person their own name, amount and purpose, and a box to sign in."""
    batch = batch_within(model, reach, batch_id)
    try:
        rows = signing_rows(the_ledger, batch_id, caller.officer_id, caller.day)
    except SigningNotBegun:
        return screen.show("signing/begin.html", batch=batch, **_about(model, batch, caller))
    return screen.show(
        "signing/signing.html",
        batch=batch,
        rows=rows,
        enough=ENOUGH,
        said_of=SAID_OF,
        **_about(model, batch, caller),
    )


@router.post("/batches/{batch_id}/signing", dependencies=[WITNESS])
def begin(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    reason: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    """Put on record that names are shown in clear from here on, today, to this officer."""
    batch = batch_within(model, reach, batch_id)
    begin_signing(the_ledger, acting.act(), batch.code, reason, made_for="领款人本人")
    return screen.go(f"/batches/{batch_id}/signing")


@router.get("/batches/{batch_id}/certification", dependencies=[WITNESS])
def show_certification(
    batch_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    the_ledger: TheLedger,
) -> Response:
    """Show the witness what was signed under their eyes and waits for their own signature."""
    batch = batch_within(model, reach, batch_id)
    told = _waiting(model, the_ledger, batch, caller)
    return screen.show(CERTIFICATION, code=None, given=Given(), **told)


@router.post("/batches/{batch_id}/certification/discards", dependencies=[WITNESS])
def discard(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    the_ledger: TheLedger,
    number: Annotated[int, Form(ge=1, le=1_000_000)],
    reason: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    """Put on record that what waits on a row is no signature."""
    batch = batch_within(model, reach, batch_id)
    try:
        discard_signature(the_ledger, acting.act(), Discarding(batch.code, number, reason))
    except LedgerError as refusal:
        given = Given(number=str(number), reason=reason)
        told = _waiting(model, the_ledger, batch, caller)
        return show_above(screen, refusal, CERTIFICATION, given=given, **told)
    return screen.go(f"/batches/{batch_id}/certification", N_("已登记：这一行仍待本人签字。"))


@router.get("/batches/{batch_id}/signatures/{number}/image", dependencies=[WITNESS])
def show_signature(
    batch_id: UUID,
    number: int,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    the_ledger: TheLedger,
) -> Response:
    """Show a signature to the witness who saw it given, until they have certified it."""
    batch_within(model, reach, batch_id)
    manner, image = signature_image(the_ledger, batch_id, number, caller.officer_id)
    content = image.encode() if manner == Manner.DRAWN else b64decode(image)
    return Response(
        content, media_type=MEDIA[Manner(manner)], headers={"Cache-Control": "no-store"}
    )


def _waiting(model: Connection, ledger: Ledger, batch: Batch, caller: Caller) -> dict[str, Any]:
    """Return what waits for the caller to certify it, and how much waits for others."""
    rows, elsewhere = waiting_rows(ledger, batch.batch_id, caller.officer_id)
    clear = {
        (scan.file_sha256, row.number)
        for scan in scans_of(model, batch.batch_id)
        for row in scan.rows
        if row.seen == Ink.SIGNED
    }
    told = {"batch": batch, "rows": rows, "elsewhere": elsewhere, "clear": clear}
    return told | _about(model, batch, caller)


def _about(model: Connection, batch: Batch, caller: Caller) -> dict[str, Any]:
    """Return what both screens say of the sheet."""
    campaigns = {each.campaign_id: each.name for each in campaign_list(model)}
    return {
        "organisation": tree_on(model).by_id[batch.organisation_id],
        "campaign": campaigns.get(batch.campaign_id, ""),
        "me": caller,
    }
