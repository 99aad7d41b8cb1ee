"""Histories: which events concern an id, whatever stream they stand in."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from struct import Struct
from typing import ClassVar, get_type_hints
from uuid import UUID

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Connection, LargeBinary, Table, select

from ledger.domain.aggregate import METADATA_FIELDS, OPERATOR, Event
from ledger.store.feed import Recorded
from projections.asked import PAGE_ROWS_MAX
from projections.view import (
    RUN_POSITIONS,
    Handler,
    Projection,
    Rows,
    RunHandler,
    appended,
    id_column,
    key,
    metadata,
    number_column,
)

history = Table(
    "history",
    metadata,
    id_column("subject_id"),
    number_column("run"),
    SqlColumn("places", LargeBinary, nullable=False),
    key("subject_id", "run"),
    info=appended("places"),
)
"""One row for all events of a run of the log that concern an id: most name the same fund, batch and
union as those beside them. `places` are where in the run they stand, in two bytes each, rising."""

PLACE_BYTES = 2


class Histories(Projection):
    tables: ClassVar = (history,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {}

    def together(self) -> RunHandler:
        return _add


def positions_of(
    connection: Connection, subject_id: UUID, *, after: int = -1, limit: int = PAGE_ROWS_MAX
) -> list[int]:
    """Return where the events that concern an id stand, in the order of the log."""
    statement = (
        select(history.c.run, history.c.places)
        .where(history.c.subject_id == subject_id.bytes)
        .where(history.c.run >= (after + 1) // RUN_POSITIONS)
        .order_by(history.c.run)
    )
    found: list[int] = []
    with connection.execute(statement) as rows:
        for run, places in rows:
            start = run * RUN_POSITIONS
            stand = _places(len(places) // PLACE_BYTES).unpack(places)
            found += [start + place for place in stand if start + place > after]
            if len(found) >= limit:
                break
    return found[:limit]


def subjects_of(event: Event) -> set[bytes]:
    """Return the ids that an event concerns: its stream, its actor, every id but the campaign's.

    Of the lots that it moves, it concerns the appropriations that they came from.
    """
    subjects = {event.originator_id.bytes}
    if event.actor != OPERATOR:
        subjects.add(_actor(event.actor))
    _named(type(event))(event, subjects)
    return subjects


def _add(batch: Sequence[Recorded], rows: Rows) -> None:
    runs: dict[int, dict[bytes, list[int]]] = {}
    for position, event in batch:
        run, place = divmod(position, RUN_POSITIONS)
        found = runs.get(run)
        if found is None:
            found = runs[run] = defaultdict(list)
        for subject in subjects_of(event):
            found[subject].append(place)
    rows["history"].extend(
        (subject, run, _places(len(places)).pack(*places))
        for run, found in runs.items()
        for subject, places in found.items()
    )


@cache
def _places(count: int) -> Struct:
    return Struct(f">{count}H")


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
