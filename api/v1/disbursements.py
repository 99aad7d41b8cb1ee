"""Disbursements: single payments, where their money came from, and all that happened to them."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from api.acting import TheActing
from api.callers import APPROVE, CORRECT, READ, UNMASK, TheReach
from api.conditions import Conditions, asked_of
from api.crossing import crossings
from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.edge.one_thread import InOneThread
from api.file_answer import CSV, file_answer
from api.histories import history_of
from api.payees import payment_of, payments_of
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.models import Answer
from api.v1.written import Nothing, Written, tag, written
from api.within import payment_within
from ledger.commands.disbursements import (
    Reissue,
    correct_outcome,
    reissue_payment,
    withdraw_payment,
)
from ledger.commands.recipients import unmask_payee
from ledger.domain.disbursement import Disbursement, Status
from projections.exports.delimited import lines
from projections.exports.table import Column, Kind, Table
from projections.flows import trace_back
from projections.organisations import tree_on
from projections.turnover import Asked, Ever, every_payment, payment_list, payment_totals

router = APIRouter(
    route_class=InOneThread, prefix="/disbursements", tags=["disbursements"], responses=RESPONSES
)


COLUMNS = (
    Column("batch_code"),
    Column("number", Kind.COUNT),
    Column("category"),
    Column("channel"),
    Column("amount_fen", Kind.COUNT),
    Column("status"),
    Column("status_since", Kind.DAY),
    Column("reason"),
    Column("happened_on", Kind.DAY),
    Column("disbursement_id"),
    Column("organisation_id"),
    Column("position", Kind.COUNT),
)

Words = Annotated[str | None, Query(max_length=200)]
Fen = Annotated[int | None, Query(ge=0, lt=2**53)]


def question(
    model: TheReadModel,
    reach: TheReach,
    moment: TheMoment,
    batch_id: UUID | None = None,
    organisation_id: UUID | None = None,
    organisation: Annotated[
        str | None,
        Query(max_length=200, description="An organisation's code, for it and all below it."),
    ] = None,
    *,
    alone: Annotated[bool, Query(description="Without what is below `organisation`.")] = False,
    campaign: Words = None,
    batch: Words = None,
    channel: Words = None,
    category: Words = None,
    status: Annotated[
        Status | Literal["paid"] | None, Query(description="`paid` is settled or signed.")
    ] = None,
    since: date | None = None,
    until: date | None = None,
    least_fen: Fen = None,
    most_fen: Fen = None,
    source: Annotated[
        str | None, Query(max_length=200, description="Where its money came from.")
    ] = None,
    document: Annotated[
        str | None, Query(max_length=200, description="By which document its money came in.")
    ] = None,
    vintage: Annotated[
        int | None, Query(ge=0, le=9999, description="Of which year its money is.")
    ] = None,
    earmark: Words = None,
    officer: Annotated[
        str | None,
        Query(max_length=200, description="Staff number of who drafted, reviewed or approved it."),
    ] = None,
    reason: Annotated[
        str | None, Query(max_length=200, description="For which it once came back.")
    ] = None,
    ever: Annotated[
        Ever | None, Query(description="What once happened to it, however it stands now.")
    ] = None,
) -> Asked:
    """Read which payments are asked for; it stays within the caller's reach."""
    conditions = Conditions(
        organisation=organisation,
        alone=alone,
        campaign=campaign,
        batch=batch,
        channel=channel,
        category=category,
        status=status,
        since=since,
        until=until,
        least_fen=least_fen,
        most_fen=most_fen,
        source=source,
        document=document,
        vintage=vintage,
        earmark=earmark,
        officer=officer,
        reason=reason,
        ever=ever,
    )
    asked = asked_of(model, conditions, tree_on(model, moment.as_of, moment.at), reach)
    plain = asked.plain
    if organisation_id is not None:
        plain = replace(plain, organisation_ids=reach.within(organisation_id))
    return replace(asked, plain=plain if batch_id is None else replace(plain, batch_id=batch_id))


TheQuestion = Annotated[Asked, Depends(question)]


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
    found = payment_list(model, asked, moment, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    return models.Listed(
        items=payments_of(the_ledger, shown),
        next=further,
        at=page.at,
    )


@router.get("/totals", dependencies=[READ])
def show_totals(
    model: TheReadModel, moment: TheMoment, asked: TheQuestion, the_ledger: TheLedger
) -> PaymentTotals:
    """Show what the payments of the same question come to, by where they stand."""
    found = payment_totals(model, asked, moment)
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
    rows = (
        [getattr(each, column.title) for column in COLUMNS]
        for each in every_payment(model, asked, moment)
    )
    written = lines(Table("disbursements", COLUMNS, rows), bare=True)
    return file_answer(written, CSV, "disbursements.csv")


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
    disbursement_id: UUID, model: TheReadModel, reach: TheReach, the_ledger: TheLedger
) -> models.TraceBack:
    """Trace a payment back, lot by lot, through every organisation to the sources of its money.

    What came from another ledger is traced to the remittance, and to the entry there.
    """
    payment_within(model, reach, disbursement_id)
    strands = trace_back(model, disbursement_id)
    came = crossings(the_ledger, model, [each.origin.lot_id for each in strands])
    return models.TraceBack(
        disbursement_id=disbursement_id,
        amount_fen=sum(strand.amount_fen for strand in strands),
        strands=[
            models.Strand(
                amount_fen=each.amount_fen,
                drawn_at=each.drawn_at,
                steps=[models.LotStep.model_validate(step) for step in each.steps],
                crossing=models.crossing_of(came.get(each.origin.lot_id)),
            )
            for each in strands
        ],
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
    """Take back an outcome that was recorded by mistake, by a further event.

    Also a return that a line of a bank statement was taken for: its money is drawn again, and the
    line is open. What a return file told is not taken back here.
    """
    act = acting.act(form.happened_on, stream=disbursement_id)
    answer = correct_outcome(the_ledger, act, disbursement_id, form.corrects_version, form.reason)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{disbursement_id}/withdrawals", status_code=201, dependencies=[APPROVE])
def withdraw(
    disbursement_id: UUID,
    form: forms.Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Take back what was never paid out (撤销付款): not sent to the bank, or not signed for."""
    act = acting.act(form.happened_on, stream=disbursement_id)
    answer = withdraw_payment(the_ledger, act, disbursement_id, form.reason)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{disbursement_id}/reissues", status_code=201, dependencies=[APPROVE])
def reissue(
    disbursement_id: UUID,
    form: forms.ReissueForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Pay again what came back or was withdrawn (补发), to another card or bank if given.

    Or, to the same card, under its recipient's name as it is spelt right.
    """
    order = Reissue(disbursement_id, form.reason, form.card_number, form.bank_name, form.name)
    act = acting.act(form.happened_on, stream=disbursement_id)
    return written(the_ledger, response, reissue_payment(the_ledger, act, order), Nothing)
