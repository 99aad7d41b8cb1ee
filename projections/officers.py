"""The register of officers: whom a question finds, and the posts of each from when to when."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from projections.asked import uuid_of
from projections.organisations import officers, roles

GRANTED, ENDED = "granted", "ended"


@dataclass(frozen=True, slots=True)
class Tenure:
    """A post from a day until the day before `until`; the positions are where it is on record."""

    organisation_id: UUID
    role: str
    since: str
    until: str | None
    granted_at: int
    ended_at: int | None

    def covers(self, day: date) -> bool:
        """Say whether the post is held on the day."""
        on = day.isoformat()
        return self.since <= on and (self.until is None or on < self.until)


@dataclass(frozen=True, slots=True)
class OfficerLine:
    """An officer by staff number, with every post they ever had."""

    officer_id: UUID
    staff_number: str
    position: int
    tenures: tuple[Tenure, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Which officers: what is left out asks for nothing.

    `staff_number` is what theirs begins with; organisation and role are of a post held on the day.
    """

    day: date
    staff_number: str | None = None
    organisation_ids: Collection[UUID] | None = None
    role: str | None = None
    officer_ids: Collection[UUID] | None = None


def officers_found(
    connection: Connection, asked: Question, *, after: int = -1, limit: int = 100
) -> list[OfficerLine]:
    """Return officers in the order in which they were put on the register."""
    statement = select(officers).where(officers.c.position > after)
    if asked.staff_number is not None:
        statement = statement.where(
            officers.c.staff_number.startswith(asked.staff_number, autoescape=True)
        )
    if asked.officer_ids is not None:
        ids = [each.bytes for each in asked.officer_ids]
        statement = statement.where(officers.c.officer_id.in_(ids))
    if asked.organisation_ids is not None or asked.role is not None:
        statement = statement.where(_holds(asked))
    found = connection.execute(statement.order_by(officers.c.position).limit(limit)).all()
    posts = tenures(connection, [uuid_of(row.officer_id) for row in found])
    return [
        OfficerLine(
            uuid_of(row.officer_id),
            row.staff_number,
            row.position,
            tuple(posts.get(uuid_of(row.officer_id), ())),
        )
        for row in found
    ]


def officers_at(connection: Connection, organisation_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return who ever held a post at one of these."""
    near = {each.bytes for each in organisation_ids}
    posts = select(roles.c.officer_id, roles.c.organisation_id).distinct()
    return frozenset(uuid_of(who) for who, where in connection.execute(posts) if where in near)


def tenures(connection: Connection, officer_ids: Sequence[UUID]) -> dict[UUID, list[Tenure]]:
    """Return all posts of officers, the first given first, as `Officer` itself has them."""
    found: dict[UUID, list[Tenure]] = defaultdict(list)
    statement = select(roles).where(roles.c.officer_id.in_([each.bytes for each in officer_ids]))
    for row in connection.execute(statement.order_by(roles.c.position)):
        of, place, day = uuid_of(row.officer_id), uuid_of(row.organisation_id), row.happened_on
        if row.change == GRANTED:
            found[of].append(Tenure(place, row.role, day, row.until, row.position, None))
            continue
        found[of] = [
            replace(each, until=day, ended_at=row.position)
            if (each.organisation_id, each.role) == (place, row.role) and _ends(each, day)
            else each
            for each in found[of]
        ]
    return found


def _ends(post: Tenure, day: str) -> bool:
    """Say whether an end on a day is this post's; that of the day signed with it is on record."""
    if post.until == day:
        return post.ended_at is None
    return post.since <= day and (post.until is None or day < post.until)


def _holds(asked: Question) -> ColumnElement[bool]:
    """Return the condition that an officer holds a post of the question on its day.

    The same as `Tenure.covers` says of it: an end counts for what had begun by its own day alone.
    """
    day = asked.day.isoformat()
    ending = roles.alias()
    ended = exists().where(
        ending.c.officer_id == roles.c.officer_id,
        ending.c.organisation_id == roles.c.organisation_id,
        ending.c.role == roles.c.role,
        ending.c.change == ENDED,
        ending.c.position > roles.c.position,
        ending.c.happened_on >= roles.c.happened_on,
        ending.c.happened_on <= day,
    )
    held = exists().where(
        roles.c.officer_id == officers.c.officer_id,
        roles.c.change == GRANTED,
        roles.c.happened_on <= day,
        or_(roles.c.until.is_(None), roles.c.until > day),
        ~ended,
    )
    if asked.role is not None:
        held = held.where(roles.c.role == asked.role)
    if asked.organisation_ids is not None:
        held = held.where(
            roles.c.organisation_id.in_([each.bytes for each in asked.organisation_ids])
        )
    return held
