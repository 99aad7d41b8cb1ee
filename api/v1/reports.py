"""Reports over /v1: the figures of the tables that are handed in."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheMoment, TheReadModel
from api.problems import RESPONSES
from api.reporting import Reporting, Scope, reporting
from api.v1.models import Answer, Id

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
    items: list[PaymentsCounted]
    spent: list[SpentOf]
    paid_count: int
    paid_fen: Fen
    in_transit_fen: Fen
    returned_fen: Fen


class YearLine(Answer):
    """A year of a union's own accounts, or of all that are asked for, where it has no id."""

    organisation_id: Id | None
    opening_fen: dict[str, int] = Field(description="By source.")
    received_fen: dict[str, int] = Field(description="By source.")
    came_down_fen: Fen
    passed_on_fen: Fen
    paid_fen: Fen
    used_fen: dict[str, int] = Field(description="By purpose; comes to `paid_fen`.")
    in_hand_fen: Fen
    in_transit_fen: Fen
    closing_fen: Fen


class YearTable(Scoped):
    items: list[YearLine]
    total: YearLine


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
    found = of.statistics(model)
    tally = found.tally
    return StatisticsTable(
        **_scoped(of),
        items=[PaymentsCounted.model_validate(each) for each in found.payments],
        spent=[SpentOf.model_validate(each) for each in found.spent],
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
            used_fen=year.used_by(ids),
            **{name: getattr(found, name) for name in SUMS},
        )

    return YearTable(
        **_scoped(of),
        items=[line([id_], id_) for id_ in of.ids],
        total=line(of.ids, None),
    )


SUMS = (
    "came_down_fen",
    "passed_on_fen",
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
