"""A table as delimited text (CSV), line by line, for spreadsheets and programs."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from io import StringIO
from itertools import islice

from projections.exports.table import Kind, Row, Table, text_of

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
ROWS_AT_ONCE = 500


class Encoding(Enum):
    """How characters become bytes. UTF-8 begins with a byte order mark: spreadsheets want it.

    GB18030 has all characters that Unicode has, and is what older office programs here expect.
    """

    UTF_8 = "utf-8"
    GB18030 = "gb18030"


def lines(
    table: Table, encoding: Encoding = Encoding.UTF_8, *, bare: bool = False
) -> Iterator[bytes]:
    """Write a table, some hundred rows at a time; `bare` leaves out all but titles and rows."""
    titles = [safe(column.title) for column in table.columns]
    head = [titles] if bare else [*_head(table), titles]
    mark = "\ufeff" if encoding is Encoding.UTF_8 else ""
    yield (mark + _written(head)).encode(encoding.value)
    kinds = [column.kind for column in table.columns]
    rows = iter(table.rows)
    while run := list(islice(rows, ROWS_AT_ONCE)):
        yield _written(_row(row, kinds) for row in run).encode(encoding.value)


def several(of: Iterable[Table], encoding: Encoding = Encoding.UTF_8) -> Iterator[bytes]:
    """Write tables into one file, one below the other."""
    for number, table in enumerate(of):
        if not number:
            yield from lines(table, encoding)
            continue
        mark = "\ufeff".encode(encoding.value) if encoding is Encoding.UTF_8 else b""
        first, *rest = lines(table, encoding)
        # Only the file begins with a mark, not each of its tables.
        yield b"\r\n" + first.removeprefix(mark)
        yield from rest


def safe(text: str) -> str:
    """Keep what a spreadsheet would take for a formula from being one.

    Source: OWASP, CSV Injection.
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _head(table: Table) -> list[list[str]]:
    totals = [
        [safe(each.name), text_of(each.count, Kind.COUNT), text_of(each.amount_fen, Kind.MONEY)]
        for each in table.totals
    ]
    facts = [[safe(name), safe(value)] for name, value in table.facts]
    return [[safe(table.title)], *facts, *totals, []]


def _row(row: Row, kinds: Sequence[Kind]) -> list[str]:
    """Write a row; an amount below zero is a number, whatever it starts with."""
    return [
        safe(text_of(cell, kind)) if kind is Kind.TEXT else text_of(cell, kind)
        for cell, kind in zip(row, kinds, strict=True)
    ]


def _written(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
