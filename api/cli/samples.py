"""The command of samples: draw one again from the log as it is, and compare."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.cli.printing import REFUSED, AsJson, print_json, say
from api.sampling import verified
from ledger.store.application import NotOnRecord
from projections.runner import catch_up
from projections.samples import sample_list


def verify_sample(
    sample_id: Annotated[UUID, typer.Argument(help="Id of the sample.", show_default=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Draw a sample again: the same payments, the same checkpoint, the same drawn?"""
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as connection,
    ):
        views = sample_list(connection, sample_id=sample_id)
        if not views:
            raise NotOnRecord("sample", sample_id)
        found = verified(connection, ledger, views[0])
    if as_json:
        print_json({"holds": found.holds, **asdict(found)})
    else:
        words = {True: "the same", False: "DIFFERS", None: "not drawn yet"}
        say(f"payments to draw from: {words[found.universe]}")
        say(f"checkpoint that gives the seed: {words[found.checkpoint]}")
        say(f"payments drawn: {words[found.drawn]}")
    if not found.holds:
        raise typer.Exit(REFUSED)
