"""The log in PostgreSQL, written by several processes: one statement appends, or does nothing.

Positions are counted by us: a sequence would have holes after a roll-back. Whoever appends
replaces the tree's right edge, and only if it is still the edge that the new one grew from. So the
one row that holds it keeps all writers in order, for as long as an append takes; there is no lock
on a table, and nobody is told of a commit.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import RecordConflictError, StoredEvent
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import QueuePool

from ledger.database import Reader
from ledger.evidence.keys import Signer
from ledger.evidence.merkle import Edge, leaf_hash
from ledger.postgresql import Database, DatabaseUnreachable, RowTaken
from ledger.postgresql_session import (
    LOCK_TIMEOUT_S,
    Rows,
    Session,
    connect,
    connect_to_read,
    migrate,
    require_migrated,
    tables_of,
)
from ledger.postgresql_waiting import Outage
from ledger.store.recorder import (
    SCHEMA,
    LogMoved,
    LogRecorder,
    StoredAnswer,
    answer_rows,
    event_rows,
)
from ledger.store.tiles import GrowingTree, Tile, load_tree

STEPS = (tables_of(SCHEMA),)
"""What each version of the tables adds; a step that was released never changes."""

COPIED_FROM_EVENTS = 500
"""From so many events on COPY is quicker than one statement."""

READERS_KEPT, READERS_MORE = 4, 28
SILENCE_MAX_S = LOCK_TIMEOUT_S + 10
"""A primary whose replicas are all gone answers no commit."""

FIRST = "INSERT INTO log_edge VALUES (0, ?) ON CONFLICT DO NOTHING RETURNING id"
NEXT = "UPDATE log_edge SET edge = ? WHERE id = 0 AND edge = ? RETURNING id"
UNMOVED_FIRST = "SELECT 0 AS id WHERE NOT EXISTS (SELECT FROM log_edge)"
UNMOVED = "SELECT id FROM log_edge WHERE id = 0 AND edge = ? FOR UPDATE"

APPEND = """WITH head AS ({head}),
events AS (INSERT INTO log_events SELECT e.* FROM head,
    unnest(?::bigint[], ?::bytea[], ?::bigint[], ?::text[], ?::bytea[]) AS e),
tiles AS (INSERT INTO log_tiles SELECT t.* FROM head,
    unnest(?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[]) AS t),
checkpoint AS (INSERT INTO log_checkpoints SELECT c.* FROM head,
    unnest(?::bigint[], ?::bigint[], ?::text[]) AS c),
answer AS (INSERT INTO answers SELECT a.* FROM head, unnest(?::text[], ?::text[], ?::bytea[]) AS a)
SELECT count(*) FROM head"""


@dataclass(frozen=True, slots=True)
class Grown:
    """The tree before and after events are appended, the tiles that became full, the checkpoint."""

    before: GrowingTree
    tree: GrowingTree
    tiles: Sequence[Tile]
    note: str


def lay_out_log(database: Database) -> None:
    """Make the log's tables, or bring them up to date."""
    migrate(database, STEPS)


class PostgresRecorder(LogRecorder):
    """Writes over one connection under a lock of this process; reads over a few that are shared."""

    def __init__(self, database: Database, origin: str, signer: Signer) -> None:
        super().__init__(origin, signer)
        self._database = database
        self._writing = threading.RLock()
        self._writer: Session | None = None
        self._in_turn = False
        self._tree = GrowingTree(Edge.empty())
        self._stale = True  # whether the log may have grown beyond that tree
        self._another = False  # whether it may be another server by now
        self._commits = 0
        self._outage = Outage()
        self._readers = _Readers(database, self._outage, self._forget_proofs)
        try:
            require_migrated(self._session(), len(STEPS))
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> Database:
        return self._database

    # Writing.

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        expected, answers = kwargs.get("expected_size"), kwargs.get("answers", ())
        broke_off = False
        with self._writing:
            for _ in self._outage.tries():
                try:
                    first = self._found(stored_events) if broke_off else None
                    if first is None:
                        first = self._appended(
                            stored_events, expected, answers, broke_off=broke_off
                        )
                    return range(first, first + len(stored_events))
                except DatabaseUnreachable:
                    broke_off = True
                    self._break_off()
                except BaseException:
                    self._forget()
                    raise
            raise DatabaseUnreachable

    def _appended(
        self,
        stored_events: Sequence[StoredEvent],
        expected: int | None,
        answers: Sequence[StoredAnswer],
        *,
        broke_off: bool,
    ) -> int:
        """Append; return where. `broke_off`: it was tried, and nobody knows what became of it."""
        try:
            while True:
                first = self._require(expected)
                if self._append(stored_events, answers):
                    return first
                self._stale = True  # another process was quicker
        except (LogMoved, RowTaken) as conflict:
            self._forget()
            # The server may do what it was asked after its line broke off, so it may have done it
            # since we looked. Now that the log has moved on it cannot any more: this is for good.
            found = self._found(stored_events) if broke_off else None
            if found is not None:
                return found
            if isinstance(conflict, LogMoved):
                raise
            taken = "a version, or an idempotency key, is taken"
            raise RecordConflictError(taken) from None

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._writing:
            self._take_turn()
            self._in_turn = True
            try:
                yield
            finally:
                if self._in_turn:
                    self._forget()

    def _take_turn(self) -> None:
        """Wait for the row. Nothing is written by it, so it is asked for again after an outage."""
        for _ in self._outage.tries():
            try:
                session = self._session()
                session.execute("BEGIN")
                session.execute("SELECT FROM log_edge WHERE id = 0 FOR UPDATE")
            except DatabaseUnreachable:
                self._break_off()
            except BaseException:
                self._forget()  # else the next one would meet the transaction that failed
                raise
            else:
                return
        raise DatabaseUnreachable

    def _append(
        self, stored_events: Sequence[StoredEvent], answers: Sequence[StoredAnswer]
    ) -> bool:
        """Append, unless another process did; say whether that went well."""
        append = self._append_at_once
        if len(stored_events) >= COPIED_FROM_EVENTS:
            append = self._append_by_copy
        leaves: list[bytes] = []
        grown = append(stored_events, answers, leaves)
        if self._in_turn:
            self._in_turn = False
            self._session().execute("COMMIT" if grown else "ROLLBACK")
        # A crash before this line leaves nothing or everything, never a part.
        if grown is None:
            return False
        self._tree = grown.tree
        self._committed(grown.tree.edge)
        if leaves:
            self._commits += 1
            self._remember(grown.before.size, leaves, grown.tree.size, grown.note)
        return True

    def _grown(self, leaves: Sequence[bytes]) -> Grown:
        before = self._tree
        if not leaves:
            return Grown(before, before, [], "")
        tree, tiles = before.extended(leaves)
        return Grown(before, tree, tiles, self._note(tree))

    def _append_at_once(
        self,
        stored_events: Sequence[StoredEvent],
        answers: Sequence[StoredAnswer],
        leaves: list[bytes],
    ) -> Grown | None:
        rows = list(event_rows(self._tree.size, stored_events, leaves))
        grown = self._grown(leaves)
        head, values = _swap(grown.before, grown.tree)
        checkpoints = [(grown.tree.size, self._commits + 1, grown.note)] if stored_events else []
        found = self._session().execute(
            APPEND.format(head=head),
            (
                *values,
                *_columns(5, rows),
                *_columns(4, grown.tiles),
                *_columns(3, checkpoints),
                *_columns(3, answer_rows(answers)),
            ),
        )
        return grown if found[0][0] else None

    def _append_by_copy(
        self,
        stored_events: Sequence[StoredEvent],
        answers: Sequence[StoredAnswer],
        leaves: list[bytes],
    ) -> Grown | None:
        """Append many, which are being signed meanwhile; others wait for the row so long."""
        session, own = self._session(), not self._in_turn
        if own:
            session.execute("BEGIN")
        before = self._tree
        grown = None
        if session.execute(*_swap(before, before)):
            rows = event_rows(before.size, stored_events, leaves)
            session.copy("log_events", rows)
            grown = self._grown(leaves)
        if grown is None or not session.execute(*_swap(before, grown.tree)):
            if own:
                session.execute("ROLLBACK")
            return None
        session.copy("log_tiles", grown.tiles)
        session.execute(
            "INSERT INTO log_checkpoints VALUES (?, ?, ?)",
            (grown.tree.size, self._commits + 1, grown.note),
        )
        for row in answer_rows(answers):
            session.execute("INSERT INTO answers VALUES (?, ?, ?)", row)
        if own:
            session.execute("COMMIT")
        return grown

    def _require(self, expected: int | None) -> int:
        size = self._head(expected).size
        if expected not in (None, size):
            raise LogMoved(f"the log holds {size} events")
        return size

    def _head(self, expected: int | None) -> GrowingTree:
        """Return the tree as it was when we last saw it; read on if it must have grown since."""
        tree = self._tree
        if not self._stale and expected in (None, tree.size):
            return tree
        session = self._session()
        marked = self._marked() if self._another else None
        row = session.execute(
            "SELECT edge, (SELECT number FROM log_checkpoints ORDER BY size DESC LIMIT 1)"
            " FROM log_edge WHERE id = 0"
        ).fetchone()
        edge, commits = (Edge.from_bytes(row[0]), row[1]) if row else (Edge.empty(), 0)
        if marked is not None:
            self._see(edge, session, marked)
            self._another = False
        grown = None
        if tree.size <= edge.size < tree.size + COPIED_FROM_EVENTS:
            states = session.execute(
                "SELECT state FROM log_events WHERE position >= ? AND position < ?"
                " ORDER BY position",
                (tree.size, edge.size),
            )
            leaves = [leaf_hash(state) for (state,) in states]
            grown, _ = tree.extended(leaves)
            self._nodes.append(tree.size, leaves)
        if grown is None or grown.edge.to_bytes() != edge.to_bytes():
            self._forget_proofs()
            self._see(edge, session)
            grown = load_tree(session, edge)
        self._tree, self._commits, self._stale = grown, commits, False
        self._seen = edge
        return grown

    def _found(self, stored_events: Sequence[StoredEvent]) -> int | None:
        """Return from which position on the log holds these very events; None if it does not.

        Their bytes are signed and name stream and version, so nobody else can have written them.
        """
        if not stored_events:
            return None
        last = stored_events[-1]
        found = self._session().execute(
            "SELECT position, state FROM log_events"
            " WHERE originator_id = ? AND originator_version = ?",
            (cast("UUID", last.originator_id).bytes, last.originator_version),
        )
        for position, state in found:
            if state == last.state:
                return int(position) - len(stored_events) + 1
        return None

    def _session(self) -> Session:
        if self._writer is None:
            self._writer = connect(self._database, SILENCE_MAX_S)
            self._outage.over()
        return self._writer

    def _forget(self) -> None:
        """Leave nothing half done; what the log is like is read anew."""
        self._in_turn = False
        self._stale = True
        if self._writer is None:
            return
        try:
            if not self._writer.is_idle():
                self._writer.execute("ROLLBACK")
        except DatabaseUnreachable:
            self._break_off()

    def _break_off(self) -> None:
        """Drop the connection, and with it whatever it was in the middle of."""
        self._keep_mark()  # another server may answer next, and what it holds is held against this
        self._another = True
        self._forget_proofs()
        self._in_turn = False
        self._stale = True
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    # Reading.

    def reader(self) -> Reader:
        return self._readers

    def among(self, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        """Say it as an array: the driver reads and prepares a statement once for any number."""
        return "= ANY(?)", (list(values),)

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._readers.one_state():
            yield

    def close(self) -> None:
        with self._writing:
            self._break_off()
        self._readers.close()


class _Readers:
    """Reads over connections that the threads of a process share."""

    def __init__(self, database: Database, outage: Outage, broken_off: Callable[[], None]) -> None:
        self._database = database
        self._outage = outage
        self._broken_off = broken_off
        self._held = threading.local()
        self._pool = QueuePool(
            self._connection,
            pool_size=READERS_KEPT,
            max_overflow=READERS_MORE,
            reset_on_return=None,
        )

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Rows:
        held: Session | None = getattr(self._held, "session", None)
        if held is not None:
            return held.execute(statement, values)
        for _ in self._outage.tries():
            try:
                with self._borrowed() as session:
                    return session.execute(statement, values)
            except DatabaseUnreachable:
                continue
        raise DatabaseUnreachable

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """Hold one state of the database for what this thread reads."""
        self.execute("SELECT")  # finds out about connections that broke off meanwhile
        with self._borrowed() as session:
            session.execute("BEGIN")
            self._held.session = session
            try:
                yield
            finally:
                self._held.session = None
                session.execute("COMMIT")

    @contextmanager
    def _borrowed(self) -> Iterator[Session]:
        pool = self._pool
        try:
            pooled = pool.connect()
        except NoneFree:  # all of them wait for a database that is away
            raise DatabaseUnreachable from None
        try:
            yield Session(cast("Any", pooled.dbapi_connection))
        except DatabaseUnreachable:
            # The others broke off with it.
            self._broken_off()
            pooled.invalidate()
            self._pool = pool.recreate()
            pool.dispose()
            raise
        finally:
            pooled.close()

    def close(self) -> None:
        self._pool.dispose()

    def _connection(self) -> Any:
        raw = connect_to_read(self._database, SILENCE_MAX_S).raw
        self._outage.over()
        return raw


def _swap(before: GrowingTree, tree: GrowingTree) -> tuple[str, tuple[bytes, ...]]:
    """Return the statement that puts a new edge in the old one's place, if that still stands."""
    old, new = before.edge.to_bytes(), tree.edge.to_bytes()
    if tree is before:
        return (UNMOVED, (old,)) if before.size else (UNMOVED_FIRST, ())
    return (NEXT, (new, old)) if before.size else (FIRST, (new,))


def _columns(width: int, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width
