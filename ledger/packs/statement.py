"""The readable statement: what a checked pack says, as titles, facts and tables.

It follows from the pack alone, so whoever has the pack makes the same statement anew.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ledger.domain.values import Money, yuan_text
from ledger.evidence.canonical import Json
from ledger.evidence.envelope import decode
from ledger.evidence.figures import Seen
from ledger.evidence.pack import Figure
from ledger.evidence.pack_check import CheckedPack
from ledger.packs.labels import EVENTS, FIELDS, FIGURES, FORMULAS, KINDS, STATES, label


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title; `right` are the numbers of the columns that hold amounts."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What a pack says, ready to be set in type."""

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {
            "title": self.title,
            "facts": [list(each) for each in self.facts],
            "tables": [
                {
                    "title": table.title,
                    "columns": list(table.columns),
                    "rows": [list(row) for row in table.rows],
                    "right": list(table.right),
                }
                for table in self.tables
            ],
            "remarks": list(self.remarks),
        }


def statement_of(checked: CheckedPack) -> Statement:
    """Say in words what a checked pack holds."""
    pack = checked.pack
    people = _people(checked)
    tables = [_figure_table(checked, figure) for figure in pack.figures[:FIGURES_MAX]]
    if len(pack.figures) > FIGURES_MAX:
        tables.append(_payments_table(pack.figures))
    if people is not None:
        tables.append(people)
    tables.append(_events_table(checked))
    return Statement(
        title=f"{label(KINDS, pack.kind)}：{pack.title}",
        facts=(
            ("账本 log", pack.origin),
            ("编号 id", pack.subject),
            ("检查点 checkpoint", f"{checked.checkpoint.size} 个事件 events"),
            ("根 root", checked.checkpoint.root.hex()),
            ("发布时间 published at", checked.published_at),
            ("事件 events in this pack", str(len(pack.entries))),
            ("个人信息 personal data", _shown(checked)),
        ),
        tables=tuple(tables),
        remarks=REMARKS,
    )


FIGURES_MAX = 12

REMARKS = (
    "本表由证据包生成；证明在 pack.json 中，请用 verify_pack.py 或 nuanzhang verify-pack 核验。",
    "Made from the pack. The proof is pack.json: check it with either program.",
)


def _shown(checked: CheckedPack) -> str:
    if checked.pack.openings:
        return f"明文 {len(checked.pack.openings)} 处，与封存一致 in clear, as sealed"
    return "脱敏 masked"


def _figure_table(checked: CheckedPack, figure: Figure) -> Table:
    title = f"{label(FORMULAS, figure.formula)} · {_named(checked, figure)}"
    rows = []
    order = list(FIGURES)
    for name, value in sorted(figure.value.items(), key=lambda item: _place(order, item[0])):
        if isinstance(value, dict):
            rows += [(f"其中 {key} 年 of {key}", _yuan(part)) for key, part in value.items()]
        else:
            rows.append((label(FIGURES, name), _value(name, value)))
    return Table(title, ("项目 item", "数值 value"), tuple(rows), (1,))


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _payments_table(figures: tuple[Figure, ...]) -> Table:
    """Show many figures of payments as rows."""
    rows = [
        (
            figure.subject,
            _yuan(figure.value["amount_fen"]),
            label(STATES, figure.value["status"]),
        )
        for figure in figures
        if "status" in figure.value
    ]
    columns = ("编号 payment", "金额 amount", "状态 status")
    return Table("发放明细 payments", columns, tuple(rows), (1,))


def _named(checked: CheckedPack, figure: Figure) -> str:
    year = figure.arguments.get("year")
    if year is not None:
        return f"{year} 年"
    for seen in map(checked.seen, sorted(checked.pack.entries)):
        if seen.type == "fund.opened" and seen.payload["stream"] == figure.subject:
            return str(seen.data["earmark"])
    return figure.subject


def _value(name: str, value: Json) -> str:
    if value is None:
        return "—"
    if name.endswith("_fen"):
        return _yuan(value)
    if name.endswith(("_bp", "_floor")):
        return f"{value // 100}.{value % 100:02d} %"
    if name == "status":
        return label(STATES, value)
    return str(value)


def _yuan(fen: int) -> str:
    return f"{yuan_text(Money(fen))} 元"


def _people(checked: CheckedPack) -> Table | None:
    """Show whom the entries are about: in clear as sealed, or masked as the ledger says."""
    shown: list[tuple[int, Mapping[str, str]]] = [
        (each.position, each.fields) for each in checked.pack.openings
    ]
    shown += [(each["position"], each["fields"]) for each in checked.pack.masked]
    if not shown:
        return None
    names = [name for name in FIELDS if any(name in fields for _, fields in shown)]
    where: dict[tuple[str, ...], list[str]] = {}
    for position, fields in sorted(shown, key=lambda each: each[0]):
        said = tuple(fields.get(name, "") for name in names)
        where.setdefault(said, []).append(str(position))
    rows = [(", ".join(positions), *said) for said, positions in where.items()]
    shown_as = "" if checked.pack.openings else "（脱敏，仅账本所示 masked, on the ledger's word）"
    title = f"个人信息 personal data{shown_as}"
    return Table(title, ("位置 position", *(label(FIELDS, each) for each in names)), tuple(rows))


def _events_table(checked: CheckedPack) -> Table:
    rows = []
    staff = _staff(checked)
    for position in sorted(checked.pack.entries):
        seen = checked.seen(position)
        actor = str(seen.payload["actor"])
        signatures = len(decode(checked.pack.entries[position]).signatures)
        rows.append(
            (
                str(position),
                str(seen.payload["happened_on"]),
                label(EVENTS, seen.type),
                _amount(seen),
                staff.get(actor, "经办系统 operator" if actor == "operator" else actor),
                "本人签名 own signature" if signatures > 1 else "系统签名 service",
            )
        )
    counted = Counter(row[2] for row in rows)
    return Table(
        f"事件 events（{len(rows)}，{len(counted)} 种 kinds）",
        ("位置 position", "日期 date", "事件 event", "金额 amount", "谁 who", "签名 signed"),
        tuple(rows),
        (3,),
    )


def _staff(checked: CheckedPack) -> dict[str, str]:
    return {
        str(seen.payload["stream"]): str(seen.data["staff_number"])
        for seen in map(checked.seen, checked.pack.entries)
        if seen.type == "officer.appointed"
    }


def _amount(seen: Seen) -> str:
    for name in ("amount_fen", "difference_fen", "accepted_total_fen", "total_fen"):
        if isinstance(seen.data.get(name), int):
            return _yuan(seen.data[name])
    return ""
