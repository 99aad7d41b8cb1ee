"""Rows of a long log, made in other processes while this one writes those before them.

Reading events and making rows of them asks no database, and takes half of what building a read
model costs. The rows are the same, and come in the same order, as if this process made them.
"""

import gc
import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from threading import Thread, active_count
from typing import NamedTuple

import msgspec

from ledger.domain.aggregate import Event
from ledger.domain.events import event_class
from ledger.store.feed import Feed, Recorded, Stored, StoredFeed, recorded
from ledger.store.mapper import EventUnreadable
from projections.view import Chunk, Projection, RowMaker

BATCH_EVENTS_MAX = 5_000
Projections = Callable[[], Sequence[Projection]]
"""Returns every projection there is; a function that another process finds by its name."""


class Made(NamedTuple):
    """What a run of events comes to."""

    chunks: Sequence[Chunk]
    batch: Sequence[Recorded]
    """Its events: all, or those that were asked for."""

    read: int
    """How many events it has."""


def made_here(feed: Feed, projections: Projections, start: int = 0) -> Generator[Made, None, None]:
    """Yield the rows of a log, made by this process; `start`: from that event on."""
    maker = RowMaker(projections())
    while batch := feed.read(start, BATCH_EVENTS_MAX):
        yield Made(maker.chunks(batch), batch, len(batch))
        start += len(batch)


def made_ahead(
    feed: StoredFeed,
    projections: Projections,
    needed: frozenset[type[Event]],
    processes: int,
) -> Generator[Made, None, None]:
    """Yield the rows of a log from its first event on, made by other processes.

    Where one of these is killed, for want of memory as a rule, this process makes what is left.

    Args:
        feed: The log; it is read by this process alone.
        projections: What the rows are made by.
        needed: The classes of event that are handed out with the rows.
        processes: How many others make rows.

    Raises:
        EventUnreadable: As `event_of` says, at the run of events that holds it.
    """
    start = 0
    try:
        for made in _made_by_others(feed, projections, needed, processes):
            start += made.read
            yield made
    except MakerLost:
        yield from made_here(feed, projections, start)


def _made_by_others(
    feed: StoredFeed,
    projections: Projections,
    needed: frozenset[type[Event]],
    processes: int,
) -> Generator[Made, None, None]:
    # Forking is quicker, but safe only while no other thread may hold a lock.
    context = get_context("fork" if active_count() == 1 else "spawn")
    makers = [_Maker(context, projections) for _ in range(processes)]
    waiting: deque[tuple[Stored, _Maker]] = deque()
    start = 0
    try:
        for maker in makers:
            start += _asked(maker, feed, start, waiting)
        while waiting:
            stored, maker = waiting.popleft()
            made = maker.answer()
            start += _asked(maker, feed, start, waiting)
            if made is None:
                recorded(stored)  # says which event cannot be read
            else:
                concerned = [each for each in stored if event_class(each[1]) in needed]
                yield Made(_CHUNKS.decode(made), recorded(concerned), len(stored))
    finally:
        for maker in makers:
            maker.end()


class MakerLost(Exception):
    """A process that made rows is gone."""


class _Maker:
    """A process that makes rows, over a line of its own: one run of events at a time.

    Not a pool of the library's: where one of its processes is killed in the middle of an answer,
    whoever waits for that waits for good.
    """

    def __init__(self, context: BaseContext, projections: Projections) -> None:
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, projections))  # type: ignore[attr-defined]  # each context has it
        self._process.start()
        # The process alone holds it from here on: the line breaks off when it ends.
        theirs.close()

    def ask(self, stored: Stored) -> None:
        try:
            self._line.send(stored)
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


def _asked(
    maker: _Maker, feed: StoredFeed, start: int, waiting: deque[tuple[Stored, _Maker]]
) -> int:
    """Have a process make the next run of events; return how many these are."""
    stored = feed.stored(start, BATCH_EVENTS_MAX)
    if stored:
        maker.ask(stored)
        waiting.append((stored, maker))
    return len(stored)


_CHUNKS = msgspec.msgpack.Decoder(list[Chunk])
_ENCODER = msgspec.msgpack.Encoder()


def _work(line: Connection, projections: Projections) -> None:
    gc.disable()  # rows and events form no circles
    Thread(target=_end_with_parent, daemon=True).start()
    maker = RowMaker(projections())
    with suppress(EOFError):
        while True:
            line.send(_make(maker, line.recv()))


def _end_with_parent() -> None:
    """End this process when the one that it works for has ended, killed even.

    It would wait for work for good otherwise, and where it was forked it would keep open what that
    one had open: the lock under which models are built.
    """
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(maker: RowMaker, stored: Stored) -> bytes | None:
    """Return the chunks of a run of events, or None where one of them cannot be read."""
    try:
        batch = recorded(stored)
    except EventUnreadable:
        return None
    return _ENCODER.encode(maker.chunks(batch))
