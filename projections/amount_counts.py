"""How many payments of an amount each class got from each union, added up block by block."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Connection, Table, func, insert, literal_column, select

from ledger.domain.aggregate import Event
from projections.payment_states import disbursements
from projections.view import (
    Fold,
    Handler,
    Projection,
    Span,
    id_column,
    metadata,
    number_column,
    text_column,
)

amount_counts = Table(
    "amount_counts",
    metadata,
    number_column("block"),
    id_column("organisation_id"),
    id_column("campaign_id"),
    text_column("category"),
    number_column("amount_fen"),
    text_column("happened_on"),
    number_column("count"),
    number_column("position", primary_key=True),
)
"""`position` is that of the first payment of the row."""

ALIKE = ("organisation_id", "campaign_id", "category", "amount_fen", "happened_on")


class AmountCounts(Projection):
    tables: ClassVar = (amount_counts,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {}

    def folding(self) -> Fold:
        return _fold


def _fold(connection: Connection, span: Span) -> None:
    of = disbursements.c
    block = span.block_of(of.position).label("in_block")
    alike = [of[name] for name in ALIKE]
    found = (
        select(block, *alike, func.count(), func.min(of.position))
        .where(span.holds(of.position))
        .group_by(literal_column(block.name), *alike)
    )
    names = ("block", *ALIKE, "count", "position")
    connection.execute(insert(amount_counts).from_select(names, found))
