"""Server-sent events: every event once, in order, whoever reconnects, until the service stops."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from api.background.events import BATCH_EVENTS_MAX, TopicUnknown, Visible, require_topics, stream
from ledger.domain.aggregate import Event
from ledger.store.feed import Recorded
from tests.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World.at(tmp_path_factory.mktemp("events")).settle_in()
    yield found
    found.ledger.close()


class Long:
    """A log that is longer than a batch: the same events, again and again."""

    def __init__(self, world: World, size: int) -> None:
        self._events = [each.event for each in world.ledger.read(0, 1000)]
        self._size = size
        self.asked: list[int] = []

    def read(self, start: int, limit: int) -> list[Recorded]:
        self.asked.append(limit)
        return [
            Recorded(position, self._events[position % len(self._events)])
            for position in range(start, min(start + limit, self._size))
        ]

    def size(self) -> int:
        return self._size


def every(_: Event) -> bool:
    return True


def told(
    world: World | Long, after: int = -1, *topics: str, visible: Visible = every
) -> tuple[list[dict[str, str]], str]:
    """Return the messages that a browser would see, and all that was sent."""
    log = world.ledger if isinstance(world, World) else world

    async def collect() -> str:
        parts = stream(log, after, topics, visible, threading.Event(), 0)
        return "".join([part async for part in parts])

    text = asyncio.run(collect())
    return messages(text), text


def messages(text: str) -> list[dict[str, str]]:
    blocks = [
        dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        for block in text.split("\n\n")
        if block
    ]
    return [block for block in blocks if "data" in block]


def test_every_event_is_told_by_where_and_when_and_never_by_what_it_says(world: World) -> None:
    found, text = told(world)

    assert text.startswith("retry: 3000\n\n")
    assert [int(each["id"]) for each in found] == list(range(world.ledger.size()))
    for each, recorded in zip(found, world.ledger.read(0, 1000), strict=True):
        assert each["event"] == recorded.event.TOPIC
        assert json.loads(each["data"]) == {
            "type": recorded.event.TOPIC,
            "position": recorded.position,
            "stream": str(recorded.event.originator_id),
            "version": recorded.event.originator_version,
            "recorded_at": recorded.event.recorded_at,
            "happened_on": recorded.event.happened_on.isoformat(),
        }


def test_who_reconnects_goes_on_after_the_last_that_was_seen(world: World) -> None:
    everything, _ = told(world)

    for cut in (0, 5, len(everything) - 1):
        assert told(world, int(everything[cut]["id"]))[0] == everything[cut + 1 :]


def test_topics_are_names_or_nouns(world: World) -> None:
    found, _ = told(world, -1, "organisation", "policy.adopted")

    assert {each["event"] for each in found} == {"organisation.registered", "policy.adopted"}
    assert require_topics(["organisation", "policy.adopted"])
    with pytest.raises(TopicUnknown):
        require_topics(["organisation.burnt"])


def test_what_is_filtered_out_still_moves_the_id(world: World) -> None:
    found, text = told(world, -1, "fund.received")
    assert found == []
    assert f"id: {world.ledger.size() - 1}\n" in text

    hidden, _ = told(world, visible=lambda event: event.TOPIC == "policy.adopted")
    assert [each["event"] for each in hidden] == ["policy.adopted"]


def test_a_long_log_is_read_in_bounded_batches(world: World) -> None:
    log = Long(world, 2 * BATCH_EVENTS_MAX + 1)

    found, _ = told(log)

    assert [int(each["id"]) for each in found] == list(range(log.size()))
    assert log.asked == [BATCH_EVENTS_MAX] * 3


def test_it_tells_what_comes_and_ends_when_the_service_stops(world: World) -> None:
    stop = threading.Event()

    async def follow() -> list[str]:
        parts: list[str] = []
        following = stream(world.ledger, world.ledger.size() - 1, (), every, stop)
        async for part in following:
            parts.append(part)
            if len(parts) == 1:
                await asyncio.to_thread(world.register, "X09", "C01")
            else:
                stop.set()
        return parts

    async def within() -> list[str]:
        return await asyncio.wait_for(follow(), 10)

    [_, message] = asyncio.run(within())
    assert message.startswith(f"id: {world.ledger.size() - 1}\nevent: organisation.registered\n")


def test_silence_is_broken_by_a_comment(world: World) -> None:
    stop = threading.Event()

    async def follow() -> list[str]:
        parts: list[str] = []
        last = world.ledger.size() - 1
        async for part in stream(world.ledger, last, (), every, stop, heartbeat_s=0.1):
            parts.append(part)
            if len(parts) == 3:
                stop.set()
        return parts

    parts = asyncio.run(follow())
    assert all(part.startswith(": still here\n") for part in parts[1:])
    assert messages("".join(parts)) == []
