"""What all rules found of one state, kept by rule.

After a write most rules found what they had found before, and there may be tens of thousands of
it: so each rule's part is sorted, grouped and counted once, and put together when asked for.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from itertools import chain
from uuid import UUID

from projections.findings.finding import Finding, Severity

Place = UUID | None
"""Where something was found: at an organisation, or in the ledger as a whole."""

_RANK = {each: number for number, each in enumerate(Severity)}


def _order(of: Finding) -> tuple[int, str, str]:
    """Put the gravest first, and of these the oldest."""
    return _RANK[of.severity], of.since, of.rule


class Part:
    """What one rule found."""

    def __init__(self, found: Iterable[Finding]) -> None:
        self.findings = sorted(found, key=_order)

    @cached_property
    def by_place(self) -> dict[Place, list[Finding]]:
        found: dict[Place, list[Finding]] = {}
        for each in self.findings:
            found.setdefault(each.organisation_id, []).append(each)
        return found

    @cached_property
    def counted(self) -> dict[Place, dict[Severity, int]]:
        """How many there are by place and severity."""
        found: dict[Place, dict[Severity, int]] = {}
        for place, findings in self.by_place.items():
            counts = found.setdefault(place, {})
            for each in findings:
                counts[each.severity] = counts.get(each.severity, 0) + 1
        return found


class Found:
    """What all rules found: the gravest first, and of these the oldest; `parts` rule by rule."""

    def __init__(self, parts: Collection[Part] = ()) -> None:
        self.parts = parts

    @cached_property
    def findings(self) -> list[Finding]:
        return sorted(chain(*(part.findings for part in self.parts)), key=_order)

    def at(self, place: Place) -> list[Finding]:
        """Return what was found at one place, in the same order."""
        found = chain(*(part.by_place.get(place, ()) for part in self.parts))
        return sorted(found, key=_order)

    @cached_property
    def counted(self) -> Mapping[Place, Mapping[Severity, int]]:
        """How many there are by place and severity; places without any are left out."""
        found: dict[Place, dict[Severity, int]] = {}
        for part in self.parts:
            for place, counts in part.counted.items():
                summed = found.setdefault(place, {})
                for severity, number in counts.items():
                    summed[severity] = summed.get(severity, 0) + number
        return found
