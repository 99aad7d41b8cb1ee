"""Rules about public notices (公示): not put up, recorded late, gone on over objections."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Exists, FromClause, Row, exists, func, select

from ledger.domain.disbursement import NOT_PAID
from projections.asked import uuid_of
from projections.batches import batches, steps
from projections.disbursements import REACHED, Disbursement, Question, every_disbursement
from projections.findings.asked import Asked
from projections.findings.decisions import approved, told_by_batch
from projections.findings.finding import Finding, Severity
from projections.findings.money import began_on
from projections.notices import notices, withdrawn_rows
from projections.notices import steps as notice_steps
from projections.payment_states import disbursements

LATE, OVER = "notice_late", "notice_over"
"""A notice was recorded while it hung, or when its period was over."""

TOO_SHORT = "too_short"
"""A notice had run its time, and that was shorter than the policy asks."""

TAKEN_DOWN = "taken_down"
"""A notice was taken down, and objections to it are open."""

ROW_PAID, LISTED_AGAIN, NO_ROW = "row_paid", "listed_again", "no_row"
"""An objection was upheld: the row is paid, its person is by another list, or it named no row."""


def not_shown_in_public(asked: Asked) -> Iterator[Finding]:
    """K1: approved without a notice that had run its time, in a campaign that puts up notices.

    Or with one that hung for fewer days than the policy asks: natural days, whichever days its own
    period counted, since which are worked stands in no table.
    """
    hung = _hung(asked)
    puts_up = select(notices.c.campaign_id).where(asked.moment.covers(notices)).distinct()
    statement = approved(asked).where(batches.c.campaign_id.in_(puts_up))
    told: dict[tuple[bytes, bytes, str | None], list[Row[Any]]] = defaultdict(list)
    for row in asked.connection.execute(statement):
        place = (row.organisation_id, row.campaign_id)
        days = [days for end, days in hung.get(row.batch_id, ()) if end < row.position]
        least = asked.borne_at(uuid_of(row.organisation_id), row.happened_on).notice_days
        if not days:
            told[*place, None].append(row)
        elif max(days) < least:
            told[*place, TOO_SHORT].append(row)
    for (organisation, campaign, detail), rows in told.items():
        yield Finding(
            "K1",
            Severity.WARNING,
            uuid_of(organisation),
            min(row.happened_on for row in rows),
            len(rows),
            sum(row.total_fen for row in rows),
            detail=detail,
            campaign_id=uuid_of(campaign),
        )


def _hung(asked: Asked) -> Mapping[bytes, list[tuple[int, int]]]:
    """Return where notices were closed, by batch, and for how many days after the first they hung.

    A day on which it is put up does not count.
    """
    ended = notice_steps.c.step == "closed"
    statement = (
        select(notices.c.batch_id, notices.c.happened_on, notices.c.last_day)
        .add_columns(notice_steps.c.position)
        .join(notice_steps, notice_steps.c.notice_id == notices.c.notice_id)
        .where(ended, asked.moment.covers(notice_steps))
    )
    found: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for row in asked.connection.execute(statement):
        days = date.fromisoformat(row.last_day) - date.fromisoformat(row.happened_on)
        found[row.batch_id].append((row.position, days.days))
    return found


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
    """K3: approved while an objection to the list was open, or its notice taken down over one."""
    yield from _over_what_was_raised(asked, steps)
    raised, down = notice_steps.alias("raised"), notice_steps.alias("down")
    statement = (
        select(
            notices.c.organisation_id,
            notices.c.campaign_id,
            notices.c.batch_id,
            down.c.happened_on,
            down.c.position,
            func.count().label("open"),
        )
        .join(down, (down.c.notice_id == notices.c.notice_id) & (down.c.step == "withdrawn"))
        .join(raised, (raised.c.notice_id == notices.c.notice_id) & (raised.c.step == "raised"))
        .where(asked.moment.covers(down), asked.moment.covers(raised))
        .where(~_answered(raised).where(asked.moment.covers(_ANSWER)))
        .group_by(down.c.position)
    )
    for row in asked.connection.execute(statement):
        yield Finding(
            "K3",
            Severity.WARNING,
            uuid_of(row.organisation_id),
            row.happened_on,
            row.open,
            detail=TAKEN_DOWN,
            campaign_id=uuid_of(row.campaign_id),
            batch_id=uuid_of(row.batch_id),
            position=row.position,
        )


def over_what_nobody_answered(asked: Asked) -> Iterator[Finding]:
    """K3, version 1: an answer before the last step of any list, whosever, was in time."""
    yield from _over_what_was_raised(asked)


def _over_what_was_raised(asked: Asked, *approval: FromClause) -> Iterator[Finding]:
    raised = notice_steps.alias("raised")
    # An exists within another is held against the one around it alone, unless it is told to.
    answered = _answered(raised).where(_ANSWER.c.position < steps.c.position)
    answered = answered.correlate(raised, *approval)
    open_ = (
        exists()
        .where(notices.c.batch_id == batches.c.batch_id, raised.c.notice_id == notices.c.notice_id)
        .where(raised.c.step == "raised", raised.c.position < steps.c.position, ~answered)
    )
    yield from told_by_batch("K3", Severity.WARNING, asked, approved(asked).where(open_))


_ANSWER = notice_steps.alias("answer")


def _answered(raised: FromClause) -> Exists:
    return exists().where(
        _ANSWER.c.notice_id == raised.c.notice_id,
        _ANSWER.c.objection == raised.c.objection,
        _ANSWER.c.step.in_(("upheld", "dismissed")),
    )


def paid_all_the_same(asked: Asked) -> Iterator[Finding]:
    """K4: an objection was upheld, and its person is paid all the same.

    By the row that it was about, where the list had been approved; or by another list of the
    campaign, where the row fell. Of one that was upheld about no row nobody can tell who it was.
    """
    answers: dict[bytes, list[Row[Any]]] = defaultdict(list)
    upheld = notice_steps.c.step == "upheld"
    statement = (
        select(notices, notice_steps.c.row_number, notice_steps.c.row_withdrawn)
        .add_columns(notice_steps.c.happened_on.label("upheld_on"))
        .add_columns(notice_steps.c.position.label("answered_at"))
        .join(notice_steps, notice_steps.c.notice_id == notices.c.notice_id)
        .where(upheld, asked.moment.covers(notice_steps))
        .order_by(notice_steps.c.position)
    )
    for row in asked.connection.execute(statement):
        if row.row_number is not None:
            answers[row.batch_id].append(row)
        else:
            yield Finding(
                "K4",
                Severity.WARNING,
                uuid_of(row.organisation_id),
                row.upheld_on,
                1,
                detail=NO_ROW,
                campaign_id=uuid_of(row.campaign_id),
                batch_id=uuid_of(row.batch_id),
                position=row.answered_at,
            )
    for batch, found in answers.items():
        stand = {row.row_number: row.upheld_on for row in reversed(found) if not row.row_withdrawn}
        if stand:
            for payment in _paid_of(asked, Question(batch_id=uuid_of(batch))):
                if payment.number in stand:
                    yield _paid(payment, stand[payment.number], ROW_PAID)
        of = withdrawn_rows.c
        fell = select(of.person_id).where(
            of.batch_id == batch, of.number.in_(row.row_number for row in found)
        )
        theirs = select(disbursements.c.disbursement_id).where(disbursements.c.person_id.in_(fell))
        campaign = uuid_of(found[0].campaign_id)
        for payment in _paid_of(asked, Question(campaign_id=campaign, few=(theirs,))):
            yield _paid(payment, payment.happened_on, LISTED_AGAIN)


def _paid_of(asked: Asked, question: Question) -> Iterator[Disbursement]:
    for each in every_disbursement(asked.connection, question, asked.moment):
        if each.status not in NOT_PAID:
            yield each


def _paid(payment: Disbursement, since: str, detail: str) -> Finding:
    """Tell of a payment: it is an error once its money is with its person."""
    return Finding(
        "K4",
        Severity.ERROR if payment.status in REACHED else Severity.WARNING,
        payment.organisation_id,
        since,
        1,
        payment.amount_fen,
        detail=detail,
        campaign_id=payment.campaign_id,
        batch_id=payment.batch_id,
        position=payment.position,
        payment_ids=(payment.disbursement_id,),
    )
