"""What is asked of signatures that look alike: which hang together, and pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, func, not_, or_, select

from projections.asked import uuid_of
from projections.batches import batches
from projections.likeness import clusters, moment_of, paces, pairs, voids
from projections.payment_states import disbursements
from projections.signatures import signatures

CLUSTERS_MAX = 500
PAIRS_MAX = 200
"""Of one cluster so many are shown: who would look at more has understood."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Payments whose signatures hang together by pairs; `number` names it in addresses."""

    number: int
    pair_count: int
    by: tuple[str, ...]
    since: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of two signatures that look alike."""

    disbursement_id: UUID
    organisation_id: UUID
    batch_id: UUID
    batch_code: str
    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two signatures; `distance` in the measure of what they were compared by."""

    position: int
    one: Side
    other: Side
    by: str
    distance: int
    happened_on: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A signature in the run of those on its device; `apart_ms` from the end of the one before."""

    position: int
    disbursement_id: UUID
    organisation_id: UUID
    batch_id: UUID
    witness_id: UUID
    device: str
    ended_at: str
    apart_ms: int | None
    in_minute: int


_ONE, _OTHER = disbursements.alias("one"), disbursements.alias("other")


def cluster_list(connection: Connection, organisation_ids: Sequence[UUID]) -> list[Cluster]:
    """Return clusters of which a side is at one of the organisations, the largest first."""
    number = clusters.c.cluster
    statement = _joined(
        number,
        func.count().label("pair_count"),
        func.group_concat(pairs.c.by.distinct()).label("by"),
        func.min(pairs.c.happened_on).label("since"),
        of=organisation_ids,
    )
    statement = statement.group_by(number).order_by(func.count().desc(), number).limit(CLUSTERS_MAX)
    return [
        Cluster(row.cluster, row.pair_count, tuple(sorted(row.by.split(","))), row.since)
        for row in connection.execute(statement)
    ]


def pairs_of(connection: Connection, cluster: int, organisation_ids: Sequence[UUID]) -> list[Pair]:
    """Return the pairs of a cluster of which a side is at one of the organisations."""
    first, second = batches.alias("first"), batches.alias("second")
    statement = (
        _joined(
            pairs,
            _ONE.c.organisation_id.label("one_place"),
            _ONE.c.batch_id.label("one_batch"),
            _ONE.c.number.label("one_number"),
            first.c.code.label("one_code"),
            _OTHER.c.organisation_id.label("other_place"),
            _OTHER.c.batch_id.label("other_batch"),
            _OTHER.c.number.label("other_number"),
            second.c.code.label("other_code"),
            of=organisation_ids,
        )
        .join(first, first.c.batch_id == _ONE.c.batch_id)
        .join(second, second.c.batch_id == _OTHER.c.batch_id)
        .where(clusters.c.cluster == cluster)
        .order_by(pairs.c.position)
        .limit(PAIRS_MAX)
    )
    return [
        Pair(
            row.position,
            _side(row, "one"),
            _side(row, "other"),
            row.by,
            row.distance,
            row.happened_on,
        )
        for row in connection.execute(statement)
    ]


def run_of(connection: Connection, position: int, organisation_ids: Sequence[UUID]) -> list[Drawn]:
    """Return what was drawn on a device on one day for one batch, by one signature of it."""
    start = select(paces.c.device, paces.c.batch_id, paces.c.day).where(
        paces.c.position == position, paces.c.organisation_id.in_(_raw(organisation_ids))
    )
    found = connection.execute(start).one_or_none()
    if found is None:
        return []
    statement = (
        select(paces)
        .where(paces.c.device == found.device)
        .where(paces.c.batch_id == found.batch_id, paces.c.day == found.day)
        .order_by(paces.c.ended_ms, paces.c.position)
    )
    return [
        Drawn(
            row.position,
            uuid_of(row.disbursement_id),
            uuid_of(row.organisation_id),
            uuid_of(row.batch_id),
            uuid_of(row.witness_id),
            row.device,
            moment_of(row.ended_ms),
            row.apart_ms,
            row.in_minute,
        )
        for row in connection.execute(statement)
    ]


def captured_payments(connection: Connection) -> list[UUID]:
    """Return the payments of which a signature was taken down, the first to be signed for first."""
    of = signatures.c.disbursement_id
    found = connection.execute(
        select(of).group_by(of).order_by(func.min(signatures.c.position))
    ).scalars()
    return [uuid_of(raw) for raw in found]


def _joined(*wanted: Any, of: Sequence[UUID]) -> Select[Any]:
    """Ask of pairs within reach that no erasure has made void."""
    places = _raw(of)
    return (
        select(*wanted)
        .select_from(pairs)
        .join(clusters, clusters.c.disbursement_id == pairs.c.one_id)
        .join(_ONE, _ONE.c.disbursement_id == pairs.c.one_id)
        .join(_OTHER, _OTHER.c.disbursement_id == pairs.c.other_id)
        .where(not_(_void(_ONE.c.person_id)), not_(_void(_OTHER.c.person_id)))
        .where(or_(_ONE.c.organisation_id.in_(places), _OTHER.c.organisation_id.in_(places)))
    )


def _void(person: ColumnElement[bytes]) -> ColumnElement[bool]:
    return exists(select(voids.c.position).where(voids.c.person_id == person))


def _raw(ids: Sequence[UUID]) -> list[bytes]:
    return [each.bytes for each in ids]


def _side(row: Any, name: str) -> Side:
    return Side(
        uuid_of(getattr(row, f"{name}_id")),
        uuid_of(getattr(row, f"{name}_place")),
        uuid_of(getattr(row, f"{name}_batch")),
        getattr(row, f"{name}_code"),
        getattr(row, f"{name}_number"),
        getattr(row, f"{name}_sha256"),
    )
