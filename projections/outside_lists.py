"""Outside lists: which are held, and their blind indexes, so that payments can be looked up."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Connection, Index, LargeBinary, Table, func, select

from ledger.domain.aggregate import Event
from ledger.domain.outside_list import ListKind, OutsideList, edition_id, entry_bytes, subject_bytes
from projections.asked import NOW, Moment, uuid_of
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

editions = Table(
    "outside_list_editions",
    metadata,
    number_column("position", primary_key=True),
    id_column("list_id"),
    id_column("edition_id"),
    id_column("organisation_id"),
    text_column("kind"),
    number_column("edition"),
    text_column("source"),
    text_column("listed_on"),
    text_column("file_sha256"),
    number_column("count"),
    number_column("refused_count"),
    text_column("actor"),
    text_column("happened_on"),
)

ends = Table(
    "outside_list_ends",
    metadata,
    number_column("position", primary_key=True),
    id_column("list_id"),
    number_column("edition"),
    text_column("reason"),
    text_column("actor"),
    text_column("happened_on"),
)

entries = Table(
    "outside_list_entries",
    metadata,
    id_column("edition_id"),
    SqlColumn("subject", LargeBinary(32), nullable=False),
    SqlColumn("note", LargeBinary(16), nullable=False),
    text_column("kind"),
    number_column("position"),
    Index("outside_entries_by_subject", "subject", "kind"),
    Index("outside_entries_in_order", "position"),
    Index("outside_entries_by_note", "note", "edition_id"),
    key("edition_id", "subject", "note"),
)


class OutsideLists(Projection):
    tables: ClassVar = (editions, ends, entries)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            OutsideList.Received: _received,
            OutsideList.PieceTaken: _piece,
            OutsideList.Withdrawn: _withdrawn,
        }


@dataclass(frozen=True, slots=True)
class ListView:
    """An edition of a list; `ended` says how it stopped counting: replaced or withdrawn."""

    list_id: UUID
    edition_id: UUID
    organisation_id: UUID
    kind: ListKind
    edition: int
    source: str
    listed_on: str
    file_sha256: str
    count: int
    refused_count: int
    actor: str
    happened_on: str
    position: int
    ended: str | None
    reason: str | None

    @property
    def held(self) -> bool:
        return self.ended is None


def list_editions(connection: Connection, moment: Moment = NOW) -> list[ListView]:
    """Return all editions of all lists, the newest first."""
    withdrawn = {
        (row.list_id, row.edition): row.reason
        for row in connection.execute(select(ends).where(moment.covers(ends)))
    }
    found = connection.execute(
        select(editions).where(moment.covers(editions)).order_by(editions.c.position.desc())
    ).all()
    newest: dict[bytes, int] = {}
    for row in found:
        newest.setdefault(row.list_id, row.edition)
    views = []
    for row in found:
        reason = withdrawn.get((row.list_id, row.edition))
        replaced = row.edition < newest[row.list_id]
        ended = "withdrawn" if reason is not None else "replaced" if replaced else None
        views.append(
            ListView(
                uuid_of(row.list_id),
                uuid_of(row.edition_id),
                uuid_of(row.organisation_id),
                ListKind(row.kind),
                row.edition,
                row.source,
                row.listed_on,
                row.file_sha256,
                row._mapping["count"],  # noqa: SLF001 - a row has a method of this name
                row.refused_count,
                row.actor,
                row.happened_on,
                row.position,
                ended,
                reason,
            )
        )
    return views


def held_lists(connection: Connection, moment: Moment = NOW) -> list[ListView]:
    """Return the lists that count at a moment: of each the newest edition, if it stands."""
    return [each for each in list_editions(connection, moment) if each.held]


def last_change(connection: Connection) -> tuple[int | None, ...]:
    """Return what tells whether any list was taken in or withdrawn since."""
    return tuple(
        connection.execute(select(func.max(table.c.position))).scalar_one()
        for table in (editions, ends, entries)
    )


def _received(event: OutsideList.Received, position: int, rows: Rows) -> None:
    rows["outside_list_editions"].append(
        (
            position,
            event.originator_id.bytes,
            edition_id(event.originator_id, event.edition).bytes,
            event.organisation_id.bytes,
            event.kind.value,
            event.edition,
            event.source,
            event.listed_on.isoformat(),
            event.file_sha256,
            event.count,
            event.refused_count,
            event.actor,
            event.happened_on.isoformat(),
        )
    )


def _piece(event: OutsideList.PieceTaken, position: int, rows: Rows) -> None:
    whole, wide = b64decode(event.entries), entry_bytes(event.kind)
    subject = subject_bytes(event.kind)
    of = edition_id(event.originator_id, event.edition).bytes
    rows["outside_list_entries"].extend(
        (of, whole[at : at + subject], whole[at + subject : at + wide], event.kind.value, position)
        for at in range(0, len(whole), wide)
    )


def _withdrawn(event: OutsideList.Withdrawn, position: int, rows: Rows) -> None:
    rows["outside_list_ends"].append(
        (
            position,
            event.originator_id.bytes,
            event.edition,
            event.reason,
            event.actor,
            event.happened_on.isoformat(),
        )
    )
