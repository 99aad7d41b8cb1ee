"""Commands of whoever runs the service: its home, its server, its people's data keys."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.cli.printing import say
from api.settings import Settings
from ledger.commands.recipients import erase_person
from ledger.domain.aggregate import OPERATOR
from ledger.postgresql import Database
from ledger.store.act import CommandAct


def init(
    database: Annotated[
        str, typer.Option(help="Address of a PostgreSQL database that is to hold the log.")
    ] = "",
) -> None:
    """Make the home folder with its keys, for its owner alone; an existing one is left as it is."""
    place = bootstrap.home()
    if database:
        place = replace(place, named=Database.at(database))
        place.create(keep_address=True)
    with bootstrap.opened(place, create=True):
        say(f"{place.path} is ready.\nfounding key id: {place.founding_key_id()}")
        say(f"verifier key: {place.note_key().vkey()}")


def migrate() -> None:
    """Bring the tables of the ledger's PostgreSQL database to this version's; safe to repeat."""
    place = bootstrap.home()
    place.migrate()
    say(f"the tables of {place.path} are those of this version")


def serve(
    port: Annotated[int | None, typer.Option(help="TCP port on the loopback address.")] = None,
    *,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that serve; several need PostgreSQL."),
    ] = None,
    tour: Annotated[bool, typer.Option(help="Print what to look at.")] = False,
) -> None:
    """Serve the interface over HTTP, on the loopback address unless told otherwise."""
    from api.serving import listen, listen_with  # noqa: PLC0415 - half of what starting takes; no other command needs it

    place = bootstrap.home()
    processes = workers or Settings().workers
    if processes > 1:
        listen_with(processes, place, port, tour=tour, say=say)
        return
    with bootstrap.opened(place) as ledger:
        listen(place, ledger, port, tour=tour, say=say)


def erase(
    person: Annotated[UUID, typer.Argument(help="Id of the person.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
) -> None:
    """Destroy a person's data key. The log still verifies, the figures still add up."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        erase_person(ledger, act, person, reason)
        say(f"the personal data of {person} can no longer be read by anyone")
