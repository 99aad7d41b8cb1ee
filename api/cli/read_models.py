"""The command that builds the read models anew, and says whether they were as the log has it."""

from typing import Annotated

import typer

from api import bootstrap
from api.cli.printing import REFUSED, bar, say
from projections.runner import catch_up, compare, rebuild


def rebuild_read_model(
    *,
    check: Annotated[bool, typer.Option(help="Only compare a new one with the live one.")] = False,
) -> None:
    """Drop the read models and build them anew from the log; say whether anything differed."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        live = place.read_models
        with bar("reading", "events") as progress:
            catch_up(ledger, live, progress)
            anew = live.with_name("compared.sqlite")
            rebuild(ledger, anew, progress)
        differences = compare(anew, live)
        if check:
            anew.unlink()
        else:
            for suffix in ("-wal", "-shm"):
                live.with_name(live.name + suffix).unlink(missing_ok=True)
            anew.rename(live)
        for difference in differences:
            say(f"differed: table {difference.table}, row {difference.row}")
        say(f"{ledger.size()} events read; {'no ' if not differences else ''}difference found.")
        if differences:
            raise typer.Exit(REFUSED)
