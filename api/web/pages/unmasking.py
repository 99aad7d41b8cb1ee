"""Unmasking: which of a payee's fields are shown in clear, on record before they are shown."""

from typing import Any, get_args
from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import UNMASK, TheReach
from api.dependencies import TheReadModel, TheServed
from api.payees import payment_of
from api.v1 import forms
from api.web.given import Given, TheFields, formed
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from api.within import payment_within
from ledger.commands.recipients import unmask_payee
from ledger.errors import LedgerError
from projections.disbursements import Disbursement

router = APIRouter(include_in_schema=False)

PAGE = "trace/unmasking.html"
FIELDS: tuple[forms.PersonalField, ...] = get_args(forms.PersonalField)


@router.get("/trace/payments/{disbursement_id}/unmasking", dependencies=[UNMASK])
def show_form(
    disbursement_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    found: TheServed,
) -> Response:
    """Ask which of a payee's fields are to be seen, and why."""
    payment = payment_within(model, reach, disbursement_id)
    return screen.show(PAGE, code=None, **_shown(found, payment, Given(), {}))


@router.post("/trace/payments/{disbursement_id}/unmasking", dependencies=[UNMASK])
def unmask(
    disbursement_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    reach: TheReach,
    found: TheServed,
) -> Response:
    """Show the fields that were asked for, once: they stand in this answer and nowhere else."""
    payment = payment_within(model, reach, disbursement_id)
    wanted = [name for name in FIELDS if given[f"show_{name}"]]
    try:
        asked = {"fields": wanted, "reason": given["reason"]}
        form = formed(forms.UnmaskForm, asked, screen.language)
        act = acting.act()
        clear = unmask_payee(found.ledger, act, disbursement_id, form.fields, form.reason)
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_shown(found, payment, given, {}))
    return screen.show(PAGE, code=None, **_shown(found, payment, Given(), clear))


def _shown(
    found: TheServed, payment: Disbursement, given: Given, clear: dict[str, str]
) -> dict[str, Any]:
    return {
        "payment": payment_of(found.ledger, payment),
        "fields": FIELDS,
        "given": given,
        "clear": clear,
    }
