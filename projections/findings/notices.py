"""Rules about public notices (公示): not put up, recorded late, gone on over objections."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import FromClause, exists, func, select

from projections.asked import uuid_of
from projections.batches import batches, steps
from projections.findings.asked import Asked
from projections.findings.decisions import approved, told_by_batch
from projections.findings.finding import Finding, Severity
from projections.findings.money import began_on
from projections.notices import notices
from projections.notices import steps as notice_steps

LATE, OVER = "notice_late", "notice_over"
"""A notice was recorded while it hung, or when its period was over."""


def not_shown_in_public(asked: Asked) -> Iterator[Finding]:
    """K1: approved without a notice that had run its time, in a campaign that puts up notices."""
    ended = (
        select(notices.c.batch_id, notice_steps.c.position)
        .join(notice_steps, notice_steps.c.notice_id == notices.c.notice_id)
        .where(notice_steps.c.step == "closed", asked.moment.covers(notice_steps))
        .subquery("ended")
    )
    puts_up = select(notices.c.campaign_id).where(asked.moment.covers(notices)).distinct()
    statement = (
        select(
            batches.c.organisation_id,
            batches.c.campaign_id,
            func.min(steps.c.happened_on).label("since"),
            func.count().label("number"),
            func.sum(steps.c.total_fen).label("amount_fen"),
        )
        .join(steps, (steps.c.batch_id == batches.c.batch_id) & (steps.c.step == "approved"))
        .where(batches.c.campaign_id.in_(puts_up), asked.moment.covers(steps))
        .where(
            ~select(ended.c.position)
            .where(ended.c.batch_id == batches.c.batch_id)
            .where(ended.c.position < steps.c.position)
            .exists()
        )
        .group_by(batches.c.organisation_id, batches.c.campaign_id)
    )
    for row in asked.connection.execute(statement):
        yield Finding(
            "K1",
            Severity.WARNING,
            uuid_of(row.organisation_id),
            row.since,
            row.number,
            row.amount_fen,
            campaign_id=uuid_of(row.campaign_id),
        )


def recorded_late(asked: Asked) -> Iterator[Finding]:
    """H4: a notice recorded after the day on which it is said to have been put up.

    A list may hang on paper first; until it is recorded nobody can object here. What hung before
    the ledger was begun could not be recorded in time.
    """
    statement = (
        select(notices)
        .where(notices.c.recorded_on > notices.c.happened_on, asked.moment.covers(notices))
        .where(notices.c.happened_on >= began_on(asked))
        .order_by(notices.c.position)
    )
    for row in asked.connection.execute(statement):
        over = row.recorded_on > row.last_day
        since = date.fromisoformat(row.happened_on)
        yield Finding(
            "H4",
            Severity.WARNING if over else Severity.INFORMATION,
            uuid_of(row.organisation_id),
            row.happened_on,
            row.listed_count,
            row.listed_total_fen,
            detail=OVER if over else LATE,
            campaign_id=uuid_of(row.campaign_id),
            batch_id=uuid_of(row.batch_id),
            position=row.position,
            days_late=(date.fromisoformat(row.recorded_on) - since).days,
        )


def over_an_objection(asked: Asked) -> Iterator[Finding]:
    """K3: approved while an objection to the list was open."""
    yield from _over_what_was_raised(asked, steps)


def over_what_nobody_answered(asked: Asked) -> Iterator[Finding]:
    """K3, version 1: an answer before the last step of any list, whosever, was in time."""
    yield from _over_what_was_raised(asked)


def _over_what_was_raised(asked: Asked, *approval: FromClause) -> Iterator[Finding]:
    raised, answer = notice_steps.alias("raised"), notice_steps.alias("answer")
    # An exists within another is held against the one around it alone, unless it is told to.
    answered = (
        exists()
        .where(
            answer.c.notice_id == raised.c.notice_id,
            answer.c.objection == raised.c.objection,
            answer.c.step.in_(("upheld", "dismissed")),
            answer.c.position < steps.c.position,
        )
        .correlate(raised, *approval)
    )
    open_ = (
        exists()
        .where(notices.c.batch_id == batches.c.batch_id, raised.c.notice_id == notices.c.notice_id)
        .where(raised.c.step == "raised", raised.c.position < steps.c.position, ~answered)
    )
    yield from told_by_batch("K3", Severity.WARNING, asked, approved(asked).where(open_))
