"""Disbursements: single payments, where their money came from, and all that happened to them."""

import csv
import io
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from api.acting import TheActing
from api.callers import APPROVE, CORRECT, READ, UNMASK, TheReach
from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.histories import history_of
from api.payees import payment_of
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.models import Answer
from api.v1.written import Nothing, Written, tag, written
from api.within import payment_within
from ledger.commands.disbursements import Reissue, correct_outcome, reissue_payment
from ledger.commands.recipients import unmask_payee
from ledger.domain.disbursement import Disbursement, Status
from projections.disbursements import (
    Question,
    disbursement_list,
    every_disbursement,
    status_totals,
)
from projections.flows import trace_back

router = APIRouter(prefix="/disbursements", tags=["disbursements"], responses=RESPONSES)


COLUMNS = (
    "batch_code",
    "number",
    "category",
    "channel",
    "amount_fen",
    "status",
    "status_since",
    "reason",
    "happened_on",
    "disbursement_id",
    "organisation_id",
    "position",
)


def question(
    reach: TheReach,
    batch_id: UUID | None = None,
    organisation_id: UUID | None = None,
    status: Status | None = None,
) -> Question:
    """Read which payments are asked for; it stays within the caller's reach."""
    return Question(
        organisation_ids=reach.within(organisation_id), batch_id=batch_id, status=status
    )


TheQuestion = Annotated[Question, Depends(question)]


class StatusTotal(Answer):
    status: str = Field(examples=["settled"])
    count: int
    total_fen: int


class PaymentTotals(Answer):
    """What the payments of a question come to."""

    items: list[StatusTotal]
    count: int
    total_fen: int
    as_of: str | None
    at: models.Position


class Unmasked(Answer):
    """Personal data in clear. That it was shown, to whom and why, is an event."""

    fields: dict[str, str]


@router.get("", dependencies=[READ])
def list_disbursements(
    model: TheReadModel,
    page: ThePage,
    moment: TheMoment,
    asked: TheQuestion,
    the_ledger: TheLedger,
) -> models.Listed[models.Disbursement]:
    """List payments in the order in which they were instructed, as they stood at the moment."""
    found = disbursement_list(model, moment, asked=asked, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    return models.Listed(
        items=[payment_of(the_ledger, each) for each in shown],
        next=further,
        at=page.at,
    )


@router.get("/totals", dependencies=[READ])
def show_totals(
    model: TheReadModel, moment: TheMoment, asked: TheQuestion, the_ledger: TheLedger
) -> PaymentTotals:
    """Show what the payments of the same question come to, by where they stand."""
    found = status_totals(model, asked, moment)
    return PaymentTotals(
        items=[StatusTotal.model_validate(each) for each in found],
        count=sum(each.count for each in found),
        total_fen=sum(each.total_fen for each in found),
        as_of=moment.as_of.isoformat() if moment.as_of else None,
        at=the_ledger.size() - 1 if moment.at is None else moment.at,
    )


@router.get(
    "/export",
    dependencies=[READ],
    response_class=Response,
    responses={
        200: {
            "description": "UTF-8 with a byte order mark, as spreadsheets want it.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    },
)
def export(model: TheReadModel, moment: TheMoment, asked: TheQuestion) -> Response:
    """Write the payments of the same question as a table; nobody is named in it."""
    lines = io.StringIO()
    table = csv.writer(lines)
    table.writerow(COLUMNS)
    for each in every_disbursement(model, asked, moment):
        table.writerow(getattr(each, column) for column in COLUMNS)
    return Response(
        "\ufeff" + lines.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="disbursements.csv"'},
    )


@router.get("/{disbursement_id}", dependencies=[READ])
def show_disbursement(
    disbursement_id: UUID,
    model: TheReadModel,
    moment: TheMoment,
    reach: TheReach,
    the_ledger: TheLedger,
    response: Response,
) -> models.Disbursement:
    """Show a payment as it stood at the moment."""
    found = payment_within(model, reach, disbursement_id, moment)
    tag(the_ledger, response, Disbursement, disbursement_id)
    return payment_of(the_ledger, found)


@router.get("/{disbursement_id}/trace", dependencies=[READ])
def trace_disbursement(
    disbursement_id: UUID, model: TheReadModel, reach: TheReach
) -> models.TraceBack:
    """Trace a payment back, lot by lot, through every organisation to the sources of its money."""
    payment_within(model, reach, disbursement_id)
    strands = trace_back(model, disbursement_id)
    return models.TraceBack(
        disbursement_id=disbursement_id,
        amount_fen=sum(strand.amount_fen for strand in strands),
        strands=[models.Strand.model_validate(strand) for strand in strands],
    )


@router.get("/{disbursement_id}/history", dependencies=[READ])
def show_history(
    disbursement_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that concerns the payment, with signatures and proofs."""
    payment_within(model, reach, disbursement_id)
    return history_of(the_ledger, model, disbursement_id, page, envelopes=envelopes)


@router.post("/{disbursement_id}/unmaskings", status_code=201, dependencies=[UNMASK])
def unmask(
    disbursement_id: UUID,
    form: forms.UnmaskForm,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Unmasked:
    """Show personal fields of a payment's recipient in clear; who, what and why is an event."""
    payment_within(model, reach, disbursement_id)
    shown = unmask_payee(the_ledger, acting.act(), disbursement_id, form.fields, form.reason)
    return Unmasked(fields=shown)


@router.post("/{disbursement_id}/corrections", status_code=201, dependencies=[CORRECT])
def correct(
    disbursement_id: UUID,
    form: forms.CorrectionForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Take back an outcome that was recorded by mistake, by a further event."""
    act = acting.act(form.happened_on, stream=disbursement_id)
    answer = correct_outcome(the_ledger, act, disbursement_id, form.corrects_version, form.reason)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{disbursement_id}/reissues", status_code=201, dependencies=[APPROVE])
def reissue(
    disbursement_id: UUID,
    form: forms.ReissueForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Pay again what came back (补发), to another card where one is given."""
    order = Reissue(disbursement_id, form.reason, form.card_number)
    act = acting.act(form.happened_on, stream=disbursement_id)
    return written(the_ledger, response, reissue_payment(the_ledger, act, order), Nothing)
