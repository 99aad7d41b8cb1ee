"""`nuanzhang admin …`: the first administrators, made by whoever runs the service."""

from typing import Annotated

import typer

from api import bootstrap
from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.cli.printing import say
from api.demo import require_no_demo
from ledger.commands.officer_keys import KeyConfirmation, confirm_key
from ledger.commands.officers import Appointment, begin_administration
from ledger.commands.organisations import Registration, register_organisation
from ledger.domain.administration import Administration, administration_id
from ledger.domain.aggregate import OPERATOR
from ledger.domain.officer import officer_id
from ledger.domain.organisation import Organisation, organisation_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.home import Home

app = typer.Typer(
    help="The first administrators; they make everybody else, over the service.",
    no_args_is_help=True,
)

Staff = Annotated[str, typer.Argument(help="Staff number.")]


class NotFirst(LedgerError):
    """The operator lets in the first administrators alone."""

    code = "administration.not_first"
    kind = Kind.FORBIDDEN

    def __init__(self, staff_number: str) -> None:
        super().__init__(f"{staff_number} is not one of the first administrators")


@app.command()
def first(
    staff: Staff,
    role: Annotated[str, typer.Argument(help="系统管理, 安全管理 or 审计管理.")],
    name: Annotated[str, typer.Option(prompt=True, help="The person's name; it is sealed.")],
    organisation: Annotated[str, typer.Option(help="Code of the organisation at the top.")],
    organisation_name: Annotated[
        str, typer.Option(help="Its name, where it is not registered yet.")
    ] = "",
) -> None:
    """Make the first administrator of a kind, once; print the code that lets them in."""
    place = bootstrap.home()
    require_no_demo(place)
    with bootstrap.opened(place) as ledger:
        if organisation_name and ledger.load(Organisation, organisation_id(organisation)) is None:
            order = Registration(organisation, organisation_name, "市", None)
            register_organisation(ledger, _act(), order)
        begin_administration(ledger, _act(), Appointment(staff, name, organisation, role))
        say(f"{staff} is the first {role}. {_code(place, staff)}")


@app.command()
def invite(staff: Staff) -> None:
    """Print another code for one of the first administrators, who lost their way in."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        _require_first(ledger, staff)
        say(_code(place, staff))


@app.command()
def confirm(staff: Staff, key_id: Annotated[str, typer.Argument()]) -> None:
    """Confirm a key that one of the first administrators handed in; compare its id with them."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        confirm_key(ledger, _act(), KeyConfirmation(officer_id(staff), key_id))
        say(f"key {key_id} is {staff}'s")


def _require_first(ledger: Ledger, staff: str) -> None:
    begun = ledger.load(Administration, administration_id())
    if begun is None or officer_id(staff) not in begun.begun.values():
        raise NotFirst(staff)


def _code(place: Home, staff: str) -> str:
    door = Door(place.access, RelyingParty("localhost", "http://localhost"))
    try:
        code = door.invite(officer_id(staff), staff, None, bootstrap.now_s())
    finally:
        door.close()
    return f"Code, good once within a day, to set a password with: {code}"


def _act() -> CommandAct:
    return CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
