"""Remittances between this ledger and others, and which other ledgers are known here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Index, Row, Select, Table, func, select

from ledger.domain.aggregate import Event
from ledger.domain.fund import FundAccount
from ledger.domain.known_ledger import KnownLedger
from ledger.domain.remittance import (
    EntryElsewhere,
    Remittance,
    RemittedLot,
    RemittedPart,
    State,
)
from projections.asked import NOW, PAGE_ROWS_MAX, Moment, optional_uuid, uuid_of
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
    id_column("fund_id", nullable=True),
    text_column("key_id"),
    text_column("other_code"),
    text_column("document"),
    number_column("amount_fen"),
    text_column("happened_on"),
    number_column("elsewhere", nullable=True),
    text_column("state"),
    text_column("reason", nullable=True),
    Index("remittances_by_id", "remittance_id"),
)
"""`elsewhere` is the position of the sender's entry in its own log, of what came from there.

`state` is where it stands before the other side's answer; what is refused has no account here.
"""

answers = Table(
    "remittance_answers",
    metadata,
    id_column("remittance_id"),
    text_column("state"),
    text_column("reason", nullable=True),
    text_column("happened_on"),
    number_column("elsewhere"),
    number_column("position"),
    key("remittance_id"),
)
"""What became of what was sent, by the other side's proof: acknowledged, or taken back."""

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

pieces = Table(
    "remittance_pieces",
    metadata,
    number_column("position"),
    number_column("part"),
    id_column("remittance_id"),
    id_column("lot_id"),
    id_column("origin_id"),
    number_column("vintage"),
    text_column("source"),
    text_column("document"),
    text_column("sent_as", nullable=True),
    number_column("amount_fen"),
    Index("remittance_pieces_by_remittance", "remittance_id"),
    Index("remittance_pieces_by_lot", "lot_id"),
    Index("remittance_pieces_by_origin", "origin_id"),
    key("position", "part"),
)
"""Lots of this ledger that remittances were made of, or that they arrived as (`sent_as` is then
the lot's id in the other ledger, without hyphens)."""

OUT, IN = "out", "in"


class Remittances(Projection):
    tables: ClassVar = (remittances, answers, pieces, ledgers)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Remittance.Sent: _sent,
            Remittance.Received: _received,
            FundAccount.RemittanceReceived: _arrived,
            Remittance.Refused: _refused,
            Remittance.Acknowledged: _acknowledged,
            Remittance.TakenBack: _taken_back,
            KnownLedger.Registered: _registered,
            KnownLedger.StruckOff: _struck_off,
        }


@dataclass(frozen=True, slots=True)
class RemittanceView:
    """Money to another ledger (`out`) or from one (`in`).

    `answered_at` is the position of the other side's entry in its own log: None while what was sent
    waits for the receiver's word. `acknowledged_on` says when its word was taken in that it has it,
    `taken_back_on` when it was taken back; `reason` is why the receiver refused it. What was
    refused here has no `fund_id`.
    """

    remittance_id: UUID
    direction: str
    organisation_id: UUID
    fund_id: UUID | None
    key_id: str
    ledger_name: str
    other_code: str
    document: str
    amount_fen: int
    happened_on: str
    position: int
    state: str
    acknowledged_on: str | None
    taken_back_on: str | None
    reason: str | None
    answered_at: int | None

    @property
    def waits(self) -> bool:
        """Say whether it was sent and nobody has said what became of it."""
        return self.state == State.ON_ITS_WAY

    def days(self, today: date) -> int:
        """Return how many days ago it was sent, or recorded here."""
        return (today - date.fromisoformat(self.happened_on)).days


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
    state: State | None = None,
    origin_id: UUID | None = None,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
) -> list[RemittanceView]:
    """Return remittances that these organisations sent or received, in the order of the log.

    Args:
        connection: Of the read model.
        moment: As of when.
        organisation_ids: Of whom; all, unless given.
        remittance_id: The one.
        state: Where they stand.
        origin_id: The lot that some of their money first came in by.
        after: Position of the last one of the page before.
        limit: How many at most.
    """
    statement = _joined(moment).where(remittances.c.position > after).limit(limit)
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(remittances.c.organisation_id.in_(ids))
    if remittance_id is not None:
        statement = statement.where(remittances.c.remittance_id == remittance_id.bytes)
    if state is not None:
        stands = func.coalesce(answers.c.state, remittances.c.state)
        statement = statement.where(stands == state.value)
    if origin_id is not None:
        made_of = select(pieces.c.remittance_id).where(pieces.c.origin_id == origin_id.bytes)
        statement = statement.where(remittances.c.remittance_id.in_(made_of))
    names = {each.key_id: each.name for each in known_ledgers(connection)}
    return [_view(row, names) for row in connection.execute(statement)]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many remittances stand at a state, what they come to, and the day of the oldest."""

    state: str
    count: int
    amount_fen: int
    since: str


def counted(
    connection: Connection, moment: Moment, organisation_ids: Sequence[UUID]
) -> dict[str, Counted]:
    """Count the remittances of these organisations by where they stand."""
    of = _joined(moment).order_by(None)
    ids = [each.bytes for each in organisation_ids]
    of = of.where(remittances.c.organisation_id.in_(ids))
    stands = func.coalesce(answers.c.state, remittances.c.state)
    statement = of.with_only_columns(
        stands,
        func.count(),
        func.sum(remittances.c.amount_fen),
        func.min(remittances.c.happened_on),
    ).group_by(stands)
    return {row[0]: Counted(*row) for row in connection.execute(statement)}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a remittance: of which lot here, whose money it was, and how much.

    `sent_as` is the lot in the other ledger that it came from, of what arrived here.
    """

    remittance_id: UUID
    lot_id: UUID
    origin_id: UUID
    vintage: int
    source: str
    document: str
    amount_fen: int
    sent_as: str | None


def pieces_of(connection: Connection, remittance_id: UUID) -> list[Piece]:
    """Return the pieces that a remittance was made of here, or arrived as."""
    return _pieces(connection, pieces.c.remittance_id == remittance_id.bytes)


def arrived_as(connection: Connection, lot_ids: Collection[UUID]) -> dict[UUID, Piece]:
    """Return by which remittance each of these lots came from another ledger, if it did."""
    ids = [each.bytes for each in lot_ids]
    of = pieces.c.lot_id.in_(ids) & pieces.c.sent_as.is_not(None)
    return {each.lot_id: each for each in _pieces(connection, of)}


def _pieces(connection: Connection, of: ColumnElement[bool]) -> list[Piece]:
    statement = select(pieces).where(of).order_by(pieces.c.position, pieces.c.part)
    return [
        Piece(
            uuid_of(row.remittance_id),
            uuid_of(row.lot_id),
            uuid_of(row.origin_id),
            row.vintage,
            row.source,
            row.document,
            row.amount_fen,
            row.sent_as,
        )
        for row in connection.execute(statement)
    ]


def waiting(connection: Connection, moment: Moment, until: str) -> list[RemittanceView]:
    """Return what was sent up to a day and waits for the receiver's word."""
    statement = _joined(moment).where(
        remittances.c.direction == OUT,
        remittances.c.happened_on <= until,
        answers.c.position.is_(None),
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
    said = answers
    return (
        select(
            remittances,
            said.c.state.label("answer"),
            said.c.reason.label("answer_reason"),
            said.c.happened_on.label("answered_on"),
            said.c.elsewhere.label("answered_at"),
        )
        .outerjoin(
            said, (said.c.remittance_id == remittances.c.remittance_id) & moment.covers(said)
        )
        .where(moment.covers(remittances))
        .order_by(remittances.c.position)
    )


def _view(row: Row[tuple[object, ...]], names: Mapping[str, str]) -> RemittanceView:
    state = row.answer or row.state
    return RemittanceView(
        uuid_of(row.remittance_id),
        row.direction,
        uuid_of(row.organisation_id),
        optional_uuid(row.fund_id),
        row.key_id,
        names.get(row.key_id, row.key_id),
        row.other_code,
        row.document,
        row.amount_fen,
        row.happened_on,
        row.position,
        state,
        row.answered_on if state == State.ACKNOWLEDGED else None,
        row.answered_on if state == State.TAKEN_BACK else None,
        row.answer_reason or row.reason,
        row.elsewhere if row.direction == IN else row.answered_at,
    )


def _sent(event: Remittance.Sent, position: int, rows: Rows) -> None:
    _add(event, position, rows, OUT, event.to_key_id, event.to_code, None, State.ON_ITS_WAY)
    _add_pieces(event.originator_id, position, rows, event.parts)


def _arrived(event: FundAccount.RemittanceReceived, position: int, rows: Rows) -> None:
    _add_pieces(event.remittance_id, position, rows, event.lots)


def _add_pieces(
    remittance_id: UUID, position: int, rows: Rows, of: Sequence[RemittedPart | RemittedLot]
) -> None:
    rows["remittance_pieces"] += [
        (
            position,
            number,
            remittance_id.bytes,
            each.lot_id.bytes,
            each.origin_id.bytes,
            each.vintage,
            each.source,
            each.document,
            each.sent_as if isinstance(each, RemittedLot) else None,
            each.amount_fen,
        )
        for number, each in enumerate(of)
    ]


def _received(event: Remittance.Received, position: int, rows: Rows) -> None:
    sent: EntryElsewhere = event.sent
    _add(event, position, rows, IN, sent.key_id, event.from_code, sent.position, State.RECEIVED)


def _refused(event: Remittance.Refused, position: int, rows: Rows) -> None:
    sent: EntryElsewhere = event.sent
    _add(event, position, rows, IN, sent.key_id, event.from_code, sent.position, State.REFUSED)


def _add(
    event: Remittance.Sent | Remittance.Received | Remittance.Refused,
    position: int,
    rows: Rows,
    direction: str,
    key_id: str,
    other_code: str,
    elsewhere: int | None,
    state: State,
) -> None:
    refused = event if isinstance(event, Remittance.Refused) else None
    rows["remittances"].append(
        (
            position,
            event.originator_id.bytes,
            direction,
            event.organisation_id.bytes,
            None if isinstance(event, Remittance.Refused) else event.fund_id.bytes,
            key_id,
            other_code,
            event.document,
            event.amount_fen,
            event.happened_on.isoformat(),
            elsewhere,
            state.value,
            refused.reason if refused else None,
        )
    )


def _acknowledged(event: Remittance.Acknowledged, position: int, rows: Rows) -> None:
    _answer(event, position, rows, State.ACKNOWLEDGED, None, event.received)


def _taken_back(event: Remittance.TakenBack, position: int, rows: Rows) -> None:
    _answer(event, position, rows, State.TAKEN_BACK, event.reason, event.refused)


def _answer(
    event: Remittance.Acknowledged | Remittance.TakenBack,
    position: int,
    rows: Rows,
    state: State,
    reason: str | None,
    entry: EntryElsewhere,
) -> None:
    day = event.happened_on.isoformat()
    rows["remittance_answers"].append(
        (event.originator_id.bytes, state.value, reason, day, entry.position, position)
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
