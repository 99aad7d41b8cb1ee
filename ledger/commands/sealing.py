"""Personal data on its way into events and out of them: the one door to the vault."""

from collections.abc import Mapping
from uuid import UUID

from ledger.domain.sealed import Sealed
from ledger.store.application import Ledger, Work

PAYEE = "payee"
ARCHIVE_FILE = "archive file"
ROSTER_ROW = "roster row"


def seal(work: Work, subject: UUID, purpose: str, fields: Mapping[str, str]) -> Sealed:
    """Seal fields under a person's key; empty ones are left out."""
    given = {name: value for name, value in fields.items() if value}
    ciphertext, commitment = work.ledger.vault.seal(subject, purpose, given)
    return Sealed(ciphertext=ciphertext, commitment=commitment)


def unseal(ledger: Ledger, subject: UUID, purpose: str, sealed: Sealed) -> dict[str, str]:
    """Open what was sealed.

    Raises:
        PersonErased: The person's key was destroyed.
        SealBroken: Altered, or sealed for another person or purpose.
    """
    return ledger.vault.open(subject, purpose, sealed.ciphertext, sealed.commitment)


def unseal_whole(
    ledger: Ledger, subject: UUID, purpose: str, sealed: Sealed
) -> tuple[dict[str, str], str]:
    """Open what was sealed; return the fields, and the salt that shows them to be these.

    Raises:
        PersonErased, SealBroken: As `unseal` does.
    """
    return ledger.vault.open_whole(subject, purpose, sealed.ciphertext, sealed.commitment)


def person_id(ledger: Ledger, id_number: str) -> UUID:
    return ledger.vault.subject_id("id_number", id_number)


def card_index(ledger: Ledger, card_number: str) -> str | None:
    return ledger.vault.index("card", card_number) if card_number else None
