"""A table handed out as a file: CSV or a workbook, the same for pages and programs."""

from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import Response

from api.file_answer import CSV, XLSX, file_answer
from projections.exports import delimited, workbook
from projections.exports.delimited import Encoding
from projections.exports.table import Table


class Form(Enum):
    """What file it is to be."""

    CSV = "csv"
    XLSX = "xlsx"


def table_answer(
    table: Table, form: Form, name: str, encoding: Encoding = Encoding.UTF_8
) -> Response:
    """Write a table whole, and answer with it."""
    if form is Form.CSV:
        media_type = CSV.replace(Encoding.UTF_8.value, encoding.value)
        written = b"".join(delimited.lines(table, encoding))
        return file_answer(written, media_type, f"{name}.csv")
    with TemporaryDirectory(prefix="nuanzhang-export-") as folder:
        path = Path(folder) / f"{name}.xlsx"
        workbook.write([table], path)
        return file_answer(path.read_bytes(), XLSX, f"{name}.xlsx")
