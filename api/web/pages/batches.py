"""Batches: who did what to them, what is still to be done, and by whom."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import END, READ, REVIEW, Caller, TheCaller, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.payees import payments_of
from api.v1.written import require_stood
from api.web.asked import Word
from api.web.handbills import SLIPS_MAX
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.reconciled import reconciled
from api.web.screen import TheScreen
from api.within import batch_within, organisation_within
from ledger.commands.batches import HANDLERS, Step, close_batch, review_batch
from ledger.commands.disbursements import WITNESSES
from ledger.commands.turns import Standing, turns_of
from ledger.domain.batch import Stage
from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from ledger.files.banks import FORMATS
from projections.answers import odd_payments, standings
from projections.arrived_before import taken_back_of
from projections.attempts import Attempt, attempts_on
from projections.bank_files import bank_file_sums
from projections.batches import (
    BankStatement,
    Batch,
    batch_list,
    refused_rows_of,
    statements_of,
)
from projections.disbursements import Question, disbursement_list
from projections.notices import Notice, notice_list
from projections.organisations import Tree, staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

ROWS_SHOWN = 20
CANCELLED = "file_cancelled"
STAGES = ("drafted", "reviewed", "approved", "exported", "returned", "closed")


@dataclass(frozen=True, slots=True)
class Stop:
    """A stage on a batch's way: who reached it and when, or that it is still to come."""

    stage: str
    on: str | None
    officer: str | None
    position: int | None

    @property
    def counted(self) -> bool:
        """Whether it takes one officer's word, so that it is told as 0/1 or 1/1."""
        return self.stage in ("reviewed", "approved")


@dataclass(frozen=True, slots=True)
class Document:
    """A file that stands on record: what it is, since when, and its hash."""

    what: str
    on: str
    sha256: str
    position: int


@router.get("/batches", dependencies=[READ])
def show_batches(
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    caller: TheCaller,
    organisation: Word = None,
    alone: Word = None,
) -> Response:
    """List batches in the order in which they were drafted, of a union with all below it."""
    tree = tree_on(model)
    ids = sorted(reach.ids)
    if organisation is not None:
        named = organisation_within(tree, reach, organisation)
        own = [named.organisation_id]
        ids = own if alone else tree.subtree(named.organisation_id)
    found = batch_list(model, organisation_ids=ids, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    return screen.show(
        "batches/list.html",
        batches=shown,
        tree=tree,
        choices=tree.among(reach.ids),
        organisation=organisation,
        alone=alone,
        hands_in=caller.holds_any(HANDLERS),
        next=further,
    )


@router.get("/batches/{batch_id}", dependencies=[READ])
def show_batch(
    batch_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    caller: TheCaller,
    the_ledger: TheLedger,
) -> Response:
    """Show a batch: its way, refused attempts, figures, documents, payments and refused rows."""
    batch = batch_within(model, reach, batch_id)
    found = disbursement_list(
        model, asked=Question(batch_id=batch_id), after=page.after, limit=page.limit + 1
    )
    payments, further = page.cut(found)
    standing = standings(model, batch_id)
    answers = statements_of(model, batch_id)
    sums = reconciled(batch, standing, answers, bank_file_sums(model, batch))
    tree = tree_on(model)
    notices = notice_list(model, batch_id=batch_id)
    payments_count = sum(each.count for each in standing)
    in_transit = sum(each.count for each in standing if each.status == Status.IN_TRANSIT)
    return screen.show(
        "batches/batch.html",
        batch=batch,
        organisation=tree.by_id[batch.organisation_id],
        stops=stops(batch, answers, staff := staff_numbers(model)),
        attempts=attempts(batch, attempts_on(model, batch_id)),
        staff=staff,
        rows=refused_rows_of(model, batch_id, limit=ROWS_SHOWN),
        reconciled=sums,
        taken_back=taken_back_of(model, batch_id),
        odds=[] if sums.holds else odd_payments(model, batch_id),
        payments=payments_of(the_ledger, payments),
        payments_count=payments_count,
        in_transit=in_transit,
        slip_parts=range(1, -(-payments_count // SLIPS_MAX) + 1),
        notice=notices[-1] if notices else None,
        next=further,
        documents=documents(batch, answers),
        statements=answers,
        acts=legal_acts(batch, caller, tree, notices) - idle_acts(batch, in_transit),
        asks_payer=asks_payer(batch),
    )


@router.get("/batches/{batch_id}/rows", dependencies=[READ])
def show_rows(
    batch_id: UUID, screen: TheScreen, model: TheReadModel, page: ThePage, reach: TheReach
) -> Response:
    """List the rows that do not stand, each with the first rule that it broke."""
    batch = batch_within(model, reach, batch_id)
    rows, further = page.cut(
        refused_rows_of(model, batch_id, after=page.after, limit=page.limit + 1)
    )
    return screen.show("batches/rows.html", batch=batch, rows=rows, next=further)


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
    step = Step(batch.code, acting.caller.staff_number)
    require_stood(review_batch(the_ledger, acting.act(), step))
    return screen.go(f"/batches/{batch_id}", N_("已复核。"))


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


def asks_payer(batch: Batch) -> bool:
    """Say whether the bank's format wants to know something of whoever pays."""
    template = FORMATS.get(batch.bank_format or "")
    return bool(template and template.out and template.out.asks)


def stops(batch: Batch, answers: list[BankStatement], staff: dict[UUID, str]) -> list[Stop]:
    """Return the stages of a batch; those that it reached with who and when, the last time."""
    reached = {
        "drafted": Stop("drafted", batch.happened_on, staff.get(batch.drafted_by), batch.position)
    }
    counting = {each.position for each in batch.bank_files}
    for step in batch.steps:
        if step.step == "exported" and step.position not in counting:
            continue
        stage = "returned" if step.step == "certified" else step.step
        officer = None if step.officer_id is None else staff.get(step.officer_id)
        reached[stage] = Stop(stage, step.happened_on, officer, step.position)
    for answer in answers:
        reached["returned"] = Stop("returned", answer.happened_on, None, answer.position)
    on_sheets = batch.channel == Channel.SIGNATURE_SHEET
    stages = [each for each in STAGES if not (on_sheets and each == "exported")]
    return [reached.get(stage, Stop(stage, None, None, None)) for stage in stages]


def attempts(batch: Batch, apart: list[Attempt]) -> list[Attempt]:
    """Return what was tried and refused: in the batch's own stream, and in streams of their own."""
    own = [
        Attempt("batch", step.code or "", step.officer_id, step.happened_on, step.position)
        for step in batch.steps
        if step.step == "refused"
    ]
    return sorted([*own, *apart], key=lambda each: each.position)


def documents(batch: Batch, answers: list[BankStatement]) -> list[Document]:
    """Return the files that stand on record for a batch, each by its hash, in their order."""
    listed = Document("roster", batch.happened_on, batch.roster_sha256, batch.position)
    written = [
        Document(step.step, step.happened_on, step.file_sha256, step.position)
        for step in batch.steps
        if step.file_sha256 is not None
    ]
    answered = [
        Document("statement", each.happened_on, each.file_sha256, each.position) for each in answers
    ]
    return [listed, *sorted([*written, *answered], key=lambda each: each.position)]


def idle_acts(batch: Batch, in_transit: int) -> set[str]:
    """Return what would come to nothing, or be of no use, while so many payments are on their way.

    Of a batch that is not closed it is said, where a bank file would hold nobody.
    """
    idle = set() if in_transit and batch.bank_files else {"cancel_file"}
    if not in_transit and batch.state == "closed":
        idle.add("export")
    return idle


def legal_acts(batch: Batch, caller: Caller, tree: Tree, notices: list[Notice]) -> set[str]:
    """Return what this officer may do with the batch as it stands, here or from above."""
    places = set(tree.line(batch.organisation_id))
    posts = {role for place, role in caller.posts if place in places}
    reached = [step.step for step in batch.steps if step.step in set(Stage)]
    stage = Stage(reached[-1]) if reached else Stage.DRAFTED
    parts = [step.officer_id for step in batch.steps if step.step in ("reviewed", "approved")]
    officers = [batch.drafted_by, *(each for each in parts if each is not None)]
    acts = turns_of(caller.officer_id, posts, Standing(stage, batch.channel, officers))
    if any(each.officer_id == caller.officer_id for each in batch.steps if each.step == CANCELLED):
        acts.discard("export")
    if HANDLERS & posts and batch.accepted_count and all(each.ended for each in notices):
        acts.add("notice")
    on_sheets = batch.channel == Channel.SIGNATURE_SHEET
    if stage in (Stage.APPROVED, Stage.CLOSED) and on_sheets and WITNESSES & posts:
        acts.add("sign")
    return acts
