"""Payments that did not reach anybody: withdrawn before, paid again, or back by mistake alone."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import APPROVE, CORRECT, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.payees import payment_of
from api.v1.forms import CorrectionForm, Reasoned, ReissueForm
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from api.within import payment_within
from ledger.commands.disbursements import (
    Reissue,
    correct_outcome,
    reissue_payment,
    withdraw_payment,
)
from ledger.commands.misspelt_names import was_put_right
from ledger.commands.mistaken_returns import returned_by_line
from ledger.domain.disbursement import Disbursement as Root
from ledger.domain.disbursement import Status
from ledger.errors import LedgerError
from ledger.store.application import Ledger
from projections.disbursements import Disbursement

router = APIRouter(include_in_schema=False)

PAGE = "trace/outcome.html"


@router.get("/trace/payments/{disbursement_id}/outcome", dependencies=[APPROVE])
def show_form(
    disbursement_id: UUID,
    screen: TheScreen,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Ask why a payment is withdrawn, or why and where to it is paid again."""
    payment = payment_within(model, reach, disbursement_id)
    return screen.show(PAGE, code=None, **_shown(the_ledger, payment, Given()))


@router.post("/trace/payments/{disbursement_id}/withdrawal", dependencies=[APPROVE])
def withdraw(
    disbursement_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Put the money of a payment that will not be paid out back into its lots."""
    payment = payment_within(model, reach, disbursement_id)
    try:
        form = formed(Reasoned, given, screen.language)
        act = acting.act(form.happened_on, stream=disbursement_id)
        withdraw_payment(the_ledger, act, disbursement_id, form.reason)
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_shown(the_ledger, payment, given))
    return screen.go(f"/trace/payments/{disbursement_id}", N_("付款已撤销，款项已退回账户。"))


@router.post("/trace/payments/{disbursement_id}/reissue", dependencies=[APPROVE])
def reissue(
    disbursement_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Pay again what came back or was withdrawn, to another card or bank where one is given."""
    payment = payment_within(model, reach, disbursement_id)
    try:
        form = formed(ReissueForm, given, screen.language)
        order = Reissue(disbursement_id, form.reason, form.card_number, form.bank_name, form.name)
        reissue_payment(the_ledger, acting.act(form.happened_on, stream=disbursement_id), order)
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_shown(the_ledger, payment, given))
    again = the_ledger.load(Root, disbursement_id)
    arrived = again is not None and again.status is Status.SETTLED
    said = (
        N_("银行已称该账户收到，记为到账，不再发出。")
        if arrived
        else N_("已批准补发，等待出纳发出。")
    )
    return screen.go(f"/trace/payments/{disbursement_id}", said)


@router.post("/trace/payments/{disbursement_id}/return-correction", dependencies=[CORRECT])
def take_return_back(
    disbursement_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Take back that a bank line brought the money: it was another payment's, or none's."""
    payment = payment_within(model, reach, disbursement_id)
    try:
        form = formed(CorrectionForm, given, screen.language)
        act = acting.act(form.happened_on, stream=disbursement_id)
        correct_outcome(the_ledger, act, disbursement_id, form.corrects_version, form.reason)
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_shown(the_ledger, payment, given))
    return screen.go(f"/trace/payments/{disbursement_id}", N_("退票登记已更正，银行收支待核对。"))


def _shown(ledger: Ledger, payment: Disbursement, given: Given) -> dict[str, Any]:
    stands = ledger.load(Root, payment.disbursement_id)
    returned = None if stands is None else returned_by_line(ledger, stands)
    renamed = stands is not None and was_put_right(ledger, stands)
    shown = {"payment": payment_of(ledger, payment), "given": given, "returned": returned}
    return {**shown, "renamed": renamed}
