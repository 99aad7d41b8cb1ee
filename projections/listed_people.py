"""What rows of lists said of people beside the money: telephone, retired, not on file yet."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Index, LargeBinary, Table

from ledger.domain.aggregate import Event
from ledger.domain.batch import Batch
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

row_phones = Table(
    "row_phones",
    metadata,
    number_column("position", primary_key=True),
    SqlColumn("phone", LargeBinary(32), nullable=False),
    id_column("person_id"),
    id_column("batch_id"),
    Index("row_phones_by_phone", "phone", "person_id"),
    Index("row_phones_by_person", "person_id", "batch_id", "phone"),
)
"""The blind index of a row's telephone; rows without one are not here."""

retired_rows = Table(
    "retired_rows",
    metadata,
    number_column("position", primary_key=True),
    id_column("person_id"),
    id_column("batch_id"),
    Index("retired_rows_by_person", "person_id", "batch_id"),
)
"""Rows of people who had reached the age that the policy of that day named."""


rows_not_on_file = Table(
    "rows_not_on_file",
    metadata,
    number_column("position", primary_key=True),
    id_column("person_id"),
    id_column("batch_id"),
    text_column("happened_on"),
    Index("rows_not_on_file_by_person", "person_id", "batch_id"),
)
"""Rows that were refused because the archive had no file of theirs."""

NOT_ON_FILE = "archive.not_on_file"


class ListedPeople(Projection):
    tables: ClassVar = (row_phones, retired_rows, rows_not_on_file)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Batch.RowAccepted: _row_accepted, Batch.RowRefused: _row_refused}


def _row_accepted(event: Batch.RowAccepted, position: int, rows: Rows) -> None:
    person, batch = event.person_id.bytes, event.originator_id.bytes
    if event.phone_index is not None:
        rows["row_phones"].append((position, bytes.fromhex(event.phone_index), person, batch))
    if event.of_retirement_age:
        rows["retired_rows"].append((position, person, batch))


def _row_refused(event: Batch.RowRefused, position: int, rows: Rows) -> None:
    if event.refusal_code == NOT_ON_FILE:
        rows["rows_not_on_file"].append(
            (
                position,
                event.subject_id.bytes,
                event.originator_id.bytes,
                event.happened_on.isoformat(),
            )
        )
