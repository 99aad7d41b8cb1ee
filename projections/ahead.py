"""Rows of a long log, made in other processes while this one writes those before them.

Each of them reads the log over a connection of its own, in the file or in PostgreSQL. Reading
events and making rows of them takes more than half of what building a read model costs, and asks
nothing of the model. The rows are the same, and come in the same order, as if this process made
them.
"""

import gc
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from threading import Thread, active_count
from typing import NamedTuple, TypeVar

import msgspec

from ledger.domain.aggregate import Event
from ledger.domain.events import event_class
from ledger.errors import LedgerError
from ledger.store.feed import Feed, Recorded, Stored, StoredFeed, recorded
from ledger.store.mapper import EventUnreadable
from projections.view import RUN_POSITIONS, Chunk, Projection, RowMaker

BATCH_EVENTS_MAX = 8 * RUN_POSITIONS
Projections = Callable[[], Sequence[Projection]]
"""Returns every projection there is; a function that another process finds by its name."""


class Made(NamedTuple):
    """What a run of events comes to."""

    chunks: Sequence[Chunk]
    batch: Sequence[Recorded]
    """Its events: all, or those that were asked for."""

    read: int
    """How many events it has."""


def made_here(
    feed: Feed, projections: Projections, size: int, start: int = 0
) -> Generator[Made, None, None]:
    """Yield the rows of a log, made by this process.

    Args:
        feed: The log.
        projections: What the rows are made by.
        size: Of so many events; what is written meanwhile is left out.
        start: From that event on.
    """
    maker = RowMaker(projections())
    for first, stop in _runs(start, size):
        batch = _whole(feed.read, first, stop)
        yield Made(maker.chunks(batch), batch, len(batch))


def made_ahead(
    feed: StoredFeed,
    projections: Projections,
    size: int,
    needed: frozenset[type[Event]],
    processes: int,
) -> Generator[Made, None, None]:
    """Yield the rows of a log from its first event on, made by other processes.

    Where one of these is killed, for want of memory as a rule, or cannot read the log, this process
    makes what is left.

    Args:
        feed: The log.
        projections: What the rows are made by.
        size: Of so many events; what is written meanwhile is left out.
        needed: The classes of event that are handed out with the rows.
        processes: How many others make rows.

    Raises:
        EventUnreadable: As `event_of` says, at the run of events that holds it.
    """
    start = 0
    try:
        for made in _made_by_others(feed, projections, size, needed, processes):
            start += made.read
            yield made
    except MakerLost:
        yield from made_here(feed, projections, size, start)


def _made_by_others(
    feed: StoredFeed,
    projections: Projections,
    size: int,
    needed: frozenset[type[Event]],
    processes: int,
) -> Generator[Made, None, None]:
    # Forking is quicker, but safe only while no other thread may hold a lock.
    context = get_context("fork" if active_count() == 1 else "spawn")
    makers = [_Maker(context, feed.elsewhere(), projections, needed) for _ in range(processes)]
    runs = _runs(0, size)
    waiting: deque[tuple[_Maker, int, int]] = deque()

    def ask(maker: _Maker) -> None:
        for start, stop in islice(runs, 1):
            maker.ask(start, stop)
            waiting.append((maker, start, stop))

    try:
        for maker in makers:
            ask(maker)
        while waiting:
            maker, start, stop = waiting.popleft()
            made = maker.answer()
            ask(maker)
            if made is None:
                recorded(_whole(feed.stored, start, stop))  # says which event cannot be read
                raise MakerLost
            chunks, concerned = _RUN.decode(made)
            yield Made(chunks, recorded(concerned), stop - start)
    finally:
        for maker in makers:
            maker.end()


class MakerLost(Exception):
    """A process that made rows is gone, or could not read what another reads."""


class _Maker:
    """A process that makes rows, over a line of its own: one run of events at a time.

    Not a pool of the library's: where one of its processes is killed in the middle of an answer,
    whoever waits for that waits for good.
    """

    def __init__(
        self,
        context: BaseContext,
        opened: Callable[[], StoredFeed],
        projections: Projections,
        needed: frozenset[type[Event]],
    ) -> None:
        self._line, theirs = context.Pipe()
        self._process = context.Process(  # type: ignore[attr-defined]  # each context has it
            target=_work, args=(theirs, opened, projections, needed)
        )
        self._process.start()
        # The process alone holds it from here on: the line breaks off when it ends.
        theirs.close()

    def ask(self, start: int, stop: int) -> None:
        try:
            self._line.send((start, stop))
        except OSError:
            raise MakerLost from None

    def answer(self) -> bytes | None:
        """Return what the run that it was asked for comes to, as `_make` does."""
        try:
            made: bytes | None = self._line.recv()
        except (EOFError, OSError):
            raise MakerLost from None
        return made

    def end(self) -> None:
        self._line.close()
        self._process.terminate()
        self._process.join()


def _runs(start: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where each run of a log begins and ends, whole ones but for the last."""
    for first in range(start, size, BATCH_EVENTS_MAX):
        yield first, min(first + BATCH_EVENTS_MAX, size)


TRead = TypeVar("TRead")


def _whole(read: Callable[[int, int], Sequence[TRead]], start: int, stop: int) -> list[TRead]:
    """Read a run of events, from a feed that may hand out fewer at once than it is asked for."""
    found: list[TRead] = []
    while more := read(start + len(found), stop - start - len(found)):
        found += more
    return found


_RUN = msgspec.msgpack.Decoder(tuple[list[Chunk], list[tuple[int, str, bytes]]])
_ENCODER = msgspec.msgpack.Encoder()


def _work(
    line: Connection,
    opened: Callable[[], StoredFeed],
    projections: Projections,
    needed: frozenset[type[Event]],
) -> None:
    gc.disable()  # rows and events form no circles
    Thread(target=_end_with_parent, daemon=True).start()
    maker = RowMaker(projections())
    # Where the log cannot be read the line breaks off: who asked reads it, waits, or says why not.
    with suppress(EOFError, LedgerError, sqlite3.Error):
        feed = opened()
        while True:
            start, stop = line.recv()
            line.send(_make(maker, _whole(feed.stored, start, stop), needed))


def _end_with_parent() -> None:
    """End this process when the one that it works for has ended, killed even.

    It would wait for work for good otherwise, and where it was forked it would keep open what that
    one had open: the lock under which models are built.
    """
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(maker: RowMaker, stored: Stored, needed: frozenset[type[Event]]) -> bytes | None:
    """Return what a run of events comes to, or None where one of them cannot be read.

    That is its chunks, and those of its events that are needed.
    """
    try:
        batch = recorded(stored)
    except EventUnreadable:
        return None
    concerned = [each for each in stored if event_class(each[1]) in needed]
    return _ENCODER.encode((maker.chunks(batch), concerned))
