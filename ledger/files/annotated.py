"""A clerk's own list written anew, with its faults marked where they stand, to be sent back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from io import BytesIO
from tempfile import TemporaryDirectory

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ledger.files.columns import Lines, letters

FAULTY = "#FFC7CE"
WIDTH = 18
TEXT = "@"
DAY, MOMENT, HOUR = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss"
NUMBER = "General"


@dataclass(frozen=True, slots=True)
class Mark:
    """A fault by its cell: the row as a person counts it, and the column from 0.

    Without a column it is the row's; without a row it is the whole file's. `field` is the word for
    what was looked for there, `said` the sentence that a clerk reads.
    """

    line: int | None
    column: int | None
    field: str
    code: str
    said: str

    @property
    def cell(self) -> str:
        """Return what a spreadsheet calls the place, or the row's number."""
        row = "" if self.line is None else str(self.line)
        return row if self.column is None else f"{letters(self.column)}{row}"


@dataclass(frozen=True, slots=True)
class Words:
    """What the workbook says by itself: names of its sheets, titles of the list of faults."""

    rows: str
    faults: str
    titles: tuple[str, str, str, str]
    author: str


def write_annotated(lines: Lines, marks: Sequence[Mark], words: Words) -> bytes:
    """Write a list with its faults: each cell coloured and with a note, and a sheet of all.

    Text stays text, whatever it begins with: a spreadsheet takes none of it for a formula, a link
    or a number. Rows stand where they stood, so an address means the same in both files.

    Args:
        lines: The rows as they were read, with the numbers that a person sees.
        marks: What is wrong.
        words: What the workbook says by itself.
    """
    at: dict[int, dict[int, list[Mark]]] = {}
    for mark in marks:
        if mark.line is not None:
            at.setdefault(mark.line, {}).setdefault(mark.column or 0, []).append(mark)
    file = BytesIO()
    # Rows that are done wait in files of their own: in a folder that is gone whatever happens.
    with TemporaryDirectory() as folder:
        options = {"constant_memory": True, "tmpdir": folder}
        with xlsxwriter.Workbook(file, options) as book:
            pen = _Pen(book, words.author)
            sheet = pen.sheet(words.rows, max((len(cells) for _, cells in lines), default=1))
            for line, cells in lines:
                pen.row(sheet, line, cells, at.get(line, {}))
            pen.list_marks(words, marks)
    return file.getvalue()


class _Pen:
    """Writes cells as what they are, with one format for each kind, faulty or not."""

    def __init__(self, book: xlsxwriter.Workbook, author: str) -> None:
        self._book = book
        self._author = author
        kinds = (TEXT, NUMBER, DAY, MOMENT, HOUR)
        self._plain: Mapping[str, Format] = {
            kind: book.add_format({"num_format": kind}) for kind in kinds
        }
        self._faulty: Mapping[str, Format] = {
            kind: book.add_format({"num_format": kind, "bg_color": FAULTY, "border": 1})
            for kind in kinds
        }
        self._title = book.add_format({"num_format": TEXT, "bold": True})

    def sheet(self, name: str, width: int) -> Worksheet:
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, max(width - 1, 0), WIDTH)
        return sheet

    def row(
        self, sheet: Worksheet, line: int, cells: Sequence[object], marks: dict[int, list[Mark]]
    ) -> None:
        for column in range(max(len(cells), *(at + 1 for at in marks), 0)):
            cell = cells[column] if column < len(cells) else None
            formats = self._faulty if column in marks else self._plain
            self._cell(sheet, line - 1, column, cell, formats)
        for column, found in marks.items():
            note = "\n".join(f"{mark.said}\n{mark.code}" for mark in found)
            sheet.write_comment(line - 1, column, note, {"author": self._author, "x_scale": 2})

    def list_marks(self, words: Words, marks: Sequence[Mark]) -> None:
        sheet = self.sheet(words.faults, len(words.titles))
        for column, title in enumerate(words.titles):
            sheet.write_string(0, column, title, self._title)
        for row, mark in enumerate(marks, 1):
            for column, text in enumerate((mark.cell, mark.field, mark.said, mark.code)):
                sheet.write_string(row, column, text, self._plain[TEXT])

    def _cell(
        self,
        sheet: Worksheet,
        row: int,
        column: int,
        cell: object,
        formats: Mapping[str, Format],
    ) -> None:
        if cell is None:
            if formats is self._faulty:
                sheet.write_blank(row, column, None, formats[TEXT])
        elif isinstance(cell, bool):
            sheet.write_boolean(row, column, cell, formats[NUMBER])
        elif isinstance(cell, int | float):
            sheet.write_number(row, column, cell, formats[NUMBER])
        elif isinstance(cell, datetime):
            sheet.write_datetime(row, column, cell, formats[MOMENT])
        elif isinstance(cell, date):
            sheet.write_datetime(row, column, cell, formats[DAY])
        elif isinstance(cell, time):
            sheet.write_datetime(row, column, cell, formats[HOUR])
        else:
            sheet.write_string(row, column, str(cell), formats[TEXT])
