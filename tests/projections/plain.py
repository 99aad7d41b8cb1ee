"""Figures worked out from a log that is a list, line by line, as a reader would with a pencil."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from ledger.domain.disbursement import Disbursement, Status
from ledger.store.feed import Recorded
from projections.asked import Moment
from projections.disbursements import Question

STATE_OF = {
    Disbursement.Instructed: Status.IN_TRANSIT,
    Disbursement.Settled: Status.SETTLED,
    Disbursement.Signed: Status.SIGNED,
    Disbursement.Returned: Status.RETURNED,
    Disbursement.Withdrawn: Status.WITHDRAWN,
    Disbursement.Unresolved: Status.IN_TRANSIT,
    Disbursement.Reissued: Status.IN_TRANSIT,
}


def standing(
    events: Sequence[Recorded], asked: Question, moment: Moment
) -> list[tuple[Disbursement.Instructed, str]]:
    """Return the payments of a question with where they stand, in the order of the log."""
    known: dict[object, tuple[Disbursement.Instructed, str]] = {}
    for position, event in events:
        if moment.at is not None and position > moment.at:
            break
        if moment.as_of is not None and event.happened_on > moment.as_of:
            continue
        if isinstance(event, Disbursement.Instructed):
            known[event.originator_id] = (event, Status.IN_TRANSIT)
    for position, event in events:
        if (moment.at is not None and position > moment.at) or event.originator_id not in known:
            continue
        if moment.as_of is not None and event.happened_on > moment.as_of:
            continue
        first = known[event.originator_id][0]
        now = event.now if isinstance(event, Disbursement.Corrected) else STATE_OF.get(type(event))
        if now is not None:
            known[event.originator_id] = (first, now)
    return [(first, now) for first, now in known.values() if _fits(first, now, asked)]


def totals(found: Sequence[tuple[Disbursement.Instructed, str]]) -> dict[str, tuple[int, int]]:
    counts: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for first, now in found:
        counts[now] += 1
        amounts[now] += first.amount_fen
    return {status: (counts[status], amounts[status]) for status in counts}


def _fits(first: Disbursement.Instructed, now: str, asked: Question) -> bool:
    return (
        (asked.organisation_ids is None or first.organisation_id in asked.organisation_ids)
        and asked.campaign_id in (None, first.campaign_id)
        and asked.batch_id in (None, first.batch_id)
        and asked.channel in (None, first.channel)
        and asked.category in (None, first.category)
        and asked.status in (None, now)
        and _between(first.happened_on, asked.since, asked.until)
        and (asked.least_fen is None or first.amount_fen >= asked.least_fen)
        and (asked.most_fen is None or first.amount_fen <= asked.most_fen)
    )


def _between(day: date, since: date | None, until: date | None) -> bool:
    return (since is None or day >= since) and (until is None or day <= until)
