"""Acts on given days, and what every aggregate must hold to whatever it is."""

from datetime import date
from typing import TypeVar

from ledger.domain.aggregate import Act, Event, Root

MOMENT = "2017-01-20T08:00:00.000Z"
HANDLER = "0d9c1a52-5b0e-4c39-8d0b-8a9f2f7e0001"

TRoot = TypeVar("TRoot", bound=Root)
TEvent = TypeVar("TEvent", bound=Event)


def on(day: date) -> Act:
    return Act(HANDLER, day, MOMENT)


ACT = on(date(2017, 1, 20))


def settled(aggregate: TRoot) -> TRoot:
    """Have what led here collected, so that only what comes next is seen."""
    aggregate.collect_events()
    return aggregate


def only(aggregate: Root, event: type[TEvent]) -> TEvent:
    """Return the one event that was decided; it says who, when, and comes next in its stream."""
    [decided] = aggregate.collect_events()
    assert isinstance(decided, event)
    assert (decided.actor, decided.recorded_at) == (HANDLER, MOMENT)
    assert (decided.originator_id, decided.originator_version) == (aggregate.id, aggregate.version)
    assert aggregate.collect_events() == []
    return decided


def replayed(events: list[Event]) -> Root:
    aggregate: Root | None = None
    for event in events:
        aggregate = event.mutate(aggregate)
    assert aggregate is not None
    return aggregate


def memory(aggregate: Root) -> dict[str, object]:
    """Return all that an aggregate remembers; the events that it still holds are apart."""
    return {name: value for name, value in vars(aggregate).items() if name != "pending"}
