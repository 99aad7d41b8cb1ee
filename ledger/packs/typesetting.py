"""Sets a statement in type: one HTML page that stands alone, and a PDF for archives."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

import pylopdf_fonts_zh_cn
import typst
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ledger.packs.statement import Statement

TEMPLATES = Path(__file__).parent / "templates"

EDITION = "nuanzhang statement 1"
"""Stands in the page; any change to how statements read or look makes another edition."""

PDF_STANDARD: Final = "a-2u"
"""PDF/A-2u: fonts are inside, text can be searched. Source: ISO 19005-2."""


def to_html(statement: Statement) -> str:
    """Write a statement as a page of HTML; the same statement gives the same page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("statement.html").render(statement=statement, edition=EDITION)


def to_pdf(statement: Statement, published_at: datetime) -> bytes:
    """Write a statement as PDF/A, dated as its checkpoint was published.

    What is said is handed over as data and never as markup, so no text can change the page.
    """
    written = typst.compile(
        (TEMPLATES / "statement.typ").read_bytes(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"statement": json.dumps(statement.to_json(), ensure_ascii=False)},
        pdf_standards=PDF_STANDARD,
        timestamp=published_at.replace(microsecond=0),
        format="pdf",
    )
    assert isinstance(written, bytes)  # noqa: S101 - a document of one file
    return written


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(pylopdf_fonts_zh_cn.sans_path().parent)],
    )
