"""Columns of lists as clerks title them: which row is the header, what each is taken for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.files.faults import Fault, FileRefused, refuse
from ledger.files.text import csv_rows, heading
from ledger.files.workbook import read_rows

HEADER_ROWS_MAX = 20
COLUMNS_MAX = 100
LEFT_OUT = "-"
"""Taken for nothing."""
_LETTERS = 26

Lines = Sequence[tuple[int, list[object]]]
"""Rows of a file with the numbers that a person sees."""


class Fields(NamedTuple):
    """What a kind of list may hold: the titles under which a field is known, and what it must."""

    titles: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is to be read, where its titles do not say so themselves.

    `line` is the header's row as a person counts it. `fields` says of each column, from the left,
    what it is taken for; None: it is left out.
    """

    line: int
    fields: tuple[str | None, ...]

    @property
    def columns(self) -> dict[str, int]:
        return {field: at for at, field in enumerate(self.fields) if field is not None}


def read_lines(name: str, data: bytes) -> list[tuple[int, list[object]]]:
    """Return the rows of a workbook's first sheet, or of a CSV file; empty cells are None.

    Raises:
        FileRefused: It is neither, or cannot be read whole.
    """
    if data.startswith(b"PK"):
        return read_rows(name, data)
    return [(line, [cell or None for cell in cells]) for line, cells in csv_rows(name, data)]


def titles_of(cells: Sequence[object]) -> list[str]:
    """Return a header's titles reduced to what matters, without the empty ones at its end."""
    titles = [heading(cell) if isinstance(cell, str) else "" for cell in cells[:COLUMNS_MAX]]
    while titles and not titles[-1]:
        titles.pop()
    return titles


def recognised(cells: Sequence[object], titles: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Say which column is where, by the titles under which fields are known."""
    there = [heading(cell) if isinstance(cell, str) else "" for cell in cells]
    columns = {}
    for field, words in titles.items():
        for word in words:
            if heading(word) in there:
                columns[field] = there.index(heading(word))
                break
    return columns


def require_single(
    name: str,
    line: int,
    cells: Sequence[object],
    columns: Mapping[str, int],
    fields: Fields,
    alone: Collection[str] = (),
) -> None:
    """Check that the titles leave no doubt which column is meant: none of them stands twice.

    Args:
        name: What messages call the file.
        line: The header's row, as a person counts it.
        cells: The header.
        columns: What was recognised in it.
        fields: The titles, and how messages call a field.
        alone: Fields of which there may not be two columns under any of their titles either.

    Raises:
        FileRefused: `file.column_twice`, with each field and the columns in doubt.
    """
    there = titles_of(cells)
    faults = []
    for field, at in columns.items():
        meant = fields.titles[field] if field in alone else (there[at],)
        words = {heading(word) for word in meant}
        places = [letters(place) for place, title in enumerate(there) if title in words]
        if len(places) > 1:
            where = ", ".join(places)
            faults.append(Fault(name, line, fields.words[field], "file.column_twice", where))
    if faults:
        raise FileRefused(*faults)


def guess(lines: Lines, fields: Fields) -> Layout:
    """Take the row that names most fields for the header, or the first with several texts."""
    head = lines[:HEADER_ROWS_MAX]
    found = [recognised(cells, fields.titles) for _, cells in head]
    best = max(range(len(head)), key=lambda at: len(found[at]), default=None)
    if best is None:
        return Layout(1, ())
    if not found[best]:
        best = next((at for at, (_, cells) in enumerate(head) if sum(map(bool, cells)) > 1), 0)
    return laid_out(*head[best], found[best])


def laid_out(line: int, cells: Sequence[object], columns: Mapping[str, int]) -> Layout:
    """Return the layout of a header whose columns are known by place."""
    field_at = {at: field for field, at in columns.items()}
    return Layout(line, tuple(field_at.get(at) for at in range(len(titles_of(cells)))))


def chosen(line: int, fields: Sequence[str]) -> Layout:
    """Return the layout that somebody chose: what each column is taken for, or `LEFT_OUT`."""
    return Layout(line, tuple(None if each == LEFT_OUT else each for each in fields))


def require_readable(name: str, layout: Layout, fields: Fields) -> None:
    """Check that every field that is needed has a column, and no field has two.

    Raises:
        FileRefused: `file.column_missing`, `file.column_twice`; each field at fault is named.
    """
    faults = [
        Fault(name, layout.line, fields.words[field], "file.column_missing")
        for field in fields.required
        if field not in layout.fields
    ]
    for field in dict.fromkeys(field for field in layout.fields if field is not None):
        places = [letters(at) for at, each in enumerate(layout.fields) if each == field]
        if field not in fields.words:
            faults.append(Fault(name, layout.line, places[0], "value.unknown"))
        elif len(places) > 1:
            word, where = fields.words[field], ", ".join(places)
            faults.append(Fault(name, layout.line, word, "file.column_twice", where))
    if faults:
        raise FileRefused(*faults)


def header_at(name: str, lines: Lines, layout: Layout, fields: Fields) -> int:
    """Return where in the rows the header of a layout stands.

    Raises:
        FileRefused: It is not in the file, or the layout cannot be read by.
    """
    require_readable(name, layout, fields)
    for at, (line, _) in enumerate(lines):
        if line == layout.line:
            return at
    raise refuse(name, "file.header_missing", row=layout.line)


def letters(column: int) -> str:
    """Return what a spreadsheet calls a column, from 0: A, B, … Z, AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, _LETTERS)
        text = chr(ord("A") + rest) + text
    return text
