"""Payments as they were instructed, and every state that each was ever in."""

from collections.abc import Iterable, Mapping
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index, Table

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Disbursement as Payment
from ledger.domain.disbursement import Status
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

HEX = len(UUID(int=0).hex)

disbursements = Table(
    "disbursements",
    metadata,
    id_column("disbursement_id"),
    id_column("campaign_id"),
    id_column("batch_id"),
    number_column("number"),
    id_column("organisation_id"),
    id_column("fund_id"),
    id_column("person_id"),
    text_column("category"),
    text_column("channel"),
    text_column("origins"),
    number_column("amount_fen"),
    text_column("happened_on"),
    number_column("position", primary_key=True),
    Index(
        "disbursements_by_person",
        "person_id",
        "position",
        "happened_on",
        "organisation_id",
        "amount_fen",
    ),
    key("disbursement_id"),
)
"""`origins` are the appropriations that its money first came from, as `origins_text` has them."""

states = Table(
    "disbursement_states",
    metadata,
    number_column("position", primary_key=True),
    id_column("disbursement_id"),
    text_column("status"),
    text_column("reason", nullable=True),
    text_column("happened_on"),
    number_column("amount_fen"),
    Index("states_by_disbursement", "disbursement_id", "position"),
)


class PaymentStates(Projection):
    tables: ClassVar = (disbursements, states)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Payment.Instructed: _instructed,
            Payment.Settled: _settled,
            Payment.Signed: _signed,
            Payment.Returned: _returned,
            Payment.Withdrawn: _withdrawn,
            Payment.Unresolved: _unresolved,
            Payment.Reissued: _reissued,
            Payment.Corrected: _corrected,
        }


def origins_text(ids: Iterable[UUID]) -> str:
    """Write which appropriations money is of, each once and in order, so that texts compare."""
    return "".join(sorted({each.hex for each in ids}))


def origins_of(text: str) -> list[UUID]:
    """Read what `origins_text` wrote."""
    return [UUID(text[at : at + HEX]) for at in range(0, len(text), HEX)]


# What the events leave.


def _instructed(event: Payment.Instructed, position: int, rows: Rows) -> None:
    rows["disbursements"].append(
        (
            event.originator_id.bytes,
            event.campaign_id.bytes,
            event.batch_id.bytes,
            event.number,
            event.organisation_id.bytes,
            event.fund_id.bytes,
            event.person_id.bytes,
            event.category,
            event.channel,
            origins_text(part.origin_id for part in event.parts),
            event.amount_fen,
            event.happened_on.isoformat(),
            position,
        )
    )
    _state(event, position, rows, Status.IN_TRANSIT, None, event.amount_fen)


def _settled(event: Payment.Settled, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.SETTLED, None, event.amount_fen)


def _signed(event: Payment.Signed, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.SIGNED, None, event.amount_fen)


def _returned(event: Payment.Returned, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.RETURNED, event.reason, event.amount_fen)


def _withdrawn(event: Payment.Withdrawn, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.WITHDRAWN, None, event.amount_fen)


def _reissued(event: Payment.Reissued, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.IN_TRANSIT, None, event.amount_fen)


def _unresolved(event: Payment.Unresolved, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status.IN_TRANSIT, event.reason, event.amount_fen)


def _corrected(event: Payment.Corrected, position: int, rows: Rows) -> None:
    _state(event, position, rows, Status(event.now), None, event.amount_fen)


def _state(
    event: Event, position: int, rows: Rows, status: Status, reason: str | None, amount: int
) -> None:
    rows["disbursement_states"].append(
        (
            position,
            event.originator_id.bytes,
            status.value,
            reason,
            event.happened_on.isoformat(),
            amount,
        )
    )
