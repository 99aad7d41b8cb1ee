"""The bank reconciliation statement (银行存款余额调节表) of an account at the end of a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from msgspec.structs import astuple
from sqlalchemy import Connection, Index, Table, select

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.reconciliation import Figures, Reconciliation
from ledger.domain.values import Money
from projections.asked import Moment, optional_uuid
from projections.bank_accounts import Account, bank_balance, book_balance
from projections.bank_lines import (
    ItemView,
    LineView,
    timing_item_sums,
    timing_items,
    timing_line_sums,
    timing_lines,
)
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

LISTED_MAX = 500
"""Of each side, by name; all of them count."""

prepared = Table(
    "bank_reconciliations",
    metadata,
    number_column("position", primary_key=True),
    id_column("account_id"),
    text_column("as_of"),
    text_column("what"),
    text_column("happened_on"),
    id_column("officer_id", nullable=True),
    text_column("figures", nullable=True),
    number_column("log_size", nullable=True),
    Index("bank_reconciliations_by_account", "account_id", "as_of", "position"),
)


class BankReconciliations(Projection):
    tables: ClassVar = (prepared,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Reconciliation.Prepared: _prepared, Reconciliation.Reviewed: _reviewed}


@dataclass(frozen=True, slots=True)
class Balance:
    """Both columns; `figures` counts all, `lines` and `items` are the first of each side."""

    as_of: date
    figures: Figures
    lines: tuple[LineView, ...]
    items: tuple[ItemView, ...]

    @property
    def difference_fen(self) -> Money:
        return Money(self.figures.books_foot - self.figures.bank_foot)

    @property
    def listed(self) -> int:
        return len(self.lines) + len(self.items)


@dataclass(frozen=True, slots=True)
class Step:
    """That a statement was prepared or reviewed: by whom, when."""

    what: str
    as_of: str
    happened_on: str
    officer_id: UUID | None
    figures: str | None
    log_size: int | None
    position: int


def balance_at(connection: Connection, account: Account, day: date) -> Balance | None:
    """Return an account's statement as of a day; None where the bank's balance is not known.

    What one side booked by the day and the other only later counts as open on that day, though it
    is matched now.
    """
    bank = bank_balance(connection, account, day)
    if bank is None:
        return None
    asked = (account.account_id, account.begins_on, day.isoformat())
    lines = timing_line_sums(connection, *asked)
    items = timing_item_sums(connection, *asked)
    figures = Figures(
        books_fen=book_balance(connection, account.account_id, Moment(as_of=day)),
        bank_fen=bank,
        bank_in_fen=lines.in_fen,
        bank_out_fen=lines.out_fen,
        books_in_fen=items.in_fen,
        books_out_fen=items.out_fen,
        count=lines.count + items.count,
    )
    return Balance(
        day,
        figures,
        tuple(timing_lines(connection, *asked, LISTED_MAX)),
        tuple(timing_items(connection, *asked, LISTED_MAX)),
    )


def steps_of(connection: Connection, account_id: UUID, day: date | None = None) -> list[Step]:
    """Return what was prepared and reviewed of an account, of one day or of all, in order."""
    statement = (
        select(prepared)
        .where(prepared.c.account_id == account_id.bytes)
        .order_by(prepared.c.as_of, prepared.c.position)
    )
    if day is not None:
        statement = statement.where(prepared.c.as_of == day.isoformat())
    return [
        Step(
            row.what,
            row.as_of,
            row.happened_on,
            optional_uuid(row.officer_id),
            row.figures,
            row.log_size,
            row.position,
        )
        for row in connection.execute(statement)
    ]


def figures_text(figures: Figures) -> str:
    """Write figures so that equal ones give equal text."""
    return " ".join(str(each) for each in astuple(figures))


def _prepared(event: Reconciliation.Prepared, position: int, rows: Rows) -> None:
    _step(event, position, rows, "prepared", figures_text(event.figures), event.log_size)


def _reviewed(event: Reconciliation.Reviewed, position: int, rows: Rows) -> None:
    _step(event, position, rows, "reviewed", None, None)


def _step(
    event: Reconciliation.Prepared | Reconciliation.Reviewed,
    position: int,
    rows: Rows,
    what: str,
    figures: str | None,
    size: int | None,
) -> None:
    rows["bank_reconciliations"].append(
        (
            position,
            event.account_id.bytes,
            event.as_of.isoformat(),
            what,
            event.happened_on.isoformat(),
            None if event.actor == OPERATOR else UUID(event.actor).bytes,
            figures,
            size,
        )
    )
