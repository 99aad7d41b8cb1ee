"""Policies as they were adopted, one after another."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.policy import Policy
from projections.asked import Moment, optional_uuid, uuid_of
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

adoptions = Table(
    "policy_adoptions",
    metadata,
    number_column("position", primary_key=True),
    id_column("policy_id"),
    text_column("code"),
    text_column("title"),
    text_column("effective_from"),
    text_column("happened_on"),
    id_column("organisation_id", nullable=True),
)


category_rules = Table(
    "policy_categories",
    metadata,
    number_column("position"),
    text_column("name"),
    text_column("channel"),
    number_column("archive_required"),
    key("position", "name"),
)
"""What each adoption says of its categories, as far as rules over payments ask: 1 is yes."""


category_purposes = Table(
    "policy_category_purposes",
    metadata,
    number_column("position"),
    text_column("name"),
    text_column("purpose"),
    text_column("allowed"),
    key("position", "name", "purpose", "allowed"),
)
"""Of what money a category may be paid, where an adoption says so: SOURCE or EARMARK."""

SOURCE, EARMARK = "source", "earmark"


class Policies(Projection):
    tables: ClassVar = (adoptions, category_rules, category_purposes)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Policy.Adopted: _adopted}


@dataclass(frozen=True, slots=True)
class Adoption:
    policy_id: UUID
    code: str
    title: str
    effective_from: str
    happened_on: str
    organisation_id: UUID | None
    position: int


def adoption_list(connection: Connection, *, after: int = -1, limit: int = 100) -> list[Adoption]:
    """Return adoptions in the order of the log; a corrected reading is a further one."""
    statement = (
        select(adoptions)
        .where(adoptions.c.position > after)
        .order_by(adoptions.c.position)
        .limit(limit)
    )
    return [
        Adoption(
            uuid_of(row.policy_id),
            row.code,
            row.title,
            row.effective_from,
            row.happened_on,
            optional_uuid(row.organisation_id),
            row.position,
        )
        for row in connection.execute(statement)
    ]


def adoptions_at(connection: Connection, moment: Moment) -> list[tuple[UUID, int, int]]:
    """Return each adoption known at a moment: its policy, which one of it, and its position."""
    statement = select(adoptions.c.policy_id, adoptions.c.position).order_by(adoptions.c.position)
    if moment.at is not None:
        statement = statement.where(adoptions.c.position <= moment.at)
    counted: Counter[bytes] = Counter()
    found = []
    for policy, position in connection.execute(statement):
        counted[policy] += 1
        found.append((uuid_of(policy), counted[policy], position))
    return found


def readings_of(connection: Connection, policy_id: UUID) -> list[int]:
    """Return where the log has the adoptions of one policy, in its order."""
    statement = (
        select(adoptions.c.position)
        .where(adoptions.c.policy_id == policy_id.bytes)
        .order_by(adoptions.c.position)
    )
    return list(connection.execute(statement).scalars())


def _adopted(event: Policy.Adopted, position: int, rows: Rows) -> None:
    rows["policy_adoptions"].append(
        (
            position,
            event.originator_id.bytes,
            event.code,
            event.title,
            event.effective_from.isoformat(),
            event.happened_on.isoformat(),
            None if event.organisation_id is None else event.organisation_id.bytes,
        )
    )
    rows["policy_categories"] += [
        (position, each.name, each.channel.value, int(each.archive_required))
        for each in event.categories
    ]
    rows["policy_category_purposes"] += [
        (position, each.name, purpose, name)
        for each in event.categories
        for purpose, names in ((SOURCE, each.paid_from), (EARMARK, each.earmarks))
        for name in dict.fromkeys(names)
    ]
