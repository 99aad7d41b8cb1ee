"""The archive of registered hardship workers and model workers (困难职工档案)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import sha256

from ledger.files.amounts import day, fen
from ledger.files.columns import (
    Fields,
    Layout,
    Lines,
    header_at,
    read_lines,
    recognised,
    require_single,
)
from ledger.files.faults import Fault, refuse
from ledger.files.identity import id_fault
from ledger.files.roster import COLUMNS as ROSTER_COLUMNS
from ledger.files.roster import long_number
from ledger.files.text import category, code_text, number_text, person_name
from ledger.files.units import unit_of

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "档案编号": ("档案编号", "档案号", "建档编号"),
    "姓名": ROSTER_COLUMNS["name"],
    "身份证号码": ROSTER_COLUMNS["id_number"],
    "联系电话": ROSTER_COLUMNS["phone"],
    "单位编码": ("单位编码", "单位代码", "工会编码"),
    "类别": ("类别", *ROSTER_COLUMNS["category"]),
    "困难原因": ROSTER_COLUMNS["reason"],
    "月人均收入(元)": ("月人均收入(元)", "月人均收入", "人均月收入(元)", "人均月收入"),
    "建档日期": ("建档日期", "建档时间"),
    "退档日期": ("退档日期", "退档时间", "脱困日期"),
    "开户行": ROSTER_COLUMNS["bank_name"],
    "银行卡号": ROSTER_COLUMNS["card_number"],
}
"""Titles under which a column is known; a field is called by the first of them."""

INCOME = "月人均收入(元)"
INCOME_YUAN_MAX = 1e9
REQUIRED = ("档案编号", "姓名", "身份证号码", "单位编码", "类别", "建档日期")
FIELDS = Fields(COLUMNS, {field: field for field in COLUMNS}, REQUIRED)


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """A file of the archive; `monthly_income_fen` is per head of the household."""

    line: int
    file_number: str
    organisation_code: str
    category: str
    opened_on: date
    closed_on: date | None
    monthly_income_fen: int | None = field(repr=False)
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    phone: str = field(repr=False)
    reason: str = field(repr=False)
    bank_name: str = field(repr=False)
    card_number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Archive:
    rows: tuple[ArchiveRow, ...]
    faults: tuple[Fault, ...]
    sha256: str


def read_archive(name: str, data: bytes, layout: Layout | None = None) -> Archive:
    """Read the archive; a row at fault is reported and left out, the others stand.

    Args:
        name: What messages call the file.
        data: The file.
        layout: Where its header stands and what each column is taken for; else its titles say so.

    Raises:
        FileRefused: It cannot be read, or a column is missing, or there twice.
    """
    lines = read_lines(name, data)
    if layout is None:
        place, header = _header(name, lines)
    else:
        place, header = header_at(name, lines, layout, FIELDS), layout.columns
    unit = unit_of(name, lines, place, header.get(INCOME), INCOME)
    rows: list[ArchiveRow] = []
    faults: list[Fault] = []
    for line, cells in lines[place + 1 :]:
        if any(cell is not None for cell in cells):
            known = {key: cells[at] for key, at in header.items() if at < len(cells)}
            row = _row(name, line, known, unit)
            (rows if isinstance(row, ArchiveRow) else faults).append(row)  # type: ignore[arg-type]
    return Archive(tuple(rows), tuple(faults), sha256(data).hexdigest())


def _header(name: str, lines: Lines) -> tuple[int, dict[str, int]]:
    """Find the header under any titles, and say which column is where."""
    for at, (line, cells) in enumerate(lines):
        columns = recognised(cells, COLUMNS)
        if set(REQUIRED) <= columns.keys():
            require_single(name, line, cells, columns, FIELDS)
            return at, columns
    raise refuse(name, "file.column_missing", column=REQUIRED[0])


def _row(name: str, line: int, cells: dict[str, object], unit: int) -> ArchiveRow | Fault:
    for column in REQUIRED:
        if cells.get(column) is None:
            return Fault(name, line, column, "field.missing")
    id_number, id_is_text = long_number(cells["身份证号码"])
    card_number, card_is_text = long_number(cells.get("银行卡号"))
    opened_on = day(cells["建档日期"])
    closed = cells.get("退档日期")
    closed_on = day(closed)
    fault = None
    if not id_is_text:
        fault = ("身份证号码", "id.not_text")
    elif id_fault(id_number) is not None:
        fault = ("身份证号码", "id.invalid")
    elif not card_is_text:
        fault = ("银行卡号", "card.not_text")
    elif opened_on is None:
        fault = ("建档日期", "date.invalid")
    elif closed is not None and (closed_on is None or closed_on < opened_on):
        fault = ("退档日期", "date.invalid")
    if fault is not None or opened_on is None:
        column, code = fault or ("建档日期", "date.invalid")
        return Fault(name, line, column, code)

    def text(column: str) -> str:
        value = cells.get(column)
        return "" if value is None else str(value).strip()

    return ArchiveRow(
        line=line,
        file_number=text("档案编号"),
        organisation_code=code_text(text("单位编码")),
        category=category(text("类别")),
        opened_on=opened_on,
        closed_on=closed_on,
        monthly_income_fen=_income(cells.get(INCOME), unit),
        name=person_name(text("姓名")),
        id_number=id_number,
        phone=number_text(text("联系电话")),
        reason=text("困难原因"),
        bank_name=text("开户行"),
        card_number=card_number,
    )


def _income(cell: object, unit_yuan: int) -> int | None:
    """Read an average: it may have more decimals than fen, which are cut off."""
    if isinstance(cell, float):
        in_yuan = Decimal(repr(cell)) * unit_yuan if 0 <= cell < INCOME_YUAN_MAX else -1
        return int(in_yuan * 100) if 0 <= in_yuan < INCOME_YUAN_MAX else None
    income = fen(cell, unit_yuan)
    return income if income is not None and income >= 0 else None
