"""Files of the archive, opened and closed: whose, where, and with which card."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Index, LargeBinary, Table

from ledger.domain.aggregate import Event
from ledger.domain.recipient import Recipient
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

OPENED, CLOSED = "opened", "closed"

person_files = Table(
    "person_files",
    metadata,
    number_column("position", primary_key=True),
    id_column("person_id"),
    text_column("step"),
    text_column("file_number"),
    id_column("organisation_id", nullable=True),
    SqlColumn("card", LargeBinary(32), nullable=True),
    text_column("happened_on"),
    Index("person_files_by_person", "person_id", "step", "card", "file_number"),
)


class PersonFiles(Projection):
    tables: ClassVar = (person_files,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Recipient.Filed: _filed, Recipient.FileClosed: _closed}


def _filed(event: Recipient.Filed, position: int, rows: Rows) -> None:
    rows["person_files"].append(
        (
            position,
            event.originator_id.bytes,
            OPENED,
            event.file_number,
            event.organisation_id.bytes,
            None if event.card_index is None else bytes.fromhex(event.card_index),
            event.happened_on.isoformat(),
        )
    )


def _closed(event: Recipient.FileClosed, position: int, rows: Rows) -> None:
    rows["person_files"].append(
        (
            position,
            event.originator_id.bytes,
            CLOSED,
            event.file_number,
            None,
            None,
            event.happened_on.isoformat(),
        )
    )
