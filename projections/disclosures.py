"""Disclosures: every file in clear that was handed out, and every reading of personal data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Index, Table, exists, func, or_, select

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.export import Export
from ledger.domain.recipient import Recipient
from projections.asked import optional_uuid, uuid_of
from projections.batches import batches
from projections.journal import funds
from projections.payment_states import disbursements
from projections.people import known_at
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

disclosures = Table(
    "disclosures",
    metadata,
    number_column("position", primary_key=True),
    text_column("kind"),
    id_column("officer_id", nullable=True),
    id_column("subject_id"),
    number_column("people"),
    text_column("fields", nullable=True),
    text_column("file_sha256", nullable=True),
    text_column("reason"),
    text_column("made_for", nullable=True),
    text_column("happened_on"),
    text_column("recorded_at"),
    Index("disclosures_by_officer", "officer_id", "position"),
)

UNMASKED = "unmasked"
"""Kind of a reading on a page; files have the kinds of their exports (bank_file, pack.fund ...)."""


class Disclosures(Projection):
    tables: ClassVar = (disclosures,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Export.HandedOver: _handed_over, Recipient.Unmasked: _unmasked}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Who saw personal data, of what, why, and whom a file was for.

    `subject_id` is what the file is of, or the person who was read; `organisation_id` is where that
    belongs, unless it is a person. `officer_id` is None where the operator did it.
    """

    kind: str
    officer_id: UUID | None
    subject_id: UUID
    organisation_id: UUID | None
    batch_code: str | None
    people: int
    fields: tuple[str, ...]
    file_sha256: str | None
    reason: str
    made_for: str | None
    happened_on: str
    recorded_at: str
    position: int


@dataclass(frozen=True, slots=True)
class Question:
    """Which disclosures; what is None asks for nothing.

    `organisation_ids`: those that concern one of them. `files`: files alone, or readings alone.
    """

    organisation_ids: Sequence[UUID] | None = None
    officer_id: UUID | None = None
    files: bool | None = None
    since: date | None = None
    until: date | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        columns = disclosures.c
        found: list[ColumnElement[bool]] = []
        if self.organisation_ids is not None:
            found.append(_concerns(columns.subject_id, self.organisation_ids))
        if self.officer_id is not None:
            found.append(columns.officer_id == self.officer_id.bytes)
        if self.files is not None:
            unmasked = columns.kind == UNMASKED
            found.append(~unmasked if self.files else unmasked)
        if self.since is not None:
            found.append(columns.happened_on >= self.since.isoformat())
        if self.until is not None:
            found.append(columns.happened_on <= self.until.isoformat())
        return found


def disclosure_list(
    connection: Connection,
    asked: Question,
    *,
    before: int | None = None,
    upto: int | None = None,
    limit: int = 100,
) -> list[Disclosure]:
    """Return disclosures, the last first.

    Args:
        connection: The read model.
        asked: Which.
        before: Position of the last one seen.
        upto: What had been recorded up to this position.
        limit: How many at most.
    """
    subject = disclosures.c.subject_id
    of_batch = batches.c.batch_id == subject
    place = func.coalesce(
        select(batches.c.organisation_id).where(of_batch).scalar_subquery(),
        select(funds.c.organisation_id).where(funds.c.fund_id == subject).scalar_subquery(),
        select(disbursements.c.organisation_id)
        .where(disbursements.c.disbursement_id == subject)
        .scalar_subquery(),
    )
    code = select(batches.c.code).where(of_batch).scalar_subquery()
    statement = select(disclosures, place.label("place"), code.label("batch_code")).where(
        *asked.conditions()
    )
    if before is not None:
        statement = statement.where(disclosures.c.position < before)
    if upto is not None:
        statement = statement.where(disclosures.c.position <= upto)
    found = connection.execute(statement.order_by(disclosures.c.position.desc()).limit(limit))
    return [
        Disclosure(
            row.kind,
            optional_uuid(row.officer_id),
            uuid_of(row.subject_id),
            uuid_of(row.subject_id)
            if row.kind == "pack.organisation"
            else optional_uuid(row.place),
            row.batch_code,
            row.people,
            tuple((row.fields or "").split()),
            row.file_sha256,
            row.reason,
            row.made_for,
            row.happened_on,
            row.recorded_at,
            row.position,
        )
        for row in found
    ]


def files_of(connection: Connection, subject_ids: Collection[UUID]) -> list[int]:
    """Return where the log tells of files in clear that were made of these, and handed out."""
    statement = (
        select(disclosures.c.position)
        .where(disclosures.c.subject_id.in_([each.bytes for each in subject_ids]))
        .where(disclosures.c.kind != UNMASKED)
        .order_by(disclosures.c.position)
    )
    return list(connection.execute(statement).scalars())


def _concerns(
    subject: ColumnElement[bytes], organisation_ids: Sequence[UUID]
) -> ColumnElement[bool]:
    """Return the condition that a subject belongs to one of them, or is a person known there."""
    ids = [each.bytes for each in organisation_ids]
    return or_(
        subject.in_(ids),
        exists().where(batches.c.batch_id == subject, batches.c.organisation_id.in_(ids)),
        exists().where(funds.c.fund_id == subject, funds.c.organisation_id.in_(ids)),
        exists().where(
            disbursements.c.disbursement_id == subject, disbursements.c.organisation_id.in_(ids)
        ),
        known_at(subject, organisation_ids),
    )


def _handed_over(event: Export.HandedOver, position: int, rows: Rows) -> None:
    rows["disclosures"].append(
        (
            position,
            event.kind,
            _officer(event),
            event.subject_id.bytes,
            event.people,
            None,
            event.file_sha256,
            event.reason,
            event.made_for,
            event.happened_on.isoformat(),
            event.recorded_at,
        )
    )


def _unmasked(event: Recipient.Unmasked, position: int, rows: Rows) -> None:
    rows["disclosures"].append(
        (
            position,
            UNMASKED,
            _officer(event),
            event.originator_id.bytes,
            1,
            " ".join(event.fields),
            None,
            event.reason,
            None,
            event.happened_on.isoformat(),
            event.recorded_at,
        )
    )


def _officer(event: Event) -> bytes | None:
    return None if event.actor == OPERATOR else UUID(event.actor).bytes
