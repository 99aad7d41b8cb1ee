"""Histories: which events concern an id, whatever stream they stand in."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import repeat
from typing import ClassVar, get_type_hints
from uuid import UUID

from sqlalchemy import Connection, Table, select

from ledger.domain.aggregate import METADATA_FIELDS, OPERATOR, Event
from projections.asked import PAGE_ROWS_MAX
from projections.view import Handler, Projection, Rows, id_column, key, metadata, number_column

history = Table(
    "history",
    metadata,
    number_column("position"),
    id_column("subject_id"),
    key("subject_id", "position"),
)


class Histories(Projection):
    tables: ClassVar = (history,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {}

    def every(self) -> Handler:
        return _add


def positions_of(
    connection: Connection, subject_id: UUID, *, after: int = -1, limit: int = PAGE_ROWS_MAX
) -> list[int]:
    """Return where the events that concern an id stand, in the order of the log."""
    statement = (
        select(history.c.position)
        .where(history.c.subject_id == subject_id.bytes, history.c.position > after)
        .order_by(history.c.position)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def subjects_of(event: Event) -> set[bytes]:
    """Return the ids that an event concerns: its stream, its actor, every id but the campaign's.

    Of the lots that it moves, it concerns the appropriations that they came from.
    """
    subjects = {event.originator_id.bytes}
    if event.actor != OPERATOR:
        subjects.add(_actor(event.actor))
    _named(type(event))(event, subjects)
    return subjects


def _add(event: Event, position: int, rows: Rows) -> None:
    rows["history"].extend(zip(repeat(position), subjects_of(event), strict=False))


@cache
def _actor(actor: str) -> bytes:
    return UUID(actor).bytes


@cache
def _named(event_class: type[Event]) -> Callable[[Event, set[bytes]], None]:
    hints = get_type_hints(event_class)
    names = [
        name
        for name, hint in hints.items()
        if name in event_class.__struct_fields__
        and name not in METADATA_FIELDS
        and name != "campaign_id"  # whose history would be the whole log
        and hint in (UUID, UUID | None)
    ]
    pieces = next((name for name in ("parts", "lots") if name in hints), None)

    def add(event: Event, subjects: set[bytes]) -> None:
        for name in names:
            named: UUID | None = getattr(event, name)
            if named is not None:
                subjects.add(named.bytes)
        if pieces is not None:
            for piece in getattr(event, pieces):
                subjects.add(piece.origin_id.bytes)

    return add
