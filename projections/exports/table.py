"""A table that is to leave the house: what it is called, of what it is, and its rows.

Whoever exports something builds one `Table` and hands it to a writer; what it says is then the same
in every form:

    table = Table(title="台账", columns=(Column("金额(元)", Kind.MONEY), …), rows=…, dated=…)

    workbook.write([table, …], path)        # XLSX, a sheet a table, in constant memory
    delimited.lines(table, Encoding.UTF_8)  # CSV, line by line
    paper.to_pdf(table)                     # PDF/A: page numbers, QR code, lines to sign on

Rows are read once, in order, and never held, so they may come straight from a query. A cell is a
plain value, and its column says what it is; `None` is an empty cell. No writer says a word of its
own: titles, facts and the line of page numbers come with the table, in the reader's language.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from ledger.domain.values import Money, yuan_text

Cell = str | int | None
Row = Sequence[Cell]

FEN_PER_YUAN = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(Enum):
    """What the cells of a column are."""

    TEXT = "text"  # names, words, and every code and number that nobody adds up
    MONEY = "money"  # fen
    COUNT = "count"  # a whole number
    DAY = "day"  # ISO 8601, `2017-02-01`


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is about how many Latin letters wide it is; a Chinese character counts as two."""

    title: str
    kind: Kind = Kind.TEXT
    width: int = 12


@dataclass(frozen=True, slots=True)
class Total:
    """What the rows of one sort come to. Comes from the query of the rows, not from adding up."""

    name: str
    count: int | None = None
    amount_fen: Money | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """What is written.

    `facts` say of what the table is: the filter in words, the moment, position and checkpoint.
    `address` is the page of the same question, and becomes a QR code on paper. At the foot of each
    sheet of paper stand `foot`, by which a loose sheet is told, and `pages`, with {page} and
    {pages} in it. `signatures` are lines to be signed on. `dated` is the date that the file bears.
    """

    title: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    facts: Sequence[tuple[str, str]] = ()
    totals: Sequence[Total] = ()
    address: str | None = None
    foot: str = ""
    pages: str = "{page} / {pages}"
    signatures: Sequence[str] = ()
    dated: datetime = EPOCH


def text_of(cell: Cell, kind: Kind) -> str:
    """Write a cell as text; amounts in yuan with two decimals, without grouping."""
    if cell is None:
        return ""
    return yuan_text(Money(int(cell))) if kind is Kind.MONEY else str(cell)
