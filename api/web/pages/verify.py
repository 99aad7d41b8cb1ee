"""Verify here: the browser recomputes an entry's proofs, and does not take the server's word."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy import Connection

from api.callers import READ
from api.dependencies import TheLedger, TheReadModel
from api.web.screen import TheScreen
from ledger.domain.service_key import service_key_id
from ledger.evidence.envelope import decode
from projections.histories import positions_of
from projections.organisations import key_custodies, key_registrations, staff_numbers

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key signed, and where in the log that key was registered."""

    key_id: str
    staff_number: str | None
    custody: str | None
    registered_at: int | None


@router.get("/verify/{position}", dependencies=[READ])
def show_verification(
    position: Annotated[int, Path(ge=0, lt=2**53)],
    screen: TheScreen,
    model: TheReadModel,
    the_ledger: TheLedger,
) -> Response:
    """Show an entry, and the steps in which the page's script verifies it.

    Raises:
        NoSuchPosition: The log is shorter.
    """
    the_ledger.require_position(position)
    ((_, _, envelope),) = the_ledger.log.select_states(position, 1)
    opened = decode(envelope)
    return screen.show(
        "verify.html",
        position=position,
        signers=_signers(model, [each.keyid for each in opened.signatures]),
        last=the_ledger.size() - 1,
    )


def _signers(model: Connection, key_ids: list[str]) -> list[Signer]:
    staff, custodies = staff_numbers(model), key_custodies(model)
    registered = key_registrations(model, key_ids)
    found = []
    for key_id in key_ids:
        owner = custodies.get(key_id)
        at = registered.get(key_id)
        if owner is None:
            of_service = positions_of(model, service_key_id(key_id), limit=1)
            at = of_service[0] if of_service else None
        found.append(
            Signer(key_id, staff.get(owner[0]) if owner else None, owner[1] if owner else None, at)
        )
    return found
