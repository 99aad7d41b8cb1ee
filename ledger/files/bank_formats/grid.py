"""Return files with rows and columns: delimited, of fixed width, drawn as a table, workbooks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from ledger.files.bank_formats.answers import Answer, Record, total_of
from ledger.files.bank_formats.template import (
    DelimitedIn,
    Field,
    FixedIn,
    GridIn,
    InColumn,
    Measure,
    TableIn,
    Total,
    WorkbookIn,
)
from ledger.files.faults import refuse
from ledger.files.text import require_line_end
from ledger.files.workbook import read_rows

Row = tuple[int, list[object]]
_DRAWN = re.compile(r"[\s\u2500-\u257f|+-]*")
_UPRIGHT = re.compile(r"[\u2502\u2503|]")


def read(layout: GridIn, name: str, data: bytes) -> Answer:
    """Take a file apart by its layout.

    Raises:
        FileRefused: It is cut off, or not of this layout.
    """
    rows = iter(_rows(layout, name, data))
    head = list(islice(rows, len(layout.head)))
    titled = next(rows, None) if layout.titles != "none" else None
    if len(head) < len(layout.head) or (layout.titles != "none" and titled is None):
        raise refuse(name, "bank_file.truncated")
    totals: dict[Total, int] = {}
    totals_line = head[0][0] if head else None
    for row, meant in zip(head, layout.head, strict=True):
        totals |= _totals(layout, name, row, meant, needed=True)
    at: Mapping[int, InColumn] = dict(enumerate(layout.columns))
    width = len(at)
    if titled is not None:
        at, width = _columns(layout, name, *titled), len(titled[1])
    records: list[Record] = []
    for line, cells in rows:
        # A line that is nothing but what closes one has no cells at all.
        first = str(cells[0] or "") if cells else ""
        if layout.total_word and first.replace(" ", "") == layout.total_word:
            behind = next(rows, None)
            if behind is not None:
                raise refuse(name, "bank_file.line_invalid", row=behind[0])
            totals |= _totals(layout, name, (line, cells), layout.total_line, needed=False)
            totals_line = line
            break
        if len(cells) != width and not (layout.more and len(cells) > width):
            raise refuse(name, "bank_file.line_invalid", row=line)
        records.append(_record(layout, name, line, cells, at))
    else:
        if layout.total_needed:
            raise refuse(name, "bank_file.truncated")
    return Answer(records, totals, totals_line=totals_line)


def _columns(
    layout: GridIn, name: str, line: int, titles: Sequence[object]
) -> Mapping[int, InColumn]:
    """Say which column stands where."""
    there = [str(title or "").strip() for title in titles]
    if layout.titles == "exact":
        if there != [column.title for column in layout.columns]:
            raise refuse(name, "bank_file.line_invalid", row=line)
        return dict(enumerate(layout.columns))
    for column in layout.columns:
        if column.title not in there and not column.optional:
            raise refuse(name, "file.column_missing", row=line, column=column.title)
        if there.count(column.title) > 1:
            raise refuse(name, "file.column_twice", row=line, column=column.title)
    return {there.index(each.title): each for each in layout.columns if each.title in there}


def _record(
    layout: GridIn, name: str, line: int, cells: Sequence[object], at: Mapping[int, InColumn]
) -> Record:
    found: dict[Field, object] = {}
    for place, column in at.items():
        cell = cells[place]
        if column.field is None:
            continue
        numeric = isinstance(layout, WorkbookIn) and isinstance(cell, (int, float))
        if numeric and column.field is Field.ACCOUNT:
            # A spreadsheet keeps fifteen digits of a number, and no zero at its front.
            raise refuse(name, "card.not_text", row=line, column=column.title)
        text = "" if cell is None else cell
        if column.field is Field.STATUS:
            found[Field.STATUS] = f"{found[Field.STATUS]}/{text}" if Field.STATUS in found else text
        elif text != "" or not column.optional:
            found[column.field] = text
    return Record(line, found)


def _totals(
    layout: GridIn, name: str, row: Row, meant: Sequence[Total], *, needed: bool
) -> dict[Total, int]:
    line, cells = row
    if len(cells) < len(meant):
        raise refuse(name, "bank_file.line_invalid", row=line)
    return {
        word: total_of(name, word, cell, layout.amount, line)
        for word, cell in zip(meant, cells, strict=False)
        if word is not Total.ANYTHING and (needed or cell not in (None, "") or "count" not in word)
    }


def _rows(layout: GridIn, name: str, data: bytes) -> Iterable[Row]:
    """Return the rows; of text, each is taken apart when it is asked for, since files are long."""
    if isinstance(layout, WorkbookIn):
        rows = [(line, [*cells]) for line, cells in read_rows(name, data)]
        return [row for row in rows if any(cell is not None for cell in row[1])]
    require_line_end(name, data, "bank_file.truncated")
    try:
        text = data.decode(layout.charset)
    except UnicodeDecodeError:
        raise refuse(name, "file.not_text") from None
    # A mark of UTF-8 or of GB18030 says how the file is written, and is no part of it.
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")[:-1]]
    if isinstance(layout, TableIn):
        return _table(layout, name, lines)
    if isinstance(layout, DelimitedIn | FixedIn):
        return ((at, _cells(layout, name, at, line)) for at, line in enumerate(lines, 1))
    raise TypeError(layout)


def _cells(layout: DelimitedIn | FixedIn, name: str, at: int, line: str) -> list[object]:
    if isinstance(layout, FixedIn):
        return _cut(layout, name, at, line)
    cells: list[object] = [cell.strip() for cell in line.split(layout.separator)]
    if layout.closed and cells.pop() != "":
        raise refuse(name, "bank_file.line_invalid", row=at)
    return cells


def _cut(layout: FixedIn, name: str, at: int, line: str) -> list[object]:
    """Cut a line by the widths of its columns, counted in characters or in bytes."""
    if at <= len(layout.head):
        return [*line.split()]
    try:
        whole = line.encode(layout.charset) if layout.measure is Measure.BYTES else line
        cells: list[object] = []
        for column in layout.columns:
            cell, whole = whole[: column.width], whole[column.width :]
            cells.append((cell.decode(layout.charset) if isinstance(cell, bytes) else cell).strip())
    except UnicodeDecodeError:
        raise refuse(name, "bank_file.line_invalid", row=at) from None
    widths = sum(column.width for column in layout.columns)
    length = len(line.encode(layout.charset)) if layout.measure is Measure.BYTES else len(line)
    if length != widths:
        raise refuse(name, "bank_file.line_invalid", row=at)
    return cells


def _table(layout: TableIn, name: str, lines: Sequence[str]) -> list[Row]:
    """Return the rows of a drawn table; what stands above and below it belongs to no payment.

    A table of several pages repeats its titles on each.
    """
    rows: list[Row] = []
    titles = [column.title for column in layout.columns]
    for at, line in enumerate(lines, 1):
        if _DRAWN.fullmatch(line):
            continue
        cells = [cell.strip() for cell in _UPRIGHT.split(line)]
        if len(cells) == 1:
            if rows and not _is_total(layout, rows[-1]):
                raise refuse(name, "bank_file.line_invalid", row=at)
            continue
        if cells[0] or cells[-1]:
            raise refuse(name, "bank_file.line_invalid", row=at)
        if not (rows and cells[1:-1] == titles):
            rows.append((at, [*cells[1:-1]]))
    return rows


def _is_total(layout: GridIn, row: Row) -> bool:
    return str(row[1][0] or "").replace(" ", "") == layout.total_word
