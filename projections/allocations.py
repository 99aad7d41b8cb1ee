"""Allocations: money passed down, and whether the receiver has said that it is there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Table, or_, select

from ledger.domain.aggregate import Event
from ledger.domain.fund import FundAccount
from projections.asked import NOW, Moment, optional_uuid, uuid_of
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

allocations = Table(
    "allocations",
    metadata,
    number_column("position", primary_key=True),
    id_column("allocation_id"),
    id_column("from_organisation_id"),
    id_column("from_fund_id"),
    id_column("to_organisation_id"),
    id_column("to_fund_id"),
    text_column("document"),
    number_column("amount_fen"),
    text_column("happened_on"),
)

acknowledgements = Table(
    "allocation_acknowledgements",
    metadata,
    id_column("allocation_id"),
    id_column("officer_id"),
    text_column("happened_on"),
    number_column("position"),
    key("allocation_id"),
)


class Allocations(Projection):
    tables: ClassVar = (allocations, acknowledgements)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            FundAccount.Allocated: _allocated,
            FundAccount.AllocationAcknowledged: _acknowledged,
        }


@dataclass(frozen=True, slots=True)
class Allocation:
    """`acknowledged_on` is null until the receiver has said that the money is there."""

    allocation_id: UUID
    from_organisation_id: UUID
    from_fund_id: UUID
    to_organisation_id: UUID
    to_fund_id: UUID
    document: str
    amount_fen: int
    happened_on: str
    position: int
    acknowledged_on: str | None
    acknowledged_by: UUID | None


@dataclass(frozen=True, slots=True)
class Passing:
    """Which allocations are asked for: by whom, to whom, into which accounts, since, how much."""

    givers: Collection[UUID] | None = None
    takers: Collection[UUID] | None = None
    to_funds: Collection[UUID] | None = None
    since: str | None = None
    until: str | None = None
    amount_fen: int | None = None
    document: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        of = allocations.c
        among: tuple[tuple[Column[bytes], Collection[UUID] | None], ...] = (
            (of.from_organisation_id, self.givers),
            (of.to_organisation_id, self.takers),
            (of.to_fund_id, self.to_funds),
        )
        found: list[ColumnElement[bool]] = [
            column.in_([each.bytes for each in ids]) for column, ids in among if ids is not None
        ]
        if self.since is not None:
            found.append(of.happened_on >= self.since)
        if self.until is not None:
            found.append(of.happened_on <= self.until)
        if self.amount_fen is not None:
            found.append(of.amount_fen == self.amount_fen)
        if self.document is not None:
            found.append(of.document == self.document)
        return found


ANY_PASSING = Passing()


def allocation_list(
    connection: Connection,
    moment: Moment = NOW,
    *,
    organisation_ids: Sequence[UUID] | None = None,
    allocation_id: UUID | None = None,
    asked: Passing = ANY_PASSING,
    after: int = -1,
    limit: int = 100,
) -> list[Allocation]:
    """Return allocations that one of the organisations gave or got, in the order of the log."""
    said = acknowledgements
    statement = (
        select(
            allocations,
            said.c.happened_on.label("acknowledged_on"),
            said.c.officer_id.label("acknowledged_by"),
        )
        .outerjoin(
            said, (said.c.allocation_id == allocations.c.allocation_id) & moment.covers(said)
        )
        .where(allocations.c.position > after, moment.covers(allocations))
        .where(*asked.conditions())
        .order_by(allocations.c.position)
        .limit(limit)
    )
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(
            or_(
                allocations.c.from_organisation_id.in_(ids),
                allocations.c.to_organisation_id.in_(ids),
            )
        )
    if allocation_id is not None:
        statement = statement.where(allocations.c.allocation_id == allocation_id.bytes)
    return [
        Allocation(
            uuid_of(row.allocation_id),
            uuid_of(row.from_organisation_id),
            uuid_of(row.from_fund_id),
            uuid_of(row.to_organisation_id),
            uuid_of(row.to_fund_id),
            row.document,
            row.amount_fen,
            row.happened_on,
            row.position,
            row.acknowledged_on,
            optional_uuid(row.acknowledged_by),
        )
        for row in connection.execute(statement)
    ]


def _allocated(event: FundAccount.Allocated, position: int, rows: Rows) -> None:
    rows["allocations"].append(
        (
            position,
            event.allocation_id.bytes,
            event.organisation_id.bytes,
            event.originator_id.bytes,
            event.to_organisation_id.bytes,
            event.to_fund_id.bytes,
            event.document,
            event.amount_fen,
            event.happened_on.isoformat(),
        )
    )


def _acknowledged(event: FundAccount.AllocationAcknowledged, position: int, rows: Rows) -> None:
    rows["allocation_acknowledgements"].append(
        (
            event.allocation_id.bytes,
            event.acknowledged_by.bytes,
            event.happened_on.isoformat(),
            position,
        )
    )
