"""Commands of whoever runs the service: its home, its server, its people's data keys."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.cli.printing import say
from api.demo import require_no_demo
from api.settings import Settings
from api.waiting import as_soon_as_there
from ledger.commands.recipients import erase_person
from ledger.domain.aggregate import OPERATOR
from ledger.postgresql import Database
from ledger.store.act import CommandAct
from ledger.store.home import Home
from projections.disbursements import is_on_its_way
from projections.runner import catch_up

DeploymentFile = Annotated[
    Path | None, typer.Option(help="TOML file of all ledgers, instead of one home folder.")
]


def init(
    database: Annotated[
        str, typer.Option(help="Address of a PostgreSQL database that is to hold the log.")
    ] = "",
    deployment: DeploymentFile = None,
) -> None:
    """Make the home folder with its keys, for its owner alone; an existing one is left as it is.

    With a deployment file, that of each ledger that is to be here.
    """
    if deployment is not None:
        for each in bootstrap.deployment(deployment).here:
            own = each.place()
            require_no_demo(own)
            with bootstrap.opened(own, create=True):
                say(f"{each.name}: {own.path} is ready.\nfounding key id: {own.founding_key_id()}")
                say(f"verifier key: {own.note_key().vkey()}")
        return
    place = bootstrap.home()
    require_no_demo(place)
    if database:
        place = replace(place, named=Database.at(database))
        place.create(keep_address=True)
    with bootstrap.opened(place, create=True):
        say(f"{place.path} is ready.\nfounding key id: {place.founding_key_id()}")
        say(f"verifier key: {place.note_key().vkey()}")


def migrate(deployment: DeploymentFile = None) -> None:
    """Bring the tables of the ledger's PostgreSQL database to this version's; safe to repeat."""
    for place in _places(deployment):
        place.migrate()
        say(f"the tables of {place.path} are those of this version")


def serve(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="TCP port on the loopback address.")
    ] = None,
    deployment: DeploymentFile = None,
    *,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that serve; several need PostgreSQL."),
    ] = None,
    tour: Annotated[bool, typer.Option(help="Print what to look at.")] = False,
) -> None:
    """Serve the interface over HTTP, on the loopback address unless told otherwise.

    With a deployment file, all ledgers that it has here, each under its own host name.
    """
    from api.serving import (  # noqa: PLC0415 - half of what starting takes; no other command needs it
        listen,
        listen_for,
        listen_for_with,
        listen_with,
        opened_all,
        opened_whole,
    )

    processes = workers or Settings().workers

    if deployment is not None:
        told = bootstrap.deployment(deployment)
        if processes > 1:
            listen_for_with(processes, deployment, told, port, say)
            return
        with as_soon_as_there(lambda opening: opened_all(told, opening)) as opened:
            listen_for(told, opened, port, say)
        return
    place = bootstrap.home()
    if processes > 1:
        listen_with(processes, place, port, tour=tour, say=say)
        return
    with as_soon_as_there(lambda opening: opened_whole(place, opening)) as ledger:
        listen(place, ledger, port, tour=tour, say=say)


def erase(
    person: Annotated[UUID, typer.Argument(help="Id of the person.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
) -> None:
    """Destroy a person's data key. The log still verifies, the figures still add up."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        with catch_up(ledger, place.read_models).asking() as connection:
            underway = is_on_its_way(connection, person)
        erase_person(ledger, act, person, reason, on_its_way=underway)
        say(f"the personal data of {person} can no longer be read by anyone")


def _places(deployment: Path | None) -> Iterator[Home]:
    """Yield the homes that are meant: of a deployment file all that are here."""
    if deployment is None:
        yield bootstrap.home()
    else:
        yield from (each.place() for each in bootstrap.deployment(deployment).here)
