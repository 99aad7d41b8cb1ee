"""A table as paper (PDF/A): its filter, totals and page numbers, and a code that leads back."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import islice
from pathlib import Path

import segno

from ledger.errors import Kind as Refusal
from ledger.errors import LedgerError
from ledger.typesetting import to_pdf as set_in_type
from projections.exports.table import Kind, Table, text_of

TEMPLATE = Path(__file__).parent / "templates" / "paper.typ"
ROWS_MAX = 2_000
"""More is not read on paper, and takes longer to set than anybody waits."""

WIDE_FROM = 7
RIGHT = (Kind.MONEY, Kind.COUNT)


class TooLarge(LedgerError):
    """Paper is for what people can read; longer tables leave as a workbook or as CSV."""

    code = "export.too_large"
    kind = Refusal.INVALID

    def __init__(self, rows_max: int) -> None:
        super().__init__(f"a PDF holds at most {rows_max} rows; take XLSX or CSV, or ask for less")


def to_pdf(table: Table, *, lang: str = "zh", rows_max: int = ROWS_MAX) -> bytes:
    """Set a table in type.

    Raises:
        TooLarge: It has more rows than paper is for.
    """
    rows = list(islice(table.rows, rows_max + 1))
    if len(rows) > rows_max:
        raise TooLarge(rows_max)
    said = {
        "title": table.title,
        "lang": lang,
        "wide": len(table.columns) >= WIDE_FROM,
        "facts": [list(fact) for fact in table.facts],
        "totals": [
            [each.name, text_of(each.count, Kind.COUNT), _grouped(each.amount_fen)]
            for each in table.totals
        ],
        "columns": [
            {"title": each.title, "width": each.width, "right": each.kind in RIGHT}
            for each in table.columns
        ],
        "rows": list(written_rows(replace(table, rows=rows))),
        "pages": table.pages,
        "foot": table.foot,
        "signatures": list(table.signatures),
        "code": None if table.address is None else _code(table.address),
    }
    return set_in_type(TEMPLATE, said, table.dated)


def written_rows(table: Table) -> Iterator[list[str]]:
    """Write cells as people read them."""
    kinds = [column.kind for column in table.columns]
    for row in table.rows:
        yield [
            _grouped(cell) if kind is Kind.MONEY else text_of(cell, kind)
            for cell, kind in zip(row, kinds, strict=True)
        ]


def _grouped(cell: str | int | None) -> str:
    """Write fen as people read them: `1,234.00`."""
    text = text_of(cell, Kind.MONEY)
    whole, _, rest = text.partition(".")
    return f"{int(whole):,}.{rest}" if rest and not whole.startswith("-0") else text


def _code(address: str) -> str:
    drawn = BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", border=1, xmldecl=False)
    return drawn.getvalue().decode()
