"""Commands that wait for one another and are stored together, one transaction for all of them."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from ledger.domain.aggregate import Root
from ledger.store.act import CommandAct
from ledger.store.recorder import StoredAnswer

TAnswer = TypeVar("TAnswer")
TDecide = TypeVar("TDecide", bound=Callable[..., None])

COMMANDS_MAX = 64
"""How many commands one transaction holds at most: so long the first of them waits for the last."""

EVENTS_MAX = 500
"""From so many events on a transaction is ended before the next command is decided."""


class Asked(Generic[TAnswer, TDecide]):
    """A command that somebody waits for: another thread may be the one that decides it."""

    def __init__(self, act: CommandAct, fingerprint: str, decide: TDecide) -> None:
        self.act = act
        self.fingerprint = fingerprint
        self.decide = decide
        self.tries = 0
        self.ended = False
        self._outcome: TAnswer | BaseException
        self._called = threading.Lock()
        self._called.acquire()

    def end(self, outcome: TAnswer | BaseException) -> None:
        """Say what became of it: from here on it is true, whatever happens."""
        self._outcome = outcome
        self.ended = True

    def call(self) -> None:
        """Wake whoever waits: it ended, or it is their turn to decide for all."""
        self._called.release()

    def wait(self) -> None:
        self._called.acquire()

    def outcome(self) -> TAnswer:
        """Return the answer, or raise the refusal."""
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome


class Queue(Generic[TAnswer, TDecide]):
    """Whoever comes while nobody decides does so, for all that wait; then the next in line does.

    There is no clock in it: one that comes alone is not kept waiting, and while a transaction is
    on its way to the disk those of the next gather.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Asked[TAnswer, TDecide]] = deque()
        self._led = False

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, asked: Asked[TAnswer, TDecide]) -> None:
        """Stand in line; the first one, where nobody decides, is called at once."""
        with self._lock:
            self._waiting.append(asked)
            if self._led:
                return
            self._led = True
            first = self._waiting[0]
        first.call()

    def take(self) -> list[Asked[TAnswer, TDecide]]:
        """Take those that are to be decided together: whoever was called is the first of them."""
        with self._lock:
            count = min(len(self._waiting), COMMANDS_MAX)
            return [self._waiting.popleft() for _ in range(count)]

    def leave(self, taken: Iterable[Asked[TAnswer, TDecide]], own: Asked[TAnswer, TDecide]) -> None:
        """Call those that ended, and the next to decide; what was cut off is decided by them."""
        others = [each for each in taken if each is not own]
        with self._lock:
            self._waiting.extendleft(each for each in reversed(others) if not each.ended)
            following = self._waiting[0] if self._waiting else None
            self._led = following is not None
        if following is not None:
            following.call()
        for each in others:
            if each.ended:
                each.call()


@dataclass(slots=True)
class Group(Generic[TAnswer, TDecide]):
    """What was decided in one transaction that is not on the disk yet; nobody knows of it.

    Those that were refused are members too: what they were refused for may not have been stored.
    """

    first: int
    """Position of its first event."""
    members: list[tuple[Asked[TAnswer, TDecide], TAnswer | BaseException]] = field(
        default_factory=list
    )
    stored: Sequence[StoredEvent] = ()
    answers: dict[str, StoredAnswer] = field(default_factory=dict)
    changed: dict[UUID, Root] = field(default_factory=dict)
    """What its events changed: no database has it, so it is not to be forgotten."""
    touched: set[UUID] = field(default_factory=set)
