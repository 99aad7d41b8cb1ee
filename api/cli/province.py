"""`nuanzhang province …`: what several ledgers come to together, from what each published."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from api import bootstrap
from api.cities import STATES, contradicted_logs, own_witness, read_cities
from api.cli import province_fetching, province_keys, province_tags
from api.cli.administrators import carried, say_first_keys, vouching_json
from api.cli.printing import REFUSED, say
from api.cli.province_answers import (
    MAX_AGE_H,
    MaxAge,
    Out,
    Witnessed,
    require_ending,
    write_answer,
)
from ledger.domain.values import Money, yuan_text
from ledger.evidence.vouching import RELIABLE, UNVOUCHED
from ledger.packs.city_figures import Figures, SourceFigures, Surplus
from ledger.packs.consolidation import (
    CONTRADICTIONS,
    ON_ITS_WAY_DAYS,
    Between,
    Consolidation,
    consolidate,
)
from projections.exports.table import Column, Kind, Table

app = typer.Typer(
    help="What several ledgers come to together, from what each published.", no_args_is_help=True
)


MEETINGS = {
    "agreed": "双方一致",
    "on_its_way": "在途",
    "sender_older": "拨出方报送较早",
    "differs": "双方不一致",
    "unexplained": "拨出方没有记录",
    "other_not_counted": "对方未汇总",
    "outside": "省外账本",
}
LATE = "（超期）"
SIGNED = (RELIABLE, UNVOUCHED)
"""Of what a city's pack is to be read by: officers' own signatures, and those that may be."""


app.command(name="make-key")(province_keys.make_key)
app.command(name="take-key")(province_keys.take_key)
app.command(name="make-opening-key")(province_keys.make_opening_key)
app.command(name="tags")(province_tags.hand_over)
app.command(name="duplicates")(province_tags.find_duplicates)
app.command(name="doubts")(province_tags.show_doubts)
app.command(name="fetch")(province_fetching.fetch_files)


@app.command(name="consolidate")
def put_together(
    file: Annotated[Path, typer.Argument(help="TOML file of the cities: key, origin, file.")],
    year: Annotated[int, typer.Option(help="Fiscal year of the opening surplus.")],
    out: Out,
    on_its_way_days: Annotated[
        int, typer.Option(min=0, help="Days that money between cities may be on its way.")
    ] = ON_ITS_WAY_DAYS,
    *,
    witnessed: Witnessed = True,
    max_age: MaxAge = MAX_AGE_H,
) -> None:
    """Consolidate the packs that cities made with `nuanzhang pack ledger all`.

    A city that is missing, stale, unwitnessed, has two histories or does not verify is named and
    not counted; the exit status is 1 then, or where two cities contradict each other about money
    between them, it is on its way too long, or money of earlier years was not brought forward.
    """
    require_ending(out)
    keys, seen = own_witness(max_age, bootstrap.now_s()) if witnessed else ((), {})
    contradicted = contradicted_logs() if witnessed else frozenset()
    cities = [each.city for each in read_cities(file).cities]
    found = consolidate(cities, year, keys, seen, contradicted, on_its_way_days)
    tables = (
        _cities_table(found),
        _sources_table(found),
        _holdings_table(found),
        _between_table(found),
        _unopened_table(found),
        _keys_table(found),
    )
    write_answer(out, tables, lambda: _as_json(found))
    for each in found.standings:
        at = "" if each.size is None else f" at {each.size} entries"
        say(f"{each.city.name}: {each.state.value}{at}{': ' if each.cause else ''}{each.cause}")
        if each.attested:
            say(f"{each.city.name}: of the entries in its pack {carried(each.attested)}")
        say_first_keys(each.first_keys, f"{each.city.name}: ")
    for line in _amiss(found, on_its_way_days):
        say(line)
    if not found.is_whole:
        raise typer.Exit(REFUSED)


def _amiss(found: Consolidation, on_its_way_days: int) -> Iterator[str]:
    """Say what is amiss although each city counts."""
    if found.counted and not found.is_opened:
        yield f"nobody opened the year {found.year}"
    for name, unopened in found.unopened.items():
        for each in unopened:
            yield (
                f"{name}: {yuan_text(Money(each.amount_fen))} yuan of {each.vintage} of"
                f" {each.code} ({each.earmark}) were not brought forward into {found.year}"
            )
    for remittance in found.between:
        told = f"remittance {remittance.remittance_id}: {remittance.meeting.value}"
        if remittance.is_late:
            yield f"{told} for more than {on_its_way_days} days"
        elif remittance.meeting in CONTRADICTIONS:
            yield told


def _cities_table(found: Consolidation) -> Table:
    columns = (
        Column("市", width=14),
        Column("状态", width=12),
        Column("检查点条数", Kind.COUNT),
        Column("发布时间", width=24),
        Column("见证时间", width=26),
        Column("外部收入(元)", Kind.MONEY, 14),
        Column("结存(元)", Kind.MONEY, 14),
        Column("年初结余(元)", Kind.MONEY, 14),
        Column("已消化(元)", Kind.MONEY, 14),
        Column("消化率"),
        Column("在途(元)", Kind.MONEY, 14),
        Column("拨给其他账本(元)", Kind.MONEY, 16),
        Column("未消化(元)", Kind.MONEY, 14),
        Column("未结转(元)", Kind.MONEY, 14),
        Column("本人签名", Kind.COUNT),
        Column("只凭运营者登记的签名", Kind.COUNT),
        Column("说明", width=40),
        Column("检查点根", width=64),
    )
    rows: list[tuple[str | int | None, ...]] = []
    for each in found.standings:
        of = each.figures
        figures: tuple[str | int | None, ...] = (None,) * 9
        if of is not None:
            unopened = _unopened_fen(found, each.city.name)
            figures = (of.received_fen, of.in_hand_fen, *_of_surplus(of.surplus), unopened)
        rows.append(
            (
                each.city.name,
                STATES[each.state],
                each.size,
                each.published_at,
                each.cosigned_at,
                *figures,
                *(each.attested.get(how, 0) if each.attested else None for how in SIGNED),
                each.cause,
                each.root,
            )
        )
    together = (
        _received(found),
        found.in_hand_fen,
        *_of_surplus(found.surplus),
        sum(_unopened_fen(found, name) for name in found.unopened),
    )
    note = "" if found.is_opened else "无人结转该年度"
    signed = [sum(each.attested.get(how, 0) for each in found.standings) for how in SIGNED]
    rows.append(("合计", "", None, "", "", *together, *signed, note, ""))
    return Table("省级汇总", columns, rows, facts=(("年度", str(found.year)),))


def _of_surplus(of: Surplus) -> tuple[str | int | None, ...]:
    ratio = of.consumed_bp_floor
    return (
        of.opening_fen,
        of.consumed_fen,
        None if ratio is None else f"{ratio // 100}.{ratio % 100:02d}%",
        of.in_transit_fen,
        of.remitted_fen,
        of.in_hand_fen,
    )


def _received(found: Consolidation) -> int:
    return sum(each.received_fen for each in found.counted)


def _unopened_fen(found: Consolidation, name: str) -> int:
    return sum(each.amount_fen for each in found.unopened[name])


def _sources_table(found: Consolidation) -> Table:
    columns = (
        Column("市", width=14),
        Column("资金来源", width=16),
        Column("外部收入(元)", Kind.MONEY, 14),
        Column("其他账本拨入(元)", Kind.MONEY, 16),
        Column("拨给其他账本(元)", Kind.MONEY, 16),
        Column("已支付(含在途)(元)", Kind.MONEY, 18),
        Column("结存(元)", Kind.MONEY, 14),
        Column("年初结余(元)", Kind.MONEY, 14),
    )
    cities: list[tuple[str, Mapping[str, SourceFigures]]] = [
        (each.city.name, each.figures.sources)
        for each in found.standings
        if each.figures is not None
    ]
    cities.append(("合计", found.sources))
    rows: list[tuple[str | int, ...]] = [
        (name, source, *_of_source(of))
        for name, sources in cities
        for source, of in sources.items()
    ]
    return Table("按资金来源", columns, rows, facts=(("年度", str(found.year)),))


def _of_source(of: SourceFigures) -> tuple[int, ...]:
    return (
        of.received_fen,
        of.came_fen,
        of.sent_fen,
        of.paid_fen,
        of.in_hand_fen,
        of.opening_fen,
    )


def _holdings_table(found: Consolidation) -> Table:
    columns = (
        Column("市", width=14),
        Column("单位编码"),
        Column("单位", width=24),
        Column("用途"),
        Column("资金年度", Kind.COUNT),
        Column("结存(元)", Kind.MONEY, 14),
    )
    rows = [
        (each.city.name, held.code, held.name, held.earmark, held.vintage, held.in_hand_fen)
        for each in found.standings
        if each.figures is not None
        for held in each.figures.holdings
    ]
    return Table("各单位结存", columns, rows)


def _between_table(found: Consolidation) -> Table:
    columns = (
        Column("拨出", width=14),
        Column("接收", width=14),
        Column("拨出日期", Kind.DAY),
        Column("接收日期", Kind.DAY),
        Column("金额(元)", Kind.MONEY, 14),
        Column("核对", width=20),
        Column("编号", width=36),
    )
    rows = [
        (
            each.giver or "省外",
            each.taker or "省外",
            each.sent_on or None,
            each.received_on or None,
            each.amount_fen,
            MEETINGS[each.meeting] + (LATE if each.is_late else ""),
            each.remittance_id,
        )
        for each in found.between
    ]
    return Table("跨账本拨款", columns, rows)


def _unopened_table(found: Consolidation) -> Table:
    columns = (
        Column("市", width=14),
        Column("单位编码"),
        Column("单位", width=24),
        Column("用途"),
        Column("资金年度", Kind.COUNT),
        Column("未结转(元)", Kind.MONEY, 14),
    )
    rows = [
        (name, each.code, each.name, each.earmark, each.vintage, each.amount_fen)
        for name, unopened in found.unopened.items()
        for each in unopened
    ]
    return Table("未结转", columns, rows, facts=(("年度", str(found.year)),))


def _keys_table(found: Consolidation) -> Table:
    """List the keys that are to be compared with the people: officers' own descend from them."""
    columns = (
        Column("市", width=14),
        Column("首任", width=14),
        Column("密钥", width=36),
        Column("日志条目", Kind.COUNT),
    )
    rows = [
        (each.city.name, key.role, key.key_id, key.position)
        for each in found.standings
        for key in each.first_keys
    ]
    return Table("首任管理员密钥", columns, rows)


def _told_source(of: SourceFigures) -> dict[str, int]:
    told: dict[str, int] = msgspec.to_builtins(of)
    return {**told, "in_hand_fen": of.in_hand_fen}


def _told_surplus(of: Surplus) -> dict[str, int | None]:
    return {
        "opening_fen": of.opening_fen,
        "consumed_fen": of.consumed_fen,
        "consumed_basis_points_floor": of.consumed_bp_floor,
        "surplus_in_transit_fen": of.in_transit_fen,
        "surplus_remitted_fen": of.remitted_fen,
        "surplus_in_hand_fen": of.in_hand_fen,
    }


def _told_figures(of: Figures) -> dict[str, object]:
    return {
        "received_fen": of.received_fen,
        **_told_surplus(of.surplus),
        "holdings": msgspec.to_builtins(of.holdings),
        "sources": {source: _told_source(each) for source, each in of.sources.items()},
        "sent": msgspec.to_builtins(of.sent),
        "came": msgspec.to_builtins(of.came),
    }


def _as_json(found: Consolidation) -> bytes:
    return (json.dumps(_told(found), ensure_ascii=False, indent=1) + "\n").encode()


def _told(found: Consolidation) -> dict[str, object]:
    return {
        "year": found.year,
        "whole": found.is_whole,
        "opened": found.is_opened,
        "received_fen": _received(found),
        "in_hand_fen": found.in_hand_fen,
        **_told_surplus(found.surplus),
        "opening_in_two_fen": found.twice_fen,
        "unopened": [
            {
                "city": name,
                "code": each.code,
                "name": each.name,
                "earmark": each.earmark,
                "vintage": each.vintage,
                "amount_fen": each.amount_fen,
            }
            for name, unopened in found.unopened.items()
            for each in unopened
        ],
        "sources": {source: _told_source(of) for source, of in found.sources.items()},
        "cities": [
            {
                "name": each.city.name,
                "key_id": each.city.key_id,
                "state": each.state.value,
                "cause": each.cause,
                "checkpoint_size": each.size,
                "checkpoint_root": each.root,
                "published_at": each.published_at,
                "cosigned_at": each.cosigned_at,
                **vouching_json(each.attested, each.first_keys),
                "figures": None if each.figures is None else _told_figures(each.figures),
            }
            for each in found.standings
        ],
        "remittances": [_told_remittance(each) for each in found.between],
    }


def _told_remittance(each: Between) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(each)
    told["late"] = told.pop("is_late")
    return told
