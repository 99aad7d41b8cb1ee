"""Signed events on their way into the log: many wait in a file without a name, not in memory."""

import os
import weakref
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import overload
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from ledger.database import disk_refusal

READ_AT_ONCE = 256
WRITTEN_AT_ONCE = 1024 * 1024
"""Bytes; at each writing others get their turn, who are signing."""


class Spool(Sequence[StoredEvent]):
    """Events in their order, made while they are first gone through, and kept for another time.

    A crash leaves nothing of it: the file has no name to be found by.
    """

    def __init__(self, folder: Path, events: Iterable[StoredEvent], count: int) -> None:
        """Take in so many events, whose envelopes go to the disk that the folder is on.

        Raises:
            DiskFull, DiskReadOnly, DiskFailing: The disk does not take them; here, or when they
                are gone through.
        """
        self._coming = iter(events)
        self._count = count
        self._heads: list[tuple[UUID | str, int, str]] = []
        self._ends = array("Q", (0,))
        with _told():
            self._file = TemporaryFile(buffering=WRITTEN_AT_ONCE, dir=folder)  # noqa: SIM115 - closed when nobody holds this
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> StoredEvent: ...

    @overload
    def __getitem__(self, at: slice) -> list[StoredEvent]: ...

    def __getitem__(self, at: int | slice) -> StoredEvent | list[StoredEvent]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        place = range(len(self))[at]
        deque(self._come(), maxlen=0)
        return self._read(place, 1)[0]

    def __iter__(self) -> Iterator[StoredEvent]:
        kept = len(self._heads)
        for start in range(0, kept, READ_AT_ONCE):
            yield from self._read(start, min(READ_AT_ONCE, kept - start))
        yield from self._come()

    def _come(self) -> Iterator[StoredEvent]:
        """Yield those that were never gone through, and keep them."""
        end = self._ends[-1]
        try:
            for event in self._coming:
                self._file.write(event.state)
                end += len(event.state)
                self._ends.append(end)
                self._heads.append((event.originator_id, event.originator_version, event.topic))
                yield event
        except OSError as cause:
            raise disk_refusal(cause) or cause from None
        if len(self._heads) < self._count:
            raise RuntimeError("what makes the events broke off before")

    def _read(self, start: int, count: int) -> list[StoredEvent]:
        stop = start + count
        first, last = self._ends[start], self._ends[stop]
        with _told():
            self._file.flush()
            states = os.pread(self._file.fileno(), last - first, first)
        return [
            StoredEvent(
                *self._heads[at], states[self._ends[at] - first : self._ends[at + 1] - first]
            )
            for at in range(start, stop)
        ]


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise disk_refusal(cause) or cause from None
