"""Signatures that look alike: pairs of them, which hang together, and the pace of each device.

It is kept up as signatures arrive; what nobody doubts is never looked at again.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Connection, Index, LargeBinary, PrimaryKeyConstraint, Table, column

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Disbursement, Manner
from ledger.domain.recipient import Recipient
from ledger.domain.signature import SignatureClaim
from ledger.domain.values import CHINA, read_moment
from ledger.store.feed import Recorded
from projections.view import (
    Change,
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

SAME = "same"
"""The very same picture; beside it `by` is what the comparison of signatures says."""

IN_A_ROW_S = 5
"""A screen takes longer than that to pass from one person's hands into another's."""

MINUTE_MS = 60 * 1000

NIGHT_BEGINS_H, NIGHT_ENDS_H = 22, 6

PICTURE_BYTES = 16
"""Of a picture's hash: no two pictures share so much of it by chance."""

pairs = Table(
    "signature_pairs",
    metadata,
    number_column("position", primary_key=True),
    id_column("one_id"),
    id_column("other_id"),
    text_column("one_sha256"),
    text_column("other_sha256"),
    text_column("by"),
    number_column("distance"),
    text_column("happened_on"),
    Index("pairs_by_one", "one_id"),
    Index("pairs_by_other", "other_id"),
)
"""Two payments whose signatures look alike; `one` is the one that was given later."""

clusters = Table(
    "signature_clusters",
    metadata,
    SqlColumn("disbursement_id", LargeBinary(16), primary_key=True),
    number_column("cluster"),
    Index("members_by_cluster", "cluster"),
)
"""Which payments hang together by pairs: a cluster's number is the position of its first pair."""

pictures = Table(
    "signature_pictures",
    metadata,
    SqlColumn("picture", LargeBinary(PICTURE_BYTES), primary_key=True),
    id_column("disbursement_id"),
    text_column("sha256"),
)
"""The payment that each picture first stood for; those of files are claimed by nobody."""

voids = Table(
    "signature_voids",
    metadata,
    number_column("position", primary_key=True),
    id_column("person_id"),
    Index("voids_by_person", "person_id"),
)
"""People who were erased: what their signatures were found to look like is void with that."""

paces = Table(
    "signature_paces",
    metadata,
    text_column("device"),
    number_column("ended_ms"),
    number_column("position"),
    id_column("disbursement_id"),
    id_column("batch_id"),
    id_column("organisation_id"),
    id_column("witness_id"),
    number_column("started_ms"),
    number_column("in_minute"),
    number_column("in_a_row"),
    number_column("apart_ms", nullable=True),
    number_column("at_night"),
    text_column("day"),
    text_column("happened_on"),
    PrimaryKeyConstraint("device", "ended_ms", "position"),
    Index("paces_by_position", "position"),
    Index("paces_by_minute", "in_minute", sqlite_where=column("in_minute") > 1),
    Index("paces_in_a_row", "in_a_row", sqlite_where=column("in_a_row") > 1),
    Index("paces_at_night", "at_night", sqlite_where=column("at_night") > 0),
)
"""Signatures drawn on one device, by its own clock. `in_minute`: how many payments were signed for
on it in the minute up to this one; `in_a_row`: how many up to this one followed on each other
within seconds. `apart_ms`: from the end of the one before to the beginning of this one. `day` is
China's.
"""


class Likeness(Projection):
    tables: ClassVar = (pairs, clusters, pictures, voids, paces)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {SignatureClaim.FoundAlike: _alike, Recipient.Erased: _erased}

    def changing(self) -> Change:
        return Change(
            frozenset(
                (Disbursement.Signed, Disbursement.SignatureCaptured, SignatureClaim.FoundAlike)
            ),
            _change,
        )


def _alike(event: SignatureClaim.FoundAlike, position: int, rows: Rows) -> None:
    rows["signature_pairs"].append(
        (
            position,
            event.disbursement_id.bytes,
            event.other_id.bytes,
            event.image_sha256,
            event.other_sha256,
            event.by,
            event.distance,
            event.happened_on.isoformat(),
        )
    )


def _erased(event: Recipient.Erased, position: int, rows: Rows) -> None:
    rows["signature_voids"].append((position, event.originator_id.bytes))


# What changes.


def _change(connection: Connection, batch: Sequence[Recorded]) -> None:
    shown: list[tuple[int, Disbursement.Signed]] = []
    drawn: dict[str, list[_Drawn]] = defaultdict(list)
    found: list[tuple[int, UUID, UUID]] = []
    for position, event in batch:
        match event:
            case Disbursement.Signed():
                shown.append((position, event))
            case Disbursement.SignatureCaptured(manner=Manner.DRAWN.value, device=device):
                drawn[device].append(_Drawn.of(event, position))
            case SignatureClaim.FoundAlike(disbursement_id=one, other_id=other):
                found.append((position, one, other))
    if shown:
        found += _same(connection, shown)
    for device, some in drawn.items():
        _pace(connection, device, some)
    for position, one, other in sorted(found):
        _join(connection, position, one.bytes, other.bytes)


def _same(
    connection: Connection, shown: Iterable[tuple[int, Disbursement.Signed]]
) -> Iterator[tuple[int, UUID, UUID]]:
    """Keep which payment a picture first stood for; yield pairs with others it stands for."""
    given = [
        (bytes.fromhex(event.image_sha256)[:PICTURE_BYTES], event.originator_id.bytes)
        for _, event in shown
    ]
    connection.exec_driver_sql(
        "INSERT OR IGNORE INTO signature_pictures VALUES (?, ?, ?)",
        [(*each, event.image_sha256) for each, (_, event) in zip(given, shown, strict=True)],
    )
    for (picture, payment), (position, event) in zip(given, shown, strict=True):
        (first,) = connection.exec_driver_sql(
            "SELECT disbursement_id FROM signature_pictures WHERE picture = ?", (picture,)
        ).one()
        if first == payment:
            continue
        connection.exec_driver_sql(
            "INSERT INTO signature_pairs VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            (
                position,
                payment,
                first,
                event.image_sha256,
                event.image_sha256,
                SAME,
                event.happened_on.isoformat(),
            ),
        )
        yield position, event.originator_id, UUID(bytes=first)


def _join(connection: Connection, position: int, one: bytes, other: bytes) -> None:
    """Have two payments hang together, and with them all that each hangs together with."""
    known = [
        connection.exec_driver_sql(
            "SELECT cluster FROM signature_clusters WHERE disbursement_id = ?", (each,)
        ).scalar()
        for each in (one, other)
    ]
    clusters_known = sorted({each for each in known if each is not None})
    first = clusters_known[0] if clusters_known else position
    for each, cluster in zip((one, other), known, strict=True):
        if cluster is None:
            connection.exec_driver_sql(
                "INSERT INTO signature_clusters VALUES (?, ?)", (each, first)
            )
    for cluster in clusters_known[1:]:
        connection.exec_driver_sql(
            "UPDATE signature_clusters SET cluster = ? WHERE cluster = ?", (first, cluster)
        )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A signature as it was drawn, in milliseconds of its device's clock."""

    position: int
    payment: bytes
    batch: bytes
    organisation: bytes
    witness: bytes
    started_ms: int
    ended_ms: int
    at_night: bool
    day: str
    happened_on: str

    @classmethod
    def of(cls, event: Disbursement.SignatureCaptured, position: int) -> "_Drawn":
        started, ended = read_moment(event.started_at), read_moment(event.ended_at)
        local = ended.astimezone(CHINA)
        return cls(
            position,
            event.originator_id.bytes,
            event.batch_id.bytes,
            event.organisation_id.bytes,
            event.witness_id.bytes,
            _ms(started),
            _ms(ended),
            local.hour >= NIGHT_BEGINS_H or local.hour < NIGHT_ENDS_H,
            # A night belongs to the day on which it began.
            (local - timedelta(hours=NIGHT_ENDS_H)).date().isoformat(),
            event.happened_on.isoformat(),
        )


def _ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def moment_of(milliseconds: int) -> str:
    """Return when that was, in China's time."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.astimezone(CHINA).isoformat(timespec="milliseconds")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _pace(connection: Connection, device: str, drawn: Sequence[_Drawn]) -> None:
    """Add what was drawn on a device, and count anew from there on.

    Devices without a connection send later what they kept, but hardly ever before what they sent:
    so next to nothing but what is new is counted.
    """
    connection.exec_driver_sql(
        "INSERT INTO signature_paces VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 1, NULL, ?, ?, ?)",
        [
            (
                device,
                each.ended_ms,
                each.position,
                each.payment,
                each.batch,
                each.organisation,
                each.witness,
                each.started_ms,
                int(each.at_night),
                each.day,
                each.happened_on,
            )
            for each in drawn
        ],
    )
    begins = min(each.ended_ms for each in drawn)
    new = {each.position for each in drawn}
    counted = _Counted.before(connection, device, begins)
    columns = "ended_ms, position, disbursement_id, started_ms, in_minute, in_a_row, apart_ms"
    for row in connection.exec_driver_sql(
        f"SELECT {columns} FROM signature_paces WHERE device = ? AND ended_ms >= ?"  # noqa: S608
        " ORDER BY ended_ms, position",
        (device, begins),
    ).all():
        ended_ms, position, payment, started_ms, *was = row
        now = counted.on(payment, started_ms, ended_ms)
        if list(now) != was:
            connection.exec_driver_sql(
                "UPDATE signature_paces SET in_minute = ?, in_a_row = ?, apart_ms = ?"
                " WHERE device = ? AND ended_ms = ? AND position = ?",
                (*now, device, ended_ms, position),
            )
        elif position not in new and not counted.reaches(max(each.ended_ms for each in drawn)):
            break


@dataclass(slots=True)
class _Counted:
    """What a device did last: whose signatures in the last minute, and how many in a row."""

    minute: deque[tuple[int, bytes]]
    payment: bytes | None = None
    in_a_row: int = 0

    @classmethod
    def before(cls, connection: Connection, device: str, begins: int) -> "_Counted":
        rows = connection.exec_driver_sql(
            "SELECT ended_ms, disbursement_id, in_a_row FROM signature_paces"
            " WHERE device = ? AND ended_ms < ? ORDER BY ended_ms DESC, position DESC LIMIT 200",
            (device, begins),
        ).all()
        if not rows:
            return cls(deque())
        minute = deque((row[0], row[1]) for row in reversed(rows))
        return cls(minute, rows[0][1], rows[0][2])

    def on(self, payment: bytes, started_ms: int, ended_ms: int) -> tuple[int, int, int | None]:
        """Go on to the next signature; return how many there were, and how far apart."""
        apart = started_ms - self.minute[-1][0] if self.minute else None
        if payment != self.payment:  # drawn again by the same person is no further one
            close = apart is not None and apart <= IN_A_ROW_S * 1000
            self.in_a_row = self.in_a_row + 1 if close else 1
        self.payment = payment
        self.minute.append((ended_ms, payment))
        while self.minute[0][0] <= ended_ms - MINUTE_MS:
            self.minute.popleft()
        return len({each for _, each in self.minute}), self.in_a_row, apart

    def reaches(self, ended_ms: int) -> bool:
        """Say whether what ended then still counts."""
        return bool(self.minute) and self.minute[-1][0] <= ended_ms + MINUTE_MS
