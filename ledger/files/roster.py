"""Rosters: who is to get how much, as clerks write it down (花名册)."""

import re
import unicodedata
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from ledger.files.amounts import fen, whole_number, yuan
from ledger.files.columns import (
    HEADER_ROWS_MAX,
    Fields,
    Layout,
    header_at,
    read_lines,
    recognised,
    require_single,
)
from ledger.files.faults import Fault, FileRefused, refuse
from ledger.files.text import category, heading, number_text, person_name, require_no_excess
from ledger.files.units import unit_of

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": ("序号", "编号"),
    "name": ("姓名", "户名", "职工姓名"),
    "id_number": ("身份证号码", "身份证号", "证件号码", "身份证"),
    "phone": ("联系电话", "手机号码", "手机号", "电话", "联系方式"),
    "category": ("困难类别", "类别", "人员类别"),
    "reason": ("困难原因", "致困原因"),
    "bank_name": ("开户行", "开户银行"),
    "card_number": ("银行卡号", "卡号", "账号", "银行账号", "银行卡账号", "帐号", "银行帐号"),
    "amount": (
        *("慰问金额(元)", "金额(元)", "慰问金额", "金额", "慰问金(元)", "发放金额(元)"),
        *("慰问金额(万元)", "金额(万元)", "慰问金(万元)", "发放金额(万元)"),
        *("慰问金额(千元)", "金额(千元)", "慰问金(千元)", "发放金额(千元)"),
    ),
    "remark": ("备注",),
}
"""Titles under which a column is known."""

FIELD_NAMES: Mapping[str, str] = {
    "name": "姓名",
    "id_number": "身份证号码",
    "phone": "联系电话",
    "category": "类别",
    "reason": "困难原因",
    "card_number": "银行卡号",
    "amount": "金额",
}
"""The word by which policies and refusals call a field."""

_TEXTS = (*FIELD_NAMES, "bank_name")
"""Fields of which the words count, beside what is read from them."""

REQUIRED = ("name", "id_number", "amount")

FIELDS = Fields(
    COLUMNS, {**{key: words[0] for key, words in COLUMNS.items()}, **FIELD_NAMES}, REQUIRED
)

TOTAL_WORDS = ("合计", "总计", "小计")
_LOST_DIGITS = re.compile(r"[0-9](\.[0-9]+)?E\+?[0-9]{1,3}", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"[0-9]+X?")
_DIGIT = re.compile(r"\d")
_ID_DIGITS_MIN = 9


class RosterRow(msgspec.Struct, frozen=True, gc=False):
    """A row as listed, its harmless spellings made plain. Only numbers show in its repr."""

    number: int
    line: int
    name: str
    id_number: str
    id_is_text: bool
    phone: str
    category: str
    reason: str
    bank_name: str
    card_number: str
    card_is_text: bool
    amount_fen: int | None
    given: frozenset[str]

    def __repr__(self) -> str:
        return f"RosterRow(number={self.number}, line={self.line})"


@dataclass(frozen=True, slots=True)
class Roster:
    """`layout` is how its clerk had it read; None where its titles said so themselves."""

    rows: tuple[RosterRow, ...]
    total_fen: int
    sha256: str
    layout: Layout | None = None


def read_roster(name: str, data: bytes, layout: Layout | None = None) -> Roster:
    """Read an XLSX or CSV roster, with titles above its header and a 合计 row at its end.

    Amounts are in yuan, unless it says 单位：万元 or such above its header, or （万元） in a title.

    Args:
        name: What messages call the file.
        data: The file.
        layout: Where its header stands and what each column is taken for; else its titles say so.

    Raises:
        FileRefused: It cannot be read, a column is missing or there twice, units contradict one
            another, or the 合计 row is missing or disagrees with the rows as listed.
    """
    lines = read_lines(name, data)
    if layout is None:
        at, columns = _header(name, lines)
    else:
        at, columns = header_at(name, lines, layout, FIELDS), layout.columns
    for line, cells in lines[at + 1 :]:
        if cells.count(None) < len(cells):
            require_no_excess(name, line, cells, len(lines[at][1]))
    unit = unit_of(name, lines, at, columns.get("amount"), FIELD_NAMES["amount"])
    listed, total, total_line = _listed(name, lines[at + 1 :], columns, unit)
    numbers = [whole_number(_get(cells, columns, "number")) for _, cells in listed]
    # 序号 counts when it can: all of them whole, above zero and different. Else the place does.
    numbered = all(numbers) and len(set(numbers)) == len(numbers)
    reader = _RowReader(columns, unit)
    rows = tuple(
        reader.row(number if numbered and number else place, line, cells)
        for place, (number, (line, cells)) in enumerate(zip(numbers, listed, strict=True), 1)
    )
    summed = sum(row.amount_fen or 0 for row in rows)
    if total != summed:
        detail = f"{yuan(total)} 元 stated, {yuan(summed)} 元 listed"
        differs = Fault(name, total_line, "合计", "roster.total_mismatch", detail)
        # An amount that nobody can read is a likely cause.
        unread = [row.line for row in rows if row.amount_fen is None and "金额" in row.given]
        raise FileRefused(differs, *(Fault(name, at, "金额", "amount.invalid") for at in unread))
    return Roster(rows, summed, sha256(data).hexdigest(), layout)


def _header(name: str, lines: list[tuple[int, list[object]]]) -> tuple[int, dict[str, int]]:
    """Find the header under any titles, and say which column is where.

    Two columns of amounts are refused, whatever their titles: the sum tells only that one adds up.
    """
    best: dict[str, int] = {}
    for at, (line, cells) in enumerate(lines[:HEADER_ROWS_MAX]):
        columns = recognised(cells, COLUMNS)
        if set(REQUIRED) <= columns.keys():
            require_single(name, line, cells, columns, FIELDS, alone=("amount",))
            return at, columns
        best = max(best, columns, key=len)
    missing = next((FIELD_NAMES[key] for key in REQUIRED if key not in best), None)
    raise refuse(name, "file.column_missing", column=missing)


def _listed(
    name: str, lines: list[tuple[int, list[object]]], columns: dict[str, int], unit: int
) -> tuple[list[tuple[int, list[object]]], int, int]:
    """Split the rows from the 合计 row; what follows it may be notes, but no further people."""
    listed: list[tuple[int, list[object]]] = []
    total: tuple[int, int] | None = None
    for line, cells in lines:
        if cells.count(None) == len(cells) or _is_total_in_words(cells):
            continue
        if total is not None:
            if _may_pay(cells, columns):
                raise refuse(name, "roster.row_after_total", row=line)
        elif _is_total(cells, columns):
            stated = fen(_get(cells, columns, "amount"), unit)
            if stated is None:
                raise refuse(name, "roster.total_mismatch", row=line, column="合计")
            total = stated, line
        else:
            listed.append((line, cells))
    if total is None:
        raise refuse(name, "roster.total_missing", column="合计")
    return listed, *total


def _is_total(cells: list[object], columns: dict[str, int]) -> bool:
    return _first(cells).startswith(TOTAL_WORDS) and not _has_id(cells, columns)


def _is_total_in_words(cells: list[object]) -> bool:
    """Tell 合计(大写) rows, which repeat the total in characters."""
    return _first(cells).startswith(TOTAL_WORDS) and "大写" in _first(cells)


def _may_pay(cells: list[object], columns: dict[str, int]) -> bool:
    """Tell a person below the total from those who signed it off (制表人, 审核人)."""
    return _has_id(cells, columns) or fen(_get(cells, columns, "amount")) is not None


def _has_id(cells: list[object], columns: dict[str, int]) -> bool:
    """Tell an ID number, or its remains, from a note such as 共10人 in the same column."""
    cell = _get(cells, columns, "id_number")
    return cell is not None and len(_DIGIT.findall(str(cell))) >= _ID_DIGITS_MIN


def _first(cells: list[object]) -> str:
    first = next((cell for cell in cells if cell is not None), None)
    return heading(first) if isinstance(first, str) else ""


class _Shared(dict[Hashable, Any]):
    """What many rows of a list say in the same words, kept once."""

    def __missing__(self, said: Hashable) -> Any:
        self[said] = said
        return said


class _Categories(dict[str, str]):
    """Categories made plain, each spelling once."""

    def __missing__(self, text: str) -> str:
        self[text] = category(text)
        return self[text]


class _RowReader:
    def __init__(self, columns: Mapping[str, int], unit: int) -> None:
        self._columns, self._unit = columns, unit
        self._width = max(columns.values()) + 1
        self._shared = _Shared()
        self._categories = _Categories()

    def row(self, number: int, line: int, cells: list[object]) -> RosterRow:
        short = self._width - len(cells)
        if short > 0:
            cells = [*cells, *[None] * short]
        of = {key: cells[at] for key, at in self._columns.items()}.get
        texts = {key: _text(of(key)) for key in _TEXTS}
        id_number, id_is_text = long_number(of("id_number"))
        card_number, card_is_text = long_number(of("card_number"))
        shared = self._shared
        return RosterRow(
            number=number,
            line=line,
            name=person_name(texts["name"]),
            id_number=id_number,
            id_is_text=id_is_text,
            phone=number_text(texts["phone"]),
            category=self._categories[texts["category"]],
            reason=shared[texts["reason"]],
            bank_name=shared[texts["bank_name"]],
            card_number=card_number,
            card_is_text=card_is_text,
            amount_fen=fen(of("amount"), self._unit),
            given=shared[frozenset([word for key, word in FIELD_NAMES.items() if texts[key]])],
        )


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _get(cells: list[object], columns: dict[str, int], key: str) -> object:
    at = columns.get(key)
    return cells[at] if at is not None and at < len(cells) else None


def long_number(cell: object) -> tuple[str, bool]:
    """Return an ID or card number and whether it is text still.

    A spreadsheet keeps fifteen digits of a number: the rest is gone, whatever it shows.
    """
    if cell is None:
        return "", True
    if isinstance(cell, str) and _PLAIN_NUMBER.fullmatch(cell):
        return cell, True
    plain = unicodedata.normalize("NFKC", str(cell)).strip()
    if not isinstance(cell, str) or _LOST_DIGITS.fullmatch(plain):
        return "", False
    return number_text(plain.removeprefix("'")), True
