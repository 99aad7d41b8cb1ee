"""What the province says of people who were paid in several cities: tables, and a part a city."""

from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

import msgspec

from api.cities import STATES
from ledger.errors import Kind, LedgerError
from ledger.packs.duplicates import CityStanding, Compared, ListState, Rule
from projections.exports.table import Column, Table
from projections.exports.table import Kind as Sort

FORMAT = "nuanzhang duplicates 1"

RULES: Mapping[Rule, str] = {
    Rule.SEVERAL_CITIES: "多市发放",
    Rule.SAME_CAMPAIGN: "同一活动",
    Rule.SAME_CATEGORY: "同一类别",
    Rule.OVER_MAXIMUM: "合计超上限",
}
LIST_STATES: Mapping[ListState, str] = {
    ListState.COMPARED: "已比对",
    ListState.MISSING: "未报送清单",
    ListState.NOT_IN_LOG: "账本中无此清单",
    ListState.OTHER_KEY: "密钥版本不同",
    ListState.OTHER_PERIOD: "期间不同",
    ListState.STALE: "清单不是最新",
    ListState.BROKEN: "清单核验不成立",
}


class ProvinceAnswerUnreadable(LedgerError):
    """The file is no part of a province's answer."""

    code = "province.answer_unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("this is no part of a province's answer about people paid twice")


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payment of the city that the part is for."""

    payment_id: str
    paid_on: date
    amount_fen: int


class Elsewhere(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payment of another city to the same person."""

    city: str
    paid_on: date
    amount_fen: int
    campaign: str
    category: str


class PartDoubt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person whom this city and others paid; the number is that of the province's table."""

    number: int
    rules: tuple[Rule, ...]
    total_fen: int
    own: tuple[Own, ...]
    elsewhere: tuple[Elsewhere, ...]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one city is told: of its own people alone, by the ids that it gave."""

    format: str
    origin: str
    key_id: str
    list_sha256: str
    since: date
    until: date
    doubts: tuple[PartDoubt, ...]


def read_part(content: bytes) -> Part:
    """Read a city's part.

    Raises:
        ProvinceAnswerUnreadable: It is something else.
    """
    try:
        part = msgspec.json.decode(content, type=Part)
        for doubt in part.doubts:
            for own in doubt.own:
                UUID(own.payment_id)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise ProvinceAnswerUnreadable from None
    if part.format != FORMAT:
        raise ProvinceAnswerUnreadable
    return part


def parts_of(found: Compared) -> Iterator[tuple[str, bytes]]:
    """Yield name and part of each city that was compared, also where it has nobody in doubt."""
    for each in found.cities:
        listed = each.listed
        if listed is None or not each.is_compared:
            continue
        city = each.standing.city
        part = Part(
            FORMAT,
            city.origin,
            city.key_id,
            listed.sha256,
            found.asked.since,
            found.asked.until,
            tuple(_doubts_of(found, city.name)),
        )
        yield city.name, msgspec.json.format(msgspec.json.encode(part), indent=1) + b"\n"


def _doubts_of(found: Compared, city: str) -> Iterator[PartDoubt]:
    for doubt in found.doubts:
        own = tuple(
            Own(each.row.payment_id, each.row.paid_on, each.row.amount_fen)
            for each in doubt.payments
            if each.city == city
        )
        elsewhere = tuple(
            Elsewhere(
                each.city,
                each.row.paid_on,
                each.row.amount_fen,
                each.row.campaign,
                each.row.category,
            )
            for each in doubt.payments
            if each.city != city
        )
        if own:
            yield PartDoubt(doubt.number, tuple(doubt.rules), doubt.total_fen, own, elsewhere)


def tables(found: Compared) -> tuple[Table, Table]:
    """Return the people in doubt, a row a payment, and what became of each city."""
    return _doubts_table(found), _cities_table(found)


def _doubts_table(found: Compared) -> Table:
    columns = (
        Column("序号", Sort.COUNT, 8),
        Column("疑点", width=36),
        Column("多市合计(元)", Sort.MONEY, 14),
        Column("市", width=14),
        Column("发放编号", width=38),
        Column("发放日期", Sort.DAY),
        Column("金额(元)", Sort.MONEY, 14),
        Column("活动", width=20),
        Column("类别", width=16),
    )
    rows = [
        (
            doubt.number,
            "、".join(RULES[rule] for rule in doubt.rules),
            doubt.total_fen,
            each.city,
            each.row.payment_id,
            each.row.paid_on.isoformat(),
            each.row.amount_fen,
            each.row.campaign,
            each.row.category,
        )
        for doubt in found.doubts
        for each in doubt.payments
    ]
    return Table("多市重复发放疑点", columns, rows, facts=_facts(found))


def _cities_table(found: Compared) -> Table:
    columns = (
        Column("市", width=14),
        Column("状态", width=16),
        Column("检查点条数", Sort.COUNT),
        Column("清单位置", Sort.COUNT),
        Column("已比对笔数", Sort.COUNT),
        Column("无标签笔数", Sort.COUNT),
        Column("清单之后笔数", Sort.COUNT),
        Column("说明", width=40),
        Column("检查点根", width=64),
        Column("清单 SHA-256", width=64),
    )
    rows = []
    for each in found.cities:
        state, cause = _state(each)
        listed, of = each.listed, each.standing
        counted = each.is_compared and listed is not None
        counts = (
            (listed.position, len(listed.rows), listed.untagged, listed.later)
            if (listed is not None and counted)
            else (None,) * 4
        )
        sha256 = "" if listed is None else listed.sha256
        rows.append((of.city.name, state, of.size, *counts, cause, of.root, sha256))
    return Table("各市清单", columns, rows, facts=_facts(found))


def _state(each: CityStanding) -> tuple[str, str]:
    if each.listed is None:
        return STATES[each.standing.state], each.standing.cause
    return LIST_STATES[each.listed.state], each.listed.cause


def _facts(found: Compared) -> tuple[tuple[str, str], ...]:
    asked = found.asked
    return (("期间", f"{asked.since} 至 {asked.until}"), ("密钥", asked.key_name))


def told(found: Compared) -> dict[str, object]:
    """Return the same for machines."""
    return {
        "since": found.asked.since,
        "until": found.asked.until,
        "key_name": found.asked.key_name,
        "maximum_fen": found.asked.maximum_fen,
        "whole": found.is_whole,
        "cities": [_told_city(each) for each in found.cities],
        "doubts": [
            {
                "number": doubt.number,
                "rules": doubt.rules,
                "total_fen": doubt.total_fen,
                "payments": [
                    {
                        "city": each.city,
                        "payment_id": each.row.payment_id,
                        "paid_on": each.row.paid_on,
                        "amount_fen": each.row.amount_fen,
                        "campaign": each.row.campaign,
                        "category": each.row.category,
                    }
                    for each in doubt.payments
                ],
            }
            for doubt in found.doubts
        ],
    }


def _told_city(each: CityStanding) -> dict[str, object]:
    of, listed = each.standing, each.listed
    return {
        "name": of.city.name,
        "key_id": of.city.key_id,
        "pack": of.state.value,
        "list": None if listed is None else listed.state.value,
        "cause": of.cause if listed is None else listed.cause,
        "checkpoint_size": of.size,
        "checkpoint_root": of.root,
        "list_sha256": "" if listed is None else listed.sha256,
        "list_position": None if listed is None else listed.position,
        "compared": 0 if listed is None else len(listed.rows),
        "untagged": 0 if listed is None else listed.untagged,
        "later": 0 if listed is None else listed.later,
    }
