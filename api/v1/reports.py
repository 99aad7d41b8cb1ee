"""Reports over /v1: the figures of the tables that are handed in."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheMoment, TheReadModel
from api.known import TheKept
from api.owed import Question, due
from api.problems import RESPONSES
from api.reporting import Reporting, Scope, reporting
from api.summing import of_the_day, summed
from api.v1.models import Answer, Day, Id

router = APIRouter(prefix="/reports", tags=["reports"], responses=RESPONSES)

Fen = Annotated[int, Field(description="Whole fen (1/100 yuan).", examples=[80000])]


class Scoped(Answer):
    """`at` and the checkpoint say which state of the log the figures are of."""

    year: int
    campaign: str | None
    as_of: str | None
    at: int
    checkpoint_size: int
    checkpoint_root: str


class PaymentsCounted(Answer):
    """Payments that are alike and stand alike, of one union's own accounts."""

    organisation_id: Id
    campaign_id: Id
    category: str
    channel: str
    status: str
    count: int
    amount_fen: Fen


class SpentOf(Answer):
    """What of the money of one source and year reached people, by one union's own accounts."""

    organisation_id: Id
    campaign_id: Id
    category: str
    channel: str
    source: str
    vintage: int
    paid_fen: Fen


class StatisticsTable(Scoped):
    """Payments of a campaign, or those that were instructed in a year; the sums are of all.

    `earlier`: of payments that were instructed before the year, what reached people or was
    withdrawn in it, less what went back, and what stands in transit or returned at its end.
    """

    items: list[PaymentsCounted]
    spent: list[SpentOf]
    earlier: list[PaymentsCounted]
    earlier_spent: list[SpentOf]
    paid_count: int
    paid_fen: Fen
    in_transit_fen: Fen
    returned_fen: Fen


OPENING = "By source: what was left of the year before, and what was entered as left from it."
EARLIER = "What of `received_fen` was given for earlier years."


class YearLine(Answer):
    """A year of a union's own accounts, or of all that are asked for, where it has no id."""

    organisation_id: Id | None
    opening_fen: dict[str, int] = Field(description=OPENING)
    received_fen: dict[str, int] = Field(description="By source.")
    received_earlier_fen: Fen = Field(description=EARLIER)
    came_down_fen: Fen
    passed_on_fen: Fen
    remitted_fen: Fen = Field(description="To other ledgers.")
    paid_fen: Fen
    used_fen: dict[str, int] = Field(description="By purpose; comes to `paid_fen`.")
    in_hand_fen: Fen
    in_transit_fen: Fen
    closing_fen: Fen


class YearTable(Scoped):
    items: list[YearLine]
    total: YearLine


class ReturnedFor(Answer):
    """What the bank sent back for a reason; empty where it gave none."""

    reason: str
    count: int
    amount_fen: Fen


class PapersDue(Answer):
    """A paper that a campaign asks for: of how many unions it came in time, late or not at all."""

    campaign: str
    name: str
    due_on: Day
    asked: int
    in_time: int
    late: int
    missing: int
    overdue: int


class SummaryReport(Scoped):
    """A campaign or a year summed up. `surplus_…` is of the fiscal year; `findings` by severity.

    What came back and was done in a year is of its days; `findings`, and where cases opened in it
    stand, are as of its end. Cases that are of no campaign are in no campaign's report. Of a list
    that was put up more than once the last notice counts, if it was not withdrawn.
    """

    opening_fen: dict[str, int] = Field(description=OPENING)
    received_fen: dict[str, int] = Field(description="By source.")
    received_earlier_fen: Fen = Field(description=EARLIER)
    came_down_fen: Fen
    passed_on_fen: Fen
    remitted_fen: Fen = Field(description="To other ledgers.")
    payments: list[PaymentsCounted]
    earlier: list[PaymentsCounted] = Field(description="As of the statistics of a year.")
    paid_count: int
    paid_fen: Fen
    returned: list[ReturnedFor]
    paid_again_count: int
    paid_again_fen: Fen
    surplus_opening_fen: Fen
    surplus_consumed_fen: Fen
    surplus_ratio_basis_points: int | None = Field(description="Rounded down; null: no surplus.")
    first_year_minimum_bp: int | None
    all_within_years: int | None
    deadlines: list[PapersDue]
    findings: dict[str, int]
    cases: dict[str, int] = Field(description="By stage.")
    recovered_fen: Fen
    written_off_fen: Fen
    samples_planned: int
    samples_drawn: int
    payments_drawn: int
    notices_opened: int
    notices_closed: int
    notices_withdrawn: int
    objections_raised: int
    objections_upheld: int


class PaperOwed(Answer):
    """A paper that a union owes; `days_late` is by when it came, or up to the day if missing."""

    organisation_id: Id
    campaign: str
    name: str
    due_on: Day
    handed_in_on: Day | None
    sent_back: str | None
    missing: bool
    days_late: int


class DeadlinesTable(Answer):
    """Who was to hand in what; `asked` counts all, `items` lists what is missing or all."""

    as_of: Day
    at: int
    checkpoint_size: int
    checkpoint_root: str
    asked: int
    missing: int
    items: list[PaperOwed]


def asked(
    model: TheReadModel,
    the_ledger: TheLedger,
    reach: TheReach,
    moment: TheMoment,
    organisation: Annotated[str | None, Query(max_length=200, description="Code.")] = None,
    campaign: Annotated[str | None, Query(max_length=200, description="Code.")] = None,
    year: Annotated[int | None, Query(ge=1949, le=2200)] = None,
) -> Reporting:
    """Read what is asked; without campaign and year, the last campaign that has begun."""
    return reporting(model, the_ledger, reach, Scope(organisation, campaign, year, moment))


TheReporting = Annotated[Reporting, Depends(asked)]


@router.get("/statistics", dependencies=[READ])
def show_statistics(model: TheReadModel, of: TheReporting) -> StatisticsTable:
    """Count the payments of a campaign or a year by union, category, channel and state."""
    found, earlier = of.statistics(model), of.earlier(model)
    tally = found.beside(earlier).tally
    return StatisticsTable(
        **_scoped(of),
        items=[PaymentsCounted.model_validate(each) for each in found.payments],
        spent=[SpentOf.model_validate(each) for each in found.spent],
        earlier=[PaymentsCounted.model_validate(each) for each in earlier.payments],
        earlier_spent=[SpentOf.model_validate(each) for each in earlier.spent],
        paid_count=tally.count,
        paid_fen=tally.paid_fen,
        in_transit_fen=tally.in_transit_fen,
        returned_fen=tally.returned_fen,
    )


@router.get("/yearly", dependencies=[READ])
def show_yearly(model: TheReadModel, of: TheReporting) -> YearTable:
    """Account for a fiscal year: opening, received, used, closing, by union and together."""
    year = of.of_year(model)

    def line(ids: list[UUID], organisation_id: UUID | None) -> YearLine:
        found = year.line(ids)
        return YearLine(
            organisation_id=organisation_id,
            opening_fen=found.opening,
            received_fen=found.received,
            received_earlier_fen=found.earlier_fen,
            used_fen=year.used_by(ids),
            **{name: getattr(found, name) for name in SUMS},
        )

    return YearTable(
        **_scoped(of),
        items=[line([id_], id_) for id_ in of.ids],
        total=line(of.ids, None),
    )


@router.get("/summary", dependencies=[READ])
def show_summary(
    model: TheReadModel,
    the_ledger: TheLedger,
    reach: TheReach,
    kept: TheKept,
    moment: TheMoment,
    organisation: Annotated[str | None, Query(max_length=200, description="Code.")] = None,
    campaign: Annotated[str | None, Query(max_length=200, description="Code.")] = None,
    year: Annotated[int | None, Query(ge=1949, le=2200)] = None,
) -> SummaryReport:
    """Sum a campaign up: money, payments, what came back, surplus, deadlines, doubts and checks."""
    scope = of_the_day(Scope(organisation, campaign, year, moment), reach.day)
    of = reporting(model, the_ledger, reach, scope)
    found = summed(model, the_ledger, reach, kept, of)
    line, old, tally = found.line, found.old, found.statistics.beside(found.earlier).tally
    return SummaryReport(
        **_scoped(of) | {"as_of": str(scope.moment.as_of)},
        opening_fen=line.opening,
        received_fen=line.received,
        received_earlier_fen=line.earlier_fen,
        came_down_fen=line.came_down_fen,
        passed_on_fen=line.passed_on_fen,
        remitted_fen=line.remitted_fen,
        payments=[PaymentsCounted.model_validate(each) for each in found.statistics.payments],
        earlier=[PaymentsCounted.model_validate(each) for each in found.earlier.payments],
        paid_count=tally.count,
        paid_fen=tally.paid_fen,
        returned=[
            ReturnedFor(reason=reason, count=each.count, amount_fen=each.amount_fen)
            for reason, each in sorted(found.returned.items())
        ],
        paid_again_count=found.paid_again.count,
        paid_again_fen=found.paid_again.amount_fen,
        surplus_opening_fen=old.opening_fen,
        surplus_consumed_fen=old.consumed_fen,
        surplus_ratio_basis_points=old.ratio_basis_points,
        first_year_minimum_bp=old.first_year_minimum_bp,
        all_within_years=old.all_within_years,
        deadlines=[
            PapersDue(
                campaign=each.campaign.code,
                name=each.deadline.name,
                due_on=each.deadline.due_on.isoformat(),
                asked=each.asked,
                in_time=each.in_time,
                late=each.late,
                missing=each.missing,
                overdue=each.overdue,
            )
            for each in found.papers
        ],
        findings=found.findings,
        cases=dict(found.cases.stages),
        recovered_fen=found.cases.recovered_fen,
        written_off_fen=found.cases.written_off_fen,
        samples_planned=found.samples.planned,
        samples_drawn=found.samples.drawn,
        payments_drawn=found.samples.payments,
        notices_opened=found.notices.opened,
        notices_closed=found.notices.closed,
        notices_withdrawn=found.notices.withdrawn,
        objections_raised=found.notices.raised,
        objections_upheld=found.notices.upheld,
    )


@router.get("/deadlines", dependencies=[READ])
def show_deadlines(
    model: TheReadModel,
    the_ledger: TheLedger,
    reach: TheReach,
    moment: TheMoment,
    organisation: Annotated[str | None, Query(max_length=200, description="Code.")] = None,
    campaign: Annotated[str | None, Query(max_length=200, description="Code.")] = None,
    name: Annotated[str | None, Query(max_length=200, description="Of the paper.")] = None,
    *,
    every: Annotated[bool, Query(description="List what came, too.")] = False,
) -> DeadlinesTable:
    """List what was to be handed in by which day, by union: what is missing, and how late."""
    question = Question(organisation, campaign=campaign, name=name, every=every, moment=moment)
    found = due(model, the_ledger, reach, question)
    return DeadlinesTable(
        as_of=found.on.isoformat(),
        at=found.at,
        checkpoint_size=found.checkpoint.size,
        checkpoint_root=found.checkpoint.root,
        asked=len(found.asked),
        missing=sum(row.missing for row in found.asked),
        items=[
            PaperOwed(
                organisation_id=row.organisation.organisation_id,
                campaign=row.campaign.code,
                name=row.deadline.name,
                due_on=row.deadline.due_on.isoformat(),
                handed_in_on=None if row.filing is None else row.filing.handed_in_on,
                sent_back=None if row.filing is None else row.filing.sent_back,
                missing=row.missing,
                days_late=row.days_late,
            )
            for row in found.listed
        ],
    )


SUMS = (
    "came_down_fen",
    "passed_on_fen",
    "remitted_fen",
    "paid_fen",
    "in_hand_fen",
    "in_transit_fen",
    "closing_fen",
)


def _scoped(of: Reporting) -> dict[str, Any]:
    moment = of.moment
    return {
        "year": of.year,
        "campaign": None if of.campaign is None else of.campaign.code,
        "as_of": None if moment.as_of is None else moment.as_of.isoformat(),
        "at": of.at,
        "checkpoint_size": of.checkpoint.size,
        "checkpoint_root": of.checkpoint.root,
    }
