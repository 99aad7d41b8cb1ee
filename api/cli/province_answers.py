"""What a province's commands have in common: whom they believe, and the file they write."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from api.cli.drafts import drafted, told_of
from projections.exports import workbook
from projections.exports.delimited import Encoding, lines
from projections.exports.table import Table

ENDINGS = (".xlsx", ".csv", ".json")

Out = Annotated[Path, typer.Option(help="File that ends in .xlsx, .csv or .json.")]
Witnessed = Annotated[
    bool,
    typer.Option(
        "--witnessed/--unwitnessed",
        help="Whether this province's witness has to have cosigned.",
    ),
]
MAX_AGE_H = 26
MaxAge = Annotated[
    int,
    typer.Option(
        min=0,
        help="For how many hours a pack may be without what the witness cosigned since; 0: none.",
    ),
]


def require_ending(out: Path) -> None:
    if out.suffix not in ENDINGS:
        raise typer.BadParameter("the file ends in .xlsx, .csv or .json")


def write_answer(out: Path, tables: Sequence[Table], as_json: Callable[[], bytes]) -> None:
    """Write an answer in the form that the file's name asks for; CSV holds the first table."""
    with drafted(out) as draft, told_of(out):
        if out.suffix == ".json":
            draft.write_bytes(as_json())
        elif out.suffix == ".csv":
            draft.write_bytes(b"".join(lines(tables[0], Encoding.UTF_8)))
        else:
            workbook.write(list(tables), draft)
