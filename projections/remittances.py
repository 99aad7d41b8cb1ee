"""Remittances between this ledger and others, and which other ledgers are known here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Row, Select, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.known_ledger import KnownLedger
from ledger.domain.remittance import EntryElsewhere, Remittance
from projections.asked import NOW, PAGE_ROWS_MAX, Moment, uuid_of
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

remittances = Table(
    "remittances",
    metadata,
    number_column("position", primary_key=True),
    id_column("remittance_id"),
    text_column("direction"),
    id_column("organisation_id"),
    id_column("fund_id"),
    text_column("key_id"),
    text_column("other_code"),
    text_column("document"),
    number_column("amount_fen"),
    text_column("happened_on"),
    number_column("elsewhere", nullable=True),
    Index("remittances_by_id", "remittance_id"),
)
"""`elsewhere` is the position of the sender's entry in its own log, of what came from there."""

acknowledgements = Table(
    "remittance_acknowledgements",
    metadata,
    id_column("remittance_id"),
    text_column("happened_on"),
    number_column("elsewhere"),
    number_column("position"),
    key("remittance_id"),
)

ledgers = Table(
    "known_ledgers",
    metadata,
    number_column("position", primary_key=True),
    text_column("key_id"),
    text_column("origin"),
    text_column("name"),
    text_column("address"),
    number_column("is_known"),
    text_column("happened_on"),
)
"""What was last said of a ledger counts."""

OUT, IN = "out", "in"


class Remittances(Projection):
    tables: ClassVar = (remittances, acknowledgements, ledgers)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Remittance.Sent: _sent,
            Remittance.Received: _received,
            Remittance.Acknowledged: _acknowledged,
            KnownLedger.Registered: _registered,
            KnownLedger.StruckOff: _struck_off,
        }


@dataclass(frozen=True, slots=True)
class RemittanceView:
    """Money to another ledger (`out`) or from one (`in`).

    `answered_at` is the position of the other side's entry in its own log: None while what was sent
    waits for the receiver's word. `acknowledged_on` says when that word was taken in.
    """

    remittance_id: UUID
    direction: str
    organisation_id: UUID
    fund_id: UUID
    key_id: str
    ledger_name: str
    other_code: str
    document: str
    amount_fen: int
    happened_on: str
    position: int
    acknowledged_on: str | None
    answered_at: int | None

    @property
    def waits(self) -> bool:
        """Say whether it was sent and nobody has said that it arrived."""
        return self.direction == OUT and self.acknowledged_on is None


@dataclass(frozen=True, slots=True)
class KnownLedgerView:
    key_id: str
    origin: str
    name: str
    address: str
    is_known: bool
    since: str


def remittance_list(
    connection: Connection,
    moment: Moment = NOW,
    *,
    organisation_ids: Sequence[UUID] | None = None,
    remittance_id: UUID | None = None,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
) -> list[RemittanceView]:
    """Return remittances that these organisations sent or received, in the order of the log."""
    statement = _joined(moment).where(remittances.c.position > after).limit(limit)
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(remittances.c.organisation_id.in_(ids))
    if remittance_id is not None:
        statement = statement.where(remittances.c.remittance_id == remittance_id.bytes)
    names = {each.key_id: each.name for each in known_ledgers(connection)}
    return [_view(row, names) for row in connection.execute(statement)]


def waiting(connection: Connection, moment: Moment, until: str) -> list[RemittanceView]:
    """Return what was sent up to a day and waits for the receiver's word."""
    statement = _joined(moment).where(
        remittances.c.direction == OUT,
        remittances.c.happened_on <= until,
        acknowledgements.c.position.is_(None),
    )
    return [_view(row, {}) for row in connection.execute(statement)]


def known_ledgers(connection: Connection) -> list[KnownLedgerView]:
    """Return the ledgers that were ever registered, as they stand, in the order of their names."""
    found = {
        row.key_id: KnownLedgerView(
            row.key_id, row.origin, row.name, row.address, bool(row.is_known), row.happened_on
        )
        for row in connection.execute(select(ledgers).order_by(ledgers.c.position))
    }
    return sorted(found.values(), key=lambda each: (each.name, each.key_id))


def _joined(moment: Moment) -> Select[tuple[object, ...]]:
    said = acknowledgements
    return (
        select(
            remittances,
            said.c.happened_on.label("acknowledged_on"),
            said.c.elsewhere.label("answered_at"),
        )
        .outerjoin(
            said, (said.c.remittance_id == remittances.c.remittance_id) & moment.covers(said)
        )
        .where(moment.covers(remittances))
        .order_by(remittances.c.position)
    )


def _view(row: Row[tuple[object, ...]], names: Mapping[str, str]) -> RemittanceView:
    return RemittanceView(
        uuid_of(row.remittance_id),
        row.direction,
        uuid_of(row.organisation_id),
        uuid_of(row.fund_id),
        row.key_id,
        names.get(row.key_id, row.key_id),
        row.other_code,
        row.document,
        row.amount_fen,
        row.happened_on,
        row.position,
        row.acknowledged_on,
        row.elsewhere if row.direction == IN else row.answered_at,
    )


def _sent(event: Remittance.Sent, position: int, rows: Rows) -> None:
    _add(event, position, rows, OUT, event.to_key_id, event.to_code, None)


def _received(event: Remittance.Received, position: int, rows: Rows) -> None:
    sent: EntryElsewhere = event.sent
    _add(event, position, rows, IN, sent.key_id, event.from_code, sent.position)


def _add(
    event: Remittance.Sent | Remittance.Received,
    position: int,
    rows: Rows,
    direction: str,
    key_id: str,
    other_code: str,
    elsewhere: int | None,
) -> None:
    rows["remittances"].append(
        (
            position,
            event.originator_id.bytes,
            direction,
            event.organisation_id.bytes,
            event.fund_id.bytes,
            key_id,
            other_code,
            event.document,
            event.amount_fen,
            event.happened_on.isoformat(),
            elsewhere,
        )
    )


def _acknowledged(event: Remittance.Acknowledged, position: int, rows: Rows) -> None:
    rows["remittance_acknowledgements"].append(
        (
            event.originator_id.bytes,
            event.happened_on.isoformat(),
            event.received.position,
            position,
        )
    )


def _registered(event: KnownLedger.Registered, position: int, rows: Rows) -> None:
    _tell(event, position, rows, event.key_id, event.origin, event.name, event.address, known=1)


def _struck_off(event: KnownLedger.StruckOff, position: int, rows: Rows) -> None:
    _tell(event, position, rows, event.key_id, event.origin, event.name, event.address, known=0)


def _tell(
    event: KnownLedger.Registered | KnownLedger.StruckOff,
    position: int,
    rows: Rows,
    *said: str,
    known: int,
) -> None:
    rows["known_ledgers"].append((position, *said, known, event.happened_on.isoformat()))
