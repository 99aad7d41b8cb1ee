"""The ledger's filter: one for table, totals, chart, facets, exports and the programs' address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query
from pydantic import Field

from api.conditions import Conditions
from api.web.asked import Day, Empty, Number, Word
from api.web.formats import day
from api.web.language import N_, Language
from api.web.words import term
from ledger.domain.disbursement import Status
from projections.asked import Moment
from projections.disbursements import PAID
from projections.movements import Kind
from projections.organisations import Tree
from projections.turnover import Ever

FEN_PER_YUAN = 100
ALL = "all"


class Shown(StrEnum):
    """What the ledger shows: movements of one kind, or of all."""

    PAYMENT = Kind.PAYMENT.value
    RECEIPT = Kind.RECEIPT.value
    ALLOCATION = Kind.ALLOCATION.value
    REMITTANCE = Kind.REMITTANCE.value
    ARRIVAL = Kind.ARRIVAL.value
    TAKEN_BACK = Kind.TAKEN_BACK.value
    RETURN = Kind.RETURN.value
    WITHDRAWAL = Kind.WITHDRAWAL.value
    REISSUE = Kind.REISSUE.value
    CORRECTION = Kind.CORRECTION.value
    ALL = ALL


class Standing(StrEnum):
    """Where a payment stands; paid is settled or signed for."""

    IN_TRANSIT = Status.IN_TRANSIT.value
    SETTLED = Status.SETTLED.value
    SIGNED = Status.SIGNED.value
    RETURNED = Status.RETURNED.value
    WITHDRAWN = Status.WITHDRAWN.value
    PAID = PAID


OF_PAYMENTS = frozenset({Kind.PAYMENT, Kind.RETURN, Kind.WITHDRAWAL, Kind.REISSUE, Kind.CORRECTION})
CONCERNS: Mapping[str, frozenset[Kind]] = {
    "campaign": OF_PAYMENTS,
    "batch": OF_PAYMENTS,
    "channel": OF_PAYMENTS,
    "category": OF_PAYMENTS,
    "status": frozenset({Kind.PAYMENT}),
    "ever": frozenset({Kind.PAYMENT}),
    "reason": frozenset({Kind.PAYMENT, Kind.RETURN}),
}
"""Conditions that make sense for some kinds alone; all others do for each."""

NAMES: Mapping[str, str] = {
    "organisation": N_("单位"),
    "alone": N_("仅本级单位"),
    "campaign": N_("活动"),
    "batch": N_("批次号"),
    "channel": N_("方式"),
    "category": N_("类别"),
    "status": N_("状态"),
    "since": N_("从"),
    "until": N_("到"),
    "least": N_("最少(元)"),
    "most": N_("最多(元)"),
    "source": N_("资金来源"),
    "vintage": N_("资金年度"),
    "document": N_("文号"),
    "earmark": N_("用途"),
    "officer": N_("经办人员"),
    "reason": N_("退回原因"),
    "ever": N_("曾经"),
}

Yuan = Annotated[
    Annotated[Decimal, Field(ge=0, lt=10**13, decimal_places=2)] | None, Empty, Query()
]
Kindly = Annotated[Shown | None, Empty, Query()]
Stood = Annotated[Standing | None, Empty, Query()]
Once = Annotated[Ever | None, Empty, Query()]


@dataclass(frozen=True, slots=True)
class Filter:
    """The question as the address has it: codes and words; amounts in yuan."""

    kind: Kindly = None
    organisation: Word = None
    alone: Word = None
    campaign: Word = None
    batch: Word = None
    channel: Word = None
    category: Word = None
    status: Stood = None
    since: Day = None
    until: Day = None
    least: Yuan = None
    most: Yuan = None
    source: Word = None
    vintage: Number = None
    document: Word = None
    earmark: Word = None
    officer: Word = None
    reason: Word = None
    ever: Once = None
    as_of: Day = None
    at: Number = None
    newest: Word = None

    @property
    def moment(self) -> Moment:
        return Moment(self.as_of, self.at)

    @property
    def shown(self) -> str:
        """Return the kind that is looked at: payments, unless another was chosen."""
        return Kind.PAYMENT.value if self.kind is None else self.kind.value

    def given(self) -> list[tuple[str, str]]:
        """Return the conditions that were given, by name: the chips above the table."""
        values = ((name, getattr(self, name)) for name in NAMES)
        return [(name, str(value)) for name, value in values if value is not None]

    def kinds(self) -> frozenset[Kind]:
        """Return the kinds that meet the question: those for which each condition makes sense."""
        found = frozenset(Kind) if self.shown == ALL else frozenset({Kind(self.shown)})
        for name, _ in self.given():
            found &= CONCERNS.get(name, found)
        return found

    def beside_the_point(self) -> list[str]:
        """Return the conditions that no movement of the kind looked at can meet."""
        if self.shown == ALL:
            return []
        return [
            name for name, _ in self.given() if Kind(self.shown) not in CONCERNS.get(name, Kind)
        ]

    def conditions(self, tree: Tree) -> Conditions:
        """Return what is asked, with the organisation by its code."""
        return Conditions(
            kinds=self.kinds(),
            organisation=_code_of(tree, self.organisation),
            alone=self.alone is not None,
            least_fen=_fen(self.least),
            most_fen=_fen(self.most),
            **{name: getattr(self, name) for name in SAME},
        )

    def without(self, *names: str) -> "Filter":
        return replace(self, **dict.fromkeys(names))

    def having(self, **values: Any) -> "Filter":
        return replace(self, **values)

    def items(self) -> list[tuple[str, str]]:
        """Return all that the question says, as an address has it."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [(name, str(value)) for name, value in values if value is not None]

    def address(self, path: str = "/ledger", **more: object) -> str:
        """Return an address of this service with the question, and with more beside it."""
        items = self.items()
        items += [(name, str(value)) for name, value in more.items() if value is not None]
        return f"{path}?{urlencode(items)}" if items else path

    def for_programs(self, tree: Tree) -> str | None:
        """Return the address of the same question over /v1, which asks of payments alone."""
        if self.shown != Kind.PAYMENT.value:
            return None
        of = self.conditions(tree)
        asked = {
            "organisation": of.organisation,
            "alone": "true" if of.alone else None,
            "least_fen": of.least_fen,
            "most_fen": of.most_fen,
            **{name: getattr(of, name) for name in SAME},
            "as_of": self.as_of,
            "at": self.at,
        }
        items = [(name, str(value)) for name, value in asked.items() if value is not None]
        return f"/v1/disbursements?{urlencode(items)}" if items else "/v1/disbursements"


SAME = (
    "campaign",
    "batch",
    "channel",
    "category",
    "status",
    "since",
    "until",
    "source",
    "document",
    "vintage",
    "earmark",
    "officer",
    "reason",
    "ever",
)
"""Conditions that read the same on pages and over /v1."""

CODES = {"status": "payment", "reason": "reason", "ever": "ever"}
STORED = ("channel", "category", "source")

TheFilter = Annotated[Filter, Depends()]


def value_words(language: Language, name: str, value: str, tree: Tree) -> str:
    """Say the value of a condition as people do."""
    if name == "organisation":
        found = tree.by_code.get(_code_of(tree, value) or "")
        return value if found is None else f"{found.code} {found.name}"
    if name in CODES:
        return term(language, CODES[name], value)
    if name in STORED:
        return language.say(value)
    if name in ("since", "until"):
        return day(value, language.locale)
    return language.say(N_("是")) if name == "alone" else value


def in_words(language: Language, asked: Filter, tree: Tree) -> str:
    """Say the whole filter in a line: it stands on every export and print-out."""
    return language.say(N_("；")).join(_said(language, asked, tree))


def _said(language: Language, asked: Filter, tree: Tree) -> Iterator[str]:
    yield (
        language.say(N_("全部流水"))
        if asked.shown == ALL
        else term(language, "movement", asked.shown)
    )
    given = asked.given()
    if not given:
        yield language.say(N_("不限条件"))
    for name, value in given:
        words = value_words(language, name, value, tree)
        yield f"{language.say(NAMES[name])}{language.say(N_('：'))}{words}"


def moment_words(language: Language, moment: Moment, at: int) -> str:
    """Say which moment figures are of: what had happened by when, as known by which entry."""
    known = language.say(N_("账本第 {n} 条及以前记录在案的"), n=at)
    if moment.as_of is None:
        return language.say(N_("{known}全部情况"), known=known)
    on = day(moment.as_of, language.locale)
    return language.say(N_("{known}、截至 {day} 已经发生的情况"), known=known, day=on)


def _code_of(tree: Tree, named: str | None) -> str | None:
    """Return an organisation's code, where it was named by it or by its name."""
    if named is None or named in tree.by_code:
        return named
    code = named.partition(" ")[0]
    if code in tree.by_code:
        return code
    return next((each.code for each in tree.by_id.values() if each.name == named), named)


def _fen(yuan: Decimal | None) -> int | None:
    return None if yuan is None else int(yuan * FEN_PER_YUAN)
