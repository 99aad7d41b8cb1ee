"""Policies: effective-dated data, each value with its source and how sure we are of it."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import WHOLE_BP, BasisPoints, Money, stable_id
from ledger.errors import Kind, LedgerError


class Channel(StrEnum):
    """How money reaches people; the values are the words of rosters and policies."""

    BANK_CARD = "银行卡"
    SIGNATURE_SHEET = "签字表"


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value stands written, and whether that copy can be trusted."""

    source: str
    confidence: str


class AmountRule(Provenance, frozen=True, kw_only=True):
    amount_fen: Money


class RatioRule(Provenance, frozen=True, kw_only=True):
    basis_points: BasisPoints


class YearsRule(Provenance, frozen=True, kw_only=True):
    years: int


class Deadline(Provenance, frozen=True, kw_only=True):
    name: str
    due_on: date


class LimitName(StrEnum):
    """How much is borne before it is a doubt (疑点); the end of a name says in what it is told."""

    REISSUE_DAYS = "reissue_days"
    ANSWER_DAYS = "answer_days"
    PASSING_ON_DAYS = "passing_on_days"
    RECORDING_DAYS = "recording_days"
    RUSH_DAYS = "rush_days"
    RUSH_SHARE_BP = "rush_share_bp"
    IDLE_SHARE_BP = "idle_share_bp"
    YEARLY_MAXIMUM_FEN = "yearly_maximum_fen"
    AGAIN_DAYS = "again_days"
    CARD_DAYS = "card_days"
    BANK_DAYS = "bank_days"
    MANY = "many"
    ODD_SHARE_BP = "odd_share_bp"
    ODD_AMOUNTS = "odd_amounts"
    EVEN_SHARE_BP = "even_share_bp"
    MINUTES_ABOVE_FEN = "minutes_above_fen"
    SIGNATURES_A_MINUTE = "signatures_a_minute"
    SIGNATURES_IN_A_ROW = "signatures_in_a_row"
    SIGNATURES_AT_NIGHT = "signatures_at_night"
    PEOPLE_A_PHONE = "people_a_phone"
    NOTICE_DAYS = "notice_days"
    RETIREMENT_MEN_YEARS = "retirement_men_years"
    RETIREMENT_WOMEN_YEARS = "retirement_women_years"


STRICTER_WHEN_MORE = frozenset(
    {
        LimitName.RUSH_DAYS,
        LimitName.AGAIN_DAYS,
        LimitName.CARD_DAYS,
        LimitName.ODD_SHARE_BP,
        LimitName.ODD_AMOUNTS,
        LimitName.NOTICE_DAYS,
    }
)
"""Of these more is looked at the higher they are; of all others less."""


def is_stricter(name: LimitName, value: int | None, than: int | None) -> bool:
    """Say whether a limit bears less than another; None bears everything."""
    if value is None or than is None:
        return value is not None and than is None
    return value > than if name in STRICTER_WHEN_MORE else value < than


LIMIT_MAX = 10**15
"""As much as an amount may be: none of these is told in anything larger."""


class LimitRule(Provenance, frozen=True, kw_only=True):
    name: LimitName
    value: int


class LimitOutside(LedgerError):
    """A limit is a whole number; a share is none above the whole."""

    code = "policy.limit_outside"
    kind = Kind.INVALID

    def __init__(self, name: str, value: int) -> None:
        super().__init__(f"{name} cannot be {value}")


class CategoryRule(Provenance, frozen=True, kw_only=True):
    """What a group of recipients may get, by which channel, and what must be on record.

    `paid_from` are the sources (资金来源) whose money may pay it, `earmarks` the uses (用途) that
    accounts are kept for; they came later, and none named means that any may.
    """

    name: str
    channel: Channel
    archive_required: bool
    required_fields: tuple[str, ...]
    minimum: AmountRule | None
    maximum: AmountRule | None
    monthly_income_below: AmountRule | None
    paid_from: tuple[str, ...] = ()
    earmarks: tuple[str, ...] = ()

    def is_paid_of(self, earmark: str) -> bool:
        """Say whether an account that is kept for a use may pay it."""
        return not self.earmarks or earmark in self.earmarks

    def require_earmark(self, earmark: str) -> None:
        """Check that an account that is kept for a use may pay it.

        Raises:
            EarmarkNotForCategory: It is kept for another one.
        """
        if not self.is_paid_of(earmark):
            raise EarmarkNotForCategory(self.name, self.earmarks, earmark)


class SurplusTargets(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of old money; where a target is missing, nothing is."""

    first_year_minimum: RatioRule | None
    all_within: YearsRule | None

    @property
    def ask_nothing(self) -> bool:
        return self.first_year_minimum is None and self.all_within is None


class PolicyNotInForce(LedgerError):
    """The policy counts from a later day."""

    code = "policy.not_in_force"
    kind = Kind.INVALID

    def __init__(self, policy_id: UUID, since: date, day: date) -> None:
        super().__init__(f"policy {policy_id} is in force from {since}, not on {day}")


class EarmarkNotForCategory(LedgerError):
    """Money that is kept for another use pays nobody of a category that is paid of some alone."""

    code = "earmark.not_for_category"
    kind = Kind.INVALID

    def __init__(self, category: str, earmarks: Sequence[str], earmark: str) -> None:
        super().__init__(f"{category} is paid of {', '.join(earmarks)}, not of {earmark}")


class RuleTwice(LedgerError):
    """A category has one rule and a filing one deadline: of two, nobody could say which counts."""

    code = "policy.rule_twice"
    kind = Kind.INVALID

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is named more than once")


class Policy(Root):
    """One policy pack; a corrected reading of the same document is adopted on top."""

    TOPIC = "policy"

    class Adopted(Event, frozen=True):
        """The rules from a day on; the officer who answers for it signs this event.

        `limits` came later: where a policy is silent on one, the usual value counts. So did
        `organisation_id`, for whose subtree it is: None is the top of the tree.
        """

        TOPIC = "policy.adopted"
        COMMITS = True
        code: str
        title: str
        effective_from: date
        categories: tuple[CategoryRule, ...]
        surplus: SurplusTargets
        deadlines: tuple[Deadline, ...]
        limits: tuple[LimitRule, ...] = ()
        organisation_id: UUID | None = None

        def apply(self, aggregate: "Policy") -> None:
            aggregate.code = self.code
            if not hasattr(aggregate, "adoptions"):
                aggregate.adoptions = []
                aggregate.organisation_id = self.organisation_id
            aggregate.adoptions.append(self)

        def rule_for(self, category: str) -> CategoryRule | None:
            return next((each for each in self.categories if each.name == category), None)

    code: str
    adoptions: list[Adopted]
    organisation_id: UUID | None
    """Whose it is: of whoever adopted it first. None: of the top of the tree."""

    @classmethod
    def adopt(cls, act: Act, terms: "PolicyTerms", organisation_id: UUID | None = None) -> "Policy":
        facts = _facts(terms)
        id_ = policy_id(terms.code)
        return cls.begin(cls.Adopted, act, id_, organisation_id=organisation_id, **facts)

    def adopt_again(self, act: Act, terms: "PolicyTerms") -> None:
        facts = _facts(terms)
        self.trigger_event(self.Adopted, act, organisation_id=self.organisation_id, **facts)

    def periods(self) -> "list[tuple[date, Adopted]]":
        """Return from which day on which adoption counts, until the day of the next."""
        found: list[tuple[date, Policy.Adopted]] = []
        for day in sorted({each.effective_from for each in self.adoptions}):
            counts = self.in_force_on(day)
            if not found or found[-1][1] is not counts:
                found.append((day, counts))
        return found

    def in_force_on(self, day: date) -> Adopted:
        """Return the latest adoption that counts on the day.

        Raises:
            PolicyNotInForce: Every adoption counts from a later day.
        """
        counted = self.counting(day, self.version)
        if counted is None:
            raise PolicyNotInForce(self.id, self.adoptions[0].effective_from, day)
        return counted

    def counting(self, day: date, version: int) -> Adopted | None:
        """Return what was in force on a day by what had been adopted up to a version."""
        known = [each for each in self.adoptions if each.originator_version <= version]
        return next((each for each in reversed(known) if each.effective_from <= day), None)


class PolicyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is adopted, before anybody has adopted it."""

    code: str
    title: str
    effective_from: date
    categories: tuple[CategoryRule, ...]
    surplus: SurplusTargets
    deadlines: tuple[Deadline, ...]
    limits: tuple[LimitRule, ...] = ()

    def require_each_once(self) -> None:
        """Refuse two rules for one category, two deadlines for one filing, two values of a limit.

        Raises:
            RuleTwice: One is named again.
            LimitOutside: A limit is below zero, or a share above the whole.
        """
        for limit in self.limits:
            most = WHOLE_BP if limit.name.endswith("_bp") else LIMIT_MAX
            if not 0 <= limit.value <= most:
                raise LimitOutside(limit.name, limit.value)
        for names in (
            [each.name for each in self.categories],
            [each.name for each in self.deadlines],
            [each.name for each in self.limits],
        ):
            for at, name in enumerate(names):
                if name in names[:at]:
                    raise RuleTwice(name)


def policy_id(code: str) -> UUID:
    return stable_id("policy", code)


def _facts(terms: PolicyTerms) -> dict[str, object]:
    return {field: getattr(terms, field) for field in terms.__struct_fields__}
