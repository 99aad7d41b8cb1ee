"""People whose data is asked about: where they are on file, and changes asked for and decided."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Index,
    Table,
    and_,
    exists,
    literal,
    or_,
    select,
    union_all,
)

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.recipient import Change, Recipient
from projections.asked import optional_uuid, uuid_of
from projections.batches import batches, rows_listed
from projections.histories import positions_of
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


def organisations_knowing(connection: Connection, person_id: UUID) -> set[UUID]:
    """Return the organisations that ever had a person on file, paid them or listed them.

    Whatever became of the row: what was listed of them stands in the batch that refused it, too.
    """
    filed, paid = (
        select(table.c.organisation_id).where(table.c.person_id == person_id.bytes)
        for table in (places, disbursements)
    )
    found = set(connection.execute(filed.union(paid)).scalars())
    after = -1
    while positions := positions_of(connection, person_id, after=after):
        listed = (
            select(batches.c.organisation_id)
            .join(rows_listed, rows_listed.c.batch_id == batches.c.batch_id)
            .where(rows_listed.c.position.in_(positions))
        )
        found.update(connection.execute(listed.distinct()).scalars())
        after = positions[-1]
    return {uuid_of(each) for each in found}


def people_known_at(
    connection: Connection,
    people: Sequence[UUID],
    organisation_ids: Collection[UUID],
    limit: int,
) -> dict[UUID, int]:
    """Return the first of these people who are known at one of these, with their payments there.

    Of a name that many have, the few within reach are found, however many stand before them.
    """
    near = {each.bytes for each in organisation_ids}
    found: dict[UUID, int] = {}
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        some = [each.bytes for each in people[start : start + PEOPLE_AT_ONCE]]
        filed, paid = (
            select(table.c.person_id, table.c.organisation_id, literal(count)).where(
                table.c.person_id.in_(some)
            )
            for table, count in ((places, 0), (disbursements, 1))
        )
        counts: Counter[bytes] = Counter()
        # Organisations are told apart here: there are thousands, but few that a person is known at.
        for person, organisation, count in connection.execute(union_all(filed, paid)):
            if organisation in near:
                counts[person] += count
        found |= {uuid_of(each): counts[each] for each in some if each in counts}
        if len(found) >= limit:
            break
    return dict(islice(found.items(), limit))


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
