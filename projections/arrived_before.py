"""Failures that a bank took back after the payment had been made again to another account."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Disbursement as Payment
from ledger.domain.values import Money
from projections.asked import uuid_of
from projections.payment_states import disbursements
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

arrived_before = Table(
    "arrived_before",
    metadata,
    number_column("position", primary_key=True),
    id_column("disbursement_id"),
    id_column("batch_id"),
    number_column("attempt"),
    text_column("outcome"),
    text_column("happened_on"),
    Index("arrived_before_by_batch", "batch_id", "position"),
)
"""`attempt` is the version of the payment at which it was instructed: one before its last."""


class ArrivedBefore(Projection):
    tables: ClassVar = (arrived_before,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Payment.ArrivedBefore: _arrived_before}


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What the bank said of an earlier attempt at a payment of a batch, and when that was told."""

    disbursement_id: UUID
    number: int
    amount_fen: Money
    outcome: str
    happened_on: str
    position: int


def taken_back_of(connection: Connection, batch_id: UUID) -> list[TakenBack]:
    """Return what a bank took back too late of a batch's payments, in the order it was told."""
    statement = (
        select(arrived_before, disbursements.c.number, disbursements.c.amount_fen)
        .join(disbursements, disbursements.c.disbursement_id == arrived_before.c.disbursement_id)
        .where(arrived_before.c.batch_id == batch_id.bytes)
        .order_by(arrived_before.c.position)
    )
    return [
        TakenBack(
            uuid_of(row.disbursement_id),
            row.number,
            Money(row.amount_fen),
            row.outcome,
            row.happened_on,
            row.position,
        )
        for row in connection.execute(statement)
    ]


def _arrived_before(event: Payment.ArrivedBefore, position: int, rows: Rows) -> None:
    rows["arrived_before"].append(
        (
            position,
            event.originator_id.bytes,
            event.batch_id.bytes,
            event.attempt,
            event.outcome,
            event.happened_on.isoformat(),
        )
    )
