"""The printed signature sheet: who signs for what, with a code for each row and each page."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import segno

from ledger.files.sheet_codes import code_text
from ledger.typesetting import to_pdf

TEMPLATE = Path(__file__).parent / "templates" / "sheet.typ"

# Where things stand on the page, in millimetres from its upper left corner (A4, on its side). What
# reads scans rests on these: other ones make another edition of the codes.
PAGE_MM = (297.0, 210.0)
LEFT_MM = 12.0
FIRST_ROW_MM = 53.0
ROW_MM = 14.0
ROWS_A_PAGE = 8
COLUMNS_MM = (12.0, 24.0, 40.0, 26.0, 38.0, 26.0, 90.0, 17.0)
SIGNATURE_COLUMN = 6
ROW_CODE_MM = 11.6
PAGE_CODE_MM = 16.0
PAGE_CODE_CENTRES_MM = ((276.5, 22.0), (20.0, 22.0), (20.0, 193.0))
"""In three corners: beside the rows' own they say how the sheet lay, or how a camera saw it."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row in clear; `reason` is the hardship, where the notice asks for it."""

    number: int
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    phone: str = field(repr=False)
    reason: str = field(repr=False)
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet to be printed; `foot` says under which checkpoint it was made."""

    batch_id: UUID
    batch_code: str
    title: str
    facts: Sequence[tuple[str, str]]
    rows: Sequence[SheetRow] = field(repr=False)
    total_in_words: str
    foot: str


@dataclass(frozen=True, slots=True)
class SheetFile:
    content: bytes = field(repr=False)
    sha256: str
    pages: int


def row_code_centre(place: int) -> tuple[float, float]:
    """Return where the code of a page's row stands, counted from 0."""
    across = LEFT_MM + sum(COLUMNS_MM[:-1]) + COLUMNS_MM[-1] / 2
    return across, FIRST_ROW_MM + ROW_MM * (place + 0.5)


def signature_box(place: int) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of what a page's row is signed in."""
    left = LEFT_MM + sum(COLUMNS_MM[:SIGNATURE_COLUMN])
    top = FIRST_ROW_MM + ROW_MM * place
    return left, top, left + COLUMNS_MM[SIGNATURE_COLUMN], top + ROW_MM


def write_sheet(sheet: Sheet, key: bytes, dated: datetime) -> SheetFile:
    """Set a sheet in type, page by page, with codes that only the holder of the key can make."""
    pages = list(_pages(sheet, key))
    said = {
        "title": sheet.title,
        "facts": list(sheet.facts),
        "pages": pages,
        "total": _yuan(row.amount_fen for row in sheet.rows),
        "total_in_words": sheet.total_in_words,
        "count": len(sheet.rows),
        "foot": sheet.foot,
        "columns": COLUMNS_MM,
        "left": LEFT_MM,
        "first_row": FIRST_ROW_MM,
        "row": ROW_MM,
        "row_code": ROW_CODE_MM,
        "page_code": PAGE_CODE_MM,
        "page_code_centres": PAGE_CODE_CENTRES_MM,
        "paper": PAGE_MM,
    }
    content = to_pdf(TEMPLATE, said, dated)
    return SheetFile(content, sha256(content).hexdigest(), len(pages))


def _pages(sheet: Sheet, key: bytes) -> Iterator[dict[str, object]]:
    for page in range(1, max(1, math.ceil(len(sheet.rows) / ROWS_A_PAGE)) + 1):
        rows = sheet.rows[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
        yield {
            "codes": [
                _drawn(code_text(key, sheet.batch_id, page, corner))
                for corner in range(len(PAGE_CODE_CENTRES_MM))
            ],
            "subtotal": _yuan(row.amount_fen for row in rows),
            "rows": [
                {
                    "cells": [
                        str(row.number),
                        row.name,
                        row.id_number,
                        row.phone,
                        row.reason,
                        _yuan([row.amount_fen]),
                    ],
                    "code": _drawn(code_text(key, sheet.batch_id, page, place, row.number)),
                }
                for place, row in enumerate(rows)
            ],
        }


def _drawn(text: str) -> str:
    code = segno.make(text, error="m", version=2, micro=False, boost_error=False)
    return str(code.svg_inline(border=0, omitsize=True))


def _yuan(amounts: Iterable[int]) -> str:
    total = sum(amounts)
    return f"{total // 100:,}.{total % 100:02d}"
