"""`nuanzhang anchor` and `nuanzhang witnesses …`: have published checkpoints witnessed."""

import time
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from rich.console import Console
from rich.table import Table

from api import bootstrap
from api.cli.printing import REFUSED, AsJson, bar, print_json, say
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import announce, published_at, require_latest
from ledger.anchoring.witnesses import Witnessed, collect, cosigned_note, take_in, witnessed
from ledger.commands.witnesses import (
    WitnessAppointment,
    appoint_witness,
    dismiss_witness,
    set_quorum,
)
from ledger.domain.aggregate import OPERATOR
from ledger.store.act import CommandAct
from ledger.store.map_store import MapStore

app = typer.Typer(
    help="Who witnesses this ledger, how they stand, and what they carry back.",
    no_args_is_help=True,
)


def _act() -> CommandAct:
    return CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())


def anchor(*, as_json: AsJson = False) -> None:
    """Publish a checkpoint and have it cosigned; run it by the clock, e.g. every hour.

    Exit status 1 when fewer witnesses than agreed have cosigned.
    """
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        maps, anchors = MapStore(place.map), Anchors(place.anchors)
        with bar("mapping", "events") as progress:
            published = announce(ledger, maps, _act(), progress)
        maps.close()
        with httpx2.Client(follow_redirects=False) as client:
            found = collect(ledger, anchors, _act(), published, client, time.sleep)
        anchors.close()
    _show(found, as_json=as_json)


@app.command()
def standing(*, as_json: AsJson = False) -> None:
    """Show which witnesses have cosigned the last published checkpoint, and since when not."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        anchors = Anchors(place.anchors)
        found = witnessed(ledger, anchors, require_latest(ledger))
        anchors.close()
    _show(found, as_json=as_json)


@app.command()
def appoint(
    vkey: Annotated[str, typer.Argument(help="Verifier key of the witness.")],
    url: Annotated[str, typer.Option(help="Where it is asked; without one, by files.")] = "",
) -> None:
    """Have somebody cosign published checkpoints from now on."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        appoint_witness(ledger, _act(), WitnessAppointment(vkey, url or None))
        say("appointed; set how many have to cosign with `nuanzhang witnesses quorum K`")


@app.command()
def dismiss(
    name: Annotated[str, typer.Argument(help="Name of the witness.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
) -> None:
    """No longer ask a witness."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        dismiss_witness(ledger, _act(), name, reason)
        say(f"{name} is no longer asked")


@app.command()
def quorum(needed: Annotated[int, typer.Argument(min=0, help="How many.")]) -> None:
    """Say how many witnesses have to cosign a checkpoint."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        set_quorum(ledger, _act(), needed)
        say(f"{needed} witnesses have to cosign from now on")


@app.command(name="import")
def import_lines(
    file: Annotated[Path, typer.Argument(help="Cosignature lines that a witness wrote.")],
    size: Annotated[int | None, typer.Option(help="Size of the checkpoint; else the last.")] = None,
) -> None:
    """Take in cosignatures that were carried back as a file."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        published = require_latest(ledger) if size is None else published_at(ledger, size)
        anchors = Anchors(place.anchors)
        names = take_in(ledger, anchors, published, file.read_text(encoding="utf-8"))
        anchors.close()
        say(f"{', '.join(names)} cosigned the checkpoint of {published.size} entries")


@app.command()
def note(
    size: Annotated[int | None, typer.Option(help="Size of the checkpoint; else the last.")] = None,
) -> None:
    """Print a published checkpoint with its cosignatures, to be kept or held against others."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        published = require_latest(ledger) if size is None else published_at(ledger, size)
        anchors = Anchors(place.anchors)
        typer.echo(cosigned_note(anchors, published), nl=False)
        anchors.close()


def _show(found: Witnessed, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "size": found.size,
                "needed": found.needed,
                "cosigned_by": list(found.names),
                "enough": found.is_enough,
                "witnesses": [
                    {
                        "name": each.name,
                        "url": each.url,
                        "last_size": each.last_size,
                        "last_time_s": each.last_time_s,
                        "last_asked_at": each.last_asked_at,
                        "last_outcome": each.last_outcome,
                        "behind": each.behind,
                    }
                    for each in found.standings
                ],
            }
        )
    else:
        table = Table(title=f"检查点 checkpoint {found.size}")
        for column in ("见证人 witness", "已签 cosigned", "时间 UTC", "最近询问 asked", "结果"):
            table.add_column(column)
        for each in found.standings:
            signed = "—" if each.last_size is None else str(each.last_size)
            if each.last_size is not None and each.behind:
                signed += f"（差 {each.behind} behind）"
            when = "—"
            if each.last_time_s is not None:
                when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(each.last_time_s))
            asked = each.last_asked_at or "—"
            table.add_row(each.name, signed, when, asked, each.last_outcome or "—")
        Console().print(table)
        enough = "enough 已足" if found.is_enough else "NOT ENOUGH 不足"
        say(f"{len(found.names)} of {found.needed} needed cosigned: {enough}")
    if not found.is_enough:
        raise typer.Exit(REFUSED)
