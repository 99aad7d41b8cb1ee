"""Rules about papers: what is handed in late, or stands for two things at once."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy import exists, func, select

from ledger.domain.filing import MINUTES
from ledger.domain.policy import Channel, Deadline
from projections.asked import uuid_of
from projections.batches import batches, steps
from projections.deadlines import filings, filings_by_campaign, missing
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.payments import SIGNATURE_SHEETS
from projections.organisations import tree_on


def filings_late(asked: Asked) -> Iterator[Finding]:
    """D5: a sheet, a report or a table that is due and was not handed in, or was sent back.

    Of a campaign sheets are due from whoever had a sheet approved by the day, and all else from
    whoever listed people by then, and from those above them, as far as they have a part in it.
    What came late is told, to be known; not of minutes, which come again with each meeting.
    """
    handed_in_of = filings_by_campaign(asked.connection, asked.moment)
    for campaign_id, deadlines in asked.deadlines.items():
        handed_in = handed_in_of.get(campaign_id, ())
        for deadline in (each for each in deadlines if each.due_on < asked.day):
            owing = _owing(asked, campaign_id, deadline)
            for owed in missing(handed_in, [deadline], owing, asked.day):
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
    of = batches.c
    listed = select(of.organisation_id).where(
        of.campaign_id == campaign_id.bytes,
        of.happened_on <= deadline.due_on.isoformat(),
        asked.moment.covers(batches),
    )
    if deadline.name not in SIGNATURE_SHEETS:
        tree = tree_on(asked.connection, deadline.due_on)
        found = asked.connection.execute(listed.distinct()).scalars()
        owing = {above for raw in found for above in tree.line(uuid_of(raw))}
        return asked.taking_part(campaign_id, owing)
    approved = exists().where(
        steps.c.batch_id == of.batch_id,
        steps.c.step == "approved",
        steps.c.happened_on <= deadline.due_on.isoformat(),
        asked.moment.covers(steps),
    )
    sheets = listed.where(of.channel == Channel.SIGNATURE_SHEET.value, approved).distinct()
    owing = {uuid_of(raw) for raw in asked.connection.execute(sheets).scalars()}
    return asked.taking_part(campaign_id, owing)


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
