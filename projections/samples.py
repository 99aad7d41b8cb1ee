"""Samples: what was planned to be looked at, by which checkpoint it was drawn, and which it is."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.sample import Condition, Sample
from ledger.domain.values import Money
from projections.asked import NOW, Moment, uuid_of
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

samples = Table(
    "samples",
    metadata,
    number_column("position", primary_key=True),
    id_column("sample_id"),
    id_column("organisation_id"),
    text_column("title"),
    text_column("method"),
    number_column("size"),
    text_column("stratum", nullable=True),
    text_column("conditions"),
    number_column("known_to"),
    number_column("universe_count"),
    number_column("universe_fen"),
    text_column("universe_sha256"),
    text_column("actor"),
    text_column("happened_on"),
    text_column("recorded_at"),
)

draws = Table(
    "sample_draws",
    metadata,
    number_column("position", primary_key=True),
    id_column("sample_id"),
    number_column("checkpoint_size"),
    text_column("root"),
    number_column("drawn_fen"),
    text_column("drawn"),
    text_column("actor"),
    text_column("happened_on"),
    text_column("recorded_at"),
)


class Samples(Projection):
    tables: ClassVar = (samples, draws)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Sample.Planned: _planned, Sample.Drawn: _drawn}


@dataclass(frozen=True, slots=True)
class Draw:
    """What came of a plan: payments by the positions of their instructions."""

    checkpoint_size: int
    root: str
    drawn_fen: Money
    drawn: tuple[int, ...]
    officer_id: UUID
    happened_on: str
    recorded_at: str
    position: int


@dataclass(frozen=True, slots=True)
class SampleView:
    """A sample as it stands; `draw` is None until it was drawn."""

    sample_id: UUID
    organisation_id: UUID
    title: str
    method: str
    size: int
    stratum: str | None
    conditions: tuple[Condition, ...]
    known_to: int
    universe_count: int
    universe_fen: Money
    universe_sha256: str
    officer_id: UUID
    happened_on: str
    recorded_at: str
    position: int
    draw: Draw | None


def sample_list(
    connection: Connection,
    moment: Moment = NOW,
    *,
    organisation_ids: Collection[UUID] | None = None,
    sample_id: UUID | None = None,
) -> list[SampleView]:
    """Return samples, the last planned first."""
    statement = select(samples).where(moment.covers(samples)).order_by(samples.c.position.desc())
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(samples.c.organisation_id.in_(ids))
    if sample_id is not None:
        statement = statement.where(samples.c.sample_id == sample_id.bytes)
    of = {
        row.sample_id: Draw(
            row.checkpoint_size,
            row.root,
            Money(row.drawn_fen),
            tuple(json.loads(row.drawn)),
            UUID(row.actor),
            row.happened_on,
            row.recorded_at,
            row.position,
        )
        for row in connection.execute(select(draws).where(moment.covers(draws)))
    }
    return [
        SampleView(
            uuid_of(row.sample_id),
            uuid_of(row.organisation_id),
            row.title,
            row.method,
            row.size,
            row.stratum,
            tuple(Condition(name, value) for name, value in json.loads(row.conditions)),
            row.known_to,
            row.universe_count,
            Money(row.universe_fen),
            row.universe_sha256,
            UUID(row.actor),
            row.happened_on,
            row.recorded_at,
            row.position,
            of.get(row.sample_id),
        )
        for row in connection.execute(statement)
    ]


def _planned(event: Sample.Planned, position: int, rows: Rows) -> None:
    rows["samples"].append(
        (
            position,
            event.originator_id.bytes,
            event.organisation_id.bytes,
            event.title,
            event.method,
            event.size,
            event.stratum,
            json.dumps([(each.name, each.value) for each in event.conditions]),
            event.known_to,
            event.universe_count,
            event.universe_fen,
            event.universe_sha256,
            event.actor,
            event.happened_on.isoformat(),
            event.recorded_at,
        )
    )


def _drawn(event: Sample.Drawn, position: int, rows: Rows) -> None:
    rows["sample_draws"].append(
        (
            position,
            event.originator_id.bytes,
            event.checkpoint_size,
            event.root,
            event.drawn_fen,
            json.dumps(event.drawn),
            event.actor,
            event.happened_on.isoformat(),
            event.recorded_at,
        )
    )
