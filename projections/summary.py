"""What a campaign's summary report counts beside money and payments: what came back and was done.

Each is of some unions, of one campaign or of a year, as it stood at a moment.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    exists,
    func,
    select,
    true,
)

from ledger.domain.case import Stage
from projections.asked import Moment
from projections.cases import cases
from projections.cases import steps as case_steps
from projections.movements import Kind, movements, stands
from projections.notices import notices
from projections.notices import steps as notice_steps
from projections.payment_states import disbursements
from projections.samples import SampleView, sample_list

CAMPAIGN = "campaign"
"""What a sample's condition on the campaign is called."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Of which unions, None for all, and of which campaign, None for whatever it was.

    `since` is the first day of the year that is meant; None leaves nothing out.
    """

    organisation_ids: Collection[UUID] | None
    campaign_id: UUID | None
    campaign_code: str | None = None
    since: date | None = None

    def happened_in(self, table: FromClause) -> ColumnElement[bool]:
        """Return the condition on a table with a column `happened_on`."""
        return true() if self.since is None else table.c.happened_on >= self.since.isoformat()


@dataclass(frozen=True, slots=True)
class Back:
    """Payments that the bank sent back, or that were sent again since: how often, how much."""

    count: int = 0
    amount_fen: int = 0


def returned(connection: Connection, of: Whose, moment: Moment) -> dict[str, Back]:
    """Return what the bank sent back, by its reason; not what was taken to be and was not."""
    return {
        row.reason or "": Back(row.number, row.amount)
        for row in connection.execute(_moved(Kind.RETURN, of, moment))
    }


def paid_again(connection: Connection, of: Whose, moment: Moment) -> Back:
    """Return what was paid again after it had come back."""
    found = connection.execute(_moved(Kind.REISSUE, of, moment)).all()
    return Back(sum(row.number for row in found), sum(row.amount for row in found))


@dataclass(frozen=True, slots=True)
class CasesCounted:
    """Cases that were opened, by where they stand, and what came back through whatever case."""

    stages: Counter[str]
    recovered_fen: int
    written_off_fen: int


def cases_counted(connection: Connection, of: Whose, moment: Moment) -> CasesCounted:
    """Count cases; one that is of no campaign counts in no campaign's report."""
    later = case_steps.alias("later")
    newest = (
        select(func.max(later.c.position))
        .where(later.c.case_id == cases.c.case_id, later.c.stage.is_not(None))
        .where(moment.covers(later))
        .scalar_subquery()
    )
    staged = (
        select(case_steps.c.stage, func.count())
        .select_from(cases)
        .join(
            case_steps,
            and_(case_steps.c.case_id == cases.c.case_id, case_steps.c.position == newest),
        )
        .where(of.happened_in(cases))
        .group_by(case_steps.c.stage)
    )
    came = (
        select(case_steps.c.step, func.sum(case_steps.c.amount_fen))
        .select_from(cases)
        .join(case_steps, case_steps.c.case_id == cases.c.case_id)
        .where(case_steps.c.step.in_(("recovered", "written_off")), moment.covers(case_steps))
        .where(of.happened_in(case_steps))
        .group_by(case_steps.c.step)
    )
    sums: dict[str, int] = dict(_pairs(connection, _cases_of(came, of, moment)))
    stages: dict[str, int] = dict(_pairs(connection, _cases_of(staged, of, moment)))
    return CasesCounted(
        Counter({each.value: stages.get(each.value, 0) for each in Stage}),
        sums.get("recovered", 0),
        sums.get("written_off", 0),
    )


@dataclass(frozen=True, slots=True)
class NoticesCounted:
    """Public notices: how many, of how many people and how much; what was said against them.

    Of a list that was put up more than once only the last notice that was not withdrawn counts.
    """

    opened: int
    listed_count: int
    listed_fen: int
    closed: int
    withdrawn: int
    raised: int
    upheld: int


def notices_counted(connection: Connection, of: Whose, moment: Moment) -> NoticesCounted:
    gone = select(notice_steps.c.notice_id).where(
        notice_steps.c.step == "withdrawn", moment.covers(notice_steps)
    )
    later = notices.alias("later")
    again = exists().where(
        later.c.batch_id == notices.c.batch_id,
        later.c.position > notices.c.position,
        later.c.notice_id.not_in(gone),
        moment.covers(later),
    )
    stands = and_(
        moment.covers(notices), of.happened_in(notices), notices.c.notice_id.not_in(gone), ~again
    )
    put_up = select(
        func.count().label("number"),
        func.coalesce(func.sum(notices.c.listed_count), 0).label("listed"),
        func.coalesce(func.sum(notices.c.listed_total_fen), 0).label("fen"),
    ).where(stands)
    told = (
        select(notice_steps.c.step, func.count())
        .select_from(notices)
        .join(notice_steps, notice_steps.c.notice_id == notices.c.notice_id)
        .where(moment.covers(notice_steps))
        .group_by(notice_steps.c.step)
    )
    row = connection.execute(_notices_of(put_up, of)).one()
    of_those = told.where(stands)
    closed = Counter(dict(_pairs(connection, _notices_of(of_those, of))))["closed"]
    in_all = told.where(of.happened_in(notice_steps))
    steps = Counter(dict(_pairs(connection, _notices_of(in_all, of))))
    return NoticesCounted(
        row.number,
        row.listed,
        row.fen,
        closed,
        steps["withdrawn"],
        steps["raised"],
        steps["upheld"],
    )


@dataclass(frozen=True, slots=True)
class SamplesCounted:
    """Samples that were planned; of those that were drawn, how many payments and how much."""

    planned: int
    drawn: int
    payments: int
    amount_fen: int


def samples_counted(connection: Connection, of: Whose, moment: Moment) -> SamplesCounted:
    found = [
        each
        for each in sample_list(connection, moment, organisation_ids=of.organisation_ids)
        if _of_campaign(each, of.campaign_code)
    ]
    first = "" if of.since is None else of.since.isoformat()
    drawn = [each.draw for each in found if each.draw is not None]
    draws = [each for each in drawn if each.happened_on >= first]
    return SamplesCounted(
        sum(each.happened_on >= first for each in found),
        len(draws),
        sum(len(each.drawn) for each in draws),
        sum(each.drawn_fen for each in draws),
    )


# How each is narrowed to those unions and that campaign.


def _moved(kind: Kind, of: Whose, moment: Moment) -> Select[Any]:
    statement = (
        select(
            movements.c.reason,
            func.count().label("number"),
            func.sum(movements.c.amount_fen).label("amount"),
        )
        .where(movements.c.kind == kind.value, moment.covers(movements), of.happened_in(movements))
        .where(stands(moment))
        .group_by(movements.c.reason)
    )
    if of.organisation_ids is not None:
        statement = statement.where(movements.c.organisation_id.in_(_raw(of.organisation_ids)))
    if of.campaign_id is not None:
        statement = statement.join(
            disbursements, disbursements.c.disbursement_id == movements.c.disbursement_id
        ).where(disbursements.c.campaign_id == of.campaign_id.bytes)
    return statement


def _cases_of(statement: Select[Any], of: Whose, moment: Moment) -> Select[Any]:
    statement = statement.where(moment.covers(cases))
    if of.organisation_ids is not None:
        statement = statement.where(cases.c.organisation_id.in_(_raw(of.organisation_ids)))
    if of.campaign_id is not None:
        statement = statement.where(cases.c.campaign_id == of.campaign_id.bytes)
    return statement


def _notices_of(statement: Select[Any], of: Whose) -> Select[Any]:
    if of.organisation_ids is not None:
        statement = statement.where(notices.c.organisation_id.in_(_raw(of.organisation_ids)))
    if of.campaign_id is not None:
        statement = statement.where(notices.c.campaign_id == of.campaign_id.bytes)
    return statement


def _of_campaign(sample: SampleView, code: str | None) -> bool:
    """Say whether a sample is of a campaign's payments, or of all campaigns'."""
    named = [each.value for each in sample.conditions if each.name == CAMPAIGN]
    return code is None or not named or code in named


def _pairs(connection: Connection, statement: Select[Any]) -> list[tuple[str, int]]:
    return [(name, number) for name, number in connection.execute(statement)]


def _raw(ids: Collection[UUID]) -> list[bytes]:
    return [each.bytes for each in ids]
