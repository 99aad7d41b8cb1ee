"""Finding by the limits that counted there and then: what others bear mutes nothing here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ledger.domain.policy import LimitName
from projections.findings.asked import Asked, Patience
from projections.findings.finding import Finding

Borne = tuple[int | None, ...]


def borne(limits: Sequence[LimitName], patience: Patience) -> Borne:
    """Return some limits as they are."""
    return tuple(getattr(patience, each.value) for each in limits)


def as_borne(
    find: Callable[[Asked], Iterable[Finding]], limits: Sequence[LimitName], asked: Asked
) -> Iterator[Finding]:
    """Yield what a rule finds, each finding by the limits at its place on the day it is of.

    The rule is asked once for each value that its limits have or had anywhere. What it tells of
    several days together is told by the limits of the first of them: a rule that would so be told
    of old things alone asks `borne_at` of each itself, and not this.
    """
    ways = {borne(limits, each.patience): each.patience for each in asked.spans}
    if len(ways) < 2:  # noqa: PLR2004 - they are the same everywhere and always
        yield from find(asked)
        return
    for way, patience in ways.items():
        for each in find(replace(asked, patience=patience)):
            if borne(limits, asked.borne_at(each.organisation_id, each.since)) == way:
                yield each
