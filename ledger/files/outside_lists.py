"""Lists of other authorities: the dead, public servants, owners of cars, …, row by row.

They may be long, so they are never held whole: each row is read, told about and let go.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256

from ledger.domain.outside_list import ListKind
from ledger.files.amounts import day
from ledger.files.columns import HEADER_ROWS_MAX, Fields, Layout, recognised, require_readable
from ledger.files.faults import Fault, refuse
from ledger.files.identity import id_fault, phone_plausible
from ledger.files.roster import COLUMNS as ROSTER_COLUMNS
from ledger.files.roster import long_number
from ledger.files.text import csv_rows, require_no_excess
from ledger.files.workbook import each_row

FAULTS_TOLD_MAX = 1_000
"""So many faults of a file are told one by one; the others are counted."""

ID, CARD, PHONE, DAY, STAFF, HOUSEHOLD = (
    "身份证号码",
    "银行卡号",
    "联系电话",
    "死亡日期",
    "工号",
    "户号",
)

TITLES: Mapping[str, tuple[str, ...]] = {
    ID: (
        *ROSTER_COLUMNS["id_number"],
        "公民身份号码",
        "证件号码",
        "亲属身份证号码",
        "亲属身份证号",
    ),
    CARD: (*ROSTER_COLUMNS["card_number"], "账号", "账户", "卡号"),
    PHONE: (*ROSTER_COLUMNS["phone"], "手机"),
    DAY: ("死亡日期", "死亡时间", "去世日期", "注销日期"),
    STAFF: ("工号", "职工编号", "人员编号"),
    HOUSEHOLD: ("户号", "户籍号", "户口簿编号", "户编号"),
}
"""Titles under which a column is known; a field is called by the first of them."""

_CLOSE = re.compile(r"[0-9]{8}")

_COLUMNS: Mapping[ListKind, tuple[str, ...]] = {
    ListKind.DECEASED: (ID, DAY),
    ListKind.RELATIVES: (STAFF, ID),
    ListKind.STAFF_ACCOUNTS: (STAFF, CARD),
    ListKind.STAFF_PHONES: (STAFF, PHONE),
    ListKind.HOUSEHOLDS: (HOUSEHOLD, ID),
}

NUMBERS = (ID, CARD, PHONE)
"""What a list is looked up by: every list has one of these columns."""

_NUMBERS: Mapping[ListKind, str] = {
    ListKind.STAFF_ACCOUNTS: CARD,
    ListKind.STAFF_PHONES: PHONE,
}


@dataclass(frozen=True, slots=True, repr=False)
class OutsideRow:
    """A row that can be used: an ID, card or phone number, and what the list says beside it."""

    line: int
    number: str
    died_on: date | None = None
    beside: str = ""


@dataclass(slots=True)
class Told:
    """What was found at fault while a list was read: the first ones, and how many in all."""

    faults: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, fault: Fault) -> None:
        self.count += 1
        if len(self.faults) < FAULTS_TOLD_MAX:
            self.faults.append(fault)


@dataclass(frozen=True, slots=True)
class OutsideFile:
    """A list as it was handed in. `layout` says how to read it where its titles do not."""

    name: str
    data: bytes = field(repr=False)
    kind: ListKind
    layout: Layout | None = None

    @property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


def fields_of(kind: ListKind) -> Fields:
    """Return which columns a list of a kind must have, and the titles that they are known by."""
    columns = _COLUMNS.get(kind, (ID,))
    return Fields(
        {each: TITLES[each] for each in columns}, {each: each for each in columns}, columns
    )


def rows_of(file: OutsideFile, told: Told) -> Iterator[OutsideRow]:
    """Yield the rows of a list that can be used; the others are told, and left out.

    Raises:
        FileRefused: The file cannot be read, or has no row that names the columns it must have.
    """
    fields = fields_of(file.kind)
    header: dict[str, int] | None = None
    if file.layout is not None:
        require_readable(file.name, file.layout, fields)
    looked_at = 0
    width = 0
    for line, cells in _lines(file):
        if header is None:
            looked_at += 1
            header = _header(file, line, cells, fields)
            width = len(cells)
            if header is None and file.layout is None and looked_at >= HEADER_ROWS_MAX:
                break
            continue
        if any(cell is not None for cell in cells):
            require_no_excess(file.name, line, cells, width)
            row = _row(
                file, line, {key: cells[at] for key, at in header.items() if at < len(cells)}
            )
            if isinstance(row, OutsideRow):
                yield row
            else:
                told.add(row)
    if header is None:
        if file.layout is not None:
            raise refuse(file.name, "file.header_missing", row=file.layout.line)
        raise refuse(file.name, "file.column_missing", column="、".join(fields.required))


def _lines(file: OutsideFile) -> Iterator[tuple[int, list[object]]]:
    if file.data.startswith(b"PK"):
        yield from each_row(file.name, file.data)
    else:
        for line, cells in csv_rows(file.name, file.data):
            yield line, [cell or None for cell in cells]


def _header(
    file: OutsideFile, line: int, cells: Sequence[object], fields: Fields
) -> dict[str, int] | None:
    if file.layout is not None:
        return file.layout.columns if line == file.layout.line else None
    found = recognised(cells, fields.titles)
    return found if set(fields.required) <= found.keys() else None


def _row(file: OutsideFile, line: int, cells: dict[str, object]) -> OutsideRow | Fault:
    wanted = _NUMBERS.get(file.kind, ID)
    for column in fields_of(file.kind).required:
        if cells.get(column) is None:
            return Fault(file.name, line, column, "field.missing")
    number, is_text = long_number(cells[wanted])
    if wanted == PHONE and not phone_plausible(number):
        return Fault(file.name, line, wanted, "phone.invalid")
    # A workbook keeps as many digits of a number as a telephone has.
    if not is_text and wanted != PHONE:
        return Fault(file.name, line, wanted, "id.not_text" if wanted == ID else "card.not_text")
    if wanted == ID and id_fault(number) is not None:
        return Fault(file.name, line, wanted, "id.invalid")
    died_on = None
    if file.kind is ListKind.DECEASED:
        died_on = _day(cells[DAY])
        if died_on is None:
            return Fault(file.name, line, DAY, "date.invalid")
    beside = next((cells[each] for each in (STAFF, HOUSEHOLD) if each in cells), "")
    return OutsideRow(line, number, died_on, unicodedata.normalize("NFKC", str(beside)).strip())


def _day(cell: object) -> date | None:
    """Read a day as registers have it, too: 20161201."""
    plain = str(cell).strip()
    return day(f"{plain[:4]}-{plain[4:6]}-{plain[6:]}" if _CLOSE.fullmatch(plain) else cell)
