"""Sets a statement in type: one HTML page that stands alone, and a PDF for archives."""

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ledger import typesetting
from ledger.packs.statement import Statement

TEMPLATES = Path(__file__).parent / "templates"

EDITION = "nuanzhang statement 2"
"""Stands in the page; any change to how statements read or look makes another edition."""


def to_html(statement: Statement) -> str:
    """Write a statement as a page of HTML; the same statement gives the same page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("statement.html").render(statement=statement, edition=EDITION)


def to_pdf(statement: Statement, published_at: datetime) -> bytes:
    """Write a statement as PDF/A, dated as its checkpoint was published."""
    return typesetting.to_pdf(TEMPLATES / "statement.typ", statement.to_json(), published_at)
