"""Tables as a workbook (XLSX), a sheet each, written in constant memory however long they are."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from projections.exports.table import FEN_PER_YUAN, Cell, Kind, Row, Table

SHEET_ROWS_MAX = 1_048_576
"""What a sheet of the format holds; a longer table goes on, under its titles, on a further one."""

NAME_MAX = 31
NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")
AMOUNT, DAY, TEXT = "#,##0.00", "yyyy-mm-dd", "@"
A4, LANDSCAPE_FROM = 9, 7
FIRST_DAY = date(1899, 12, 30)
TEXT_MAX = 32_767
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f]")
"""Signs that XML has no place for; the format has one of its own for them."""


def write(tables: Sequence[Table], path: Path, *, sheet_rows_max: int = SHEET_ROWS_MAX) -> None:
    """Write tables to a file; what is kept until it is whole lies beside it.

    Text is written as text whatever it begins with, so codes keep their noughts, and no name
    becomes a formula or a link. Amounts are numbers of yuan, days are days.

    Raises:
        OSError: The file cannot be written.
    """
    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            formats = _Formats(book)
            for table in tables:
                _Sheets(book, formats, table, sheet_rows_max).write()
    except FileCreateError as refused:
        # The library wraps what the system said, which others look for.
        raise OSError(*refused.args[0].args, str(path)) from None


class _Formats:
    """How cells look, by what they are."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self.head_right = book.add_format({"bold": True, "bottom": 1, "align": "right"})
        self.of: Mapping[Kind, Format] = {
            Kind.TEXT: book.add_format({"num_format": TEXT}),
            Kind.MONEY: book.add_format({"num_format": AMOUNT}),
            Kind.COUNT: book.add_format({"num_format": "0"}),
            Kind.DAY: book.add_format({"num_format": DAY, "align": "left"}),
        }


class _Way:
    """How the cells of a column are written, as the format has them."""

    def __init__(self, kind: Kind, look: Format) -> None:
        # What a sheet calls a format by, which it says to nobody but itself.
        self._style = look._get_xf_index()  # noqa: SLF001
        self._text = kind is Kind.TEXT
        self._number: Callable[[Cell], object] = NUMBERS.get(kind, str)

    def cell(self, place: str, cell: Cell) -> str:
        if not self._text:
            return f'<c r="{place}" s="{self._style}"><v>{self._number(cell)}</v></c>'
        text = escape(str(cell)[:TEXT_MAX])
        if CONTROLS.search(text):
            text = CONTROLS.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
        return (
            f'<c r="{place}" s="{self._style}" t="inlineStr">'
            f'<is><t xml:space="preserve">{text}</t></is></c>'
        )


class _Sheet(Worksheet):  # type: ignore[misc]  # its library says no types
    """A sheet whose rows are written whole: cell by cell, a long table takes four times as long."""

    def write_cells(self, at: int, row: Row, ways: Sequence[_Way]) -> None:
        self._write_single_row(at)
        number = at + 1
        cells = "".join(
            way.cell(f"{letters(column)}{number}", cell)
            for column, (cell, way) in enumerate(zip(row, ways, strict=True))
            if cell is not None
        )
        self.fh.write(f'<row r="{number}">{cells}</row>')
        self.dim_rowmax = at


class _Sheets:
    """The sheets that one table takes."""

    def __init__(
        self, book: xlsxwriter.Workbook, formats: _Formats, table: Table, rows_max: int
    ) -> None:
        self._book, self._formats, self._table, self._rows_max = book, formats, table, rows_max
        self._part = 0

    def write(self) -> None:
        sheet, at = self._begun()
        first = at
        ways = [_Way(each.kind, self._formats.of[each.kind]) for each in self._table.columns]
        for row in self._table.rows:
            if at == self._rows_max:
                self._end(sheet, first, at)
                sheet, at = self._begun()
                first = at
            sheet.write_cells(at, row, ways)
            at += 1
        self._end(sheet, first, at)

    def _begun(self) -> tuple["_Sheet", int]:
        """Begin a sheet; return it, and where its first row of the table goes."""
        self._part += 1
        sheet: _Sheet = self._book.add_worksheet(self._name(), worksheet_class=_Sheet)
        columns = self._table.columns
        for number, column in enumerate(columns):
            sheet.set_column(number, number, column.width)
        at = self._head(sheet) if self._part == 1 else 0
        for number, column in enumerate(columns):
            right = column.kind in (Kind.MONEY, Kind.COUNT)
            look = self._formats.head_right if right else self._formats.head
            sheet.write_string(at, number, column.title, look)
        sheet.freeze_panes(at + 1, 0)
        sheet.repeat_rows(at)
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        if len(columns) >= LANDSCAPE_FROM:
            sheet.set_landscape()
        return sheet, at + 1

    def _head(self, sheet: Worksheet) -> int:
        """Write what the table is of and what it comes to, above its titles."""
        table, of = self._table, self._formats.of
        sheet.write_string(0, 0, table.title, self._formats.title)
        at = 1
        for name, value in table.facts:
            sheet.write_string(at, 0, name)
            sheet.write_string(at, 1, value)
            at += 1
        for total in table.totals:
            sheet.write_string(at, 0, total.name)
            if total.count is not None:
                sheet.write_number(at, 1, total.count, of[Kind.COUNT])
            if total.amount_fen is not None:
                sheet.write_number(at, 2, total.amount_fen / FEN_PER_YUAN, of[Kind.MONEY])
            at += 1
        return at + 1

    def _end(self, sheet: Worksheet, first: int, end: int) -> None:
        if end > first:
            sheet.autofilter(first - 1, 0, end - 1, len(self._table.columns) - 1)

    def _name(self) -> str:
        """Return the sheet's name: no longer, and with no sign, than the format allows."""
        name = NOT_IN_NAMES.sub(" ", self._table.title)
        part = f" ({self._part})" if self._part > 1 else ""
        taken = {each.get_name().lower() for each in self._book.worksheets()}
        name = name[: NAME_MAX - len(part)] + part
        while name.lower() in taken:
            name = name[: NAME_MAX - 1] + "+" if len(name) == NAME_MAX else name + "+"
        return name


@cache
def letters(column: int) -> str:
    return str(xl_col_to_name(column))


@cache
def _serial(day: Cell) -> int:
    """Return the number by which spreadsheets know a day."""
    return (date.fromisoformat(str(day)) - FIRST_DAY).days


NUMBERS: Mapping[Kind, Callable[[Cell], object]] = {
    # The nearest double is shown with its two decimals as they are, for all amounts that there are.
    Kind.MONEY: lambda fen: int(fen or 0) / FEN_PER_YUAN,
    Kind.COUNT: lambda count: int(count or 0),
    Kind.DAY: _serial,
}
