"""Commands of what is taken away: the journal, for programs of plain-text accounting."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Connection

from api import bootstrap
from api.cli.printing import say
from api.journal_file import journal_lines
from ledger.domain.organisation import organisation_id
from ledger.store.application import NotOnRecord
from projections.asked import Moment
from projections.exports.plain_text import Dialect
from projections.organisations import tree_on
from projections.runner import catch_up

app = typer.Typer(help="Take figures away, for people and programs outside.", no_args_is_help=True)

AsOf = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="What had happened by this day.")
]


@app.command()
def journal(
    form: Annotated[Dialect, typer.Option("--format", help="Whose form it is to have.")],
    organisation: Annotated[
        str, typer.Option(help="Code of a union: it and what stands below it; else all.")
    ] = "",
    as_of: AsOf = None,
    at: Annotated[int | None, typer.Option(min=0, help="Last log position to be counted.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; else it is printed.")] = None,
) -> None:
    """Write every movement of money as an entry that comes to zero, with its event's position."""
    place = bootstrap.home()
    moment = Moment(as_of.date() if as_of else None, at)
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as connection,
    ):
        ids = below(connection, organisation) if organisation else None
        written = journal_lines(ledger, connection, form, moment, ids)
        if out is None:
            sys.stdout.buffer.writelines(written)
            return
        # Whole or not at all.
        draft = out.with_name(out.name + ".new")
        with draft.open("wb") as file:
            file.writelines(written)
        draft.replace(out)
    say(f"{out}: {out.stat().st_size} bytes")


def below(connection: Connection, code: str) -> list[UUID]:
    """Return a union and all that stand below it.

    Raises:
        NotOnRecord: There is none of this code.
    """
    tree = tree_on(connection)
    if code not in tree.by_code:
        raise NotOnRecord("organisation", organisation_id(code))
    return tree.subtree(tree.by_code[code].organisation_id)
