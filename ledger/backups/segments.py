"""Pieces of the log in files of their own: the same tables, whichever database it stands in."""

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ledger.database import Reader
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.log import CheckpointDiffers
from ledger.evidence.merkle import Edge, leaf_hash
from ledger.evidence.note import split_note
from ledger.evidence.tlog_tiles import TILE_HEIGHT
from ledger.store.recorder import SCHEMA, LogRecorder
from ledger.store.signed_lists import on_disk

ROWS_AT_ONCE = 5_000
TILES_AT_ONCE = 256

TABLES = ("log_events", "log_tiles", "log_checkpoints", "answers")

Progress = Callable[[int, int], None]


class Chain:
    """Several pieces of a log, read one after the other as if they were one."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        self._connections = connections

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> "_Chained":
        return _Chained(
            row for each in self._connections for row in each.execute(statement, values)
        )

    def answer_keys(self) -> Iterator[str]:
        """Yield all idempotency keys, rising."""
        statement = "SELECT idempotency_key FROM answers ORDER BY idempotency_key"
        keys = [(key for (key,) in each.execute(statement)) for each in self._connections]
        return heapq.merge(*keys)

    def close(self) -> None:
        for each in self._connections:
            each.close()


class _Chained:
    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


@contextmanager
def reading(paths: Sequence[Path]) -> Iterator[Chain]:
    """Open pieces of a log to read them, in their order."""
    chain = Chain([open_still(path) for path in paths])
    with closing(chain):
        yield chain


def open_still(path: Path) -> sqlite3.Connection:
    """Open a file that nobody writes to: a journal that somebody laid beside it counts for nothing.

    Text that was altered may be none any more; it is to be found out, not to stop us.
    """
    uri = path.absolute().as_uri() + "?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode(errors="backslashreplace")
    return connection


def copy_new(
    log: LogRecorder, before: Edge, known: Iterator[str], draft: Path, progress: Progress | None
) -> tuple[Edge, str, bool]:
    """Copy what the log has gained since `before` into a file.

    The caller holds one state of the log, so that a commit in between is in it whole or not at all.

    Args:
        log: The live log, SQLite's or PostgreSQL's.
        before: Right edge of the tree over the entries that are copied already.
        known: Idempotency keys whose answers are, rising.
        draft: The file, which is not there.
        progress: Told how many new entries were copied, and of how many.

    Returns:
        The edge over all entries, the signed checkpoint that covers them, and whether anything was
        new.

    Raises:
        CheckpointDiffers: The log's own checkpoint commits to other entries than it holds.
    """
    reader = log.reader()
    found = log.select_checkpoint()
    size, note = found if found is not None else (0, "")
    with closing(sqlite3.connect(draft, isolation_level=None)) as piece:
        # Nothing of a piece counts before it has its name: no journal is needed to make it.
        piece.execute("PRAGMA journal_mode = OFF").close()
        piece.execute("PRAGMA synchronous = OFF")
        piece.executescript(SCHEMA)
        piece.execute("BEGIN")
        edge = before
        while edge.size < size:
            rows = list(_range(reader, "log_events", "position", edge.size, size, ROWS_AT_ONCE))
            if not rows or rows[0][0] != edge.size or rows[-1][0] != edge.size + len(rows) - 1:
                raise CheckpointDiffers(size, f"entries from {edge.size} on are missing")
            _add(piece, "log_events", rows)
            edge = edge.extend([leaf_hash(state) for *_, state in rows])
            if progress is not None:
                progress(edge.size - before.size, size - before.size)
        if edge.size and Checkpoint.from_body(split_note(note)[0]).root != edge.root():
            raise CheckpointDiffers(size, "commits to other entries than are stored")
        for rows in _tiles(reader, before.size, size):
            _add(piece, "log_tiles", rows)
        start = before.size + 1
        while rows := list(
            _range(reader, "log_checkpoints", "size", start, size + 1, ROWS_AT_ONCE)
        ):
            _add(piece, "log_checkpoints", rows)
            start = rows[-1][0] + 1
        answers = 0
        for rows in _new_answers(reader, known):
            _add(piece, "answers", rows)
            answers += len(rows)
        piece.execute("COMMIT")
    return edge, note, bool(answers) or edge.size > before.size


def entries_in(chain: Chain) -> Iterator[tuple[int, bytes]]:
    """Yield position and envelope of all entries, in the order of the log."""
    yield from chain.execute("SELECT position, state FROM log_events ORDER BY position")


def put_together(paths: Sequence[Path], edge: Edge, log: Path) -> None:
    """Make a log's file out of its pieces."""
    with closing(sqlite3.connect(log.absolute().as_uri(), uri=True, isolation_level=None)) as whole:
        whole.execute("PRAGMA journal_mode = OFF").close()
        whole.execute("PRAGMA synchronous = OFF")
        whole.executescript(SCHEMA)
        for path in paths:
            whole.execute("ATTACH ? AS piece", (path.absolute().as_uri() + "?mode=ro&immutable=1",))
            whole.execute("BEGIN")
            for table in TABLES:
                whole.execute(f"INSERT INTO {table} SELECT * FROM piece.{table}")  # noqa: S608 - a table of ours
            whole.execute("COMMIT")
            whole.execute("DETACH piece")
        if edge.size:
            whole.execute("INSERT INTO log_edge VALUES (0, ?)", (edge.to_bytes(),))
        whole.execute("PRAGMA journal_mode = WAL").close()
    settle(log)


def rows_of(chain: Chain, table: str) -> Iterator[Sequence[Any]]:
    """Yield all rows of a table of the log."""
    yield from chain.execute(f"SELECT * FROM {table}")  # noqa: S608 - a table of ours


def settle(path: Path) -> None:
    """Have a file on the disk, for its owner alone."""
    path.chmod(0o600)
    on_disk(path)


def _range(
    reader: Reader, table: str, column: str, start: int, stop: int, limit: int
) -> Iterator[Any]:
    yield from reader.execute(
        f"SELECT * FROM {table} WHERE {column} >= ? AND {column} < ?"  # noqa: S608 - names of ours
        f" ORDER BY {column} LIMIT ?",
        (start, stop, limit),
    )


def _tiles(reader: Reader, before: int, size: int) -> Iterator[list[Any]]:
    """Yield the tiles that became full since the log had `before` entries."""
    level = 0
    while full := size >> TILE_HEIGHT * (level + 1):
        start = before >> TILE_HEIGHT * (level + 1)
        for first in range(start, full, TILES_AT_ONCE):
            yield list(
                reader.execute(
                    "SELECT * FROM log_tiles WHERE level = ? AND number >= ? AND number < ?"
                    " ORDER BY number",
                    (level, first, min(first + TILES_AT_ONCE, full)),
                )
            )
        level += 1


def _new_answers(reader: Reader, known: Iterator[str]) -> Iterator[list[Any]]:
    """Yield answers whose keys are not known: both lists are gone through in the same order."""
    after, next_known = "", next(known, None)
    while rows := list(
        reader.execute(
            "SELECT * FROM answers WHERE idempotency_key > ? ORDER BY idempotency_key LIMIT ?",
            (after, ROWS_AT_ONCE),
        )
    ):
        new = []
        for row in rows:
            while next_known is not None and next_known < row[0]:
                next_known = next(known, None)
            if row[0] != next_known:
                new.append(row)
        yield new
        after = rows[-1][0]


def _add(piece: sqlite3.Connection, table: str, rows: Sequence[Any]) -> None:
    if rows:
        marks = ",".join("?" * len(rows[0]))
        piece.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - marks only
