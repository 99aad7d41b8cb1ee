"""`nuanzhang province …`: what several ledgers come to together, from what each published."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from api import bootstrap
from api.cities import STATES, own_witness, read_cities
from api.cli import province_fetching, province_keys, province_tags
from api.cli.printing import REFUSED, say
from api.cli.province_answers import (
    MAX_AGE_H,
    MaxAge,
    Out,
    Witnessed,
    require_ending,
    write_answer,
)
from ledger.packs.consolidation import Consolidation, Figures, SourceFigures, consolidate
from projections.exports.table import Column, Kind, Table

app = typer.Typer(
    help="What several ledgers come to together, from what each published.", no_args_is_help=True
)


MEETINGS = {
    "agreed": "双方一致",
    "on_its_way": "在途",
    "differs": "金额不一致",
    "unexplained": "拨出方没有记录",
    "other_not_counted": "对方未汇总",
    "outside": "省外账本",
}


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
    *,
    witnessed: Witnessed = True,
    max_age: MaxAge = MAX_AGE_H,
) -> None:
    """Consolidate the packs that cities made with `nuanzhang pack ledger all`.

    A city that is missing, stale, unwitnessed or does not verify is named and not counted; the exit
    status is 1 then, or where two cities contradict each other about money between them.
    """
    require_ending(out)
    keys, seen = own_witness(max_age, bootstrap.now_s()) if witnessed else ((), {})
    cities = [each.city for each in read_cities(file).cities]
    found = consolidate(cities, year, keys, seen)
    tables = (
        _cities_table(found),
        _sources_table(found),
        _holdings_table(found),
        _between_table(found),
    )
    write_answer(out, tables, lambda: _as_json(found))
    for each in found.standings:
        at = "" if each.size is None else f" at {each.size} entries"
        say(f"{each.city.name}: {each.state.value}{at}{': ' if each.cause else ''}{each.cause}")
    if not found.is_whole:
        raise typer.Exit(REFUSED)


def _cities_table(found: Consolidation) -> Table:
    columns = (
        Column("市", width=14),
        Column("状态", width=12),
        Column("检查点条数", Kind.COUNT),
        Column("发布时间", width=24),
        Column("外部收入(元)", Kind.MONEY, 14),
        Column("结存(元)", Kind.MONEY, 14),
        Column("年初结余(元)", Kind.MONEY, 14),
        Column("已消化(元)", Kind.MONEY, 14),
        Column("说明", width=40),
        Column("检查点根", width=64),
    )
    rows = []
    for each in found.standings:
        of = each.figures
        rows.append(
            (
                each.city.name,
                STATES[each.state],
                each.size,
                each.published_at,
                *((None,) * 4 if of is None else _money(of)),
                each.cause,
                each.root,
            )
        )
    rows.append(("合计", "", None, "", *_sums(found), "", ""))
    return Table("省级汇总", columns, rows, facts=(("年度", str(found.year)),))


def _money(of: object) -> tuple[int, ...]:
    names = ("received_fen", "in_hand_fen", "opening_fen", "consumed_fen")
    return tuple(getattr(of, name) for name in names)


def _sums(found: Consolidation) -> tuple[int, ...]:
    """Return what the counted come to; opening surplus that two of them show counts once."""
    every = [_money(each) for each in found.counted]
    received, in_hand, _, consumed = (sum(each[at] for each in every) for at in range(4))
    return received, in_hand, found.opening_fen, consumed


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
        Column("金额(元)", Kind.MONEY, 14),
        Column("核对", width=16),
        Column("编号", width=36),
    )
    rows = [
        (
            each.giver or "省外",
            each.taker or "省外",
            each.amount_fen,
            MEETINGS[each.meeting],
            each.remittance_id,
        )
        for each in found.between
    ]
    return Table("跨账本拨款", columns, rows)


def _told_source(of: SourceFigures) -> dict[str, int]:
    told: dict[str, int] = msgspec.to_builtins(of)
    return {**told, "in_hand_fen": of.in_hand_fen}


def _told_figures(of: Figures) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(of)
    told["sources"] = {source: _told_source(each) for source, each in of.sources.items()}
    return told


def _as_json(found: Consolidation) -> bytes:
    return (json.dumps(_told(found), ensure_ascii=False, indent=1) + "\n").encode()


def _told(found: Consolidation) -> dict[str, object]:
    received, in_hand, opening, consumed = _sums(found)
    return {
        "year": found.year,
        "whole": found.is_whole,
        "received_fen": received,
        "in_hand_fen": in_hand,
        "opening_fen": opening,
        "opening_in_two_fen": found.twice_fen,
        "consumed_fen": consumed,
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
                "figures": None if each.figures is None else _told_figures(each.figures),
            }
            for each in found.standings
        ],
        "remittances": [msgspec.to_builtins(each) for each in found.between],
    }
