"""What banks said of each payment, line by line, held against where the payment stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Index,
    ScalarSelect,
    Table,
    and_,
    func,
    or_,
    select,
)

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Status
from ledger.domain.statement import Statement
from ledger.domain.values import Money
from projections.asked import NOW, uuid_of
from projections.blocks import blocks_at
from projections.disbursements import last_state
from projections.payment_states import disbursements, states
from projections.payment_sums import runs
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

lines = Table(
    "statement_lines",
    metadata,
    number_column("position", primary_key=True),
    id_column("statement_id"),
    id_column("disbursement_id"),
    number_column("line", nullable=True),
    text_column("outcome"),
    Index("lines_by_disbursement", "disbursement_id", "position"),
)

SETTLED, FAILED = "settled", "failed"
"""Outcomes that a bank may state; whatever else it says, it does not know yet."""

ODDS_MAX = 50


class Answers(Projection):
    tables: ClassVar = (lines,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Statement.LineMatched: _matched}


@dataclass(frozen=True, slots=True)
class Standing:
    """Payments of a batch of which the bank's last word, and where they stand, are the same."""

    outcome: str | None
    status: str
    count: int
    total_fen: Money

    @property
    def agrees(self) -> bool:
        """Whether they fit. What is in transit awaits a word, also again after it came back."""
        if self.status == Status.RETURNED:
            return self.outcome == FAILED
        if self.status == Status.WITHDRAWN:
            return self.outcome != SETTLED
        return (self.status == Status.SETTLED) == (self.outcome == SETTLED)


@dataclass(frozen=True, slots=True)
class Odd:
    """A payment of which the bank's last word and the ledger differ."""

    disbursement_id: UUID
    number: int
    amount_fen: Money
    outcome: str | None
    status: str


def standings(connection: Connection, batch_id: UUID) -> list[Standing]:
    """Sum up a batch's payments by the bank's last word and by where they stand."""
    statement = (
        select(lines.c.outcome, states.c.status, func.count(), func.sum(disbursements.c.amount_fen))
        .select_from(disbursements)
        .join(states, states.c.position == last_state())
        .outerjoin(lines, lines.c.position == _last_line())
        .where(_of_batch(connection, batch_id))
        .group_by(lines.c.outcome, states.c.status)
    )
    return [
        Standing(row[0], row[1], row[2], Money(row[3])) for row in connection.execute(statement)
    ]


def odd_payments(connection: Connection, batch_id: UUID) -> list[Odd]:
    """Return the first payments of a batch of which bank and ledger say different things."""
    said, status = func.coalesce(lines.c.outcome, ""), states.c.status
    differ = or_(
        and_(status == Status.SETTLED.value, said != SETTLED),
        and_(status == Status.RETURNED.value, said != FAILED),
        and_(status.in_((Status.IN_TRANSIT.value, Status.WITHDRAWN.value)), said == SETTLED),
    )
    statement = (
        select(
            disbursements.c.disbursement_id,
            disbursements.c.number,
            disbursements.c.amount_fen,
            lines.c.outcome,
            states.c.status,
        )
        .select_from(disbursements)
        .join(states, states.c.position == last_state())
        .outerjoin(lines, lines.c.position == _last_line())
        .where(_of_batch(connection, batch_id), differ)
        .order_by(disbursements.c.position)
        .limit(ODDS_MAX)
    )
    return [
        Odd(uuid_of(row[0]), row[1], Money(row[2]), row[3], row[4])
        for row in connection.execute(statement)
    ]


def _of_batch(connection: Connection, batch_id: UUID) -> ColumnElement[bool]:
    """Say which payments are of a batch, and where alone they can stand."""
    first, last = connection.execute(
        select(func.min(runs.c.run), func.max(runs.c.last_position)).where(
            runs.c.batch_id == batch_id.bytes
        )
    ).one()
    at = disbursements.c.position
    within = and_(at >= (first or 0), at <= (last or 0))
    late = at >= blocks_at(connection, NOW).end
    return and_(disbursements.c.batch_id == batch_id.bytes, or_(within, late))


def _last_line() -> ScalarSelect[int]:
    later = lines.alias()
    return (
        select(func.max(later.c.position))
        .where(later.c.disbursement_id == disbursements.c.disbursement_id)
        .scalar_subquery()
    )


def _matched(event: Statement.LineMatched, position: int, rows: Rows) -> None:
    rows["statement_lines"].append(
        (
            position,
            event.originator_id.bytes,
            event.disbursement_id.bytes,
            event.line,
            event.outcome,
        )
    )
