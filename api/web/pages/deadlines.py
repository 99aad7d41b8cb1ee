"""Deadlines: what every organisation was to hand in, and who has not; as a page and as files."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.file_answer import PDF, file_answer
from api.owed import Due, Question, due
from api.table_answer import Form, table_answer
from api.web.asked import Empty, TheMomentOnPage, Word
from api.web.screen import Screen, TheScreen
from api.web.tables.deadlines import deadlines_table
from projections.cases import count_cases
from projections.exports import paper
from projections.exports.delimited import Encoding
from projections.exports.table import Table

router = APIRouter(include_in_schema=False)


def asked(
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    the_ledger: TheLedger,
    organisation: Word = None,
    alone: Word = None,
    campaign: Word = None,
    name: Word = None,
    every: Word = None,
) -> Due:
    question = Question(organisation, bool(alone), campaign, name, bool(every), moment)
    return due(model, the_ledger, reach, question)


TheDue = Annotated[Due, Depends(asked)]


@router.get("/deadlines", dependencies=[READ])
def show_deadlines(
    screen: TheScreen, model: TheReadModel, reach: TheReach, moment: TheMomentOnPage, found: TheDue
) -> Response:
    """List who has not handed in what was asked for; `every` lists who has, too."""
    return screen.show(
        "deadlines.html",
        found=found,
        rows=found.listed,
        cases=count_cases(model, [each.organisation_id for each in found.places], found.on, moment),
        owed=sum(row.missing for row in found.asked),
        choices=found.tree.among(reach.ids),
        file=found.address,
    )


@router.get("/deadlines.xlsx", dependencies=[READ])
def export_deadlines_xlsx(screen: TheScreen, found: TheDue) -> Response:
    """Write what the page lists as a workbook."""
    return table_answer(_table(screen, found), Form.XLSX, "deadlines")


@router.get("/deadlines.csv", dependencies=[READ])
def export_deadlines_csv(
    screen: TheScreen,
    found: TheDue,
    encoding: Annotated[Encoding | None, Empty, Query()] = None,
) -> Response:
    """Write what the page lists as CSV."""
    table = _table(screen, found)
    return table_answer(table, Form.CSV, "deadlines", encoding or Encoding.UTF_8)


@router.get("/deadlines.pdf", dependencies=[READ])
def print_deadlines(screen: TheScreen, found: TheDue) -> Response:
    """Set what the page lists on paper, to be signed."""
    printed = paper.to_pdf(_table(screen, found), lang=screen.language.code[:2])
    return file_answer(printed, PDF, "deadlines.pdf")


def _table(screen: Screen, found: Due) -> Table:
    base = str(screen.request.base_url).rstrip("/")
    return deadlines_table(found, screen.language, f"{base}{found.address()}")
