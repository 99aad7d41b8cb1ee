"""What readers of the log are handed: an event and where it stands."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from ledger.domain.aggregate import Event


class Recorded(NamedTuple):
    """An event at its position, which counts from 0 and has no gaps."""

    position: int
    event: Event


class Feed(Protocol):
    """The log as projections see it."""

    def read(self, start: int, limit: int) -> Sequence[Recorded]:
        """Return up to `limit` events from position `start` on, in the order of the log."""

    def size(self) -> int:
        """Return how many events the log holds."""


@runtime_checkable
class StoredFeed(Feed, Protocol):
    """A log whose events are handed out as they are stored, for another process to read."""

    def stored(self, start: int, limit: int) -> Sequence[tuple[int, str, bytes]]:
        """Return position, topic and envelope of up to `limit` events from `start` on."""
