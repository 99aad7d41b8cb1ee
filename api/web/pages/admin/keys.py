"""Keys: the ledger's own beside its officers', what an auditor carries away, and the witnesses."""

import segno
from fastapi import APIRouter, Response
from segno.encoder import DataOverflowError

from api.callers import SIGNED_IN
from api.dependencies import ThePage, TheReadModel, TheServed
from api.histories import vouched_keys
from api.web.asked import Word
from api.web.screen import TheScreen
from ledger.anchoring.publications import latest
from ledger.anchoring.witnesses import appointed, witnessed
from projections.keys import officer_keys, service_keys
from projections.organisations import staff_numbers

router = APIRouter(include_in_schema=False)


@router.get("/admin/keys", dependencies=[SIGNED_IN])
def show_keys(
    screen: TheScreen,
    model: TheReadModel,
    found: TheServed,
    page: ThePage,
    state: Word = None,
) -> Response:
    """Show the ledger's keys, its officers' keys, and who witnesses it."""
    keys = officer_keys(model, state=state, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(keys)
    published = latest(found.ledger)
    return screen.show(
        "admin/keys.html",
        own=service_keys(model),
        keys=shown,
        vouched=vouched_keys(found.ledger, model),
        next=further,
        state=state,
        staff=staff_numbers(model),
        published=published,
        standing=None if published is None else witnessed(found.ledger, found.anchors, published),
        witnesses=appointed(found.ledger)[0],
    )


@router.get("/admin/keys/card", dependencies=[SIGNED_IN])
def show_card(screen: TheScreen, found: TheServed) -> Response:
    """Show what an auditor takes along on paper: the ledger's name and keys, to compare with."""
    vkey = found.home.note_key().vkey()
    founding = found.ledger.founding_key_id()
    return screen.show(
        "admin/key_card.html",
        origin=found.ledger.origin,
        vkey=vkey,
        founding=founding,
        codes=[qr_of(vkey), qr_of(founding)],
        size=found.ledger.size(),
    )


def qr_of(text: str) -> str | None:
    """Return a QR code as SVG; none for keys of algorithms whose keys are too long for one."""
    try:
        return str(segno.make(text, error="m", micro=False).svg_inline(scale=4, omitsize=False))
    except DataOverflowError:
        return None
