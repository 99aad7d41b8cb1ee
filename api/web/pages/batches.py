"""Batches: who did what to them, what is still to be done, and by whom."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile

from api.callers import CASH, END, READ, REVIEW, Caller, TheCaller, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.payees import payment_of
from api.uploads import filename_of, whole
from api.web.asked import Word
from api.web.handbills import SLIPS_MAX
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.screen import TheScreen
from api.within import batch_within
from ledger.commands.batches import (
    CLOSERS,
    HANDLERS,
    BankFileOrder,
    Step,
    close_batch,
    export_batch,
    review_batch,
)
from ledger.commands.disbursements import WITNESSES
from ledger.commands.funds import CASHIERS
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.domain.batch import Stage
from ledger.domain.disbursement import Status
from ledger.domain.officer import Role
from ledger.domain.policy import Channel
from ledger.domain.values import Money
from ledger.files.banks import read_return
from projections.batches import BankStatement, Batch, batch_list, rows_of, statements_of
from projections.disbursements import Question, StatusTotal, disbursement_list, status_totals
from projections.notices import Notice, notice_list
from projections.organisations import staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

PAYMENTS_SHOWN = 100
STAGES = ("drafted", "reviewed", "approved", "exported", "returned", "closed")


@dataclass(frozen=True, slots=True)
class Stop:
    """A stage on a batch's way: who reached it and when, or that it is still to come."""

    stage: str
    on: str | None
    officer: str | None
    position: int | None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was instructed, and where it is; `difference_fen` is what nobody accounts for."""

    instructed_fen: Money
    arrived_fen: Money
    returned_fen: Money
    in_transit_fen: Money

    @property
    def difference_fen(self) -> Money:
        known = self.arrived_fen + self.returned_fen + self.in_transit_fen
        return Money(self.instructed_fen - known)


@router.get("/batches", dependencies=[READ])
def show_batches(
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    caller: TheCaller,
    organisation: Word = None,
) -> Response:
    """List batches in the order in which they were drafted."""
    tree = tree_on(model)
    ids = sorted(reach.ids)
    if organisation is not None and (named := tree.by_code.get(organisation)):
        ids = reach.within(named.organisation_id)
    found = batch_list(model, organisation_ids=ids, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    return screen.show(
        "batches/list.html",
        batches=shown,
        tree=tree,
        choices=tree.among(reach.ids),
        organisation=organisation,
        hands_in=caller.holds_any(HANDLERS),
        next=further,
    )


@router.get("/batches/{batch_id}", dependencies=[READ])
def show_batch(
    batch_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    the_ledger: TheLedger,
) -> Response:
    """Show a batch: its way, refused attempts, figures, rows, payments and documents."""
    batch = batch_within(model, reach, batch_id)
    of_batch = Question(batch_id=batch_id)
    payments = disbursement_list(model, asked=of_batch, limit=PAYMENTS_SHOWN)
    totals = status_totals(model, of_batch)
    staff = staff_numbers(model)
    answers = statements_of(model, batch_id)
    notices = notice_list(model, batch_id=batch_id)
    payments_count = sum(each.count for each in totals)
    return screen.show(
        "batches/batch.html",
        batch=batch,
        organisation=tree_on(model).by_id[batch.organisation_id],
        stops=stops(batch, answers, staff),
        attempts=[step for step in batch.steps if step.step == "refused"],
        staff=staff,
        rows=rows_of(model, batch_id),
        reconciled=reconciled(totals),
        payments=[payment_of(the_ledger, each) for each in payments],
        payments_count=payments_count,
        slip_parts=range(1, -(-payments_count // SLIPS_MAX) + 1),
        notice=notices[-1] if notices else None,
        statements=answers,
        acts=legal_acts(batch, caller, notices),
    )


@router.post("/batches/{batch_id}/review", dependencies=[REVIEW])
def review(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Review a drafted batch."""
    batch = batch_within(model, reach, batch_id)
    review_batch(the_ledger, acting.act(), Step(batch.code, acting.caller.staff_number))
    return screen.go(f"/batches/{batch_id}", N_("已复核。"))


@router.post("/batches/{batch_id}/bank-file", dependencies=[CASH])
def write_bank_file(
    batch_id: UUID,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    reason: Annotated[str, Form(max_length=500)],
    made_for: Annotated[str, Form(max_length=200)],
) -> Response:
    """Hand out the bank's payment file; that it was handed out is an event."""
    batch = batch_within(model, reach, batch_id)
    file = export_batch(the_ledger, acting.act(), BankFileOrder(batch.code, reason, made_for))
    disposition = f"attachment; filename*=UTF-8''{quote(file.filename)}"
    return Response(
        file.content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": disposition, "Cache-Control": "no-store"},
    )


@router.post("/batches/{batch_id}/returns", dependencies=[CASH])
def take_return(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    file: Annotated[UploadFile, File()],
) -> Response:
    """Take in what the bank sent back."""
    batch = batch_within(model, reach, batch_id)
    name = filename_of(file)
    content = read_return(batch.bank_format or "", name, whole(file))
    receive_statement(the_ledger, acting.act(), ReturnFile(batch.code, name, content))
    return screen.go(f"/batches/{batch_id}", N_("银行回盘已登记。"))


@router.post("/batches/{batch_id}/closing", dependencies=[END])
def end_batch(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Close a batch when every payment of it was answered for."""
    batch_within(model, reach, batch_id)
    close_batch(the_ledger, acting.act(), batch_id)
    return screen.go(f"/batches/{batch_id}", N_("批次已办结。"))


def stops(batch: Batch, answers: list[BankStatement], staff: dict[UUID, str]) -> list[Stop]:
    """Return the stages of a batch; those that it reached with who and when, the last time."""
    reached = {
        "drafted": Stop("drafted", batch.happened_on, staff.get(batch.drafted_by), batch.position)
    }
    for step in batch.steps:
        stage = "returned" if step.step == "certified" else step.step
        officer = None if step.officer_id is None else staff.get(step.officer_id)
        reached[stage] = Stop(stage, step.happened_on, officer, step.position)
    for answer in answers:
        reached["returned"] = Stop("returned", answer.happened_on, None, answer.position)
    on_sheets = batch.channel == Channel.SIGNATURE_SHEET
    stages = [each for each in STAGES if not (on_sheets and each == "exported")]
    return [reached.get(stage, Stop(stage, None, None, None)) for stage in stages]


def reconciled(totals: list[StatusTotal]) -> Reconciled:
    """Say what a batch's payments come to, by where they stand."""
    of = {each.status: each.total_fen for each in totals}
    return Reconciled(
        Money(sum(of.values())),
        Money(of.get(Status.SETTLED, 0) + of.get(Status.SIGNED, 0)),
        Money(of.get(Status.RETURNED, 0)),
        Money(of.get(Status.IN_TRANSIT, 0)),
    )


def legal_acts(batch: Batch, caller: Caller, notices: list[Notice]) -> set[str]:
    """Return what this officer's posts let them do with the batch as it stands."""
    posts = {role for place, role in caller.posts if place == batch.organisation_id}
    state = batch.state
    if state == "refused":
        reviewed = any(step.step == "reviewed" for step in batch.steps)
        state = Stage.REVIEWED if reviewed else Stage.DRAFTED
    card = batch.channel == Channel.BANK_CARD
    acts: set[str] = set()
    ended = all(each.ended is not None for each in notices)
    if Role.HANDLER in posts and batch.accepted_count and ended:
        acts.add("notice")
    if state == Stage.DRAFTED and Role.REVIEWER in posts:
        acts.add("review")
    if state == Stage.REVIEWED and Role.APPROVER in posts:
        acts.add("approve")
    if state == Stage.APPROVED and card and posts & CASHIERS:
        acts |= {"export", "return"}
    if state == Stage.APPROVED and not card and caller.holds_any(WITNESSES):
        acts.add("sign")
    if state == Stage.APPROVED and posts & CLOSERS:
        acts.add("close")
    return acts
