"""Commands about lists of other authorities: take one in, see which are held, withdraw one."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.cli.printing import say
from api.outside_lists import layout_of
from ledger.commands.outside_lists import ListBrought, take_list, withdraw_list
from ledger.domain.aggregate import OPERATOR
from ledger.domain.outside_list import ListKind
from ledger.files.outside_lists import OutsideFile
from ledger.store.act import CommandAct
from projections.organisations import tree_on
from projections.outside_lists import list_editions
from projections.runner import catch_up

app = typer.Typer(help="Lists of other authorities, kept as blind indexes.", no_args_is_help=True)

FAULTS_SAID_MAX = 20


@app.command()
def take(
    path: Annotated[Path, typer.Argument(help="The list, XLSX or CSV.")],
    kind: Annotated[ListKind, typer.Option(help="What it is a list of.")],
    organisation: Annotated[str, typer.Option(help="Code of the organisation that it counts for.")],
    source: Annotated[str, typer.Option(help="Whose list it is.")],
    listed_on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="As of which day.")],
    header_row: Annotated[int | None, typer.Option(min=1, help="Row of the titles.")] = None,
    number_column: Annotated[
        str, typer.Option(help="Letters of the ID, card or phone column.")
    ] = "",
    beside_column: Annotated[str, typer.Option(help="Letters of the column beside it.")] = "",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read it, and write nothing.")] = False,
) -> None:
    """Take in a list; it replaces an older one of its kind. Nothing of it is kept in clear."""
    layout = layout_of(kind, header_row, number_column, beside_column)
    file = OutsideFile(path.name, path.read_bytes(), kind, layout)
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now(), dry_run=dry_run)
        order = ListBrought(organisation, source, listed_on.date(), file)
        came = take_list(ledger, act, order).result
    for fault in came["refused"][:FAULTS_SAID_MAX]:
        say(f"row {fault['line']} {fault['field']}: {fault['code']}")
    done = "would be taken" if dry_run else "taken"
    say(f"edition {came['edition']}: {came['taken']} {done}, {came['refused_count']} at fault")


@app.command(name="show")
def show() -> None:
    """List the editions of all lists, the newest first."""
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        tree = tree_on(model)
        for each in list_editions(model):
            code = tree.by_id[each.organisation_id].code
            say(
                f"{each.list_id} {code} {each.kind} edition {each.edition}"
                f" of {each.listed_on} by {each.source}: {each.count}, {each.ended or 'held'}"
            )


@app.command()
def withdraw(
    list_id: Annotated[UUID, typer.Argument(help="Id of the list.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why it counts no more.")],
) -> None:
    """Withdraw a list: what it found is found no more."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        withdraw_list(ledger, act, list_id, reason)
        say(f"list {list_id} withdrawn")
