"""Rules about decisions: out of the campaign's days, without minutes, over an open objection."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, exists, or_, select

from projections.asked import uuid_of
from projections.batches import batches, campaigns, steps
from projections.deadlines import filings
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.notices import notices
from projections.notices import steps as notice_steps

MINUTES = ("minutes", "会议纪要")
"""What policies call the minutes of the meeting that decided."""


def outside_the_campaign(asked: Asked) -> Iterator[Finding]:
    """F7: approved on a day on which the campaign had not begun, or was over: no plan covers it."""
    statement = (
        _approved(asked)
        .join(campaigns, campaigns.c.campaign_id == batches.c.campaign_id)
        .where(
            or_(
                steps.c.happened_on < campaigns.c.starts_on,
                steps.c.happened_on > campaigns.c.ends_on,
            )
        )
    )
    yield from _found("F7", Severity.ERROR, asked, statement)


def without_minutes(asked: Asked) -> Iterator[Finding]:
    """H3: so much that a meeting decides, and the minutes were not handed in by then."""
    limit = asked.patience.minutes_above_fen
    if limit is None:
        return
    later = filings.alias("later")
    sent_back = exists().where(
        later.c.filing_id == filings.c.filing_id,
        later.c.reason.is_not(None),
        later.c.position.between(filings.c.position, steps.c.position),
    )
    minuted = exists().where(
        filings.c.organisation_id == batches.c.organisation_id,
        filings.c.campaign_id == batches.c.campaign_id,
        filings.c.name.in_(MINUTES),
        filings.c.position < steps.c.position,
        ~sent_back,
    )
    statement = _approved(asked).where(steps.c.total_fen > limit, ~minuted)
    yield from _found("H3", Severity.WARNING, asked, statement)


def over_an_objection(asked: Asked) -> Iterator[Finding]:
    """K3: approved while an objection to the list was open."""
    raised, answer = notice_steps.alias("raised"), notice_steps.alias("answer")
    answered = exists().where(
        answer.c.notice_id == raised.c.notice_id,
        answer.c.objection == raised.c.objection,
        answer.c.step.in_(("upheld", "dismissed")),
        answer.c.position < steps.c.position,
    )
    open_ = (
        exists()
        .where(notices.c.batch_id == batches.c.batch_id, raised.c.notice_id == notices.c.notice_id)
        .where(raised.c.step == "raised", raised.c.position < steps.c.position, ~answered)
    )
    yield from _found("K3", Severity.WARNING, asked, _approved(asked).where(open_))


def _approved(asked: Asked) -> Select[Any]:
    return (
        select(
            batches.c.organisation_id,
            batches.c.campaign_id,
            batches.c.batch_id,
            steps.c.happened_on,
            steps.c.row_count,
            steps.c.total_fen,
            steps.c.position,
        )
        .join(steps, steps.c.batch_id == batches.c.batch_id)
        .where(steps.c.step == "approved", asked.moment.covers(steps))
        .order_by(steps.c.position)
    )


def _found(
    rule: str, severity: Severity, asked: Asked, statement: Select[Any]
) -> Iterator[Finding]:
    for row in asked.connection.execute(statement):
        yield Finding(
            rule,
            severity,
            uuid_of(row.organisation_id),
            row.happened_on,
            row.row_count,
            row.total_fen,
            campaign_id=uuid_of(row.campaign_id),
            batch_id=uuid_of(row.batch_id),
        )
