"""D2: signatures that look alike, and devices on which many signed in no time or by night.

What it finds was compared when the signatures arrived (`ledger/commands/likeness.py`), and is read
from what `projections/likeness.py` kept.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select

from projections.asked import uuid_of
from projections.batches import batches
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.likeness import paces, pairs, voids
from projections.payment_states import disbursements

PACE, IN_A_ROW, NIGHT = "pace", "in_a_row", "night"


def signatures_alike(asked: Asked) -> Iterator[Finding]:
    """D2: near-same signatures for different people; each organisation of a pair is told.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, 四(五): 不允许代签代领.
    """
    for statement in (_told(asked, first=True), _told(asked, first=False)):
        for row in asked.connection.execute(statement):
            yield Finding(
                "D2",
                Severity.WARNING,
                uuid_of(row.organisation_id),
                row.since,
                row.number,
                detail=row.by,
                campaign_id=uuid_of(row.campaign_id),
                position=row.position,
            )


def signed_in_no_time(asked: Asked) -> Iterator[Finding]:
    """D2: one device, and more people in a minute or in a row than it passed to; or by night."""
    patience, of = asked.patience, paces.c
    kinds: tuple[tuple[str, ColumnElement[bool], ColumnElement[int], int], ...] = (
        (PACE, of.in_minute > 1, of.in_minute, patience.signatures_a_minute),
        (IN_A_ROW, of.in_a_row > 1, of.in_a_row, patience.signatures_in_a_row),
    )
    for detail, indexed, measure, least in kinds:
        yield from _by_device(
            asked, detail, and_(indexed, measure >= least), func.max(measure).label("number"), 1
        )
    people = func.count(of.disbursement_id.distinct()).label("number")
    yield from _by_device(asked, NIGHT, of.at_night > 0, people, patience.signatures_at_night)


def _told(asked: Asked, *, first: bool) -> Select[Any]:
    """Count pairs by the place of one side; that of the other is told where it is elsewhere."""
    mine = disbursements.alias("mine")
    theirs = disbursements.alias("theirs")
    ours, others = (
        (pairs.c.one_id, pairs.c.other_id) if first else (pairs.c.other_id, pairs.c.one_id)
    )
    elsewhere = or_(
        mine.c.organisation_id != theirs.c.organisation_id,
        mine.c.campaign_id != theirs.c.campaign_id,
    )
    place = (mine.c.organisation_id, mine.c.campaign_id)
    statement = (
        select(
            *place,
            pairs.c.by,
            func.min(pairs.c.happened_on).label("since"),
            func.min(pairs.c.position).label("position"),
            func.count().label("number"),
        )
        .join(mine, mine.c.disbursement_id == ours)
        .join(theirs, theirs.c.disbursement_id == others)
        .where(asked.moment.covers(pairs))
        .where(not_(_void(mine.c.person_id)), not_(_void(theirs.c.person_id)))
        .group_by(*place, pairs.c.by)
    )
    return statement if first else statement.where(elsewhere)


def _void(person: ColumnElement[bytes]) -> ColumnElement[bool]:
    return exists(select(voids.c.position).where(voids.c.person_id == person))


def _by_device(
    asked: Asked,
    detail: str,
    doubted: ColumnElement[bool],
    number: ColumnElement[int],
    least: int,
) -> Iterator[Finding]:
    statement = (
        select(
            paces.c.organisation_id,
            paces.c.batch_id,
            batches.c.campaign_id,
            func.min(paces.c.happened_on).label("since"),
            func.min(paces.c.position).label("position"),
            number,
        )
        .join(batches, batches.c.batch_id == paces.c.batch_id)
        .where(doubted, asked.moment.covers(paces))
        .group_by(paces.c.organisation_id, paces.c.batch_id, paces.c.device, paces.c.day)
        .having(number >= least)
        .order_by(func.min(paces.c.position))
    )
    for row in asked.connection.execute(statement):
        yield Finding(
            "D2",
            Severity.WARNING,
            uuid_of(row.organisation_id),
            row.since,
            row.number,
            detail=detail,
            campaign_id=uuid_of(row.campaign_id),
            batch_id=uuid_of(row.batch_id),
            position=row.position,
        )
