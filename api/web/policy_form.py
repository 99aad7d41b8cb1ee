"""A policy as a form on a page holds it: flat fields, numbered where there are several."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from api.v1 import forms
from api.web.given import FieldsUnreadable, Given, Wrong
from api.web.language import N_, Language
from api.web.policy_table import AMOUNTS, PURPOSES
from ledger.domain.policy import AmountRule, LimitRule, Policy, Provenance
from ledger.files.amounts import fen, yuan

MANY_MAX = 50
PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*[%％]?")
CHOSEN = {"channel", "archive_required", "confidence", "drop"}
"""Fields that a browser sends with a choice in them, whether anybody typed something or not."""
LIMIT_NAME = re.compile(r"l[0-9]{1,2}\.name")
FAULT_OF = {"amount_fen": "amount", "basis_points": "percent"}
"""What is wrong with a value that was typed in another unit than it is kept in."""

LABELS = {
    "code": N_("政策编码"),
    "title": N_("标题"),
    "effective_from": N_("生效日期"),
    "organisation_code": N_("适用单位"),
    "categories": N_("类别"),
    "deadlines": N_("报送期限"),
    "name": N_("名称"),
    "channel": N_("方式"),
    "required_fields": N_("必填栏目"),
    "minimum": N_("下限(元)"),
    "maximum": N_("上限(元)"),
    "monthly_income_below": N_("月收入低于(元)"),
    "paid_from": N_("限用资金来源"),
    "earmarks": N_("限用账户用途"),
    "amount_fen": N_("金额"),
    "first_year_minimum": N_("首年消化比例"),
    "basis_points": N_("百分比"),
    "all_within": N_("全部用完年限"),
    "years": N_("年数"),
    "due_on": N_("期限"),
    "limits": N_("疑点限度"),
    "value": N_("数值"),
    "source": N_("出处"),
    "confidence": N_("把握"),
}


def given_of(adopted: Policy.Adopted) -> Given:
    """Return a policy in force as the fields that it would be typed into."""
    given = Given(
        code=adopted.code, title=adopted.title, effective_from=adopted.effective_from.isoformat()
    )
    for at, rule in enumerate(adopted.categories):
        given |= {
            f"c{at}.name": rule.name,
            f"c{at}.channel": rule.channel.value,
            f"c{at}.archive_required": "yes" if rule.archive_required else "no",
            f"c{at}.required_fields": "、".join(rule.required_fields),
            **{f"c{at}.{field}": "\n".join(getattr(rule, field)) for field in PURPOSES},
            **_backing(f"c{at}", rule),
        }
        for field in AMOUNTS:
            amount: AmountRule | None = getattr(rule, field)
            if amount is not None:
                given[f"c{at}.{field}"] = yuan(amount.amount_fen)
                given |= _backing(f"c{at}.{field}", amount)
    least, within = adopted.surplus.first_year_minimum, adopted.surplus.all_within
    if least is not None:
        given["first_year_minimum"] = f"{Decimal(least.basis_points) / 100:f}"
        given |= _backing("first_year_minimum", least)
    if within is not None:
        given["all_within"] = str(within.years)
        given |= _backing("all_within", within)
    for at, deadline in enumerate(adopted.deadlines):
        given[f"d{at}.name"] = deadline.name
        given[f"d{at}.due_on"] = deadline.due_on.isoformat()
        given |= _backing(f"d{at}", deadline)
    for at, limit in enumerate(adopted.limits):
        given[f"l{at}.name"] = limit.name.value
        given[f"l{at}.value"] = _limit_text(limit)
        given |= _backing(f"l{at}", limit)
    return given


def numbers(given: Given, letter: str) -> list[int]:
    """Return the numbers under which something was typed, and one more to fill in."""
    typed = _typed(given, letter)
    return [*typed, max(typed, default=-1) + 1]


def policy_of(given: Given, language: Language) -> forms.PolicyForm:
    """Return the policy that was typed.

    Raises:
        FieldsUnreadable: Some of it cannot be read; what, in words.
    """
    typed = {
        "code": given["code"],
        "title": given["title"],
        "effective_from": given["effective_from"] or None,
        "organisation_code": given["organisation_code"] or None,
        "categories": [_category(given, at) for at in _kept(given, "c")],
        "deadlines": [
            {
                "name": given[f"d{at}.name"],
                "due_on": given[f"d{at}.due_on"],
                **_said(given, f"d{at}"),
            }
            for at in _kept(given, "d")
        ],
        "limits": [_limit(given, at) for at in _kept(given, "l")],
        "first_year_minimum": _rule(given, "first_year_minimum", "basis_points", _basis_points),
        "all_within": _rule(given, "all_within", "years", str),
    }
    try:
        return forms.PolicyForm.model_validate(typed)
    except ValidationError as invalid:
        raise FieldsUnreadable(
            tuple(
                Wrong(_place(each["loc"], language), _fault(each["loc"], each["type"]))
                for each in invalid.errors()
            )
        ) from None


def _category(given: Given, at: int) -> dict[str, Any]:
    return {
        "name": given[f"c{at}.name"],
        "channel": given[f"c{at}.channel"],
        "archive_required": given[f"c{at}.archive_required"] == "yes",
        "required_fields": _words(given[f"c{at}.required_fields"]),
        **{field: _lines(given[f"c{at}.{field}"]) for field in PURPOSES},
        **_said(given, f"c{at}"),
        **{field: _rule(given, f"c{at}.{field}", "amount_fen", _fen) for field in AMOUNTS},
    }


def _words(text: str) -> list[str]:
    return text.replace("、", " ").replace(",", " ").replace("，", " ").split()


def _lines(text: str) -> list[str]:
    """Return names, each on a line of its own: any mark may stand in them."""
    return [name for line in text.replace("\r", "\n").split("\n") if (name := line.strip())]


def _limit(given: Given, at: int) -> dict[str, Any]:
    name, typed = given[f"l{at}.name"], given[f"l{at}.value"]
    read = _fen if name.endswith("_fen") else _basis_points if name.endswith("_bp") else str
    value = {"value": read(typed)} if typed else {}
    return {"name": name, **value, **_said(given, f"l{at}")}


def _limit_text(limit: LimitRule) -> str:
    if limit.name.endswith("_fen"):
        return yuan(limit.value)
    if limit.name.endswith("_bp"):
        return f"{Decimal(limit.value) / 100:f}"
    return str(limit.value)


def _kept(given: Given, letter: str) -> list[int]:
    """Return the numbers that stay: all under which something stands and that are not dropped."""
    return [at for at in _typed(given, letter) if not given[f"{letter}{at}.drop"]]


def _typed(given: Given, letter: str) -> list[int]:
    """Return the numbers under which something was typed; half of a rule is not left out unsaid."""
    names = (re.match(rf"{letter}([0-9]{{1,2}})\.", name) for name in given if not _chosen(name))
    return sorted({int(each[1]) for each in names if each and int(each[1]) < MANY_MAX})


def _chosen(name: str) -> bool:
    return name.rsplit(".", 1)[-1] in CHOSEN or LIMIT_NAME.fullmatch(name) is not None


def _rule(
    given: Given, name: str, value: str, read: Callable[[str], object]
) -> dict[str, object] | None:
    """Return a value with its backing; none where neither it nor its source was typed."""
    if not given[name] and not given[f"{name}.source"]:
        return None
    typed = {value: read(given[name])} if given[name] else {}
    return {**typed, **_said(given, name)}


def _said(given: Given, name: str) -> dict[str, str]:
    return {"source": given[f"{name}.source"], "confidence": given[f"{name}.confidence"]}


def _backing(name: str, by: Provenance) -> dict[str, str]:
    return {f"{name}.source": by.source, f"{name}.confidence": by.confidence}


def _fen(text: str) -> object:
    """Return the amount in fen, or what no amount is, for the form to refuse."""
    amount = fen(text)
    return text if amount is None else amount


def _basis_points(text: str) -> object:
    """Return the share in basis points, or what no share is, for the form to refuse."""
    found = PERCENT.fullmatch(text)
    return text if found is None else int(Decimal(found[1]) * 100)


def _fault(loc: tuple[int | str, ...], kind: str) -> str:
    return kind if kind == "missing" else FAULT_OF.get(str(loc[-1]), kind)


def _place(loc: tuple[int | str, ...], language: Language) -> str:
    """Say where a fault is: 类别 1 · 下限(元) · 出处."""
    parts: list[str] = []
    for part in loc:
        if isinstance(part, int):
            parts[-1] += f" {part + 1}"
        else:
            parts.append(language.say(LABELS.get(part, part)))
    return " · ".join(parts)
