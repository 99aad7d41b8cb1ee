"""Keys: the ledger's own and its officers', from when they were handed in to their end."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Table, func, select

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.officer import Officer
from ledger.domain.service_key import ServiceKey
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

steps = Table(
    "key_steps",
    metadata,
    number_column("position", primary_key=True),
    text_column("key_id"),
    id_column("owner_id", nullable=True),
    text_column("step"),
    text_column("algorithm", nullable=True),
    text_column("custody", nullable=True),
    id_column("actor_id", nullable=True),
    number_column("counts_from", nullable=True),
    text_column("reason", nullable=True),
    text_column("happened_on"),
    Index("key_steps_by_key", "key_id", "position"),
    Index("key_steps_by_owner", "owner_id", "position"),
)
"""The ledger's own keys have no owner."""

PROPOSED, REGISTERED, ENDED, COMPROMISED = "proposed", "registered", "ended", "compromised"
STATES = {PROPOSED: "proposed", REGISTERED: "in_force", ENDED: "ended", COMPROMISED: "compromised"}


class Keys(Projection):
    tables: ClassVar = (steps,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Officer.KeyProposed: _proposed,
            Officer.KeyRegistered: _registered,
            Officer.KeyRevoked: _ended,
            Officer.KeyCompromised: _compromised,
            ServiceKey.Registered: _registered,
            ServiceKey.Retired: _ended,
            ServiceKey.Compromised: _compromised,
        }


@dataclass(frozen=True, slots=True)
class KeyStep:
    """What happened to a key. `actor_id` is None where the operator did it."""

    step: str
    actor_id: UUID | None
    counts_from: int | None
    reason: str | None
    happened_on: str
    position: int


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as it stands: `owner_id` is None for the ledger's own, `custody` says who holds it."""

    key_id: str
    owner_id: UUID | None
    algorithm: str
    custody: str | None
    steps: tuple[KeyStep, ...]

    @property
    def state(self) -> str:
        """Say how it stands: proposed, in_force, ended or compromised."""
        done = {each.step for each in self.steps}
        last = next(each for each in (COMPROMISED, ENDED, REGISTERED, PROPOSED) if each in done)
        return STATES[last]

    @property
    def position(self) -> int:
        return self.steps[0].position


def officer_keys(
    connection: Connection,
    *,
    owner_id: UUID | None = None,
    state: str | None = None,
    after: int = -1,
    limit: int = 100,
) -> list[KeyView]:
    """Return officers' keys in the order in which they were handed in.

    Args:
        connection: The read model.
        owner_id: Of this officer alone.
        state: `proposed`: those alone that nobody has confirmed yet.
        after: Position of the last one seen.
        limit: How many at most.
    """
    first = func.min(steps.c.position)
    statement = select(steps.c.key_id).where(steps.c.owner_id.is_not(None))
    if owner_id is not None:
        statement = statement.where(steps.c.owner_id == owner_id.bytes)
    if state == STATES[PROPOSED]:
        confirmed = select(steps.c.key_id).where(steps.c.step == REGISTERED)
        statement = statement.where(steps.c.key_id.not_in(confirmed))
    statement = statement.group_by(steps.c.key_id).having(first > after)
    ids = list(connection.execute(statement.order_by(first).limit(limit)).scalars())
    return _views(connection, ids)


def service_keys(connection: Connection) -> list[KeyView]:
    """Return the ledger's own keys, the founding one first."""
    first = func.min(steps.c.position)
    statement = select(steps.c.key_id).where(steps.c.owner_id.is_(None)).group_by(steps.c.key_id)
    return _views(connection, list(connection.execute(statement.order_by(first)).scalars()))


def key_ends(connection: Connection, key_ids: Collection[str]) -> dict[str, int]:
    """Return from which position on keys signed nothing any more, of those that have ended."""
    statement = (
        select(steps.c.key_id, func.min(steps.c.position))
        .where(steps.c.key_id.in_(key_ids), steps.c.step.in_((ENDED, COMPROMISED)))
        .group_by(steps.c.key_id)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def officer_key_positions(connection: Connection) -> list[int]:
    """Return where in the log officers' keys were registered, and how they ended."""
    statement = select(steps.c.position).where(
        steps.c.owner_id.is_not(None), steps.c.step.in_((REGISTERED, ENDED, COMPROMISED))
    )
    return list(connection.execute(statement).scalars())


def service_key_registrations(connection: Connection) -> list[int]:
    """Return where the ledger's own keys were registered, the founding one first."""
    statement = (
        select(steps.c.position)
        .where(steps.c.owner_id.is_(None), steps.c.step == REGISTERED)
        .order_by(steps.c.position)
    )
    return list(connection.execute(statement).scalars())


def _views(connection: Connection, key_ids: list[str]) -> list[KeyView]:
    found: dict[str, KeyView] = {}
    statement = select(steps).where(steps.c.key_id.in_(key_ids)).order_by(steps.c.position)
    for row in connection.execute(statement):
        step = KeyStep(
            row.step,
            optional_uuid(row.actor_id),
            row.counts_from,
            row.reason,
            row.happened_on,
            row.position,
        )
        before = found.get(row.key_id)
        found[row.key_id] = KeyView(
            row.key_id,
            optional_uuid(row.owner_id),
            row.algorithm if before is None else before.algorithm,
            row.custody if row.custody is not None or before is None else before.custody,
            (*(before.steps if before else ()), step),
        )
    return [found[key_id] for key_id in key_ids]


Registered = Officer.KeyProposed | Officer.KeyRegistered | ServiceKey.Registered
Ended = Officer.KeyRevoked | ServiceKey.Retired
Compromised = Officer.KeyCompromised | ServiceKey.Compromised


def _proposed(event: Officer.KeyProposed, position: int, rows: Rows) -> None:
    _step(event, position, rows, PROPOSED, algorithm=event.algorithm)


def _registered(
    event: Officer.KeyRegistered | ServiceKey.Registered, position: int, rows: Rows
) -> None:
    custody = event.custody if isinstance(event, Officer.KeyRegistered) else None
    _step(event, position, rows, REGISTERED, algorithm=event.algorithm, custody=custody)


def _ended(event: Ended, position: int, rows: Rows) -> None:
    _step(event, position, rows, ENDED, reason=event.reason)


def _compromised(event: Compromised, position: int, rows: Rows) -> None:
    _step(
        event,
        position,
        rows,
        COMPROMISED,
        counts_from=event.counts_from,
        reason=event.reason,
    )


def _step(
    event: Registered | Ended | Compromised,
    position: int,
    rows: Rows,
    step: str,
    *,
    algorithm: str | None = None,
    custody: str | None = None,
    counts_from: int | None = None,
    reason: str | None = None,
) -> None:
    of_service = isinstance(
        event, ServiceKey.Registered | ServiceKey.Retired | ServiceKey.Compromised
    )
    rows["key_steps"].append(
        (
            position,
            event.key_id,
            None if of_service else event.originator_id.bytes,
            step,
            algorithm,
            custody,
            None if event.actor == OPERATOR else UUID(event.actor).bytes,
            counts_from,
            reason,
            event.happened_on.isoformat(),
        )
    )
