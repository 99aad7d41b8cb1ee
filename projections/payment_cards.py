"""Which card each payment went to, by the card's blind index: as instructed, and as paid again."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Index, LargeBinary, Table

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Disbursement as Payment
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

payment_cards = Table(
    "payment_cards",
    metadata,
    number_column("position", primary_key=True),
    SqlColumn("card", LargeBinary(32), nullable=False),
    id_column("person_id"),
    text_column("happened_on"),
    Index("payment_cards_by_card", "card", "person_id"),
)
"""`position` is that of the payment itself."""

reissue_cards = Table(
    "reissue_cards",
    metadata,
    number_column("position", primary_key=True),
    SqlColumn("card", LargeBinary(32), nullable=False),
    id_column("disbursement_id"),
    text_column("happened_on"),
    Index("reissue_cards_by_card", "card"),
)


class PaymentCards(Projection):
    tables: ClassVar = (payment_cards, reissue_cards)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Payment.Instructed: _instructed, Payment.Reissued: _reissued}


def _instructed(event: Payment.Instructed, position: int, rows: Rows) -> None:
    if event.card_index is not None:
        rows["payment_cards"].append(
            (
                position,
                bytes.fromhex(event.card_index),
                event.person_id.bytes,
                event.happened_on.isoformat(),
            )
        )


def _reissued(event: Payment.Reissued, position: int, rows: Rows) -> None:
    if event.card_index is not None:
        rows["reissue_cards"].append(
            (
                position,
                bytes.fromhex(event.card_index),
                event.originator_id.bytes,
                event.happened_on.isoformat(),
            )
        )
