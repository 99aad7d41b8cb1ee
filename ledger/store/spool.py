"""Signed events on their way into the log: many wait in a file without a name, not in memory."""

import os
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
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
    """Events in their order. A crash leaves nothing of it: the file has no name to be found by."""

    def __init__(self, folder: Path, events: Iterable[StoredEvent]) -> None:
        """Take in events, whose envelopes go to the disk that the folder is on.

        Raises:
            DiskFull, DiskReadOnly, DiskFailing: The disk does not take them.
        """
        self._heads: list[tuple[UUID | str, int, str]] = []
        self._ends = array("Q", (0,))
        try:
            self._file = TemporaryFile(buffering=WRITTEN_AT_ONCE, dir=folder)  # noqa: SIM115 - closed when nobody holds this
            weakref.finalize(self, self._file.close)
            for event in events:
                self._file.write(event.state)
                self._ends.append(self._ends[-1] + len(event.state))
                self._heads.append((event.originator_id, event.originator_version, event.topic))
            self._file.flush()
        except OSError as cause:
            raise disk_refusal(cause) or cause from None

    def __len__(self) -> int:
        return len(self._heads)

    @overload
    def __getitem__(self, at: int) -> StoredEvent: ...

    @overload
    def __getitem__(self, at: slice) -> list[StoredEvent]: ...

    def __getitem__(self, at: int | slice) -> StoredEvent | list[StoredEvent]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        return self._read(range(len(self))[at], 1)[0]

    def __iter__(self) -> Iterator[StoredEvent]:
        for start in range(0, len(self), READ_AT_ONCE):
            yield from self._read(start, READ_AT_ONCE)

    def _read(self, start: int, count: int) -> list[StoredEvent]:
        stop = min(start + count, len(self))
        first, last = self._ends[start], self._ends[stop]
        try:
            states = os.pread(self._file.fileno(), last - first, first)
        except OSError as cause:
            raise disk_refusal(cause) or cause from None
        return [
            StoredEvent(
                *self._heads[at], states[self._ends[at] - first : self._ends[at + 1] - first]
            )
            for at in range(start, stop)
        ]
