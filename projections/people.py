"""People whose data is asked about: where they are on file, and changes asked for and decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Index, Table, and_, exists, or_, select

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.recipient import Change, Recipient
from projections.asked import optional_uuid, uuid_of
from projections.payment_states import disbursements
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

places = Table(
    "person_places",
    metadata,
    number_column("position", primary_key=True),
    id_column("person_id"),
    id_column("organisation_id"),
    Index("person_places_by_person", "person_id", "organisation_id"),
)
"""At which organisations a person was ever on file."""

changes = Table(
    "person_changes",
    metadata,
    number_column("position", primary_key=True),
    id_column("person_id"),
    text_column("change"),
    text_column("step"),
    id_column("officer_id", nullable=True),
    text_column("reason", nullable=True),
    text_column("overriding", nullable=True),
    text_column("happened_on"),
    Index("person_changes_by_person", "person_id", "position"),
)

REQUESTED, DECIDED = "requested", "decided"
PEOPLE_AT_ONCE = 500


class People(Projection):
    tables: ClassVar = (places, changes)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Recipient.Filed: _filed,
            Recipient.ChangeRequested: _requested,
            Recipient.Restricted: _restricted,
            Recipient.RestrictionLifted: _lifted,
            Recipient.Erased: _erased,
        }


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A change to a person's data that was asked for, or decided.

    `officer_id` is None where the operator did it; `pending`: it was asked for, and nobody has
    decided yet.
    """

    person_id: UUID
    change: str
    step: str
    officer_id: UUID | None
    reason: str | None
    overriding: str | None
    happened_on: str
    position: int
    pending: bool


def person_changes(
    connection: Connection,
    organisation_ids: Sequence[UUID] | None = None,
    *,
    pending: bool = False,
    before: int | None = None,
    limit: int = 100,
) -> list[PersonChange]:
    """Return changes, the last first.

    Args:
        connection: The read model.
        organisation_ids: Of people alone who are known at one of these; None: of all.
        pending: Requests alone that nobody has decided.
        before: Position of the last one seen.
        limit: How many at most.
    """
    later = changes.alias()
    answered = exists().where(
        later.c.person_id == changes.c.person_id,
        later.c.position > changes.c.position,
        or_(
            # A further request of the same kind takes the place of the first.
            later.c.change == changes.c.change,
            and_(later.c.change == Change.ERASE.value, later.c.step == DECIDED),
        ),
    )
    waiting = and_(changes.c.step == REQUESTED, ~answered)
    statement = select(changes, waiting.label("pending"))
    if organisation_ids is not None:
        statement = statement.where(known_at(changes.c.person_id, organisation_ids))
    if pending:
        statement = statement.where(waiting)
    if before is not None:
        statement = statement.where(changes.c.position < before)
    found = connection.execute(statement.order_by(changes.c.position.desc()).limit(limit))
    return [
        PersonChange(
            uuid_of(row.person_id),
            row.change,
            row.step,
            optional_uuid(row.officer_id),
            row.reason,
            row.overriding,
            row.happened_on,
            row.position,
            bool(row.pending),
        )
        for row in found
    ]


def known_at(person: ColumnElement[bytes], organisation_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Return the condition that a person is, or was, on file at one of these, or paid by one."""
    ids = [each.bytes for each in organisation_ids]
    filed = exists().where(places.c.person_id == person, places.c.organisation_id.in_(ids))
    paid = exists().where(
        disbursements.c.person_id == person, disbursements.c.organisation_id.in_(ids)
    )
    return or_(filed, paid)


def first_known_at(
    connection: Connection,
    person_ids: Collection[UUID],
    organisation_ids: Collection[UUID],
    limit: int,
) -> list[UUID]:
    """Return those of some people, in the order of their ids, who are known at one of these.

    Many people can share a name as it is shown masked, so no more are looked at than it takes.
    """
    near = {each.bytes for each in organisation_ids}
    found: list[UUID] = []
    waiting = iter(sorted(person_ids))
    while len(found) < limit and (some := [each.bytes for each in islice(waiting, PEOPLE_AT_ONCE)]):
        known = {
            person
            for of in (places, disbursements)
            for person, organisation in connection.execute(
                select(of.c.person_id, of.c.organisation_id).where(of.c.person_id.in_(some))
            )
            if organisation in near
        }
        found += [uuid_of(each) for each in sorted(known)]
    return found[:limit]


Decided = Recipient.Restricted | Recipient.RestrictionLifted | Recipient.Erased


def _filed(event: Recipient.Filed, position: int, rows: Rows) -> None:
    rows["person_places"].append((position, event.originator_id.bytes, event.organisation_id.bytes))


def _requested(event: Recipient.ChangeRequested, position: int, rows: Rows) -> None:
    rows["person_changes"].append(
        (
            position,
            event.originator_id.bytes,
            event.change.value,
            REQUESTED,
            event.requested_by.bytes,
            event.reason,
            event.overriding or None,
            event.happened_on.isoformat(),
        )
    )


def _restricted(event: Recipient.Restricted, position: int, rows: Rows) -> None:
    _decided(event, position, rows, Change.RESTRICT, None)


def _lifted(event: Recipient.RestrictionLifted, position: int, rows: Rows) -> None:
    _decided(event, position, rows, Change.LIFT, None)


def _erased(event: Recipient.Erased, position: int, rows: Rows) -> None:
    _decided(event, position, rows, Change.ERASE, event.reason)


def _decided(event: Decided, position: int, rows: Rows, change: Change, reason: str | None) -> None:
    officer = None if event.actor == OPERATOR else UUID(event.actor).bytes
    rows["person_changes"].append(
        (
            position,
            event.originator_id.bytes,
            change.value,
            DECIDED,
            officer,
            reason,
            None,
            event.happened_on.isoformat(),
        )
    )
