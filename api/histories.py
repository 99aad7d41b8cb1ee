"""Histories as they are answered: events with who, when, what, signatures and proofs."""

from base64 import b64encode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from api.dependencies import Page, Served
from api.v1 import models
from ledger.commands.key_history import vouched_at
from ledger.domain.administration import administration_id
from ledger.domain.service_key import service_key_id
from ledger.evidence.envelope import decode
from ledger.evidence.merkle import inclusion_path, leaf_hash
from ledger.evidence.verify import EntryBroken
from ledger.evidence.vouching import attestation
from ledger.store.application import Ledger, NotOnRecord
from projections.histories import positions_of
from projections.kept import Kept
from projections.keys import key_ends, officer_key_positions
from projections.keys import steps as key_steps
from projections.organisations import (
    key_custodies,
    key_registrations,
    role_positions,
    roles,
    staff_numbers,
)


def history_of(
    ledger: Ledger, connection: Connection, subject_id: UUID, page: Page, *, envelopes: bool
) -> models.History:
    """Return a page of the events that concern an id.

    Raises:
        NotOnRecord: No event concerns it.
    """
    positions = positions_of(connection, subject_id, after=page.after, limit=page.limit + 1)
    positions = [position for position in positions if position <= page.at]
    if not positions and page.after < 0:
        raise NotOnRecord("history", subject_id)
    shown = positions[: page.limit]
    more = len(positions) > page.limit
    size, note = ledger.log.select_checkpoint(page.at + 1) or (0, "")
    return models.History(
        subject_id=subject_id,
        items=events_at(ledger, connection, shown, size, envelopes=envelopes),
        next=page.cursor(shown[-1] if more else None),
        at=page.at,
        checkpoint=note,
    )


def events_at(
    ledger: Ledger,
    connection: Connection,
    positions: Iterable[int],
    size: int,
    *,
    envelopes: bool = False,
) -> list[models.HistoryEvent]:
    """Return the events at positions, with the proofs that they are in a log of a size."""
    staff, custodies = staff_numbers(connection), key_custodies(connection)
    vouched = vouched_keys(ledger, connection)
    items = []
    for position in positions:
        ((_, _, envelope),) = ledger.log.select_states(position, 1)
        path = inclusion_path(position, size, ledger.log.subtree_hash)
        items.append(
            _event(position, envelope, path, staff, custodies, vouched, envelopes=envelopes)
        )
    return items


def vouched_keys(ledger: Ledger, connection: Connection) -> Collection[str]:
    """Return the ids of officers' keys for which there is more than the operator's word."""

    def find() -> Collection[str]:
        positions = [*officer_key_positions(connection), *role_positions(connection)]
        try:
            return vouched_at(ledger, positions).key_ids
        except EntryBroken:
            return ()  # verification says what is broken; until it is mended nothing is vouched for

    begun = ledger.log.select_stream_positions(administration_id())
    return _VOUCHED.answer(connection, len(begun), find)


_VOUCHED: Kept[Collection[str]] = Kept(key_steps, roles)


def entry_of(ledger: Ledger, position: int) -> models.Entry:
    """Return an entry's signed bytes, and the proof that they are in the log.

    Raises:
        NoSuchPosition: The log is shorter.
    """
    receipt = ledger.receipt(position)
    ((_, _, envelope),) = ledger.log.select_states(position, 1)
    shown = receipt.to_json()
    return models.Entry(
        position=position,
        envelope=envelope.decode(),
        leaf_hash=shown["leaf_hash"],
        inclusion_path=shown["inclusion_path"],
        checkpoint=receipt.checkpoint,
    )


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key signed, and where in the log that key was registered, and ended if it has."""

    key_id: str
    staff_number: str | None
    custody: str | None
    registered_at: int | None
    ended_at: int | None


def signers_of(model: Connection, entries: Sequence[models.Entry]) -> list[Signer]:
    """Return whose keys signed some entries, each key once."""
    opened = [decode(entry.envelope.encode()) for entry in entries]
    key_ids = list(dict.fromkeys(s.keyid for envelope in opened for s in envelope.signatures))
    staff, custodies = staff_numbers(model), key_custodies(model)
    registered, ends = key_registrations(model, key_ids), key_ends(model, key_ids)
    found = []
    for key_id in key_ids:
        owner = custodies.get(key_id)
        at = registered.get(key_id)
        if owner is None:
            of_service = positions_of(model, service_key_id(key_id), limit=1)
            at = of_service[0] if of_service else None
        staff_number, custody = (staff.get(owner[0]), owner[1]) if owner else (None, None)
        found.append(Signer(key_id, staff_number, custody, at, ends.get(key_id)))
    return found


def head_of(found: Served) -> models.LogHead:
    """Return the log's name, size, verifier key and last checkpoint.

    Raises:
        NotOnRecord: It is empty.
    """
    head = found.ledger.log.select_checkpoint()
    if head is None:
        raise NotOnRecord("checkpoint", UUID(int=0))
    return models.LogHead(
        origin=found.ledger.origin,
        size=head[0],
        vkey=found.home.note_key().vkey(),
        checkpoint=head[1],
    )


def _event(
    position: int,
    envelope: bytes,
    path: list[bytes],
    staff: dict[UUID, str],
    custodies: dict[str, tuple[UUID, str]],
    vouched: Collection[str],
    *,
    envelopes: bool,
) -> models.HistoryEvent:
    opened = decode(envelope)
    payload: dict[str, Any] = msgspec.json.decode(opened.payload)
    signatures = []
    for signature in opened.signatures:
        owner = custodies.get(signature.keyid)
        signatures.append(
            models.SignatureView(
                key_id=signature.keyid,
                owner=str(owner[0]) if owner else "service",
                staff_number=staff.get(owner[0]) if owner else None,
                custody=owner[1] if owner else None,
                vouched=signature.keyid in vouched if owner else None,
                signature=b64encode(signature.sig).decode(),
            )
        )
    return models.HistoryEvent(
        position=position,
        type=payload["type"],
        stream=payload["stream"],
        version=payload["version"],
        happened_on=payload["happened_on"],
        recorded_at=payload["recorded_at"],
        actor=payload["actor"],
        staff_number=_staff_number(payload["actor"], staff),
        data={name: _shown(value) for name, value in payload["data"].items()},
        signatures=signatures,
        attestation=attestation(((each.key_id, each.custody) for each in signatures), vouched),
        leaf_hash=b64encode(leaf_hash(envelope)).decode(),
        inclusion_path=[b64encode(each).decode() for each in path],
        envelope=envelope.decode() if envelopes else None,
    )


def _staff_number(actor: str, staff: dict[UUID, str]) -> str | None:
    try:
        return staff.get(UUID(actor))
    except ValueError:
        return None


def _shown(value: Any) -> Any:
    """Show of sealed data that it is there, not its ciphertext."""
    if isinstance(value, dict) and value.keys() == {"ciphertext", "commitment"}:
        return {"sealed": True, "commitment": value["commitment"]}
    return value
