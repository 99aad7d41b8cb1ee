"""Finding people by what is known of them, without opening what is sealed."""

from collections.abc import Collection, Mapping
from uuid import UUID

from ledger.commands.sealing import ARCHIVE_FILE, PAYEE, masked, person_id, unseal
from ledger.domain.recipient import Recipient
from ledger.domain.sealed import Sealed
from ledger.errors import Kind, LedgerError
from ledger.store.application import Ledger
from ledger.vault.keys import PersonErased, PersonRestricted

ERASED, RESTRICTED, KEPT = "erased", "restricted", "kept"


class NothingAsked(LedgerError):
    """A search names at least one thing."""

    code = "search.nothing_asked"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("name an ID number, a card, a phone, a name, or masked ones as shown")


def find_people(ledger: Ledger, known: Mapping[str, str]) -> set[UUID]:
    """Return the people of whom all that is known holds.

    To search by what is kept of somebody is to use it: whose data is restricted is found by their
    ID number alone, which names them in the log, so that the restriction can be lifted.

    Args:
        ledger: Its vault keeps the blind indexes.
        known: `id_number`, `card_number`, `phone`, `name`; or any of them `masked`, as answers
            show it (`name masked`, `id_number masked`, ...).

    Raises:
        NothingAsked: Nothing is known.
    """
    found: set[UUID] | None = None
    for kind, value in known.items():
        people = (
            {person_id(ledger, value)}
            if kind == "id_number"
            else ledger.vault.findable(kind, value)
        )
        found = people if found is None else found & people
    if found is None:
        raise NothingAsked
    return found


def masked_payee(ledger: Ledger, person: UUID, payee: Sealed) -> tuple[str, dict[str, str]]:
    """Return whether a payee's data is kept, restricted or erased, and what may be shown of it."""
    return _masked(ledger, person, PAYEE, payee)


def masked_person(
    ledger: Ledger, person: Recipient, places: Collection[UUID]
) -> tuple[str, dict[str, str]]:
    """Return the same of a person, as the last file that one of these unions has of them has it.

    Of another union's file nothing is shown: whoever files a number would see what stands there.
    """
    files = [file for file in person.files.values() if file.organisation_id in places]
    if person.erased or not files:
        return (ERASED if person.erased else KEPT), {}
    latest = max(files, key=lambda file: file.opened_on)
    return _masked(ledger, person.id, ARCHIVE_FILE, latest.details)


def _masked(
    ledger: Ledger, person: UUID, purpose: str, sealed: Sealed
) -> tuple[str, dict[str, str]]:
    try:
        return KEPT, masked(unseal(ledger, person, purpose, sealed))
    except PersonRestricted:
        return RESTRICTED, {}
    except PersonErased:
        return ERASED, {}
