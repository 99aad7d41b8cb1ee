"""The read model: one database that may be dropped, and what all projections share."""

import os
import sqlite3
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_SH, flock
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, cast
from weakref import finalize

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    QueuePool,
    String,
    Table,
    and_,
    create_engine,
    event,
    select,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from ledger.database import Connection as SqliteConnection
from ledger.database import open_database
from ledger.domain.aggregate import Event
from ledger.store.feed import Recorded

metadata = MetaData(naming_convention={"ix": "%(table_name)s_key_%(column_0_N_name)s"})

reading = Table(
    "reading",
    metadata,
    SqlColumn("id", Integer, primary_key=True, autoincrement=False),
    SqlColumn("schema_version", Integer, nullable=False),
    SqlColumn("next_position", Integer, nullable=False),
    SqlColumn("block_positions", Integer, nullable=False),
    SqlColumn("model", String, nullable=False),
)
"""One row: how far the log has been read, how long the blocks are that are summed up, and a name
that no other read model has.

It changes in the transaction that changes the rows.
"""

SCHEMA_VERSION = 34
"""Raise it when a table or what fills it changes: an older read model is then built anew."""

BLOCK_POSITIONS = 2_048
"""Of the log, summed up together: so many that most batches lie in one block or two, and so few
that the rows of an open block are read in a few milliseconds."""

RUN_POSITIONS = 512
"""Of the log, in which a projection may keep one row for many events. A model that is built anew
takes up whole runs, so that each such row is written once; one that follows the log adds to it."""

FOLD_BLOCKS = 32
"""Summed up in one question each: asking costs as much as a block of a thousand payments, and what
many come to waits in memory."""

INSERT_ROWS = 200

LINES_KEPT = 4
"""Of a process to a read model; as many more are opened as threads ask at the same time."""

KEPT = "kept"


def read_up_to(connection: Connection) -> int:
    """Return the last position of the log that what a connection sees tells of; -1: none yet."""
    following: int = connection.execute(select(reading.c.next_position)).scalar_one()
    return following - 1


def id_column(name: str, *, nullable: bool = False) -> SqlColumn[bytes]:
    """Return a column for a UUID, kept as its 16 bytes."""
    return SqlColumn(name, LargeBinary(16), nullable=nullable)


def text_column(name: str, *, primary_key: bool = False, nullable: bool = False) -> SqlColumn[str]:
    return SqlColumn(name, String, primary_key=primary_key, nullable=nullable)


def number_column(
    name: str, *, primary_key: bool = False, nullable: bool = False
) -> SqlColumn[int]:
    """Return a column for whole numbers; a log position may be a table's primary key."""
    return SqlColumn(
        name,
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=primary_key,
        autoincrement=False,
        nullable=nullable and not primary_key,
    )


def key(*columns: str) -> Index:
    """Return the unique index by which a table's rows are found and compared.

    It takes the place of a primary key, since an index can be made after the rows are there: over
    ids, which come in no order, that is several times as fast as keeping one up.
    """
    return Index(None, *columns, unique=True, info={"key": True})


def appended(column: str) -> dict[str, str]:
    """Mark a table (its `info`): to a row that is there, a column of bytes has the new ones added.

    A model that is built anew is given each row of it once, and whole.
    """
    return {"appended": column}


def key_of(table: Table) -> Sequence[SqlColumn[Any]]:
    """Return the columns that tell a table's rows apart."""
    for index in table.indexes:
        if index.info.get("key"):
            return list(index.columns)
    return list(table.primary_key)


Rows = dict[str, list[tuple[Any, ...]]]
"""Rows to be added, by table; tuples in the order of the table's columns."""

Handler = Callable[[Any, int, Rows], None]
"""Takes an event and its position, and adds the rows that it leaves."""

RunHandler = Callable[[Sequence[Recorded], Rows], None]
"""Takes events that follow one another, and adds the rows that they leave together."""


@dataclass(frozen=True, slots=True)
class Span:
    """Blocks that follow one another: log positions from `start` on, up to but not including `end`.

    `first` is the number of the first block, `count` how many there are, `positions` how long each.
    """

    first: int
    count: int
    positions: int

    @property
    def start(self) -> int:
        return self.first * self.positions

    @property
    def end(self) -> int:
        return self.start + self.count * self.positions

    def holds(self, position: ColumnElement[int]) -> ColumnElement[bool]:
        return and_(position >= self.start, position < self.end)

    def block_of(self, position: ColumnElement[int]) -> ColumnElement[int]:
        """Return the number of the block that a position lies in."""
        return position // self.positions


Fold = Callable[[Connection, Span], None]
"""Adds the rows that full blocks come to, each block by itself."""


class Change(NamedTuple):
    """Brings rows that say how something stands now to the end of a run of events."""

    kinds: frozenset[type[Event]]
    """The classes of event that it takes."""

    bring: Callable[[Connection, Sequence[Recorded]], None]
    """Is given those of a run, in the order of the log."""


class Projection(ABC):
    """Says which rows an event leaves. Rows are only ever added, so as-of questions stay open.

    The exception is what `changing` keeps: rows found by what they are about, not by when.
    """

    tables: ClassVar[Sequence[Table]]

    @abstractmethod
    def handlers(self) -> Mapping[type[Event], Handler]:
        """Return what is done for each class of event."""

    def together(self) -> RunHandler | None:
        """Return what is done for many events at once, if anything."""
        return None

    def folding(self) -> Fold | None:
        """Return what adds up full blocks of the log, if anything."""
        return None

    def changing(self) -> Change | None:
        """Return what keeps rows that change, if anything.

        While a model is built anew there are no indexes: rows are found by primary keys alone.
        """
        return None


Handlers = Mapping[type[Event], Sequence[Handler]]


def handlers_of(projections: Sequence[Projection]) -> Handlers:
    """Return what all of these do, by class of event."""
    handlers: dict[type[Event], list[Handler]] = defaultdict(list)
    for projection in projections:
        for event_class, handler in projection.handlers().items():
            handlers[event_class].append(handler)
    return handlers


def rows_into(
    rows: Rows, handlers: Handlers, batch: Sequence[Recorded], together: Sequence[RunHandler] = ()
) -> None:
    """Add the rows that a run of events leaves."""
    for position, happened in batch:
        for handler in handlers.get(type(happened), ()):
            handler(happened, position, rows)
    for each in together:
        each(batch, rows)


class Chunk(NamedTuple):
    """Rows of one table, as one statement adds them: the values of all, one row after another."""

    table: str
    rows: int
    values: tuple[Any, ...]


class RowMaker:
    """Makes the rows that events leave. It asks no database, so another process may have one."""

    def __init__(self, projections: Sequence[Projection]) -> None:
        self._handlers = handlers_of(projections)
        self._together = [each for projection in projections if (each := projection.together())]

    def chunks(self, batch: Sequence[Recorded]) -> list[Chunk]:
        """Return the rows of a run of events; a table's chunks follow one another."""
        rows: Rows = defaultdict(list)
        rows_into(rows, self._handlers, batch, self._together)
        return [
            Chunk(name, len(some), tuple(chain.from_iterable(some)))
            for name, values in rows.items()
            for start in range(0, len(values), INSERT_ROWS)
            if (some := values[start : start + INSERT_ROWS])
        ]


class ReadModel:
    """The read model's file. Questions are short, so a rebuilt file is seen at once.

    Lines to it are kept from question to question, with what they compiled, unless another file
    has taken its place meanwhile.
    """

    def __init__(
        self, path: Path, projections: Sequence[Projection], *, fresh: bool = False
    ) -> None:
        self.path = path
        self._fresh = fresh
        self._maker = RowMaker(projections)
        self._folds = [fold for projection in projections if (fold := projection.folding())]
        self._changes = [each for projection in projections if (each := projection.changing())]
        self.changing = frozenset(chain.from_iterable(each.kinds for each in self._changes))
        self._tables = {table.name: table for each in projections for table in each.tables}
        self._inserts: dict[tuple[str, int], str] = {}

    @cached_property
    def engine(self) -> Engine:
        if self._fresh:
            engine = create_engine("sqlite://", creator=self._bare_line, poolclass=NullPool)
        else:
            engine = create_engine(
                "sqlite://",
                creator=partial(_open_line, self.path),
                poolclass=QueuePool,
                pool_size=LINES_KEPT,
                max_overflow=-1,
            )
            event.listen(engine, "checkout", _look)
            finalize(self, engine.dispose)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    @property
    def tables(self) -> Mapping[str, Table]:
        return self._tables

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """Hold one state of the read model for several questions."""
        with self.engine.connect() as connection:
            yield connection

    def create(self) -> None:
        # One connection for all: to open one a table would take longer than the tables do.
        with self.engine.begin() as connection:
            metadata.create_all(connection, [reading])
            for table in self._tables.values():
                if self._fresh:
                    self._bare(connection, table)
                else:
                    table.create(connection, checkfirst=True)
        self.path.chmod(0o600)

    def create_indexes(self) -> None:
        """Make what `create` leaves out in a fresh file: indexes are cheaper over full tables."""
        with self.engine.begin() as connection:
            for table in self._tables.values():
                # In one order: where two would do, SQLite takes the one that was made last.
                for index in sorted(table.indexes, key=lambda each: str(each.name)):
                    index.create(connection, checkfirst=True)

    def add(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        """Add the rows of a run of events."""
        self.add_made(connection, self._maker.chunks(batch), batch)

    def add_made(
        self, connection: Connection, chunks: Sequence[Chunk], batch: Sequence[Recorded]
    ) -> None:
        """Add rows that were made of a run of events, of which `changing` names those needed."""
        for chunk in chunks:
            connection.exec_driver_sql(self._insert(chunk.table, chunk.rows), chunk.values)
        for kinds, bring in self._changes:
            if concerned := [each for each in batch if type(each.event) in kinds]:
                bring(connection, concerned)

    def fold(self, connection: Connection, before: int, read: int) -> None:
        """Sum up the blocks that became full when events were read from one position to another."""
        positions = connection.execute(select(reading.c.block_positions)).scalar_one()
        full = read // positions
        for first in range(before // positions, full, FOLD_BLOCKS):
            span = Span(first, min(FOLD_BLOCKS, full - first), positions)
            for fold in self._folds:
                fold(connection, span)

    def _insert(self, name: str, count: int) -> str:
        """Return the statement that adds so many rows: one for many is twice as fast."""
        statement = self._inserts.get((name, count))
        if statement is None:
            table = self._tables[name]
            marks = f"({','.join('?' * len(table.columns))})"
            statement = f"INSERT INTO {name} VALUES {','.join([marks] * count)}"  # noqa: S608 - a name of ours
            if "appended" in table.info and not self._fresh:
                statement += _appending(table)
            self._inserts[name, count] = statement
        return statement

    def _bare(self, connection: Connection, table: Table) -> None:
        indexes = set(table.indexes)
        try:
            table.indexes.clear()
            table.create(connection)
        finally:
            table.indexes.update(indexes)

    def _bare_line(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, factory=SqliteConnection
        )
        # Indexes are sorted in pieces of the cache's size: pieces that fit into the processor's own
        # caches take two thirds of the time of pieces of a hundred megabytes.
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -4096"):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def nobody_opening(self) -> AbstractContextManager[None]:
        """Keep all from opening the file while another takes its place.

        Whoever had opened the file, and not yet what SQLite keeps beside it under the same name,
        would have one of the old and the other of the new.
        """
        return _swap(self.path, LOCK_EX)


def _open_line(path: Path) -> SqliteConnection:
    with _swap(path, LOCK_SH):
        # Nothing is lost with the read model: it is read from the log again.
        return open_database(path, synchronous="NORMAL")


def _look(line: DBAPIConnection, kept: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Have a line that was kept opened anew, where the model has another file now, or none.

    Raises:
        DisconnectionError: It has; SQLAlchemy opens another line.
    """
    if KEPT in kept.info and not cast("SqliteConnection", line).leads_to_its_path():
        raise DisconnectionError
    kept.info[KEPT] = True


@contextmanager
def _swap(path: Path, how: int) -> Iterator[None]:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        flock(folder, how)
        yield
    finally:
        os.close(folder)


def _appending(table: Table) -> str:
    column = table.info["appended"]
    names = ", ".join(each.name for each in key_of(table))
    # SQLite calls what it puts together a text, whatever it is made of.
    joined = f"CAST({column} || excluded.{column} AS BLOB)"
    return f" ON CONFLICT ({names}) DO UPDATE SET {column} = {joined}"
