"""Signatures as they were taken down, and scans of sheets: when, by whom; never what they show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.batch import Batch
from ledger.domain.disbursement import Disbursement
from projections.asked import uuid_of
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    key,
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

discards = Table(
    "signatures_discarded",
    metadata,
    number_column("position", primary_key=True),
    id_column("disbursement_id"),
    text_column("happened_on"),
    Index("signatures_discarded_by_payment", "disbursement_id", "position"),
)
"""Where it was said that what had been taken down of a payment is no signature."""

scans = Table(
    "sheet_scans",
    metadata,
    number_column("position", primary_key=True),
    id_column("batch_id"),
    text_column("file_sha256"),
    number_column("page_count"),
    id_column("scanned_by"),
    text_column("happened_on"),
    Index("scans_by_batch", "batch_id", "position"),
)

scan_rows = Table(
    "sheet_scan_rows",
    metadata,
    number_column("position"),
    number_column("part"),
    number_column("page"),
    number_column("number"),
    text_column("seen"),
    key("position", "part"),
)


class Signatures(Projection):
    tables: ClassVar = (signatures, discards, scans, scan_rows)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Disbursement.SignatureCaptured: _captured,
            Disbursement.SignatureDiscarded: _discarded,
            Batch.SheetScanned: _scanned,
        }


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


@dataclass(frozen=True, slots=True)
class ScanRow:
    """What a scan showed of a row, on which page of the file; `number` 0 is the page itself."""

    page: int
    number: int
    seen: str


@dataclass(frozen=True, slots=True)
class SheetScan:
    """A scan of signed pages; `happened_on` is the day on which they were signed."""

    position: int
    file_sha256: str
    page_count: int
    scanned_by: UUID
    happened_on: str
    rows: tuple[ScanRow, ...]


def scans_of(connection: Connection, batch_id: UUID) -> list[SheetScan]:
    """Return the scans that were taken in for a batch, in the order in which they came."""
    found = connection.execute(
        select(scans).where(scans.c.batch_id == batch_id.bytes).order_by(scans.c.position)
    ).all()
    rows: dict[int, list[ScanRow]] = {row.position: [] for row in found}
    seen = (
        select(scan_rows)
        .where(scan_rows.c.position.in_(rows))
        .order_by(scan_rows.c.position, scan_rows.c.part)
    )
    for row in connection.execute(seen):
        rows[row.position].append(ScanRow(row.page, row.number, row.seen))
    return [
        SheetScan(
            row.position,
            row.file_sha256,
            row.page_count,
            uuid_of(row.scanned_by),
            row.happened_on,
            tuple(rows[row.position]),
        )
        for row in found
    ]


# What the events leave.


def _scanned(event: Batch.SheetScanned, position: int, rows: Rows) -> None:
    rows["sheet_scans"].append(
        (
            position,
            event.originator_id.bytes,
            event.file_sha256,
            event.page_count,
            event.scanned_by.bytes,
            event.happened_on.isoformat(),
        )
    )
    rows["sheet_scan_rows"] += [
        (position, part, each.page, each.number, each.seen) for part, each in enumerate(event.seen)
    ]


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


def _discarded(event: Disbursement.SignatureDiscarded, position: int, rows: Rows) -> None:
    rows["signatures_discarded"].append(
        (position, event.originator_id.bytes, event.happened_on.isoformat())
    )
