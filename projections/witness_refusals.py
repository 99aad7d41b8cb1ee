"""Witnesses that did not cosign: what they were shown does not go on from what they knew."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Table

from ledger.domain.aggregate import Event
from ledger.domain.witness import Witnesses
from projections.view import Handler, Projection, Rows, metadata, number_column, text_column

witness_refusals = Table(
    "witness_refusals",
    metadata,
    number_column("position", primary_key=True),
    text_column("name"),
    number_column("size"),
    text_column("happened_on"),
)


class WitnessRefusals(Projection):
    tables: ClassVar = (witness_refusals,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Witnesses.Refused: _refused}


def _refused(event: Witnesses.Refused, position: int, rows: Rows) -> None:
    rows["witness_refusals"].append(
        (position, event.name, event.size, event.happened_on.isoformat())
    )
