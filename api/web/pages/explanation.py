"""A payment's explanation: every rule, what it looked at, and who answered for what."""

from collections import Counter
from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.explaining import asked_about, cases_about
from api.known import TheKept
from api.payees import payment_of
from api.web.screen import TheScreen
from projections.explanation.checked import Outcome
from projections.explanation.explain import explain
from projections.findings.catalogue import RULES_KNOWN
from projections.organisations import staff_numbers

router = APIRouter(include_in_schema=False)


@router.get("/trace/payments/{disbursement_id}/explanation", dependencies=[READ])
def show_explanation(
    disbursement_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    kept: TheKept,
) -> Response:
    """Show what every rule says of a payment, to be read or printed."""
    asked = asked_about(model, the_ledger, reach, kept, disbursement_id)
    found = explain(asked)
    came = Counter(each.outcome for each in found.checked)
    return screen.show(
        "trace/explanation.html",
        payment=payment_of(the_ledger, asked.payment),
        tree=asked.tree,
        staff=staff_numbers(model),
        found=found,
        cases=cases_about(asked, reach),
        counts={each.value: came[each] for each in Outcome if came[each]},
        versions={code: about.version for code, about in RULES_KNOWN.items()},
    )
