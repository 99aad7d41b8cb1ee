"""The journal: every movement of money as lines between accounts, and the lots it moves in."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Index, Table, column, exists

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Disbursement, Status
from ledger.domain.fiscal_year import FiscalYear
from ledger.domain.fund import FundAccount
from ledger.domain.lots import Part
from ledger.domain.remittance import Remittance
from ledger.domain.values import Money
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


class Account(StrEnum):
    """Where money can be. What leaves one account arrives in another: the sum is always zero.

    What went to another ledger is `REMITTED` (on its way) until that one has proved that it is
    there, and then with other `LEDGERS`, or that it refused it, and then it is taken back. What
    came from one came from outside (`SOURCE`).
    """

    SOURCE = "source"
    FUND = "fund"
    TRANSFER = "transfer"
    TRANSIT = "transit"
    RECIPIENT = "recipient"
    RETURNED = "returned"
    REMITTED = "remitted"
    LEDGERS = "ledgers"


lines = Table(
    "journal_lines",
    metadata,
    number_column("position"),
    number_column("part"),
    text_column("happened_on"),
    text_column("from_account"),
    text_column("to_account"),
    id_column("organisation_id"),
    id_column("fund_id"),
    id_column("lot_id"),
    id_column("origin_id"),
    number_column("vintage"),
    id_column("disbursement_id", nullable=True),
    number_column("amount_fen"),
    Index("journal_by_origin", "origin_id", "position"),
    Index("journal_by_disbursement", "disbursement_id", "position"),
    Index("journal_by_lot", "lot_id", "position"),
    # What left the people whom it had reached: few, and asked for alone.
    Index(
        "journal_from_people",
        "lot_id",
        "position",
        sqlite_where=column("from_account") == Account.RECIPIENT.value,
    ),
    key("position", "part"),
)

lots = Table(
    "lots",
    metadata,
    id_column("lot_id"),
    id_column("fund_id"),
    id_column("organisation_id"),
    id_column("parent_id", nullable=True),
    id_column("origin_id"),
    number_column("vintage"),
    number_column("carried_into", nullable=True),
    text_column("source"),
    text_column("document"),
    number_column("amount_fen"),
    number_column("position"),
    text_column("happened_on"),
    Index("lots_by_origin", "origin_id"),
    Index("lots_by_parent", "parent_id", "position"),
    Index("lots_by_organisation", "organisation_id"),
    key("lot_id"),
)
"""`carried_into` is the fiscal year whose opening surplus a receipt was entered as, if any."""

funds = Table(
    "funds",
    metadata,
    id_column("fund_id"),
    id_column("organisation_id"),
    text_column("earmark"),
    number_column("position"),
    Index("funds_by_organisation", "organisation_id"),
    key("fund_id"),
)

openings = Table(
    "openings",
    metadata,
    number_column("position", primary_key=True),
    text_column("happened_on"),
    id_column("organisation_id"),
    number_column("year"),
    id_column("lot_id"),
    number_column("vintage"),
    number_column("amount_fen"),
    Index("openings_by_year", "year", "organisation_id"),
)
"""What is brought forward into fiscal years, lot by lot.

A receipt that was brought forward at once stands here again where it is corrected, with the
difference, which its own line moves too.
"""

targets = Table(
    "surplus_targets",
    metadata,
    id_column("organisation_id"),
    number_column("year"),
    number_column("first_year_minimum_bp", nullable=True),
    number_column("all_within_years", nullable=True),
    text_column("happened_on"),
    number_column("position", primary_key=True),
    Index("surplus_targets_by_year", "year", "organisation_id"),
)
"""What each fiscal year asks, as it was opened, and where nothing was asked then, as was set later:
the last row of a year counts."""


class Line(NamedTuple):
    """Money of one piece of a lot, from an account to another."""

    from_account: Account
    to_account: Account
    organisation_id: UUID
    fund_id: UUID
    lot_id: UUID
    origin_id: UUID
    vintage: int
    disbursement_id: UUID | None
    amount_fen: int


WHERE: Mapping[str, Account] = {
    Status.IN_TRANSIT: Account.TRANSIT,
    Status.SETTLED: Account.RECIPIENT,
    Status.SIGNED: Account.RECIPIENT,
    Status.RETURNED: Account.RETURNED,
    Status.WITHDRAWN: Account.RETURNED,
}
"""The account that a payment's money is in, by the payment's status."""


def was_brought_forward() -> ColumnElement[bool]:
    """Return what tells openings from corrections of receipts among their rows."""
    return ~exists().where(lines.c.position == openings.c.position)


def lines_of(event: Event) -> Sequence[Line]:
    """Return what an event moves: nothing, or one line for each piece of a lot."""
    route = _ROUTES.get(type(event))
    return () if route is None else route(event)


class Journal(Projection):
    tables: ClassVar = (lines, lots, funds, openings, targets)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            FundAccount.Opened: _opened,
            FundAccount.Received: _received,
            FundAccount.ReceiptCorrected: _receipt_corrected,
            FundAccount.Allocated: _moved,
            FundAccount.AllocationReceived: _allocation_received,
            FundAccount.Remitted: _moved,
            FundAccount.RemittanceReceived: _remittance_received,
            FundAccount.RemittanceTakenBack: _moved,
            Remittance.Acknowledged: _moved,
            FundAccount.Drawn: _moved,
            FundAccount.Restored: _moved,
            Disbursement.Settled: _moved,
            Disbursement.Signed: _moved,
            Disbursement.Returned: _moved,
            Disbursement.Withdrawn: _moved,
            Disbursement.Corrected: _moved,
            FiscalYear.Opened: _asked,
            FiscalYear.TargetsSet: _asked,
            FiscalYear.SurplusBroughtForward: _brought_forward,
        }


def _moved(event: Event, position: int, rows: Rows) -> None:
    day = event.happened_on.isoformat()
    table = rows["journal_lines"]
    for number, line in enumerate(lines_of(event)):
        disbursement = line.disbursement_id
        table.append(
            (
                position,
                number,
                day,
                line.from_account.value,
                line.to_account.value,
                line.organisation_id.bytes,
                line.fund_id.bytes,
                line.lot_id.bytes,
                line.origin_id.bytes,
                line.vintage,
                None if disbursement is None else disbursement.bytes,
                line.amount_fen,
            )
        )


def _opened(event: FundAccount.Opened, position: int, rows: Rows) -> None:
    rows["funds"].append(
        (event.originator_id.bytes, event.organisation_id.bytes, event.earmark, position)
    )


def _received(event: FundAccount.Received, position: int, rows: Rows) -> None:
    _moved(event, position, rows)
    rows["lots"].append(
        (
            event.lot_id.bytes,
            event.originator_id.bytes,
            event.organisation_id.bytes,
            None,
            event.lot_id.bytes,
            event.vintage,
            event.carried_into,
            event.source,
            event.document,
            event.amount_fen,
            position,
            event.happened_on.isoformat(),
        )
    )


def _receipt_corrected(event: FundAccount.ReceiptCorrected, position: int, rows: Rows) -> None:
    _moved(event, position, rows)
    if event.carried_into is not None:
        rows["openings"].append(
            (
                position,
                event.happened_on.isoformat(),
                event.organisation_id.bytes,
                event.carried_into,
                event.lot_id.bytes,
                event.vintage,
                event.difference_fen,
            )
        )


def _allocation_received(event: FundAccount.AllocationReceived, position: int, rows: Rows) -> None:
    _moved(event, position, rows)
    for lot in event.lots:
        rows["lots"].append(
            (
                lot.lot_id.bytes,
                event.originator_id.bytes,
                event.organisation_id.bytes,
                lot.parent_id.bytes,
                lot.origin_id.bytes,
                lot.vintage,
                None,
                lot.source,
                lot.document,
                lot.amount_fen,
                position,
                event.happened_on.isoformat(),
            )
        )


def _remittance_received(event: FundAccount.RemittanceReceived, position: int, rows: Rows) -> None:
    """Add its lots as what came from outside: their ids in the other ledger are none of ours."""
    _moved(event, position, rows)
    for lot in event.lots:
        rows["lots"].append(
            (
                lot.lot_id.bytes,
                event.originator_id.bytes,
                event.organisation_id.bytes,
                None,
                lot.origin_id.bytes,
                lot.vintage,
                None,
                lot.source,
                lot.document,
                lot.amount_fen,
                position,
                event.happened_on.isoformat(),
            )
        )


def _asked(event: FiscalYear.Opened | FiscalYear.TargetsSet, position: int, rows: Rows) -> None:
    minimum, within = event.targets.first_year_minimum, event.targets.all_within
    rows["surplus_targets"].append(
        (
            event.organisation_id.bytes,
            event.year,
            minimum.basis_points if minimum else None,
            within.years if within else None,
            event.happened_on.isoformat(),
            position,
        )
    )


def _brought_forward(event: FiscalYear.SurplusBroughtForward, position: int, rows: Rows) -> None:
    rows["openings"].append(
        (
            position,
            event.happened_on.isoformat(),
            event.organisation_id.bytes,
            event.year,
            event.lot_id.bytes,
            event.vintage,
            event.amount_fen,
        )
    )


class _Piece(Protocol):
    """What parts and lots have in common."""

    @property
    def lot_id(self) -> UUID: ...
    @property
    def origin_id(self) -> UUID: ...
    @property
    def vintage(self) -> int: ...
    @property
    def amount_fen(self) -> Money: ...


def _receipt(event: FundAccount.Received) -> Sequence[Line]:
    return _outside(event, event.lot_id, event.vintage, event.amount_fen)


def _receipt_difference(event: FundAccount.ReceiptCorrected) -> Sequence[Line]:
    return _outside(event, event.lot_id, event.vintage, event.difference_fen)


def _outside(
    event: FundAccount.Received | FundAccount.ReceiptCorrected,
    lot_id: UUID,
    vintage: int,
    amount: Money,
) -> Sequence[Line]:
    part = Part(lot_id=lot_id, origin_id=lot_id, vintage=vintage, amount_fen=amount)
    fund, organisation = event.originator_id, event.organisation_id
    return _lines(organisation, fund, Account.SOURCE, Account.FUND, (part,))


def _given(event: FundAccount.Allocated) -> Sequence[Line]:
    fund, organisation = event.originator_id, event.organisation_id
    return _lines(organisation, fund, Account.FUND, Account.TRANSFER, event.parts)


def _taken(event: FundAccount.AllocationReceived) -> Sequence[Line]:
    fund, organisation = event.originator_id, event.organisation_id
    return _lines(organisation, fund, Account.TRANSFER, Account.FUND, event.lots)


def _remitted(event: FundAccount.Remitted) -> Sequence[Line]:
    fund, organisation = event.originator_id, event.organisation_id
    return _lines(organisation, fund, Account.FUND, Account.REMITTED, event.parts)


def _remittance_in(event: FundAccount.RemittanceReceived) -> Sequence[Line]:
    fund, organisation = event.originator_id, event.organisation_id
    return _lines(organisation, fund, Account.SOURCE, Account.FUND, event.lots)


def _taken_back(event: FundAccount.RemittanceTakenBack) -> Sequence[Line]:
    fund, organisation = event.originator_id, event.organisation_id
    return _lines(organisation, fund, Account.REMITTED, Account.FUND, event.parts)


def _acknowledged(event: Remittance.Acknowledged) -> Sequence[Line]:
    fund, organisation = event.fund_id, event.organisation_id
    return _lines(organisation, fund, Account.REMITTED, Account.LEDGERS, event.parts)


def _drawn(event: FundAccount.Drawn) -> Sequence[Line]:
    fund, organisation, payment = event.originator_id, event.organisation_id, event.disbursement_id
    return _lines(organisation, fund, Account.FUND, Account.TRANSIT, event.parts, payment)


def _restored(event: FundAccount.Restored) -> Sequence[Line]:
    fund, organisation, payment = event.originator_id, event.organisation_id, event.disbursement_id
    return _lines(organisation, fund, Account.RETURNED, Account.FUND, event.parts, payment)


_Payment = (
    Disbursement.Settled
    | Disbursement.Signed
    | Disbursement.Returned
    | Disbursement.Withdrawn
    | Disbursement.Corrected
)


def _payment(event: _Payment, source: Account, target: Account) -> Sequence[Line]:
    fund, organisation, payment = event.fund_id, event.organisation_id, event.originator_id
    return _lines(organisation, fund, source, target, event.parts, payment)


def _arrived(event: Disbursement.Settled | Disbursement.Signed) -> Sequence[Line]:
    return _payment(event, Account.TRANSIT, Account.RECIPIENT)


def _came_back(event: Disbursement.Returned) -> Sequence[Line]:
    return _payment(event, WHERE[event.was], Account.RETURNED)


def _withdrawn(event: Disbursement.Withdrawn) -> Sequence[Line]:
    return _payment(event, Account.TRANSIT, Account.RETURNED)


def _put_right(event: Disbursement.Corrected) -> Sequence[Line]:
    return _payment(event, WHERE[event.was], WHERE[event.now])


_ROUTES: Mapping[type[Event], Callable[[Any], Sequence[Line]]] = {
    FundAccount.Received: _receipt,
    FundAccount.ReceiptCorrected: _receipt_difference,
    FundAccount.Allocated: _given,
    FundAccount.AllocationReceived: _taken,
    FundAccount.Remitted: _remitted,
    FundAccount.RemittanceReceived: _remittance_in,
    FundAccount.RemittanceTakenBack: _taken_back,
    Remittance.Acknowledged: _acknowledged,
    FundAccount.Drawn: _drawn,
    FundAccount.Restored: _restored,
    Disbursement.Settled: _arrived,
    Disbursement.Signed: _arrived,
    Disbursement.Returned: _came_back,
    Disbursement.Withdrawn: _withdrawn,
    Disbursement.Corrected: _put_right,
}


def _lines(
    organisation_id: UUID,
    fund_id: UUID,
    source: Account,
    target: Account,
    pieces: Sequence[_Piece],
    disbursement_id: UUID | None = None,
) -> Sequence[Line]:
    return [
        Line(
            source,
            target,
            organisation_id,
            fund_id,
            piece.lot_id,
            piece.origin_id,
            piece.vintage,
            disbursement_id,
            piece.amount_fen,
        )
        for piece in pieces
    ]
