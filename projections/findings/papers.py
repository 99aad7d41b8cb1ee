"""Rules about papers: what is handed in late, or stands for two things at once."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select

from ledger.domain.filing import MINUTES
from ledger.domain.policy import Deadline
from projections.asked import uuid_of
from projections.deadlines import filings, filings_by_campaign, missing
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.money import CHINA_ENDS, began_on
from projections.papers_owed import owing

FILING = "filing"
"""What was recorded late, where it is no money."""


def recorded_late(asked: Asked) -> Iterator[Finding]:
    """H4: papers recorded long after the day on which they are said to have been handed in.

    Whether a paper came in time is seen by that day, and nothing else vouches for it. What happened
    before the ledger was begun could not be recorded in time. Days are China's.
    """
    statement = (
        select(filings)
        .where(filings.c.document_sha256.is_not(None), filings.c.happened_on >= began_on(asked))
        .where(asked.moment.covers(filings))
        .order_by(filings.c.position)
    )
    late: dict[tuple[bytes, bytes], list[str]] = defaultdict(list)
    for row in asked.connection.execute(statement):
        tolerated = asked.borne_at(uuid_of(row.organisation_id), row.happened_on).recording_days
        in_time = date.fromisoformat(row.happened_on) + timedelta(days=tolerated)
        if row.recorded_at >= in_time.isoformat() + CHINA_ENDS:
            late[row.organisation_id, row.campaign_id].append(row.happened_on)
    for (place, campaign), days in late.items():
        yield Finding(
            "H4",
            Severity.INFORMATION,
            uuid_of(place),
            min(days),
            len(days),
            detail=FILING,
            campaign_id=uuid_of(campaign),
        )


def filings_late(asked: Asked) -> Iterator[Finding]:
    """D5: a sheet, a report or a table that is due and was not handed in, or was sent back.

    Who owes it, `owing` says. What came late is told, to be known; not of minutes, which come
    again with each meeting.
    """
    handed_in_of = filings_by_campaign(asked.connection, asked.moment)
    for campaign_id, deadlines in asked.deadlines.items():
        handed_in = handed_in_of.get(campaign_id, ())
        for deadline in (each for each in deadlines if each.due_on < asked.day):
            places = _owing(asked, campaign_id, deadline)
            for owed in missing(handed_in, [deadline], places, asked.day):
                yield Finding(
                    "D5",
                    Severity.WARNING,
                    owed.organisation_id,
                    owed.due_on,
                    1,
                    detail=owed.name,
                    campaign_id=campaign_id,
                )
        due = {each.name: each.due_on for each in deadlines if each.name not in MINUTES}
        for filing in handed_in:
            if filing.sent_back is not None or filing.name not in due:
                continue
            # Not from what was due when it came: a reading of later puts off nothing that had
            # passed.
            due_on = due[filing.name]
            days_late = (date.fromisoformat(filing.handed_in_on) - due_on).days
            if days_late > 0:
                yield Finding(
                    "D5",
                    Severity.INFORMATION,
                    filing.organisation_id,
                    due_on.isoformat(),
                    1,
                    detail=filing.name,
                    campaign_id=campaign_id,
                    days_late=days_late,
                )


def _owing(asked: Asked, campaign_id: UUID, deadline: Deadline) -> list[UUID]:
    """Return who owes what a deadline asks for, in the order of the register."""
    part = asked.reach.get(campaign_id)
    found = owing(asked.connection, campaign_id, deadline, part, asked.moment)
    return [each for each in asked.organisation_ids if each in found]


def owed_by_all(asked: Asked) -> Iterator[Finding]:
    """D5, version 1: everybody on the register owed everything, whenever they were registered."""
    handed_in_of = filings_by_campaign(asked.connection, asked.moment)
    for campaign_id, deadlines in asked.deadlines.items():
        overdue = [each for each in deadlines if each.due_on < asked.day]
        handed_in = handed_in_of.get(campaign_id, ())
        places = asked.taking_part(campaign_id, set(asked.organisation_ids))
        for owed in missing(handed_in, overdue, places, asked.day):
            yield Finding(
                "D5",
                Severity.WARNING,
                owed.organisation_id,
                owed.due_on,
                1,
                detail=owed.name,
                campaign_id=campaign_id,
            )


def one_document_for_two(asked: Asked) -> Iterator[Finding]:
    """I3: the very same file was handed in for two deadlines, or by two organisations."""
    of = filings.c
    statement = (
        select(
            of.document_sha256,
            of.organisation_id,
            func.min(of.happened_on).label("since"),
            func.min(of.position).label("position"),
        )
        .where(of.document_sha256.is_not(None), asked.moment.covers(filings))
        .group_by(of.document_sha256, of.organisation_id, of.campaign_id, of.name)
    )
    used: dict[str, list[tuple[bytes, str, int]]] = defaultdict(list)
    for document, *use in asked.connection.execute(statement):
        used[document].append((use[0], use[1], use[2]))
    for uses in (each for each in used.values() if len(each) > 1):
        for place in sorted({place for place, _, _ in uses}):
            since, position = min((day, at) for by, day, at in uses if by == place)
            yield Finding(
                "I3", Severity.WARNING, uuid_of(place), since, len(uses), position=position
            )
