"""Rules about papers: what is handed in late, or stands for two things at once."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import func, select

from projections.asked import uuid_of
from projections.deadlines import filings, filings_by_campaign, missing
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity


def filings_late(asked: Asked) -> Iterator[Finding]:
    """D5: a sheet, a report or a table that is due and was not handed in, or was sent back."""
    handed_in_of = filings_by_campaign(asked.connection, asked.moment)
    for campaign_id, deadlines in asked.deadlines.items():
        overdue = [each for each in deadlines if each.due_on < asked.day]
        if not overdue:
            continue
        handed_in = handed_in_of.get(campaign_id, ())
        places = asked.organisation_ids
        if campaign_id in asked.reach:
            places = [each for each in places if each in asked.reach[campaign_id]]
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
