"""Attempts that a rule stopped: who tried what, when, and which rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Table, select

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.refusal import Refusal
from projections.asked import optional_uuid
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

attempts = Table(
    "attempts",
    metadata,
    number_column("position", primary_key=True),
    id_column("subject_id"),
    text_column("tried"),
    text_column("code"),
    id_column("officer_id", nullable=True),
    text_column("happened_on"),
    Index("attempts_by_subject", "subject_id", "position"),
)


class Attempts(Projection):
    tables: ClassVar = (attempts,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Refusal.Recorded: _recorded}


@dataclass(frozen=True, slots=True)
class Attempt:
    tried: str
    code: str
    officer_id: UUID | None
    happened_on: str
    position: int


def attempts_on(connection: Connection, subject_id: UUID) -> list[Attempt]:
    """Return what was tried on a batch, a fund or whatever it is, and refused."""
    statement = (
        select(attempts)
        .where(attempts.c.subject_id == subject_id.bytes)
        .order_by(attempts.c.position)
    )
    return [
        Attempt(row.tried, row.code, optional_uuid(row.officer_id), row.happened_on, row.position)
        for row in connection.execute(statement)
    ]


def _recorded(event: Refusal.Recorded, position: int, rows: Rows) -> None:
    rows["attempts"].append(
        (
            position,
            event.subject_id.bytes,
            event.tried,
            event.refusal_code,
            None if event.actor == OPERATOR else UUID(event.actor).bytes,
            event.happened_on.isoformat(),
        )
    )
