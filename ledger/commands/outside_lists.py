"""Taking in lists of other authorities, as blind indexes alone, and withdrawing them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.commands.cases import CLOSERS
from ledger.commands.duties import require_post
from ledger.commands.sealing import card_index, person_id, phone_index
from ledger.domain.officer import Officer, officer_id
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.outside_list import (
    DAY_BYTES,
    ID_BYTES,
    OF_NUMBERS,
    ListKind,
    OutsideList,
    list_id,
)
from ledger.files.faults import Fault, FileRefused
from ledger.files.outside_lists import STAFF, OutsideFile, OutsideRow, Told, rows_of
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work

LIST_KEEPERS = CLOSERS
"""Who brings lists: who watches or checks, never who pays out or drafts what is looked at."""

_EPOCH = date(1900, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class ListBrought:
    """A list of a kind for an organisation and all below it: from whom, and as of which day."""

    organisation_code: str
    source: str
    listed_on: date
    file: OutsideFile


def take_list(ledger: Ledger, act: CommandAct, order: ListBrought) -> Answer:
    """Take in a list; it replaces an older one of its kind there. Nothing of it stays in clear.

    The result counts `taken` entries, each person or card once, and tells `refused` rows, the first
    thousand one by one and all in `refused_count`.

    Raises:
        FileRefused: The file cannot be read, lacks a column, or has no row that stands.
        NotOnRecord, RoleMissing: As they say.
        ListAhead, ListKnown, ListOlder, ListEmpty: As they say; nothing is written.
    """
    kind, told = order.file.kind, Told()
    file_sha256 = order.file.sha256
    place = organisation_id(order.organisation_code)
    # Before anything is decided, since others wait for a decision and a long list takes seconds.
    entries = list(set(_entries(ledger, order.file, file_sha256, told)))
    if told.faults and not entries:
        raise FileRefused(*told.faults)

    def decide(work: Work) -> None:
        work.get(Organisation, place)
        require_post(work, act, LIST_KEEPERS, place)
        held = work.find(OutsideList, list_id(place, kind))
        if held is not None:
            held.require_newer(order.listed_on, file_sha256)
        taken = OutsideList.receive(
            act,
            organisation_id=place,
            kind=kind,
            source=order.source,
            listed_on=order.listed_on,
            file_sha256=file_sha256,
            entries=entries,
            refused_count=told.count,
            before=held,
        )
        work.save(taken)
        work.result.update(
            list_id=str(taken.id),
            edition=taken.edition,
            taken=len(entries),
            refused_count=told.count,
            refused=[
                {"line": fault.row or 0, "code": fault.code, "field": fault.column}
                for fault in told.faults
            ],
        )

    request = (order.organisation_code, kind, order.source, order.listed_on, file_sha256)
    return ledger.perform(act, "outside_list.take", request, decide)


def withdraw_list(ledger: Ledger, act: CommandAct, list_: UUID, reason: str) -> Answer:
    """Withdraw a list: it was wrong, or may not be kept. What it found is found no more.

    Raises:
        NotOnRecord, ListNotHeld, RoleMissing: As they say.
    """

    def decide(work: Work) -> None:
        held = work.get(OutsideList, list_)
        require_post(work, act, LIST_KEEPERS, held.organisation_id)
        held.withdraw(act, reason=reason)
        work.save(held)

    return ledger.perform(act, "outside_list.withdraw", (list_, reason), decide)


def day_of(ledger: Ledger, file_sha256: str, subject: bytes, note: bytes) -> date:
    """Return the day of death that stands veiled beside a person's index in the list of a file."""
    clear = ledger.vault.veil(_veil_of(file_sha256), subject.hex(), note)
    return date.fromordinal(_EPOCH + int.from_bytes(clear, "big"))


def _entries(ledger: Ledger, file: OutsideFile, file_sha256: str, told: Told) -> Iterator[bytes]:
    officers: dict[str, UUID | None] = {}
    for row in rows_of(file, told):
        if file.kind is ListKind.DECEASED:
            subject = person_id(ledger, row.number).bytes
            yield subject + _veiled(ledger, file_sha256, subject, row)
        elif file.kind is ListKind.HOUSEHOLDS:
            note = bytes.fromhex(ledger.vault.index("household", row.beside))[:ID_BYTES]
            yield person_id(ledger, row.number).bytes + note
        elif file.kind in (ListKind.RELATIVES, *OF_NUMBERS):
            if row.beside not in officers:
                officers[row.beside] = _known_officer(ledger, row.beside)
            officer = officers[row.beside]
            if officer is None:
                told.add(Fault(file.name, row.line, STAFF, "ledger.not_on_record"))
                continue
            if file.kind is ListKind.RELATIVES:
                yield person_id(ledger, row.number).bytes + officer.bytes
            else:
                index = card_index if file.kind is ListKind.STAFF_ACCOUNTS else phone_index
                yield bytes.fromhex(index(ledger, row.number) or "") + officer.bytes
        else:
            yield person_id(ledger, row.number).bytes


def _known_officer(ledger: Ledger, staff_number: str) -> UUID | None:
    id_ = officer_id(staff_number)
    return None if ledger.load(Officer, id_) is None else id_


def _veiled(ledger: Ledger, file_sha256: str, subject: bytes, row: OutsideRow) -> bytes:
    died = _EPOCH if row.died_on is None else max(_EPOCH, row.died_on.toordinal())
    note = (died - _EPOCH).to_bytes(DAY_BYTES, "big")
    return ledger.vault.veil(_veil_of(file_sha256), subject.hex(), note)


def _veil_of(file_sha256: str) -> str:
    return f"day of death {file_sha256}"
