"""Money that came from another ledger: which one, by which remittance, and what proves it there."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from ledger.domain.remittance import Remittance
from ledger.store.application import Ledger
from projections.remittances import arrived_as, remittance_list


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a lot was before it came here.

    `sent_as` is the lot's id there, without hyphens. The other ledger's entry is named by its
    position and leaf hash, with the published checkpoint under which it was proved here; hashes
    are base64. Its own file of the remittance shows that very entry; this ledger's file of it is
    an evidence pack of kind `remittance`.
    """

    remittance_id: UUID
    key_id: str
    ledger_name: str
    organisation_code: str
    document: str
    sent_as: str
    position: int
    leaf_hash: str
    checkpoint_size: int
    checkpoint_root: str


def crossings(
    ledger: Ledger, connection: Connection, lot_ids: Iterable[UUID]
) -> dict[UUID, Crossing]:
    """Return of each of these lots that came from another ledger how it came."""
    found = {}
    for lot_id, piece in arrived_as(connection, set(lot_ids)).items():
        [listed] = remittance_list(connection, remittance_id=piece.remittance_id)
        received = ledger.event(piece.remittance_id, 1)
        assert isinstance(received, Remittance.Received)  # noqa: S101 - else it were no arrival
        entry = received.sent
        found[lot_id] = Crossing(
            piece.remittance_id,
            entry.key_id,
            listed.ledger_name,
            listed.other_code,
            listed.document,
            piece.sent_as or "",
            entry.position,
            entry.leaf_hash,
            entry.checkpoint_size,
            entry.checkpoint_root,
        )
    return found
