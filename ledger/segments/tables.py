"""Which tables a segment holds, in words that no database or file format is named in."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from ledger.store.feed import Recorded


class Kind(StrEnum):
    """What stands in a column. An id comes as 16 bytes and is written as the text of a UUID."""

    ID = "id"
    BYTES = "bytes"
    TEXT = "text"
    NUMBER = "number"


class Column(NamedTuple):
    name: str
    kind: Kind
    nullable: bool = False


class FlatTable(NamedTuple):
    name: str
    columns: tuple[Column, ...]


EVENTS = FlatTable(
    "events",
    (
        Column("position", Kind.NUMBER),
        Column("stream", Kind.ID),
        Column("version", Kind.NUMBER),
        Column("type", Kind.TEXT),
        Column("schema", Kind.NUMBER),
        Column("recorded_at", Kind.TEXT),
        Column("happened_on", Kind.TEXT),
        Column("actor", Kind.TEXT),
        Column("leaf_hash", Kind.BYTES),
        Column("envelope", Kind.BYTES),
    ),
)
"""One row an event; `envelope` has the very bytes that are signed for and hashed."""

Rows = Mapping[str, Sequence[tuple[Any, ...]]]
"""By table, in the order of its columns."""


class Flat(NamedTuple):
    """The tables beside the events, and the rows that events leave in them, each by itself.

    `rows` stands in a module under its name, so that other processes and machines find it, too.
    """

    tables: tuple[FlatTable, ...]
    rows: Callable[[Sequence[Recorded]], Rows]
