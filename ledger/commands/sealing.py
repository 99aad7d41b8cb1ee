"""Personal data on its way into events and out of them: the one door to the vault."""

from collections.abc import Callable, Mapping
from uuid import UUID

from ledger.domain.sealed import Sealed
from ledger.files.identity import phone_plausible
from ledger.files.text import number_text
from ledger.store.application import Ledger, Work
from ledger.vault.masking import (
    mask_card,
    mask_id,
    mask_id_in_public,
    mask_name,
    mask_phone,
)

PAYEE = "payee"
SPELLING = "spelling"
ARCHIVE_FILE = "archive file"
ROSTER_ROW = "roster row"
OBJECTION = "objection"
OBJECTION_ANSWER = "objection answer"
SIGNATURE = "signature"
BANK_ACCOUNT = "bank account"
BANK_LINE = "bank line"
OFFICER = "officer"
OFFICER_NAME = "officer name"
"""Kind of the blind index that officers are found by; people are found by others."""

MASKS: Mapping[str, Callable[[str], str]] = {
    "name": mask_name,
    "id_number": mask_id,
    "phone": mask_phone,
    "card_number": mask_card,
}

FOUND_BY = frozenset({PAYEE, ARCHIVE_FILE})
"""What is sealed for these purposes, people are found by."""


def seal(work: Work, subject: UUID, purpose: str, fields: Mapping[str, str]) -> Sealed:
    """Seal fields under a person's key; empty ones are left out."""
    given = {name: value for name, value in fields.items() if value}
    vault = work.ledger.vault
    ciphertext, commitment = vault.seal(subject, purpose, given)
    if purpose in FOUND_BY:
        vault.note(subject, findable(given))
    if purpose == OFFICER and "name" in given:
        vault.note(subject, [(OFFICER_NAME, given["name"])])
    return Sealed(ciphertext=ciphertext, commitment=commitment)


def findable(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a person is found by: values as they are, and as they are shown masked."""
    found = [(kind, fields[kind]) for kind in ("name", "phone", "card_number") if fields.get(kind)]
    for kind, mask in MASKS.items():
        if fields.get(kind):
            found.append((f"{kind} masked", mask(fields[kind])))
    return found


def masked(fields: Mapping[str, str]) -> dict[str, str]:
    """Return fields as they are shown to those who may not see them; the others are left out."""
    return {kind: mask(fields[kind]) for kind, mask in MASKS.items() if fields.get(kind)}


def masked_in_public(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what a public notice may show: name and ID number, masked more than for officers.

    Source: 国办政务公开要点 2018 and the masks ordered under it; card, phone and reason never.
    """
    masks = (("name", mask_name), ("id_number", mask_id_in_public))
    return {kind: mask(fields[kind]) for kind, mask in masks if fields.get(kind)}


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


def phone_index(ledger: Ledger, phone: str) -> str | None:
    """Return the blind index of a telephone; of what looks like none (无, 0) there is none."""
    number = number_text(phone)
    return ledger.vault.index("phone", number) if phone_plausible(number) else None


def card_index(ledger: Ledger, card_number: str) -> str | None:
    return ledger.vault.index("card", card_number) if card_number else None
