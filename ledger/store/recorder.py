"""Writes events, positions, tree and checkpoint in one transaction; reads them back.

What every database has in common; how each writes stands in a file of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    Notification,
    RecordConflictError,
    StoredEvent,
    Subscription,
)

from ledger.database import Reader
from ledger.errors import LedgerError
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.keys import Signer
from ledger.evidence.merkle import Edge, leaf_hash, root_at
from ledger.postgresql import Database
from ledger.store.high_water import HighWaterMark, Mark, require_goes_on
from ledger.store.tiles import GrowingTree, Nodes, node_reader, tile_hashes

SCHEMA = """
CREATE TABLE IF NOT EXISTS log_events (
    position INTEGER PRIMARY KEY,
    originator_id BLOB NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    UNIQUE (originator_id, originator_version)
);
CREATE TABLE IF NOT EXISTS log_tiles (
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    root BLOB NOT NULL,
    PRIMARY KEY (level, number)
);
CREATE TABLE IF NOT EXISTS log_edge (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    edge BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS log_checkpoints (
    size INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    note TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS answers (
    idempotency_key TEXT PRIMARY KEY,
    request_fingerprint TEXT NOT NULL,
    answer BLOB NOT NULL
) WITHOUT ROWID;
"""


MARKED_EVERY = 4_096
"""Events; a mark costs a file that is flushed to the disk."""


class LogMoved(RecordConflictError):
    """Another process wrote between a decision and its saving: decide again."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered under an idempotency key, and a keyed hash of what was asked."""

    idempotency_key: str
    request_fingerprint: str
    answer: bytes


class LogRecorder(ApplicationRecorder, ABC):
    """The library's recorder, with the log's proofs written in the same transaction."""

    def __init__(self, origin: str, signer: Signer) -> None:
        self._origin = origin
        self._signer = signer
        self._nodes = Nodes()
        self._last: tuple[int, str] | None = None
        self._seen = Edge.empty()  # how far the log was seen to go, by this process
        self._mark: HighWaterMark | None = None

    @property
    @abstractmethod
    def place(self) -> Path | Database:
        """Where the log stands, for others to open."""

    # Writing.

    @abstractmethod
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append events and all that proves them, or nothing.

        Keyword arguments: `expected_size`, the size of the log the decision was taken on, and
        `answers`, StoredAnswers to keep in the same transaction.

        Raises:
            LogMoved: The log is not of the expected size any more.
            RecordConflictError: A stream already holds one of the versions.
        """

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep other processes from writing while a decision is taken, where that can be done.

        For one that came late several times: among many that write little, one that decides much
        would come late for ever.
        """
        yield

    @abstractmethod
    def reader(self) -> Reader:
        """Return what this thread reads through."""

    def among(self, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        """Return how SQL says that a column is one of some values, and what stands for the marks.

        The values are of one kind.
        """
        return f"IN ({','.join('?' * len(values))})", values

    @abstractmethod
    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold one state of the database for several reads of this thread."""

    @abstractmethod
    def close(self) -> None: ...

    def go_on_from(self, mark: HighWaterMark) -> None:
        """Check that the log holds what it is known to have held, and keep from now on how far.

        Raises:
            LogMissing, LogShorter, LogReplaced: It does not.
            LogNotBegun: It is empty, and not for being new.
        """
        row = self.reader().execute("SELECT edge FROM log_edge WHERE id = 0").fetchone()
        if row is None:
            mark.require_begins()
        self._see(Edge.from_bytes(row[0]) if row else Edge.empty(), self.reader(), mark.mark)
        self._mark = mark
        mark.raise_to(self._seen)

    def _see(self, edge: Edge, connection: Reader, marked: Mark | None = None) -> None:
        """Take it that the log goes so far, as another process or another server has it.

        Raises:
            LogMissing, LogShorter, LogReplaced: It held other entries, or more.
        """
        try:
            for known in (Mark.of(self._seen), *([] if marked is None else [marked])):
                require_goes_on(known, edge.size, edge.root, node_reader(connection))
        except LedgerError:
            self._keep_mark()  # for others, who saw less
            raise
        self._seen = edge

    def _marked(self) -> Mark:
        """Return how far any process has marked; what is read of the log after this goes as far."""
        return Mark.of(self._seen) if self._mark is None else self._mark.read()

    def _committed(self, edge: Edge) -> None:
        """Know that the log goes so far, since this process wrote it."""
        self._seen = edge
        if self._mark is None:
            return
        known = self._mark.mark.size
        if not known or edge.size >= known + MARKED_EVERY:
            self._mark.raise_to(edge)

    def _keep_mark(self) -> None:
        if self._mark is not None:
            self._mark.raise_to(self._seen, again=True)

    def _remember(self, first: int, leaves: Sequence[bytes], size: int, note: str) -> None:
        """Keep what proves the events that were just committed."""
        self._nodes.append(first, leaves)
        self._last = (size, note)

    def _forget_proofs(self) -> None:
        """Keep nothing of a database that may have lost what it held."""
        self._nodes.forget()
        self._last = None

    def _note(self, tree: GrowingTree) -> str:
        checkpoint = Checkpoint(self._origin, tree.size, tree.edge.root())
        return sign_note(checkpoint, self._origin, self._signer)

    # Reading.

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        order = "DESC" if desc else "ASC"
        statement = (
            "SELECT originator_version, topic, state FROM log_events WHERE originator_id = ?"  # noqa: S608 - ASC or DESC
            " AND originator_version > ? AND originator_version <= ?"
            f" ORDER BY originator_version {order} LIMIT ?"
        )
        bounds = (
            cast("UUID", originator_id).bytes,
            gt or 0,
            lte if lte is not None else 2**62,
            limit if limit is not None else 2**62,
        )
        return [
            StoredEvent(originator_id, version, topic, state)
            for version, topic, state in self.reader().execute(statement, bounds)
        ]

    def select_streams(self, ids: Sequence[UUID]) -> list[tuple[UUID, str, bytes]]:
        """Return the events of whole streams: id, topic and state, stream by stream."""
        asked = {each.bytes: each for each in ids}
        among, values = self.among(list(asked))
        rows = self.reader().execute(
            "SELECT originator_id, topic, state FROM log_events"  # noqa: S608 - marks only
            f" WHERE originator_id {among} ORDER BY originator_id, originator_version",
            values,
        )
        return [(asked[stream], topic, state) for stream, topic, state in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = (start or 0) if inclusive_of_start else (start or 0) + 1
        chosen = f" AND topic IN ({','.join('?' * len(topics))})" if topics else ""
        statement = (
            "SELECT position, originator_id, originator_version, topic, state FROM log_events"  # noqa: S608 - marks only
            f" WHERE position >= ? AND position <= ?{chosen} ORDER BY position LIMIT ?"
        )
        bounds = (first, stop if stop is not None else 2**62, *topics, limit)
        return [
            Notification(UUID(bytes=stream), version, topic, state, position)
            for position, stream, version, topic, state in self.reader().execute(statement, bounds)
        ]

    def select_states(self, start: int, limit: int) -> list[tuple[int, str, bytes]]:
        """Return position, topic and envelope of up to `limit` events from `start` on."""
        return (
            self.reader()
            .execute(
                "SELECT position, topic, state FROM log_events WHERE position >= ?"
                " ORDER BY position LIMIT ?",
                (start, limit),
            )
            .fetchall()
        )

    def select_states_at(self, positions: Collection[int]) -> list[tuple[int, str, bytes]]:
        """Return position, topic and envelope of the events at some positions."""
        if not positions:
            return []
        among, values = self.among(list(positions))
        found = self.reader().execute(
            f"SELECT position, topic, state FROM log_events WHERE position {among}"  # noqa: S608 - marks only
            " ORDER BY position",
            values,
        )
        return found.fetchall()

    def select_entries(self, start: int, limit: int) -> list[tuple[int, int, str, bytes]]:
        """Return position, version, topic and envelope of up to `limit` events from `start` on."""
        return (
            self.reader()
            .execute(
                "SELECT position, originator_version, topic, state FROM log_events"
                " WHERE position >= ? ORDER BY position LIMIT ?",
                (start, limit),
            )
            .fetchall()
        )

    def select_heads(self, start: int, stop: int) -> list[tuple[int, UUID, int, str]]:
        """Return position, stream, version and topic of the events from `start` up to `stop`."""
        found = self.reader().execute(
            "SELECT position, originator_id, originator_version, topic FROM log_events"
            " WHERE position >= ? AND position < ? ORDER BY position",
            (start, stop),
        )
        return [(at, UUID(bytes=stream), version, topic) for at, stream, version, topic in found]

    def select_stream_positions(self, originator_id: UUID) -> list[tuple[int, int]]:
        """Return version and position of every event of a stream."""
        return (
            self.reader()
            .execute(
                "SELECT originator_version, position FROM log_events WHERE originator_id = ?"
                " ORDER BY originator_version",
                (originator_id.bytes,),
            )
            .fetchall()
        )

    def size(self) -> int:
        """Return how many events the log holds."""
        last = self.max_notification_id()
        return 0 if last is None else last + 1

    def root_at(self, size: int) -> bytes:
        """Return the root of the tree over the first `size` events."""
        return root_at(size, self.subtree_hash)

    def max_notification_id(self) -> int | None:
        (position,) = self.reader().execute("SELECT max(position) FROM log_events").fetchone()
        return cast("int | None", position)

    def select_answer(self, idempotency_key: str) -> StoredAnswer | None:
        return self.select_answers((idempotency_key,)).get(idempotency_key)

    def select_answers(self, idempotency_keys: Sequence[str]) -> dict[str, StoredAnswer]:
        """Return what was answered under keys, by key; those that are new are left out."""
        if not idempotency_keys:
            return {}
        among, values = self.among(idempotency_keys)
        rows = self.reader().execute(
            f"SELECT * FROM answers WHERE idempotency_key {among}",  # noqa: S608 - marks only
            values,
        )
        return {row[0]: StoredAnswer(*row) for row in rows}

    def checkpoint_over(self, position: int) -> tuple[int, str] | None:
        """Return size and note of the last checkpoint that we wrote, or that there is.

        None where it does not cover the event at `position`.
        """
        found = self._last
        if found is None or found[0] <= position:
            found = self.select_checkpoint()
        return None if found is None or found[0] <= position else found

    def select_checkpoint(self, size: int | None = None) -> tuple[int, str] | None:
        """Return size and note of the first checkpoint that covers `size` events, or the last."""
        reader = self.reader()
        if size is None:
            found = reader.execute(
                "SELECT size, note FROM log_checkpoints ORDER BY size DESC LIMIT 1"
            ).fetchone()
        else:
            found = reader.execute(
                "SELECT size, note FROM log_checkpoints WHERE size >= ? ORDER BY size LIMIT 1",
                (size,),
            ).fetchone()
        return cast("tuple[int, str] | None", found)

    def select_checkpoints(self, after_size: int) -> list[tuple[int, str]]:
        """Return size and note of every checkpoint beyond a size, rising."""
        return (
            self.reader()
            .execute(
                "SELECT size, note FROM log_checkpoints WHERE size > ? ORDER BY size",
                (after_size,),
            )
            .fetchall()
        )

    def select_hashes(self, level: int, start: int, stop: int) -> list[bytes]:
        """Return hashes of a tile level, number `start` to `stop`, which lie within one tile."""
        return tile_hashes(self.reader(), level, start, stop)

    def subtree_hash(self, level: int, index: int) -> bytes:
        return self._nodes.read(self.reader(), level, index)

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Refuse: readers pull, so that no commit has to tell anybody."""
        raise NotImplementedError


def event_rows(
    first: int, events: Iterable[StoredEvent], leaves: list[bytes]
) -> Iterator[tuple[Any, ...]]:
    """Yield events as they stand in `log_events`, from a position on, and add what the tree holds.

    They are gone through once: many are being signed meanwhile.
    """
    for position, event in enumerate(events, first):
        leaves.append(leaf_hash(event.state))
        yield (
            position,
            cast("UUID", event.originator_id).bytes,
            event.originator_version,
            event.topic,
            event.state,
        )


def answer_rows(answers: Iterable[StoredAnswer]) -> list[tuple[str, str, bytes]]:
    """Return answers as they stand in `answers`."""
    return [(each.idempotency_key, each.request_fingerprint, each.answer) for each in answers]
