"""Officers' names: found by them, and shown masked; they stand sealed in the log."""

from collections.abc import Mapping
from uuid import UUID

from ledger.commands.sealing import OFFICER, OFFICER_NAME, masked, unseal
from ledger.domain.officer import Officer
from ledger.store.application import Ledger
from ledger.vault.keys import PersonErased, PersonRestricted


def officers_named(ledger: Ledger, name: str, staff_numbers: Mapping[UUID, str]) -> set[UUID]:
    """Return which of these officers have a name, whole as it was entered."""
    named = ledger.vault.noted(OFFICER_NAME, name)
    return {
        officer_id
        for officer_id, staff_number in staff_numbers.items()
        if ledger.vault.subject_id(OFFICER, staff_number) in named
    }


def masked_name(ledger: Ledger, appointed_at: int) -> str | None:
    """Return the masked name of the officer who was put on the register at a position.

    None where the name may not be shown any more.
    """
    ((_, event),) = ledger.read(appointed_at, 1)
    assert isinstance(event, Officer.Appointed)  # noqa: S101 - the read model names such positions
    try:
        return masked(unseal(ledger, event.subject_id, OFFICER, event.identity)).get("name")
    except (PersonErased, PersonRestricted):
        return None
