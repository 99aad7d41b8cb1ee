"""Cases: findings taken up, looked into, put right and closed, with the money that comes back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from api.acting import Prepared, TheActing, prepared
from api.callers import (
    APPROVE,
    CASH,
    CLOSE_CASE,
    HAND_IN,
    OBSERVE,
    READ,
    TheReach,
)
from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.doubted import answerable, case_subject, case_within, extent_of, standing_of, taken_up
from api.edge.one_thread import InOneThread
from api.known import TheKept, within
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.case_forms import (
    CaseForm,
    ChargeForm,
    DemandForm,
    GroundForm,
    RecoveryForm,
    ReportForm,
    SignedWriteOff,
    WriteOffForm,
)
from api.v1.models import Answer, Day, Id, Position
from api.v1.written import NamedCase, NamedLot, Nothing, Written, written
from ledger.commands import cases as acts
from ledger.domain.case import Extent, Stage, Subject
from projections.asked import NOW
from projections.attempts import attempts_on
from projections.cases import Asked, case_list
from projections.organisations import tree_on

router = APIRouter(route_class=InOneThread, prefix="/cases", tags=["cases"], responses=RESPONSES)


class StepView(Answer):
    """`stage` is null where the step leaves the case at its stage.

    `amount_fen`: demanded in all, come back, or written off. `count`: what the rule found then.
    """

    step: str
    officer_id: Id
    happened_on: Day
    position: Position
    stage: Stage | None
    owner_id: UUID | None
    due_on: str | None
    text: str | None
    amount_fen: int | None = Field(description="Whole fen (1/100 yuan).", examples=[80000])
    count: int | None
    fund_id: UUID | None
    lot_id: UUID | None
    documents: list[str]


class SubjectView(Answer):
    rule: str
    organisation_id: UUID | None
    campaign_id: UUID | None
    batch_id: UUID | None
    detail: str | None
    year: int | None
    position: int | None


class ExtentView(Answer):
    count: int
    amount_fen: int | None = Field(description="Whole fen (1/100 yuan).", examples=[80000])
    since: str | None


class CaseSummary(Answer):
    """`owner_id` and `due_on`: of whom something is asked now, and by when."""

    case_id: Id
    organisation_id: Id
    subject: SubjectView
    severity: str
    extent: ExtentView = Field(description="What the rule found when it was opened.")
    stage: Stage
    owner_id: UUID | None
    due_on: str | None
    demanded_fen: int
    recovered_fen: int
    written_off_fen: int
    open_fen: int
    happened_on: Day
    position: Position


class AttemptView(Answer):
    tried: str
    code: str
    officer_id: UUID | None
    happened_on: Day
    position: Position


class CaseHistory(CaseSummary):
    steps: list[StepView]
    attempts: list[AttemptView] = Field(default=[], description="What was refused, on record.")


def standing_now(
    case_id: UUID, model: TheReadModel, the_ledger: TheLedger, reach: TheReach, kept: TheKept
) -> Extent:
    return standing_of(kept.known(model, the_ledger, NOW, reach.day).findings, case_id)


TheStanding = Annotated[Extent, Depends(standing_now)]
"""What the rule finds now of the case in the address."""


@router.get("", dependencies=[READ])
def list_cases(
    model: TheReadModel,
    page: ThePage,
    moment: TheMoment,
    reach: TheReach,
    *,
    organisation_id: UUID | None = None,
    rule: forms.Code | None = None,
    stage: Stage | None = None,
    owner_id: UUID | None = None,
    live: Annotated[bool, Query(description="Without those dismissed or closed.")] = False,
    unowned: Annotated[bool, Query(description="Those that nobody has been given.")] = False,
    overdue: Annotated[bool, Query(description="Those whose day has passed.")] = False,
) -> models.Listed[CaseSummary]:
    """List cases in the order in which they were opened."""
    asked = Asked(
        reach.within(organisation_id),
        rule=rule,
        stage=stage,
        owner_id=owner_id,
        live=live,
        unowned=unowned,
        overdue_on=(moment.as_of or reach.day) if overdue else None,
    )
    found = case_list(model, asked, moment, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    items = [CaseSummary.model_validate(each) for each in shown]
    return models.Listed(items=items, next=further, at=page.at)


@router.post("", status_code=201, dependencies=[OBSERVE])
def open_case(
    form: CaseForm,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    kept: TheKept,
    response: Response,
) -> Written[NamedCase]:
    """Take up a finding that stands now; with `charge` somebody is to look into it at once."""
    if form.organisation_id is not None:
        reach.require(form.organisation_id)
    subject = Subject(**form.model_dump(exclude={"note", "charge"}))
    known = kept.known(model, the_ledger, NOW, reach.day)
    finding = taken_up(within(known, reach), subject)
    order = acts.Opening(
        answerable(tree_on(model), subject),
        case_subject(the_ledger, finding),
        finding.severity.value,
        extent_of(finding),
        form.note,
        None if form.charge is None else _charge(form.charge),
    )
    return written(the_ledger, response, acts.open_case(the_ledger, acting.act(), order), NamedCase)


@router.get("/{case_id}", dependencies=[READ])
def show_case(
    case_id: UUID, model: TheReadModel, moment: TheMoment, reach: TheReach
) -> CaseHistory:
    """Show a case with every step, and every attempt that was refused."""
    shown = CaseHistory.model_validate(case_within(model, reach, case_id, moment))
    tried = [AttemptView.model_validate(each) for each in attempts_on(model, case_id)]
    return shown.model_copy(update={"attempts": tried})


@router.post("/{case_id}/assignments", status_code=201, dependencies=[OBSERVE])
def assign(
    case_id: UUID,
    form: ChargeForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Have an officer look into it by a day (核实), or another one instead."""
    act = acting.act(stream=case_id)
    answer = acts.assign_case(the_ledger, act, case_id, _charge(form))
    return written(the_ledger, response, answer, Nothing)


@router.post("/{case_id}/dismissal", status_code=201, dependencies=[OBSERVE])
def dismiss(
    case_id: UUID,
    form: GroundForm,
    acting: TheActing,
    the_ledger: TheLedger,
    standing: TheStanding,
    response: Response,
) -> Written[Nothing]:
    """Say that it is no problem, and why."""
    order = acts.Verdict(case_id, form.ground, standing)
    answer = acts.dismiss_case(the_ledger, acting.act(stream=case_id), order)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{case_id}/confirmation", status_code=201, dependencies=[OBSERVE])
def confirm(
    case_id: UUID,
    form: GroundForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Say that it is a problem (问题), and why."""
    answer = acts.confirm_case(the_ledger, acting.act(stream=case_id), case_id, form.ground)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{case_id}/demands", status_code=201, dependencies=[OBSERVE])
def demand(
    case_id: UUID,
    form: DemandForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Ask an officer to put it right by a day (整改), or once more."""
    order = acts.Demand(case_id, form.measures, _charge(form), form.recover_fen)
    answer = acts.demand_rectification(the_ledger, acting.act(stream=case_id), order)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{case_id}/reports", status_code=201, dependencies=[HAND_IN])
def report(
    case_id: UUID,
    form: ReportForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Say, as the officer who was asked, what was done; documents by their SHA-256."""
    order = acts.Report(case_id, form.report, tuple(form.documents))
    answer = acts.report_rectified(the_ledger, acting.act(stream=case_id), order)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{case_id}/recoveries", status_code=201, dependencies=[CASH])
def recover(
    case_id: UUID,
    form: RecoveryForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[NamedLot]:
    """Take in money that came back (追回), as a lot of a fund account."""
    order = acts.Recovery(
        case_id,
        form.organisation_code,
        form.earmark,
        form.document,
        form.vintage,
        form.amount_fen,
    )
    answer = acts.recover(the_ledger, acting.act(form.happened_on, stream=case_id), order)
    return written(the_ledger, response, answer, NamedLot)


@router.post("/{case_id}/write-offs/preparation", dependencies=[APPROVE])
def prepare(
    case_id: UUID, form: WriteOffForm, acting: TheActing, the_ledger: TheLedger
) -> Prepared:
    """Prepare a write-off: what the approver is to sign. Nothing is written."""
    order = acts.WritingOff(case_id, form.amount_fen, form.ground)
    return prepared(acts.prepare_write_off(the_ledger, acting.act(stream=case_id), order))


@router.post("/{case_id}/write-offs", status_code=201, dependencies=[APPROVE])
def write_off(
    case_id: UUID,
    form: SignedWriteOff,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Give up money that was to come back, as it was prepared and signed."""
    order = acts.WritingOff(case_id, form.write_off.amount_fen, form.write_off.ground)
    answer = acts.write_off(the_ledger, acting.signed(form.signed, stream=case_id), order)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{case_id}/closing", status_code=201, dependencies=[CLOSE_CASE])
def close(
    case_id: UUID,
    form: GroundForm,
    acting: TheActing,
    the_ledger: TheLedger,
    standing: TheStanding,
    response: Response,
) -> Written[Nothing]:
    """Say that it was put right (销号); never who put it right, nor while money is open."""
    order = acts.Verdict(case_id, form.ground, standing)
    answer = acts.close_case(the_ledger, acting.act(stream=case_id), order)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{case_id}/reopening", status_code=201, dependencies=[OBSERVE])
def reopen(
    case_id: UUID,
    form: GroundForm,
    acting: TheActing,
    the_ledger: TheLedger,
    standing: TheStanding,
    response: Response,
) -> Written[Nothing]:
    """Take a case up again that came again."""
    order = acts.Verdict(case_id, form.ground, standing)
    answer = acts.reopen_case(the_ledger, acting.act(stream=case_id), order)
    return written(the_ledger, response, answer, Nothing)


def _charge(form: ChargeForm) -> acts.Charge:
    return acts.Charge(form.staff_number, form.due_on)
