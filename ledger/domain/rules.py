"""The rules for a row of a roster, as pure functions with code and clause."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ledger.domain.policy import CategoryRule, Channel, EarmarkNotForCategory
from ledger.domain.recipient import OnFile
from ledger.domain.values import Money


class Verdict(NamedTuple):
    """Why a row does not stand: a public code, and the field at fault where there is one."""

    code: str
    field: str | None = None


class RowFacts(NamedTuple):
    """What the rules look at in one row; personal data has been reduced to what is needed.

    `given` are the names of the fields that hold something. `amount` is None when what stands
    there is no amount. `monthly_income` comes from the archive and is None when unknown. `earmark`
    is what the account is kept for that is to pay. `asked_since` are the fields that the policy has
    come to require since the row was listed.
    """

    given: frozenset[str]
    id_is_text: bool
    id_fault: str | None
    card_is_text: bool
    amount: Money | None
    channel: Channel
    category: CategoryRule | None
    on_file: OnFile
    monthly_income: Money | None
    paid_in_campaign: bool
    earmark: str = ""
    asked_since: tuple[str, ...] = ()


FIELDS = ("姓名", "身份证号码", "类别", "金额")
CARD_FIELD = "银行卡号"


def judge(row: RowFacts) -> Verdict | None:
    """Return the first rule that the row breaks, or None when it stands.

    The order is fixed: what the row lacks, who it is for, out of which account, by which channel,
    whether they are on file, how much, and whether they were paid before.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, 二(二) for standards, 四(五) for channel,
    fields and signatures; the values come from the policy in force.
    """
    for rule in _ORDER:
        verdict = rule(row)
        if verdict is not None:
            return verdict
    return None


def judge_again(row: RowFacts) -> Verdict | None:
    """Judge on the day of approval what may have changed since the list was drafted.

    The policy may have: another reading of it may name other categories, and ask for cards and for
    more fields.
    """
    for rule in _AGAIN:
        verdict = rule(row)
        if verdict is not None:
            return verdict
    return None


def _fields_since(row: RowFacts) -> Verdict | None:
    return _missing(row, row.asked_since)


def _fields(row: RowFacts) -> Verdict | None:
    required = [*FIELDS]
    if row.channel is Channel.BANK_CARD:
        required.append(CARD_FIELD)
    if row.category is not None:
        required.extend(row.category.required_fields)
    return _missing(row, required)


def _missing(row: RowFacts, required: Iterable[str]) -> Verdict | None:
    missing = next((field for field in required if field not in row.given), None)
    return None if missing is None else Verdict("field.missing", missing)


def _identity(row: RowFacts) -> Verdict | None:
    if not row.id_is_text:
        return Verdict("id.not_text", "身份证号码")
    if row.id_fault is not None:
        return Verdict(row.id_fault, "身份证号码")
    if row.channel is Channel.BANK_CARD and not row.card_is_text:
        return Verdict("card.not_text", CARD_FIELD)
    return None


def _category(row: RowFacts) -> Verdict | None:
    return Verdict("category.not_in_policy", "类别") if row.category is None else None


def _earmark(row: RowFacts) -> Verdict | None:
    """专款专用: money that was given for another use pays nobody of this category."""
    paid = _rule(row).is_paid_of(row.earmark)
    return None if paid else Verdict(EarmarkNotForCategory.code, "类别")


def _channel(row: RowFacts) -> Verdict | None:
    """困难劳模和建档在册困难职工一律采用银行卡发放; the others may be paid either way."""
    rule = _rule(row)
    if rule.channel is Channel.BANK_CARD and row.channel is not Channel.BANK_CARD:
        return Verdict("channel.card_required")
    return None


def _archive(row: RowFacts) -> Verdict | None:
    if not _rule(row).archive_required or row.on_file is OnFile.LIVE:
        return None
    closed = row.on_file is OnFile.CLOSED
    return Verdict("archive.closed" if closed else "archive.not_on_file")


def _income(row: RowFacts) -> Verdict | None:
    """An income that nobody knows has not been shown to be below the line."""
    line = _rule(row).monthly_income_below
    if line is None or (row.monthly_income is not None and row.monthly_income < line.amount_fen):
        return None
    return Verdict("model_worker.income_above_line")


def _minimum(row: RowFacts) -> Verdict | None:
    if row.amount is None or row.amount <= 0:
        return Verdict("amount.invalid", "金额")
    minimum = _rule(row).minimum
    if minimum is not None and row.amount < minimum.amount_fen:
        return Verdict("amount.below_minimum", "金额")
    return None


def _maximum(row: RowFacts) -> Verdict | None:
    maximum = _rule(row).maximum
    if maximum is not None and row.amount is not None and row.amount > maximum.amount_fen:
        return Verdict("amount.above_maximum", "金额")
    return None


def _duplicate(row: RowFacts) -> Verdict | None:
    return Verdict("person.duplicate_in_campaign") if row.paid_in_campaign else None


_ORDER: tuple[Callable[[RowFacts], Verdict | None], ...] = (
    _fields,
    _identity,
    _category,
    _earmark,
    _channel,
    _archive,
    _income,
    _minimum,
    _maximum,
    _duplicate,
)
_AGAIN = (_fields_since, *_ORDER[_ORDER.index(_category) :])


def _rule(row: RowFacts) -> CategoryRule:
    assert row.category is not None  # noqa: S101 - _category stands before every rule that asks
    return row.category
