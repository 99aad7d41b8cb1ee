"""What readers of the log are handed: an event and where it stands."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from ledger.domain.aggregate import Event
from ledger.store.mapper import event_of


class Recorded(NamedTuple):
    """An event at its position, which counts from 0 and has no gaps."""

    position: int
    event: Event


Stored = Sequence[tuple[int, str, bytes]]
"""Position, topic and envelope of events."""


def recorded(stored: Stored) -> list[Recorded]:
    """Return events as readers are handed them.

    Raises:
        EventUnreadable: As `event_of` says.
    """
    return [Recorded(position, event_of(topic, state)) for position, topic, state in stored]


class Feed(Protocol):
    """The log as projections see it."""

    def read(self, start: int, limit: int) -> Sequence[Recorded]:
        """Return up to `limit` events from position `start` on, in the order of the log."""

    def size(self) -> int:
        """Return how many events the log holds."""


@runtime_checkable
class StoredFeed(Feed, Protocol):
    """A log whose events are handed out as they are stored, here and in other processes."""

    def stored(self, start: int, limit: int) -> Stored:
        """Return position, topic and envelope of up to `limit` events from `start` on."""

    def elsewhere(self) -> "Callable[[], StoredFeed]":
        """Return what opens the same log in another process, over a connection of its own."""
