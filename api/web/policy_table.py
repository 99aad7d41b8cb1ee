"""Policies side by side: each value in a row, each adoption a column, and what differs between."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ledger.domain.policy import CategoryRule, Policy, PolicyTerms, Provenance

Terms = Policy.Adopted | PolicyTerms

AMOUNT, DAY, SHARE, YEARS, FLAG, WORDS, WORD, TEXT, COUNT = (
    "amount",
    "day",
    "share",
    "years",
    "flag",
    "words",
    "word",
    "text",
    "count",
)
"""How a value is written."""

Mark = Literal["first", "same", "changed", "backing", "added", "removed", "absent"]
"""How a value stands to the column before; `backing`: its source or confidence alone changed."""

AMOUNTS = ("minimum", "maximum", "monthly_income_below")
PURPOSES = ("paid_from", "earmarks")
"""Of what money a category is paid; said where it is not of any."""
FIELDS = (
    "title",
    "effective_from",
    "channel",
    "archive_required",
    "required_fields",
    *AMOUNTS,
    *PURPOSES,
    "first_year_minimum",
    "all_within",
    "due_on",
    "value",
)
GROUPS = ("policy", "category", "surplus", "deadline", "limit")


@dataclass(frozen=True, slots=True)
class Key:
    """Which value: of a category or a deadline by its name, or of the policy itself."""

    group: str
    name: str
    field: str


@dataclass(frozen=True, slots=True)
class Value:
    """A value with where it stands written and how sure that is, where that is said."""

    kind: str
    value: object
    source: str | None = None
    confidence: str | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    value: Value | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Row:
    key: Key
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        return any(cell.mark in ("changed", "backing", "added", "removed") for cell in self.cells)


def table_of(columns: Sequence[Terms]) -> list[Row]:
    """Return every value that one of the columns has, and how it differs from the column before."""
    held = [values_of(each) for each in columns]
    names: dict[tuple[str, str], None] = {}
    for values in held:
        names.update(dict.fromkeys((key.group, key.name) for key in values))
    order = {group: at for at, group in enumerate(GROUPS)}
    found = {key for values in held for key in values}
    rows = []
    for group, name in sorted(names, key=lambda each: order[each[0]]):  # stable: as they came
        for field in FIELDS:
            key = Key(group, name, field)
            if key in found:
                rows.append(Row(key, _cells([values.get(key) for values in held])))
    return rows


def values_of(terms: Terms) -> dict[Key, Value]:
    """Return a policy's values, in the order in which they are read."""
    found = {
        Key("policy", "", "title"): Value(TEXT, terms.title),
        Key("policy", "", "effective_from"): Value(DAY, terms.effective_from),
    }
    for category in terms.categories:
        found |= _category(category)
    least, within = terms.surplus.first_year_minimum, terms.surplus.all_within
    if least is not None:
        key = Key("surplus", "", "first_year_minimum")
        found[key] = _backed(SHARE, least.basis_points, least)
    if within is not None:
        found[Key("surplus", "", "all_within")] = _backed(YEARS, within.years, within)
    for deadline in terms.deadlines:
        found[Key("deadline", deadline.name, "due_on")] = _backed(DAY, deadline.due_on, deadline)
    for limit in terms.limits:
        kind = AMOUNT if limit.name.endswith("_fen") else COUNT
        kind = SHARE if limit.name.endswith("_bp") else kind
        found[Key("limit", limit.name.value, "value")] = _backed(kind, limit.value, limit)
    return found


def _category(rule: CategoryRule) -> dict[Key, Value]:
    def key(field: str) -> Key:
        return Key("category", rule.name, field)

    # All that a category asks for stands on one source, which is said once, with the first.

    found = {
        key("channel"): _backed(WORD, rule.channel.value, rule),
        key("archive_required"): Value(FLAG, rule.archive_required),
        key("required_fields"): Value(WORDS, rule.required_fields),
    }
    for field in AMOUNTS:
        amount = getattr(rule, field)
        if amount is not None:
            found[key(field)] = _backed(AMOUNT, amount.amount_fen, amount)
    for field in PURPOSES:
        if words := getattr(rule, field):
            found[key(field)] = Value(WORDS, words)
    return found


def _backed(kind: str, value: object, by: Provenance) -> Value:
    return Value(kind, value, by.source, by.confidence)


def _cells(values: Sequence[Value | None]) -> tuple[Cell, ...]:
    before = [None, *values[:-1]]
    return tuple(
        Cell(now, _mark(at, then, now))
        for at, (then, now) in enumerate(zip(before, values, strict=True))
    )


def _mark(at: int, then: Value | None, now: Value | None) -> Mark:
    if now is None:
        return "absent" if then is None else "removed"
    if at == 0:
        return "first"
    if then is None:
        return "added"
    if (then.kind, then.value) != (now.kind, now.value):
        return "changed"
    return "same" if then == now else "backing"
