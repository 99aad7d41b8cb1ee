"""A report as paper (PDF/A): several tables, boxes to sign in, and a code that leads back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path

import segno

from ledger.typesetting import to_pdf as set_in_type
from projections.exports.paper import ROWS_MAX, TooLarge, written_rows
from projections.exports.table import Kind, Table

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
WIDE_FROM = 7
RIGHT = (Kind.MONEY, Kind.COUNT)


class Weight(StrEnum):
    """How a row stands out: one of many, the sum of some of them, or of all; or their heading."""

    ROW = "row"
    WITHIN = "within"
    SUM = "sum"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Part:
    """A table of a report, how each of its rows stands out, and what is to be known of it."""

    table: Table
    weights: Sequence[Weight]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on it, all of it in the reader's language; `boxes` are signed in.

    `words` are their title and the paragraphs that an office wrote; without any there is a box to
    write in by hand.
    """

    title: str
    lang: str
    facts: Sequence[tuple[str, str]]
    parts: Sequence[Part]
    boxes: Sequence[str]
    date: str
    address: str
    code_words: str
    foot: str
    pages: str
    dated: datetime
    words: tuple[str, Sequence[str]] | None = None


def to_pdf(paper: Paper) -> bytes:
    """Set a report in type; the same report gives the same bytes.

    Raises:
        TooLarge: It has more rows than paper is for.
    """
    if sum(len(part.weights) for part in paper.parts) > ROWS_MAX:
        raise TooLarge(ROWS_MAX)
    said = {
        "title": paper.title,
        "lang": paper.lang,
        "wide": any(len(part.table.columns) >= WIDE_FROM for part in paper.parts),
        "facts": [list(fact) for fact in paper.facts],
        "parts": [_said(part) for part in paper.parts],
        "words": None if paper.words is None else [paper.words[0], _paragraphs(paper.words[1])],
        "boxes": list(paper.boxes),
        "date": paper.date,
        "code": _code(paper.address),
        "code_words": paper.code_words,
        "foot": paper.foot,
        "pages": paper.pages,
    }
    return set_in_type(TEMPLATE, said, paper.dated)


def _said(part: Part) -> dict[str, object]:
    table = part.table
    return {
        "title": table.title,
        "note": part.note,
        "columns": [
            {"title": each.title, "width": each.width, "right": each.kind in RIGHT}
            for each in table.columns
        ],
        "rows": [
            {"weight": weight.value, "cells": cells}
            for weight, cells in zip(part.weights, written_rows(table), strict=True)
        ],
    }


def _paragraphs(written: Sequence[str]) -> list[str]:
    return [each for each in (one.strip() for one in written) if each]


def _code(address: str) -> str:
    drawn = BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", border=1, xmldecl=False)
    return drawn.getvalue().decode()
