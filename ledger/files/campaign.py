"""The campaign and the policy in force, as a TOML file (`campaign.toml`)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ledger.domain.policy import LIMIT_MAX, LimitName
from ledger.domain.values import WHOLE_BP
from ledger.files.amounts import day, fen, whole_number
from ledger.files.faults import FileRefused, refuse
from ledger.files.text import category

CHANNELS = ("银行卡", "签字表")
UNSTATED = "stated"
"""How sure we are of a value whose file says nothing on it: it stands in the document."""


@dataclass(frozen=True, slots=True)
class CategoryTerms:
    name: str
    channel: str
    archive_required: bool
    required_fields: tuple[str, ...]
    minimum_fen: int | None
    maximum_fen: int | None
    monthly_income_below_fen: int | None
    confidence: str
    sources: tuple[str, ...] = ()
    earmarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CampaignFile:
    code: str
    name: str
    starts_on: date
    ends_on: date
    fiscal_year: int
    policy_code: str
    policy_title: str
    effective_from: date
    categories: tuple[CategoryTerms, ...]
    first_year_minimum_percent: int | None
    all_within_years: int | None
    surplus_confidence: str
    deadlines: tuple[tuple[str, date], ...]
    deadlines_confidence: str
    limits: tuple[tuple[LimitName, int], ...]
    limits_confidence: str


def read_campaign(name: str, data: bytes) -> CampaignFile:
    """Read the file; keys that are not known are left alone.

    Raises:
        FileRefused: `campaign.malformed`, `field.missing`, `date.invalid`, `amount.invalid`,
            `number.invalid`, `value.unknown`, each with the key at fault.
    """
    try:
        tables = _Table(name, "", tomllib.loads(data.decode("utf-8-sig")))
    except (ValueError, RecursionError):  # not UTF-8, not TOML, or nested to do harm
        raise refuse(name, "campaign.malformed") from None
    campaign, policy = tables.table("campaign"), tables.table("policy")
    categories = policy.table("categories")
    surplus = policy.table("surplus", optional=True)
    deadlines = policy.table("deadlines", optional=True)
    limits = policy.table("limits", optional=True)
    return CampaignFile(
        code=campaign.text("code"),
        name=campaign.text("name"),
        starts_on=campaign.day("starts"),
        ends_on=campaign.day("ends"),
        fiscal_year=campaign.whole("fiscal_year"),
        policy_code=policy.text("code"),
        policy_title=policy.text("title"),
        effective_from=policy.day("effective_from"),
        categories=tuple(_category(categories.table(key)) for key in categories.names()),
        first_year_minimum_percent=surplus.optional_whole("first_year_minimum_percent"),
        all_within_years=surplus.optional_whole("all_within_years"),
        surplus_confidence=surplus.confidence(),
        deadlines=tuple(
            (key, deadlines.day(key)) for key in deadlines.names() if key != "confidence"
        ),
        deadlines_confidence=deadlines.confidence(),
        limits=tuple(_limit(limits, key) for key in limits.names() if key != "confidence"),
        limits_confidence=limits.confidence(),
    )


def _category(table: "_Table") -> CategoryTerms:
    channel = table.text("channel")
    if channel not in CHANNELS:
        raise table.wrong("channel", "value.unknown")
    return CategoryTerms(
        name=category(table.name),
        channel=channel,
        archive_required=table.flag("archive_required"),
        required_fields=table.texts("required_fields"),
        minimum_fen=table.optional_fen("minimum_yuan"),
        maximum_fen=table.optional_fen("maximum_yuan"),
        monthly_income_below_fen=table.optional_fen("monthly_income_below_yuan"),
        confidence=table.confidence(),
        sources=table.texts("sources"),
        earmarks=table.texts("earmarks"),
    )


def _limit(table: "_Table", key: str) -> tuple[LimitName, int]:
    """Read how much is borne before it is a doubt, under the name that policies have for it."""
    if key not in set(LimitName):
        raise table.wrong(key, "value.unknown")
    value = table.whole(key)
    if not 0 <= value <= (WHOLE_BP if key.endswith("_bp") else LIMIT_MAX):
        raise table.wrong(key, "number.invalid")
    return LimitName(key), value


class _Table:
    """A TOML table that says which key is at fault when something in it is."""

    def __init__(self, file: str, path: str, members: Mapping[str, Any]) -> None:
        self._file = file
        self._path = path
        self._members = members
        self.name = path.rpartition("\x1f")[2]

    def names(self) -> list[str]:
        return list(self._members)

    def wrong(self, key: str, code: str) -> FileRefused:
        path = ".".join(part for part in (*self._path.split("\x1f"), key) if part)
        return refuse(self._file, code, column=path)

    def table(self, key: str, *, optional: bool = False) -> "_Table":
        value = self._members.get(key, {} if optional else None)
        if not isinstance(value, dict):
            raise self.wrong(key, "field.missing" if value is None else "campaign.malformed")
        return _Table(self._file, f"{self._path}\x1f{key}", value)

    def text(self, key: str) -> str:
        value = self._members.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "field.missing" if value is None else "campaign.malformed")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._members.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(key, "campaign.malformed")
        return tuple(value)

    def flag(self, key: str) -> bool:
        value = self._members.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "campaign.malformed")
        return value

    def day(self, key: str) -> date:
        value = self._members.get(key)
        if value is None:
            raise self.wrong(key, "field.missing")
        found = day(value) if isinstance(value, str | date | datetime) else None
        if found is None:
            raise self.wrong(key, "date.invalid")
        return found

    def whole(self, key: str) -> int:
        value = self.optional_whole(key)
        if value is None:
            raise self.wrong(key, "field.missing")
        return value

    def optional_whole(self, key: str) -> int | None:
        if key not in self._members:
            return None
        value = whole_number(self._members[key])
        if value is None:
            raise self.wrong(key, "number.invalid")
        return value

    def optional_fen(self, key: str) -> int | None:
        if key not in self._members:
            return None
        value = fen(self._members[key])
        if value is None or value < 0:
            raise self.wrong(key, "amount.invalid")
        return value

    def confidence(self) -> str:
        value = self._members.get("confidence", UNSTATED)
        if not isinstance(value, str):
            raise self.wrong("confidence", "campaign.malformed")
        return value
