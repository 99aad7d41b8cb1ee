"""Who there is: organisations in their tree, and officers with roles and keys."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.officer import Officer
from ledger.domain.organisation import Organisation as Root
from projections.asked import POSITIONS_MAX, optional_uuid, uuid_of
from projections.kept import Kept
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

organisations = Table(
    "organisations",
    metadata,
    id_column("organisation_id"),
    text_column("code"),
    text_column("name"),
    text_column("kind"),
    number_column("position"),
    key("organisation_id"),
)

parents = Table(
    "organisation_parents",
    metadata,
    number_column("position", primary_key=True),
    id_column("organisation_id"),
    id_column("parent_id", nullable=True),
    text_column("since"),
)

officers = Table(
    "officers",
    metadata,
    id_column("officer_id"),
    text_column("staff_number"),
    number_column("position"),
    key("officer_id"),
)

roles = Table(
    "officer_roles",
    metadata,
    number_column("position", primary_key=True),
    id_column("officer_id"),
    id_column("organisation_id"),
    text_column("role"),
    text_column("change"),
    text_column("happened_on"),
    text_column("until", nullable=True),
    Index("roles_by_officer", "officer_id"),
)

keys = Table(
    "officer_keys",
    metadata,
    number_column("position", primary_key=True),
    id_column("officer_id"),
    text_column("key_id"),
    text_column("change"),
    text_column("custody", nullable=True),
    Index("keys_by_officer", "officer_id"),
)


class Organisations(Projection):
    tables: ClassVar = (organisations, parents, officers, roles, keys)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Root.Registered: _registered,
            Root.Moved: _moved,
            Officer.Appointed: _appointed,
            Officer.RoleGranted: _role_changed,
            Officer.RoleEnded: _role_changed,
            Officer.KeyRegistered: _key_changed,
            Officer.KeyRevoked: _key_changed,
            Officer.KeyCompromised: _key_changed,
        }


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation with its parent on the day that was asked for."""

    organisation_id: UUID
    code: str
    name: str
    kind: str
    parent_id: UUID | None


class Tree:
    """All organisations on one day, in the order in which they were registered."""

    def __init__(self, listed: list[Organisation]) -> None:
        self.by_id = {each.organisation_id: each for each in listed}
        self.by_code = {each.code: each for each in listed}
        self._children: dict[UUID | None, list[Organisation]] = defaultdict(list)
        for each in listed:
            self._children[each.parent_id].append(each)

    def roots(self) -> list[Organisation]:
        return self._children[None]

    def among(self, ids: Collection[UUID]) -> list[Organisation]:
        """Return those of these organisations that there were on the day, in the same order."""
        return [each for id_, each in self.by_id.items() if id_ in ids]

    def unless_all(self, ids: Collection[UUID]) -> list[UUID] | None:
        """Return these, or None where they are all there are: nothing has to be compared then."""
        return None if self.by_id.keys() <= set(ids) else list(ids)

    def children(self, organisation_id: UUID) -> list[Organisation]:
        return self._children.get(organisation_id, [])

    def line(self, organisation_id: UUID) -> list[UUID]:
        """Return the organisation and all above it."""
        found: list[UUID] = []
        at: UUID | None = organisation_id
        while at in self.by_id and at not in found:
            found.append(at)
            at = self.by_id[at].parent_id
        return found

    def subtree(self, organisation_id: UUID) -> list[UUID]:
        """Return the organisation and all below it."""
        found = [organisation_id]
        for id_ in found:
            found.extend(child.organisation_id for child in self.children(id_))
        return found


_TREES: Kept[Tree] = Kept(organisations, parents)


def tree_on(connection: Connection, day: date | None = None, at: int | None = None) -> Tree:
    """Return the tree on a day, or as it is now; before its first day, a parent counts too.

    `at` holds it to what was known at a position of the log.
    """
    known_to = POSITIONS_MAX if at is None else at
    return _TREES.answer(connection, day, lambda: _tree_on(connection, day, known_to), at=at)


def tree_known_at(connection: Connection, at: int) -> Tree:
    """Return the tree as it was known at a position of the log, whatever was recorded since."""
    return _tree_on(connection, None, at)


def _tree_on(connection: Connection, day: date | None, at: int = POSITIONS_MAX) -> Tree:
    parent_of: dict[bytes, bytes | None] = {}
    changes = select(parents).order_by(parents.c.since, parents.c.position)
    for row in connection.execute(changes.where(parents.c.position <= at)):
        if row.organisation_id not in parent_of or day is None or row.since <= day.isoformat():
            parent_of[row.organisation_id] = row.parent_id
    known = select(organisations).where(organisations.c.position <= at)
    listed = connection.execute(known.order_by(organisations.c.position)).all()
    return Tree(
        [
            Organisation(
                uuid_of(row.organisation_id),
                row.code,
                row.name,
                row.kind,
                optional_uuid(parent_of.get(row.organisation_id)),
            )
            for row in listed
        ]
    )


@dataclass(frozen=True, slots=True)
class Parent:
    """Under whom an organisation stands from a day on."""

    parent_id: UUID | None
    since: str
    position: int


def parents_of(connection: Connection, organisation_id: UUID) -> list[Parent]:
    """Return an organisation's parents, the first one first."""
    statement = select(parents).where(parents.c.organisation_id == organisation_id.bytes)
    return [
        Parent(optional_uuid(row.parent_id), row.since, row.position)
        for row in connection.execute(statement.order_by(parents.c.since, parents.c.position))
    ]


def is_on_register(connection: Connection, officer_id: UUID) -> bool:
    """Say whether there is such an officer, whatever post they hold."""
    found = select(officers.c.position).where(officers.c.officer_id == officer_id.bytes)
    return connection.execute(found).one_or_none() is not None


def officer_list(
    connection: Connection, *, after: int = -1, limit: int = 100
) -> list[tuple[UUID, str, int]]:
    """Return officers' ids, staff numbers and positions, in the order of the log."""
    statement = (
        select(officers)
        .where(officers.c.position > after)
        .order_by(officers.c.position)
        .limit(limit)
    )
    return [
        (uuid_of(row.officer_id), row.staff_number, row.position)
        for row in connection.execute(statement)
    ]


def staff_numbers(connection: Connection) -> dict[UUID, str]:
    """Return the staff number of every officer: how acts are signed in what people read."""
    return {
        uuid_of(row.officer_id): row.staff_number for row in connection.execute(select(officers))
    }


def key_custodies(connection: Connection) -> dict[str, tuple[UUID, str]]:
    """Return whose each officer's key is, and who holds its private half."""
    statement = select(keys).where(keys.c.change == "registered")
    return {
        row.key_id: (uuid_of(row.officer_id), row.custody) for row in connection.execute(statement)
    }


def role_positions(connection: Connection) -> list[int]:
    """Return where in the log posts were given and ended."""
    return list(connection.execute(select(roles.c.position)).scalars())


def key_registrations(connection: Connection, key_ids: Sequence[str]) -> dict[str, int]:
    """Return where in the log officers' keys were registered."""
    statement = select(keys.c.key_id, keys.c.position).where(
        keys.c.change == "registered", keys.c.key_id.in_(key_ids)
    )
    return {row.key_id: row.position for row in connection.execute(statement)}


def _registered(event: Root.Registered, position: int, rows: Rows) -> None:
    rows["organisations"].append(
        (event.originator_id.bytes, event.code, event.name, event.kind, position)
    )
    _parent(event, position, rows)


def _moved(event: Root.Moved, position: int, rows: Rows) -> None:
    _parent(event, position, rows)


def _parent(event: Root.Registered | Root.Moved, position: int, rows: Rows) -> None:
    parent = None if event.parent_id is None else event.parent_id.bytes
    rows["organisation_parents"].append(
        (position, event.originator_id.bytes, parent, event.happened_on.isoformat())
    )


def _appointed(event: Officer.Appointed, position: int, rows: Rows) -> None:
    rows["officers"].append((event.originator_id.bytes, event.staff_number, position))


def _role_changed(
    event: Officer.RoleGranted | Officer.RoleEnded, position: int, rows: Rows
) -> None:
    granted = isinstance(event, Officer.RoleGranted)
    until = event.until if isinstance(event, Officer.RoleGranted) else None
    rows["officer_roles"].append(
        (
            position,
            event.originator_id.bytes,
            event.organisation_id.bytes,
            event.role,
            "granted" if granted else "ended",
            event.happened_on.isoformat(),
            None if until is None else until.isoformat(),
        )
    )


def _key_changed(
    event: Officer.KeyRegistered | Officer.KeyRevoked | Officer.KeyCompromised,
    position: int,
    rows: Rows,
) -> None:
    registered = isinstance(event, Officer.KeyRegistered)
    rows["officer_keys"].append(
        (
            position,
            event.originator_id.bytes,
            event.key_id,
            "registered" if registered else "revoked",
            event.custody if isinstance(event, Officer.KeyRegistered) else None,
        )
    )
