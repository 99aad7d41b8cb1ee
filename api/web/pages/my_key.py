"""An officer's own signing keys: made in their browser, handed in, confirmed by another."""

from fastapi import APIRouter, Response

from api.callers import SIGNED_IN, TheCaller
from api.dependencies import TheLedger
from api.web.screen import TheScreen
from ledger.domain.officer import Officer
from ledger.store.application import NotOnRecord

router = APIRouter(include_in_schema=False)


@router.get("/my-key", dependencies=[SIGNED_IN])
def show_my_keys(screen: TheScreen, caller: TheCaller, the_ledger: TheLedger) -> Response:
    """Show one's keys with their state; a new one is made by the page's script."""
    officer = the_ledger.load(Officer, caller.officer_id)
    if officer is None:
        raise NotOnRecord("officer", caller.officer_id)
    keys = [(key_id, key.algorithm, state) for key_id, key, state in officer.keys_by_state()]
    return screen.show("my_key.html", keys=keys, me=caller)
