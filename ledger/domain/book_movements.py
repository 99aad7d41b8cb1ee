"""Which events move an account's money in the books: each once, and together all that it holds.

What goes to another ledger, or comes from one, is booked as what is passed on within this one.
A batch's payments leave together, as one payout: so the bank books them. What comes back, is paid
again, comes in or is passed on moves by itself, and so does what takes a return back. Money that
was there when the record began (carried over from earlier years) moved on no account and is part of
the opening balance.
"""

from collections.abc import Mapping

from ledger.domain.aggregate import Event
from ledger.domain.batch import Batch
from ledger.domain.book_item import ItemKind, Movement
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.values import Money


def movement_of(
    event: Event, batch: Batch | None = None, number: int | None = None
) -> Movement | None:
    """Return the movement that an event is, if it is one.

    Args:
        event: Any event.
        batch: Of a payout, a return or a reissue, the batch.
        number: Of a return or a reissue, the payment's row in it.
    """
    kind = MOVING.get(type(event))
    if kind is None or not moves(event):
        return None
    if isinstance(event, Batch.Approved):
        if batch is None:
            return None
        fund = fund_id(event.organisation_id, batch.earmark)
        return Movement(
            kind,
            event.originator_id,
            event.originator_version,
            event.organisation_id,
            fund,
            Money(-event.accepted_total_fen),
            event.happened_on,
            batch.code,
        )
    return Movement(
        kind,
        event.originator_id,
        event.originator_version,
        event.organisation_id,  # type: ignore[attr-defined]  # all that move have one
        getattr(event, "fund_id", event.originator_id),
        moved_by(event),
        event.happened_on,
        batch.code if batch else None,
        number,
        getattr(event, "document", None),
        getattr(event, "allocation_id", None),
    )


def moves(event: Event) -> bool:
    """Say whether an event of a type that moves money does: most corrections move none."""
    if isinstance(event, Disbursement.Corrected):
        return event.draws_again
    return not getattr(event, "carried_into", None)


def moved_by(event: Event) -> Money:
    """Return what an event adds to its fund account; money out is below zero."""
    amount: int = (
        event.difference_fen
        if isinstance(event, FundAccount.ReceiptCorrected)
        else event.amount_fen  # type: ignore[attr-defined]
    )
    return Money(-amount if kind_of(event) in OUT else amount)


def kind_of(event: Event) -> ItemKind:
    return MOVING[type(event)]


MOVING: Mapping[type[Event], ItemKind] = {
    Batch.Approved: ItemKind.PAYOUT,
    Disbursement.Returned: ItemKind.RETURN,
    Disbursement.Withdrawn: ItemKind.WITHDRAWAL,
    Disbursement.Reissued: ItemKind.REISSUE,
    Disbursement.Corrected: ItemKind.RETURN_UNDONE,
    FundAccount.Received: ItemKind.RECEIPT,
    FundAccount.ReceiptCorrected: ItemKind.CORRECTION,
    FundAccount.Allocated: ItemKind.ALLOCATION_OUT,
    FundAccount.AllocationReceived: ItemKind.ALLOCATION_IN,
    FundAccount.Remitted: ItemKind.ALLOCATION_OUT,
    FundAccount.RemittanceReceived: ItemKind.ALLOCATION_IN,
    FundAccount.RemittanceTakenBack: ItemKind.ALLOCATION_IN,
}
OUT = frozenset(
    {ItemKind.PAYOUT, ItemKind.REISSUE, ItemKind.RETURN_UNDONE, ItemKind.ALLOCATION_OUT}
)
