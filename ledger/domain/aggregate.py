"""The root of every aggregate: named events, stable topics, decide first and remember after."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self, TypeVar, cast
from uuid import UUID

import msgspec

OPERATOR = "operator"
"""The actor of an act that no registered officer takes: founding, entering past files."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who does it, when it happens and when it is recorded; passed in, never looked up.

    `happened_on` is the effective date, `recorded_at` the moment of recording in UTC
    (`2017-01-08T01:02:03.456Z`), `actor` an officer's id or `operator`.
    """

    actor: str
    happened_on: date
    recorded_at: str


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was decided. Its TOPIC is the name it is stored under for good; SCHEMA counts its forms.

    COMMITS marks an event by which an officer commits an organisation: it is stored only with that
    officer's own signature. VOUCHES marks one by which an administrator answers for another
    officer: who does it signed in signs it, and the operator's word alone is told as such. CLOSES
    marks one that a checkpoint has to cover, and nothing after it: it ends the transaction that it
    is stored in.

    `apply` runs again at every replay, so it only remembers: a rule tightened today must not make
    yesterday's events unreadable.
    """

    TOPIC: ClassVar[str]
    SCHEMA: ClassVar[int] = 1
    COMMITS: ClassVar[bool] = False
    VOUCHES: ClassVar[bool] = False
    CLOSES: ClassVar[bool] = False
    ROOT: ClassVar[type["Root"]]

    originator_id: UUID
    originator_version: int
    happened_on: date
    recorded_at: str
    actor: str

    def apply(self, aggregate: Any) -> None:
        """Remember on the aggregate what this event says."""

    def mutate(self, aggregate: "Root | None") -> "Root":
        """Bring the aggregate to this event's version; called by the library's repository."""
        if aggregate is None:
            aggregate = self.ROOT.__new__(self.ROOT)
            aggregate.id = self.originator_id
            aggregate.pending = []
        aggregate.version = self.originator_version
        aggregate.last_on = self.happened_on
        self.apply(aggregate)
        return aggregate


METADATA_FIELDS: frozenset[str] = frozenset(Event.__struct_fields__)

EVENT_CLASSES: dict[str, type[Event]] = {}
"""Every event class by the topic it is stored under; filled as the classes are defined."""


TRoot = TypeVar("TRoot", bound="Root")


class Root:
    """An aggregate: answers one command at a time, and leaves events behind.

    Unlike the library's Aggregate it brings no ready-made events, so each has a name from the
    domain, and its events are frozen msgspec structs (benchmarks/README.md says what that gains).
    It satisfies the library's protocols for aggregates that collect events.
    """

    TOPIC: ClassVar[str]

    id: UUID
    version: int
    last_on: date
    """When the last that was recorded of it happened."""
    pending: list[Event]

    def __init_subclass__(cls) -> None:
        for member in list(vars(cls).values()):
            if isinstance(member, type) and issubclass(member, Event):
                _register(cls, member)

    @classmethod
    def begin(cls, event: type[Event], act: Act, id_: UUID, **facts: Any) -> Self:
        """Start a stream with its first event."""
        first = event(
            originator_id=id_,
            originator_version=1,
            happened_on=act.happened_on,
            recorded_at=act.recorded_at,
            actor=act.actor,
            **facts,
        )
        aggregate = cast("Self", first.mutate(None))
        aggregate.pending.append(first)
        return aggregate

    def trigger_event(self, event: type[Event], act: Act, **facts: Any) -> None:
        """Record a decision that was already checked."""
        new = event(
            originator_id=self.id,
            originator_version=self.version + 1,
            happened_on=act.happened_on,
            recorded_at=act.recorded_at,
            actor=act.actor,
            **facts,
        )
        new.mutate(self)
        self.pending.append(new)

    def twin(self) -> Self:
        """Return an aggregate that may be changed while this one stays as it is, or this one.

        Those whose streams are long give another: to be replayed would take much longer.
        """
        return self

    def collect_events(self) -> list[Event]:
        """Hand over what has been decided since the last call."""
        collected, self.pending = self.pending, []
        return collected


def _register(root: type[Root], event: type[Event]) -> None:
    topic = vars(event).get("TOPIC")
    if topic is None or not topic.startswith(root.TOPIC + "."):
        raise TypeError(f"{event.__qualname__} needs a TOPIC of its own that starts {root.TOPIC}.")
    if topic in EVENT_CLASSES:
        raise TypeError(f"topic {topic} is taken by {EVENT_CLASSES[topic].__qualname__}")
    event.ROOT = root
    EVENT_CLASSES[topic] = event
