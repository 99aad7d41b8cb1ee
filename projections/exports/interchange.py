"""Accounting data as XML in the manner of GB/T 24589: elements are called what people call them.

Source: GB/T 24589.2-2010 (行政事业单位), of which this writes a part; the elements are those that
vendors' manuals of the standard list.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from xml.sax.saxutils import escape

from projections.exports.delimited import Encoding
from projections.exports.table import Cell, Kind, text_of

ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Element:
    """What a cell becomes: the element's name, and what the cell is."""

    name: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Group:
    """One record after the other, each an element of this name with its cells within."""

    name: str
    elements: Sequence[Element]
    rows: Iterable[Sequence[Cell]]


def lines(root: str, groups: Sequence[Group], encoding: Encoding) -> Iterator[bytes]:
    """Write a document, some hundred records at a time."""
    name = {Encoding.UTF_8: "UTF-8", Encoding.GB18030: "GB18030"}[encoding]
    yield f'<?xml version="1.0" encoding="{name}"?>\n<{root}>\n'.encode(encoding.value)
    for group in groups:
        rows = iter(group.rows)
        while run := list(islice(rows, ROWS_AT_ONCE)):
            yield "".join(_record(group, row) for row in run).encode(encoding.value)
    yield f"</{root}>\n".encode(encoding.value)


def _record(group: Group, row: Sequence[Cell]) -> str:
    cells = "".join(
        f"<{each.name}>{_text(cell, each.kind)}</{each.name}>"
        for each, cell in zip(group.elements, row, strict=True)
    )
    return f"<{group.name}>{cells}</{group.name}>\n"


def _text(cell: Cell, kind: Kind) -> str:
    """Write a cell; signs that XML has no place for are left out."""
    text = text_of(cell, kind)
    return escape("".join(sign for sign in text if sign >= " " or sign in "\t\n"))
