"""Movements of money other than payments: what came in, was passed on, came back, was put right.

They are few beside the payments: a table of their own says who recorded them, too, and when.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, Index, Table, func, or_, select

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.disbursement import Disbursement as Payment
from ledger.domain.fund import FundAccount
from projections.asked import NOW, Moment
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

movements = Table(
    "movements",
    metadata,
    number_column("position", primary_key=True),
    text_column("kind"),
    text_column("happened_on"),
    text_column("recorded_at"),
    id_column("officer_id", nullable=True),
    id_column("organisation_id"),
    id_column("other_id", nullable=True),
    id_column("fund_id"),
    id_column("lot_id", nullable=True),
    id_column("disbursement_id", nullable=True),
    text_column("document", nullable=True),
    text_column("reason", nullable=True),
    number_column("amount_fen"),
    Index("movements_by_kind", "kind", "position"),
    Index("movements_by_disbursement", "disbursement_id"),
    Index("movements_by_organisation", "organisation_id", "position"),
    Index("movements_by_other", "other_id", "position"),
)
"""`organisation_id` is whose account it concerns, `other_id` whom an allocation went to."""


class Kind(StrEnum):
    """What moves. A receipt put right is one, too, and adds its difference.

    A remittance went to another ledger, an arrival came from one; what is taken back was refused
    there.
    """

    PAYMENT = "payment"
    RECEIPT = "receipt"
    ALLOCATION = "allocation"
    REMITTANCE = "remittance"
    ARRIVAL = "arrival"
    TAKEN_BACK = "taken_back"
    RETURN = "return"
    WITHDRAWAL = "withdrawal"
    REISSUE = "reissue"
    CORRECTION = "correction"


OF_PIECES = tuple(
    kind.value for kind in (Kind.ALLOCATION, Kind.REMITTANCE, Kind.ARRIVAL, Kind.TAKEN_BACK)
)
"""What moves pieces of several appropriations at once."""


def withdrawals(connection: Connection, ids: list[bytes], moment: Moment = NOW) -> dict[bytes, int]:
    """Return what organisations ever withdrew, in fen, also where it was paid again since."""
    statement = (
        select(movements.c.organisation_id, func.sum(movements.c.amount_fen))
        .where(movements.c.kind == Kind.WITHDRAWAL.value, moment.covers(movements))
        .where(movements.c.organisation_id.in_(ids))
        .group_by(movements.c.organisation_id)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def stands(moment: Moment, of: FromClause = movements) -> ColumnElement[bool]:
    """Return the condition that a movement is no return that was taken back by the moment.

    Where a bank line was taken for the wrong payment, its return is corrected before anything else
    moves that payment: the money had never come back.

    Args:
        moment: As of when.
        of: `movements`, or an alias of it.
    """
    later = movements.alias("later")
    next_kind = (
        select(later.c.kind)
        .where(later.c.disbursement_id == of.c.disbursement_id)
        .where(later.c.position > of.c.position, moment.covers(later))
        .order_by(later.c.position)
        .limit(1)
        .correlate(of)
        .scalar_subquery()
    )
    taken_back = func.coalesce(next_kind, "") == Kind.CORRECTION.value
    return or_(of.c.kind != Kind.RETURN.value, ~taken_back)


class Movements(Projection):
    tables: ClassVar = (movements,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            FundAccount.Received: _received,
            FundAccount.ReceiptCorrected: _receipt_corrected,
            FundAccount.Allocated: _allocated,
            FundAccount.Remitted: _remitted,
            FundAccount.RemittanceReceived: _arrived,
            FundAccount.RemittanceTakenBack: _taken_back,
            Payment.Returned: _returned,
            Payment.Withdrawn: _withdrawn,
            Payment.Reissued: _reissued,
            Payment.Corrected: _corrected,
        }


def _received(event: FundAccount.Received, position: int, rows: Rows) -> None:
    _of_account(event, position, rows, Kind.RECEIPT, event.amount_fen, lot_id=event.lot_id)


def _receipt_corrected(event: FundAccount.ReceiptCorrected, position: int, rows: Rows) -> None:
    _of_account(event, position, rows, Kind.RECEIPT, event.difference_fen, lot_id=event.lot_id)


def _allocated(event: FundAccount.Allocated, position: int, rows: Rows) -> None:
    _of_account(
        event,
        position,
        rows,
        Kind.ALLOCATION,
        event.amount_fen,
        other_id=event.to_organisation_id,
        document=event.document,
    )


def _remitted(event: FundAccount.Remitted, position: int, rows: Rows) -> None:
    _of_account(event, position, rows, Kind.REMITTANCE, event.amount_fen)


def _arrived(event: FundAccount.RemittanceReceived, position: int, rows: Rows) -> None:
    _of_account(event, position, rows, Kind.ARRIVAL, event.amount_fen, document=event.document)


def _taken_back(event: FundAccount.RemittanceTakenBack, position: int, rows: Rows) -> None:
    _of_account(event, position, rows, Kind.TAKEN_BACK, event.amount_fen)


def _of_account(
    event: FundAccount.Received
    | FundAccount.ReceiptCorrected
    | FundAccount.Allocated
    | FundAccount.Remitted
    | FundAccount.RemittanceReceived
    | FundAccount.RemittanceTakenBack,
    position: int,
    rows: Rows,
    kind: Kind,
    amount_fen: int,
    *,
    other_id: UUID | None = None,
    lot_id: UUID | None = None,
    document: str | None = None,
) -> None:
    rows["movements"].append(
        (
            position,
            kind.value,
            event.happened_on.isoformat(),
            event.recorded_at,
            _officer(event),
            event.organisation_id.bytes,
            None if other_id is None else other_id.bytes,
            event.originator_id.bytes,
            None if lot_id is None else lot_id.bytes,
            None,
            document,
            None,
            amount_fen,
        )
    )


def _returned(event: Payment.Returned, position: int, rows: Rows) -> None:
    _of_payment(event, position, rows, Kind.RETURN, event.reason)


def _withdrawn(event: Payment.Withdrawn, position: int, rows: Rows) -> None:
    _of_payment(event, position, rows, Kind.WITHDRAWAL, None)


def _reissued(event: Payment.Reissued, position: int, rows: Rows) -> None:
    _of_payment(event, position, rows, Kind.REISSUE, None)


def _corrected(event: Payment.Corrected, position: int, rows: Rows) -> None:
    _of_payment(event, position, rows, Kind.CORRECTION, None)


def _of_payment(
    event: Payment.Returned | Payment.Withdrawn | Payment.Reissued | Payment.Corrected,
    position: int,
    rows: Rows,
    kind: Kind,
    reason: str | None,
) -> None:
    """Add what happened to a payment; officers' own words stay in the event."""
    rows["movements"].append(
        (
            position,
            kind.value,
            event.happened_on.isoformat(),
            event.recorded_at,
            _officer(event),
            event.organisation_id.bytes,
            None,
            event.fund_id.bytes,
            None,
            event.originator_id.bytes,
            None,
            reason,
            event.amount_fen,
        )
    )


def _officer(event: Event) -> bytes | None:
    return None if event.actor == OPERATOR else UUID(event.actor).bytes
