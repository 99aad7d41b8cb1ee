"""What a page's form brings, read by the interface's own forms; faults go above the form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from api.web.language import N_, Language
from ledger.errors import Kind, LedgerError

T = TypeVar("T", bound=BaseModel)

LABELS: Mapping[str, str] = {
    "code": N_("编码"),
    "name": N_("名称"),
    "kind": N_("级别"),
    "parent_code": N_("上级单位编码"),
    "reason": N_("理由"),
    "happened_on": N_("自哪天起"),
    "staff_number": N_("工号"),
    "organisation_id": N_("单位"),
    "role": N_("岗位"),
    "until": N_("到哪天止"),
    "compromised_from": N_("从日志第几条起不可信"),
    "label": N_("名称"),
    "days": N_("有效天数"),
    "url": N_("网址"),
    "topics": N_("事项"),
    "title": N_("标题"),
    "effective_from": N_("生效日期"),
    "starts_on": N_("开始日期"),
    "ends_on": N_("结束日期"),
    "fiscal_year": N_("年度"),
    "policy_code": N_("政策编码"),
    "change": N_("申请事项"),
    "overriding": N_("优先的命令"),
    "fields": N_("栏目"),
    "from_code": N_("从账户"),
    "earmark": N_("从账户"),
    "to_key_id": N_("对方账本"),
    "to_code": N_("对方单位编码"),
    "document": N_("文号"),
    "card_number": N_("银行卡号"),
}
"""What a form's fields are called on pages."""

MISSING = ("必填项为空", "a required field is empty")
FAULTS: Mapping[str, tuple[str, str]] = {
    "missing": MISSING,
    "string_too_short": MISSING,
    "too_short": MISSING,
    "string_too_long": ("内容过长", "it is too long"),
    "string_pattern_mismatch": (
        "含有不允许的字符，或只有空格",
        "it holds characters that are not allowed, or blanks alone",
    ),
    "date_from_datetime_parsing": ("日期写作 2026-01-31", "a day is written 2026-01-31"),
    "date_parsing": ("日期写作 2026-01-31", "a day is written 2026-01-31"),
    "int_parsing": ("须是整数", "it is no whole number"),
    "enum": ("不在可选项之内", "it is none of the choices"),
    "literal_error": ("不在可选项之内", "it is none of the choices"),
    "greater_than_equal": ("数值太小", "the number is too small"),
    "less_than_equal": ("数值太大", "the number is too large"),
    "less_than": ("数值太大", "the number is too large"),
    "amount": ("金额须是大于零且至多两位小数的数", "an amount is above zero, in yuan and fen"),
    "percent": ("比例须在 0 与 100 之间", "a share is between 0 and 100"),
}
OTHER = ("写法不对", "it is not written as it should be")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field that cannot be read: what it is called, and why."""

    column: str
    code: str
    row: int | None = None

    @property
    def zh(self) -> str:
        return FAULTS.get(self.code, OTHER)[0]

    @property
    def en(self) -> str:
        return FAULTS.get(self.code, OTHER)[1]


class FieldsUnreadable(LedgerError):
    """A field of the form is missing, or not written as it should be."""

    code = "request.fields"
    kind = Kind.INVALID

    def __init__(self, faults: tuple[Wrong, ...]) -> None:
        self.faults = faults
        super().__init__(f"fields that cannot be read: {len(faults)}")


class Given(dict[str, str]):
    """What was typed, by field; to be shown again. What was not typed is empty."""

    def __missing__(self, name: str) -> str:
        return ""


async def fields(request: Request) -> Given:
    """Return the form's fields as they were typed, without those that are empty."""
    return cleaned(await request.form())


def cleaned(typed: Mapping[str, object]) -> Given:
    """Return what was typed without blanks around it, and without what is empty."""
    return Given(
        (name, value.strip())
        for name, value in typed.items()
        if isinstance(value, str) and value.strip() and name != "key"
    )


TheFields = Annotated[Given, Depends(fields)]


def formed(form: type[T], given: Mapping[str, object], language: Language) -> T:
    """Return what was given as one of the interface's forms.

    Raises:
        FieldsUnreadable: Some of it cannot be; which fields, in words.
    """
    try:
        return form.model_validate(given)
    except ValidationError as invalid:
        raise FieldsUnreadable(
            tuple(
                Wrong(label(str(each["loc"][0]) if each["loc"] else "", language), each["type"])
                for each in invalid.errors()
            )
        ) from None


def label(name: str, language: Language) -> str:
    """Return what a field is called."""
    return language.say(LABELS.get(name, name))
