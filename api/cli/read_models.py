"""The command that builds the read models anew, and says whether they were as the log has it."""

from pathlib import Path
from typing import Annotated

import typer

from api import bootstrap
from api.cli.printing import REFUSED, bar, say
from ledger.segments.checking import signed_chain
from ledger.segments.going_on import sealed_feed
from ledger.store.feed import Feed
from projections.runner import catch_up, compare, discard, put_in_place, rebuild


def rebuild_read_model(
    *,
    check: Annotated[bool, typer.Option(help="Only compare a new one with the live one.")] = False,
    segments: Annotated[
        Path | None, typer.Option(help="Folder of sealed segments to read from as far as they go.")
    ] = None,
) -> None:
    """Drop the read models and build them anew from the log; say whether anything differed."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        feed: Feed = ledger
        if segments is not None:
            manifests = signed_chain(segments, place.founding_key_id())
            feed = sealed_feed(ledger, segments, manifests)
            say(f"events up to position {manifests[-1].stop} are read from segments")
        live = place.read_models
        with bar("reading", "events") as progress:
            catch_up(ledger, live, progress)
            anew = live.with_name("compared.sqlite")
            rebuild(feed, anew, progress)
        differences = compare(anew, live)
        if check:
            discard(anew)
        else:
            put_in_place(feed, anew, live)
        for difference in differences:
            say(f"differed: table {difference.table}, row {difference.row}")
        say(f"{ledger.size()} events read; {'no ' if not differences else ''}difference found.")
        if differences:
            raise typer.Exit(REFUSED)
