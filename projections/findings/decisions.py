"""Rules about decisions: out of the campaign's days, without minutes."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Select, exists, func, or_, select

from ledger.domain.filing import MINUTES
from projections.asked import uuid_of
from projections.batches import batches, campaigns, steps
from projections.deadlines import filings
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity


def outside_the_campaign(asked: Asked) -> Iterator[Finding]:
    """F7: approved on a day on which the campaign had not begun, or was over: no plan covers it."""
    statement = (
        approved(asked)
        .join(campaigns, campaigns.c.campaign_id == batches.c.campaign_id)
        .where(
            or_(
                steps.c.happened_on < campaigns.c.starts_on,
                steps.c.happened_on > campaigns.c.ends_on,
            )
        )
    )
    yield from told_by_batch("F7", Severity.ERROR, asked, statement)


def without_minutes(asked: Asked) -> Iterator[Finding]:
    """H3: a union approved so much in a campaign that a meeting decides, and hands in no minutes.

    Minutes are of what is approved next after they were handed in. What was approved without adds
    up, however many lists it is in; each that goes beyond the limit is told with all of it.
    """
    limit = asked.patience.minutes_above_fen
    if limit is None:
        return
    minutes = _minutes(asked)
    last: dict[tuple[bytes, bytes], int] = defaultdict(int)
    count: Counter[tuple[bytes, bytes]] = Counter()
    total: Counter[tuple[bytes, bytes]] = Counter()
    for row in asked.connection.execute(approved(asked)):
        place = (row.organisation_id, row.campaign_id)
        if any(
            last[place] < handed_in < row.position and not handed_in < sent_back < row.position
            for handed_in, sent_back in minutes.get(place, ())
        ):
            count[place] = total[place] = 0
        else:
            count[place] += row.row_count
            total[place] += row.total_fen
        last[place] = row.position
        if total[place] > limit:
            yield Finding(
                "H3",
                Severity.WARNING,
                uuid_of(row.organisation_id),
                row.happened_on,
                count[place],
                total[place],
                campaign_id=uuid_of(row.campaign_id),
                batch_id=uuid_of(row.batch_id),
            )


def _minutes(asked: Asked) -> Mapping[tuple[bytes, bytes], list[tuple[int, int]]]:
    """Return where minutes were handed in, by union and campaign, and where they were sent back."""
    later = filings.alias("later")
    sent_back = (
        select(func.min(later.c.position))
        .where(later.c.filing_id == filings.c.filing_id, later.c.reason.is_not(None))
        .where(later.c.position > filings.c.position)
        .scalar_subquery()
    )
    statement = select(
        filings.c.organisation_id, filings.c.campaign_id, filings.c.position, sent_back
    ).where(filings.c.name.in_(MINUTES), asked.moment.covers(filings))
    found: dict[tuple[bytes, bytes], list[tuple[int, int]]] = defaultdict(list)
    for place, campaign, position, end in asked.connection.execute(statement):
        found[place, campaign].append((position, position if end is None else end))
    return found


def large_without_minutes(asked: Asked) -> Iterator[Finding]:
    """H3, version 1: so much in one list, and no minutes were ever handed in before it.

    What was sent back before the last step of any list counts as sent back, as it did then.
    """
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
    statement = approved(asked).where(steps.c.total_fen > limit, ~minuted)
    yield from told_by_batch("H3", Severity.WARNING, asked, statement)


def approved(asked: Asked) -> Select[Any]:
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


def told_by_batch(
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
