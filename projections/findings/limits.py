"""How much is borne before it is a doubt: by the policies in force, or as usual; and by which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from ledger.domain.policy import LimitName, LimitRule, Policy, is_stricter
from projections.findings.asked import Patience, Span
from projections.organisations import Tree

USUAL = Patience()

DAYS_MAX = 36_500
"""A hundred years: more days than that lead out of the calendar."""

LIMITS_OF: Mapping[str, tuple[LimitName, ...]] = {
    "B3": (LimitName.YEARLY_MAXIMUM_FEN,),
    "B4": (LimitName.MANY, LimitName.ODD_SHARE_BP, LimitName.ODD_AMOUNTS),
    "B5": (LimitName.MANY, LimitName.EVEN_SHARE_BP),
    "C5": (LimitName.CARD_DAYS,),
    "D2": (
        LimitName.SIGNATURES_A_MINUTE,
        LimitName.SIGNATURES_IN_A_ROW,
        LimitName.SIGNATURES_AT_NIGHT,
    ),
    "D3": (LimitName.ANSWER_DAYS,),
    "D6": (LimitName.PEOPLE_A_PHONE,),
    "E2": (LimitName.AGAIN_DAYS,),
    "F3": (LimitName.PASSING_ON_DAYS,),
    "F4": (LimitName.BANK_DAYS,),
    "F5": (LimitName.ANSWER_DAYS,),
    "F6": (LimitName.BANK_DAYS,),
    "F9": (LimitName.BANK_DAYS,),
    "G1": (LimitName.RECORDING_DAYS,),
    "G3": (LimitName.RUSH_DAYS, LimitName.RUSH_SHARE_BP),
    "G4": (LimitName.IDLE_SHARE_BP,),
    "G5": (LimitName.REISSUE_DAYS,),
    "H3": (LimitName.MINUTES_ABOVE_FEN,),
    "H4": (LimitName.RECORDING_DAYS,),
    "J4": (LimitName.ANSWER_DAYS,),
    "K1": (LimitName.NOTICE_DAYS,),
}
"""Which limits each rule looks at."""

JUDGED_WHEN_LISTED = frozenset({LimitName.RETIREMENT_MEN_YEARS, LimitName.RETIREMENT_WOMEN_YEARS})
"""What rows are judged by when they are listed: no rule asks for it again."""


@dataclass(frozen=True, slots=True)
class Version:
    """An adoption of a policy: the `number`th of its code, and where the log has it."""

    adopted: Policy.Adopted
    number: int
    position: int

    @property
    def counts_from(self) -> date:
        """The day from which findings are judged by it: none before it was adopted."""
        return max(self.adopted.effective_from, self.adopted.happened_on)


@dataclass(frozen=True, slots=True)
class Stood:
    """A limit as it counted. `version` None: no policy says it, so it is the usual one.

    `value` None: nothing is asked.
    """

    name: LimitName
    value: int | None
    version: Version | None


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits as they counted on a day, and which policy said each."""

    patience: Patience
    said_by: Mapping[LimitName, Version]

    def of(self, rule: str) -> list[Stood]:
        """Return what a rule stood on."""
        return [
            Stood(name, getattr(self.patience, name.value), self.said_by.get(name))
            for name in LIMITS_OF.get(rule, ())
        ]


AS_USUAL = Limits(USUAL, {})


@dataclass(frozen=True, slots=True)
class Counting:
    """The limits that count in a span, and which policy said each."""

    span: Span
    limits: Limits


EVER = Counting(Span(None, "", None, USUAL), AS_USUAL)


def limits_on(
    versions: Iterable[Version],
    day: date,
    instead: Version | None = None,
    below: Sequence[UUID] = (),
) -> Limits:
    """Return the limits that count on a day: by the policy in force since last, if it says it.

    Of one policy the reading adopted last counts; of several policies the one whose days began
    last, and of these the one adopted last.

    Args:
        versions: Adoptions that were known.
        day: The day. A reading counts from the day on which it was adopted, if it is one to be in
            force before that: what was judged by another is not judged anew.
        instead: Stands for its policy whatever the day.
        below: Organisations that have policies of their own under those of the top, from above
            down: what these say counts where it is stricter, and loosens nothing.
    """
    ordered = in_force_on(versions, day, instead)
    said_by: dict[LimitName, Version] = {}
    patience = USUAL
    for place in (None, *below):
        said = {
            limit.name: (_borne(limit), each)
            for each in ordered
            if place == (owner if (owner := each.adopted.organisation_id) in below else None)
            for limit in each.adopted.limits
        }
        for name, (value, by) in said.items():
            if place is None or is_stricter(name, value, getattr(patience, name.value)):
                patience = replace(patience, **{name.value: value})
                said_by[name] = by
    return Limits(patience, said_by)


def in_force_on(
    versions: Iterable[Version], day: date, instead: Version | None = None
) -> list[Version]:
    """Return which reading of each policy counts on a day; whose days began last comes last."""
    in_force: dict[str, Version] = {}
    for each in sorted(versions, key=lambda version: version.position):
        if each.counts_from <= day:
            in_force[each.adopted.code] = each
    if instead is not None:
        in_force[instead.adopted.code] = instead
    return sorted(in_force.values(), key=lambda each: (each.adopted.effective_from, each.position))


def _borne(limit: LimitRule) -> int:
    """Return a limit as it counts: of days no more than a calendar can be asked for."""
    return min(limit.value, DAYS_MAX) if limit.name.value.endswith("_days") else limit.value


def counting(
    versions: Sequence[Version], tree: Tree, day: date, instead: Version | None = None
) -> tuple[Counting, ...]:
    """Return which limits count where and since when, as is known on a day.

    The first reading at a place counts for what was before it too: nobody was paid without one.
    """
    tops = {each.organisation_id for each in tree.roots()}
    owners = {each.adopted.organisation_id for each in versions if each.adopted.limits} - {
        None,
        *tops,
    }
    groups: dict[tuple[UUID, ...], set[UUID]] = {}
    if owners:
        for place in tree.by_id:
            below = tuple(id_ for id_ in reversed(tree.line(place)) if id_ in owners)
            if below:
                groups.setdefault(below, set()).add(place)
    found: list[Counting] = []
    for below, places in (*groups.items(), ((), None)):
        line = {None, *tops, *below}
        # What is of another line of the tree says nothing here.
        of = [each for each in versions if each.adopted.organisation_id in line]
        found += _periods(of, day, instead if instead in of else None, below, places)
    return tuple(found)


def covering(counted: Iterable[Counting], place: UUID | None, day: str) -> Limits:
    """Return the limits by which something at a place on a day is judged."""
    return next(each.limits for each in counted if each.span.covers(place, day))


def _periods(
    versions: Sequence[Version],
    day: date,
    instead: Version | None,
    below: Sequence[UUID],
    places: set[UUID] | None,
) -> list[Counting]:
    days = sorted({each.counts_from for each in versions if each.counts_from <= day}) or [day]
    periods: list[tuple[str, Limits]] = []
    for number, since in enumerate(days):
        limits = limits_on(versions, since, instead, below)
        if not periods or periods[-1][1] != limits:
            periods.append(("" if number == 0 else since.isoformat(), limits))
    ends = [*(since for since, _ in periods[1:]), None]
    where = None if places is None else frozenset(places)
    return [
        Counting(Span(where, since, until, limits.patience), limits)
        for (since, limits), until in zip(periods, ends, strict=True)
    ]
