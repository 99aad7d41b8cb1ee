"""What a row of a list said of somebody beside the money: whose telephone, and whether retired."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Index, LargeBinary, Table

from ledger.domain.aggregate import Event
from ledger.domain.batch import Batch
from projections.view import Handler, Projection, Rows, id_column, metadata, number_column

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


class ListedPeople(Projection):
    tables: ClassVar = (row_phones, retired_rows)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Batch.RowAccepted: _row_accepted}


def _row_accepted(event: Batch.RowAccepted, position: int, rows: Rows) -> None:
    person, batch = event.person_id.bytes, event.originator_id.bytes
    if event.phone_index is not None:
        rows["row_phones"].append((position, bytes.fromhex(event.phone_index), person, batch))
    if event.of_retirement_age:
        rows["retired_rows"].append((position, person, batch))
