"""H6: what a policy of a lower union allows beyond those of the unions above it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from uuid import UUID

from ledger.domain.policy import LimitName, Policy, is_stricter
from projections.asked import POSITIONS_MAX
from projections.batches import Campaign
from projections.findings.adoptions import asks_less
from projections.findings.asked import Asked, Beyond
from projections.findings.finding import Finding, Severity
from projections.findings.limits import JUDGED_WHEN_LISTED, Version, in_force_on
from projections.organisations import Tree

BEYOND = "beyond"
DAYS_A_YEAR = 365


def looser_than_above(asked: Asked) -> Iterator[Finding]:
    """H6: a policy allows what one above it, in force on the same day, does not.

    Rows are judged by the policy of their campaign alone, so nothing stops it. A policy of which
    all campaigns were over as the one above began to count judges nothing any more. `detail` names
    the policy, which adoption of it, the policy above, and the kind and name of what is allowed.

    Source: 送温暖慰问资金应严格执行省市相关规定 (方案四(五)); 不得随意扩大范围.
    """
    yield from _findings(each for each in asked.beyond if not each.over)


def looser_than_above_though_over(asked: Asked) -> Iterator[Finding]:
    """H6 as it was: last year's policies were held against what is new above, until replaced."""
    first: dict[tuple[int, str], Beyond] = {}
    for each in asked.beyond:
        first.setdefault((each.position, each.allowed), each)
    yield from _findings(first.values())


def _findings(told: Iterable[Beyond]) -> Iterator[Finding]:
    for each in told:
        yield Finding(
            "H6",
            Severity.WARNING,
            each.organisation_id,
            each.since.isoformat(),
            1,
            detail=f"{each.code} {each.number} {BEYOND} {each.above} {each.allowed}",
            position=each.position,
        )


def beyond(
    versions: Sequence[Version], tree: Tree, campaigns: Iterable[Campaign] = ()
) -> tuple[Beyond, ...]:
    """Return what each adoption below the top allows beyond the policies above, once each.

    Looked at is each adoption as it was made, however soon another followed; and the days on which
    anything begins to count: what was as strict as above is looser once more is asked there. Where
    one reading is looser on several days, some of which were after all its lists, it stands twice.

    Args:
        versions: Adoptions that were known.
        tree: The unions.
        campaigns: Those that were known.
    """
    periods: dict[UUID, list[Campaign]] = defaultdict(list)
    for campaign in campaigns:
        periods[campaign.policy_id].append(campaign)
    tops = {each.organisation_id for each in tree.roots()}
    adopted_by: dict[UUID | None, list[Version]] = defaultdict(list)
    for version in versions:
        adopted_by[version.adopted.organisation_id].append(version)
    found: dict[tuple[int, str, bool], Beyond] = {}
    for place in tree.among([each for each in adopted_by if each and each not in tops]):
        own = adopted_by[place.organisation_id]
        above = [
            # What does not say whose it is, is of the top.
            adopted_by.get(id_, []) + (adopted_by.get(None, []) if id_ in tops else [])
            for id_ in tree.line(place.organisation_id)[1:]
        ]
        days = sorted({each.counts_from for of in (own, *above) for each in of})
        made = [(each, _levels(above, each.counts_from, each.position), False) for each in own]
        since = [
            (each, _levels(above, day), _is_over(each, periods[each.adopted.originator_id], day))
            for day in days
            for each in _newest(in_force_on(own, day))
        ]
        for each, levels, over in (*made, *since):
            for allowed, by in _allowed(each.adopted, levels):
                told = _told(each, by, allowed, over=over)
                found.setdefault((each.position, allowed, over), told)
    return tuple(found.values())


def _is_over(of: Version, campaigns: Sequence[Campaign], day: date) -> bool:
    """Say whether a policy judges no list from a day on, as far as is known.

    All campaigns of it have ended; or it has had none in the year since it was adopted.
    """
    if campaigns:
        return all(each.ends_on < day.isoformat() for each in campaigns)
    return (day - of.counts_from).days >= DAYS_A_YEAR


def _told(of: Version, above: Version, allowed: str, *, over: bool) -> Beyond:
    place, since = of.adopted.organisation_id, above.adopted.happened_on
    assert place is not None  # noqa: S101 - of the top, nothing is above
    return Beyond(
        of.adopted.code,
        of.number,
        of.position,
        place,
        max(of.adopted.happened_on, since),
        above.adopted.code,
        allowed,
        over,
    )


def _newest(in_force: Sequence[Version]) -> Iterator[Version]:
    """Yield what a union goes by: the newest reading of each category that it names.

    A policy has no end; those of earlier campaigns are not held against what came later above.
    """
    named: set[str] = set()
    for each in reversed(in_force):
        names = {rule.name for rule in each.adopted.categories}
        if not names <= named or not named:
            yield each
        named |= names


def _levels(
    above: Sequence[Sequence[Version]], day: date, known_at: int = POSITIONS_MAX
) -> list[list[Version]]:
    """Return what is in force on a day, as known at a position, at each union that has any."""
    known = ([each for each in theirs if each.position <= known_at] for theirs in above)
    return [in_force for theirs in known if (in_force := in_force_on(theirs, day))]


def _allowed(
    adopted: Policy.Adopted, levels: Sequence[Sequence[Version]]
) -> Iterator[tuple[str, Version]]:
    """Yield what a reading allows, by kind and name, each with the reading above that does not.

    A category is held against the nearest union above that names it. Of limits, those count that
    rows are judged by when they are listed: all others loosen nothing below the top anyhow.

    Args:
        adopted: The reading.
        levels: What is in force at each union above, the nearest first; of each the newest last.
    """
    known = [each for level in levels for each in reversed(level)]
    if not known:
        return
    for rule in adopted.categories:
        naming = ((each, each.adopted.rule_for(rule.name)) for each in known)
        by, theirs = next((both for both in naming if both[1] is not None), (known[0], None))
        if theirs is None:
            yield f"category {rule.name}", by
            continue
        yield from ((what, by) for what in asks_less(theirs, rule))
    for name in sorted(JUDGED_WHEN_LISTED):
        saying = ((each, _said(each.adopted, name)) for each in known)
        by, value = next((both for both in saying if both[1] is not None), (known[0], None))
        if is_stricter(name, value, _said(adopted, name)):
            yield f"limit {name.value}", by


def _said(adopted: Policy.Adopted, name: LimitName) -> int | None:
    return next((each.value for each in adopted.limits if each.name == name), None)
