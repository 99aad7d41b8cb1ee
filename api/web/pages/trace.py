"""Traces: where a payment's money came from, and all that happened to it, each with its proof."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import READ, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.histories import history_of
from api.payees import payment_of
from api.web.screen import TheScreen
from api.within import payment_within
from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from projections.batches import Batch, batch_list
from projections.disbursements import Disbursement
from projections.flows import trace_back
from projections.organisations import staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

BATCH_STEPS = ("reviewed", "approved", "exported")


@router.get("/trace/payments/{disbursement_id}", dependencies=[READ])
def trace_payment(
    disbursement_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    the_ledger: TheLedger,
) -> Response:
    """Show a payment's way from its sources to its recipient, and every event of it."""
    payment = payment_within(model, reach, disbursement_id)
    batch = batch_list(model, batch_id=payment.batch_id)[0]
    return screen.show(
        "trace/payment.html",
        payment=payment_of(the_ledger, payment),
        tree=tree_on(model),
        strands=trace_back(model, disbursement_id),
        batch=batch,
        steps=[step for step in batch.steps if step.step in BATCH_STEPS],
        staff=staff_numbers(model),
        history=history_of(the_ledger, model, disbursement_id, page, envelopes=False),
        absent=absent_evidence(payment, batch),
    )


def absent_evidence(payment: Disbursement, batch: Batch) -> list[str]:
    """Return what should be on record of a payment as it stands, and is not.

    `bank_file`, `bank_answer`, `signature`: what each channel leaves behind (domain rules: card
    payments are answered by the bank, sheets are signed by the recipient in person).
    """
    done = {step.step for step in batch.steps}
    waiting = payment.status == Status.IN_TRANSIT
    if payment.channel == Channel.SIGNATURE_SHEET:
        return ["signature"] if waiting else []
    absent = [] if "exported" in done else ["bank_file"]
    return [*absent, "bank_answer"] if waiting else absent
