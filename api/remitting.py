"""Proofs of remittances, as the edge makes and reads them."""

from dataclasses import replace
from uuid import UUID

from fastapi import UploadFile

from api.uploads import whole
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import Published, latest
from ledger.anchoring.witnesses import cosigned_note
from ledger.commands.remittance_proofs import KIND
from ledger.errors import Kind, LedgerError
from ledger.evidence.pack import Pack
from ledger.packs.file import read_pack
from ledger.packs.handing_over import PackOrder, hand_over
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.map_store import MapStore

UNPACKED_BYTES_MAX = 200 * 1024 * 1024
"""Of an uploaded file's parts together: what a remittance comes to is far less."""


class NotPublished(LedgerError):
    """No published checkpoint covers the remittance yet, so that nothing proves it to others."""

    code = "remittance.not_published"
    kind = Kind.CONFLICT

    def __init__(self, remittance_id: UUID) -> None:
        super().__init__(
            f"no published checkpoint covers remittance {remittance_id} yet;"
            " `nuanzhang anchor` publishes one"
        )


def proof_of(
    ledger: Ledger, maps: MapStore, anchors: Anchors, act: CommandAct, remittance_id: UUID
) -> bytes:
    """Return the file of a remittance, under the last published checkpoint.

    Raises:
        NotPublished: That checkpoint is older than the remittance.
    """
    published = latest(ledger)
    if published is None or not _covers(ledger, published, remittance_id):
        raise NotPublished(remittance_id)
    return proof_under(ledger, maps, anchors, published, act, remittance_id)


def proof_under(
    ledger: Ledger,
    maps: MapStore,
    anchors: Anchors,
    published: Published,
    act: CommandAct,
    remittance_id: UUID,
) -> bytes:
    """Return the file of a remittance under a published checkpoint, with its cosignatures."""
    under = replace(published, note=cosigned_note(anchors, published))
    order = PackOrder(KIND, remittance_id, timestamps=tuple(anchors.timestamps(under.size)))
    return hand_over(ledger, maps, under, act, order)


def read_proof(file: UploadFile) -> Pack:
    """Read an uploaded file; whether it holds, the command says.

    Raises:
        PackUnreadable, PackBroken: It is none.
        UploadTooLarge: As it says.
    """
    return proof_in(whole(file))


def proof_in(content: bytes) -> Pack:
    """Read the bytes of such a file.

    Raises:
        PackUnreadable, PackBroken: They are none.
    """
    return read_pack(content, UNPACKED_BYTES_MAX).pack


def is_published(ledger: Ledger, remittance_id: UUID) -> bool:
    """Say whether the last published checkpoint covers all that is on record of a remittance."""
    published = latest(ledger)
    return published is not None and _covers(ledger, published, remittance_id)


def _covers(ledger: Ledger, published: Published, remittance_id: UUID) -> bool:
    positions = ledger.log.select_stream_positions(remittance_id)
    return bool(positions) and positions[-1][1] < published.position
