"""How much is borne before it is a doubt: by the policies in force, or as usual; and by which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from ledger.domain.policy import LimitName, Policy
from projections.findings.asked import Patience

USUAL = Patience()

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
    "G3": (LimitName.RUSH_DAYS, LimitName.RUSH_SHARE_BP),
    "G4": (LimitName.IDLE_SHARE_BP,),
    "G5": (LimitName.REISSUE_DAYS,),
    "H3": (LimitName.MINUTES_ABOVE_FEN,),
    "H4": (LimitName.RECORDING_DAYS,),
    "J4": (LimitName.ANSWER_DAYS,),
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


def limits_on(versions: Iterable[Version], day: date, instead: Version | None = None) -> Limits:
    """Return the limits that count on a day: by the policy in force since last, if it says it.

    Of one policy the reading adopted last counts; of several policies the one whose days began
    last, and of these the one adopted last. `instead` stands for its policy whatever the day.
    """
    in_force: dict[str, Version] = {}
    for each in sorted(versions, key=lambda version: version.position):
        if each.adopted.effective_from <= day:
            in_force[each.adopted.code] = each
    if instead is not None:
        in_force[instead.adopted.code] = instead
    ordered = sorted(
        in_force.values(), key=lambda each: (each.adopted.effective_from, each.position)
    )
    said_by = {limit.name: each for each in ordered for limit in each.adopted.limits}
    values = {limit.name.value: limit.value for each in ordered for limit in each.adopted.limits}
    return Limits(replace(USUAL, **values), said_by)
