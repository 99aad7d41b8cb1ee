"""What is taken away of the ledger: the same question as workbook, delimited text or paper."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Query, Request, Response

from api.callers import READ, TheReach
from api.conditions import asked_of
from api.dependencies import Served, TheReadModel, TheServed
from api.file_answer import XLSX, file_answer
from api.web.asked import Empty
from api.web.ledger_filter import TheFilter
from api.web.ledger_table import Reading, ledger_table
from api.web.screen import Screen, TheScreen
from projections.exports import delimited, paper, workbook
from projections.exports.delimited import Encoding
from projections.exports.table import Table
from projections.organisations import tree_on
from projections.runner import catch_up

router = APIRouter(include_in_schema=False)

CHUNK_BYTES = 1 << 16


def read(found: TheServed, model: TheReadModel, reach: TheReach, chosen: TheFilter) -> Reading:
    """Return the question, held to the log as it is now."""
    tree = tree_on(model, chosen.as_of, chosen.at)
    last = found.ledger.size() - 1
    at = last if chosen.at is None else min(chosen.at, last)
    asked = asked_of(model, chosen.conditions(tree), tree, reach)
    return Reading(found.ledger, model, tree, chosen, asked, at)


TheReading = Annotated[Reading, Depends(read)]


@router.get("/ledger.csv", dependencies=[READ])
def export_csv(
    request: Request,
    screen: TheScreen,
    found: TheServed,
    reading: TheReading,
    encoding: Annotated[Encoding | None, Empty, Query()] = None,
) -> Response:
    """Write the movements of a question as CSV, row by row as they are read."""

    def lines() -> Iterator[bytes]:
        # The answer outlives this call, so it reads from a connection of its own.
        with catch_up(found.ledger, found.home.read_models).asking() as connection:
            table = _table(request, screen, found, replace(reading, model=connection))
            yield from delimited.lines(table, written_in)

    written_in = Encoding.UTF_8 if encoding is None else encoding
    return file_answer(lines(), f"text/csv; charset={written_in.value}", "ledger.csv")


@router.get("/ledger.xlsx", dependencies=[READ])
def export_xlsx(
    request: Request,
    screen: TheScreen,
    found: TheServed,
    reading: TheReading,
) -> Response:
    """Write the movements of a question as a workbook."""
    with TemporaryDirectory(prefix="nuanzhang-export-") as folder:
        path = Path(folder) / "ledger.xlsx"
        workbook.write([_table(request, screen, found, reading)], path)
        # Open, it can still be read when its folder is gone: nothing is left behind, whatever
        # becomes of the answer.
        file = path.open("rb")
    return file_answer(_chunks(file), XLSX, "ledger.xlsx")


@router.get("/ledger.pdf", dependencies=[READ])
def export_pdf(
    request: Request,
    screen: TheScreen,
    found: TheServed,
    reading: TheReading,
) -> Response:
    """Write the movements of a question on paper; too many are refused (export.too_large)."""
    written = paper.to_pdf(_table(request, screen, found, reading), lang=screen.language.code[:2])
    return file_answer(iter([written]), "application/pdf", "ledger.pdf")


def _table(request: Request, screen: Screen, found: Served, reading: Reading) -> Table:
    path = reading.filter.having(at=reading.at).address("ledger")
    now = datetime.fromisoformat(found.clock.now())
    return ledger_table(reading, screen.language, f"{request.base_url}{path}", now)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
