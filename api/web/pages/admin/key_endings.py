"""Ending an officer's key: its owner at once, or a security administrator."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import SIGNED_IN
from api.dependencies import TheReadModel, TheServed
from api.key_ending import end_officer_key
from api.v1 import forms
from api.v1.officers import KeyId
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from ledger.errors import LedgerError
from projections.organisations import staff_numbers

router = APIRouter(include_in_schema=False)

PAGE = "admin/key_ending.html"


@router.get("/admin/officers/{officer_id}/keys/{key_id}/ending", dependencies=[SIGNED_IN])
def show_ending(
    officer_id: UUID, key_id: KeyId, screen: TheScreen, model: TheReadModel
) -> Response:
    """Ask why a key is to end, and whether somebody else had it."""
    shown = _shown(model, officer_id, key_id)
    return screen.show(PAGE, code=None, given=Given(), **shown)


@router.post("/admin/officers/{officer_id}/keys/{key_id}/ending", dependencies=[SIGNED_IN])
def end_key(
    officer_id: UUID,
    key_id: KeyId,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Revoke a key; with a position, what it signed from there on is in doubt."""
    try:
        form = formed(forms.KeyEndForm, given, screen.language)
        end_officer_key(found.ledger, acting, officer_id, key_id, form)
    except LedgerError as refusal:
        shown = _shown(model, officer_id, key_id)
        return show_above(screen, refusal, PAGE, given=given, **shown)
    return screen.go(f"/admin/officers/{officer_id}", N_("密钥已停用。"))


def _shown(model: Connection, officer_id: UUID, key_id: str) -> dict[str, Any]:
    return {"officer_id": officer_id, "key_id": key_id, "staff": staff_numbers(model)}
