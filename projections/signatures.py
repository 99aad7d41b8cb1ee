"""Signatures as they were taken down: when, on which device, under whose eyes; never themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Disbursement
from projections.asked import uuid_of
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

signatures = Table(
    "signatures",
    metadata,
    number_column("position", primary_key=True),
    id_column("disbursement_id"),
    id_column("batch_id"),
    number_column("number"),
    text_column("manner"),
    text_column("image_sha256"),
    text_column("sheet_sha256", nullable=True),
    text_column("device"),
    text_column("started_at"),
    text_column("ended_at"),
    id_column("witness_id"),
    text_column("recorded_at"),
    text_column("happened_on"),
    Index("signatures_by_batch", "batch_id", "position"),
    Index("signatures_by_device", "device", "position"),
)


class Signatures(Projection):
    tables: ClassVar = (signatures,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Disbursement.SignatureCaptured: _captured}


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was drawn or scanned; the times are the device's, `recorded_at` is ours."""

    position: int
    disbursement_id: UUID
    batch_id: UUID
    number: int
    manner: str
    image_sha256: str
    sheet_sha256: str | None
    device: str
    started_at: str
    ended_at: str
    witness_id: UUID
    recorded_at: str
    happened_on: str


def signatures_of(connection: Connection, batch_id: UUID) -> list[Signature]:
    """Return all signatures that were taken down on a sheet, in the order in which they came."""
    statement = (
        select(signatures)
        .where(signatures.c.batch_id == batch_id.bytes)
        .order_by(signatures.c.position)
    )
    return [
        Signature(
            row.position,
            uuid_of(row.disbursement_id),
            uuid_of(row.batch_id),
            row.number,
            row.manner,
            row.image_sha256,
            row.sheet_sha256,
            row.device,
            row.started_at,
            row.ended_at,
            uuid_of(row.witness_id),
            row.recorded_at,
            row.happened_on,
        )
        for row in connection.execute(statement)
    ]


# What the events leave.


def _captured(event: Disbursement.SignatureCaptured, position: int, rows: Rows) -> None:
    rows["signatures"].append(
        (
            position,
            event.originator_id.bytes,
            event.batch_id.bytes,
            event.number,
            event.manner,
            event.image_sha256,
            event.sheet_sha256,
            event.device,
            event.started_at,
            event.ended_at,
            event.witness_id.bytes,
            event.recorded_at,
            event.happened_on.isoformat(),
        )
    )
