"""The log itself: its head, its key, and any entry as stored with the proof that it is in it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api.callers import READ, SIGNED_IN
from api.dependencies import Served, TheLedger, served
from api.histories import entry_of, head_of
from api.problems import RESPONSES
from api.v1 import models

router = APIRouter(prefix="/log", tags=["log"], responses=RESPONSES)


@router.get("", dependencies=[SIGNED_IN])
def show_head(found: Annotated[Served, Depends(served)]) -> models.LogHead:
    """Show the log's name, size, verifier key and last checkpoint.

    Take the key from elsewhere too: a server can say anything about itself.
    """
    return head_of(found)


@router.get("/entries/{position}", dependencies=[READ])
def show_entry(
    position: Annotated[int, Path(ge=0, lt=2**53, examples=[0])], the_ledger: TheLedger
) -> models.Entry:
    """Show an entry's signed bytes and its receipt."""
    return entry_of(the_ledger, position)
