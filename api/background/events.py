"""Says what was recorded as it is recorded (server-sent events): which event where, never its data.

Source: HTML Living Standard, 9.2 (server-sent events).
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection

import msgspec
from starlette.concurrency import run_in_threadpool

from ledger.domain.aggregate import EVENT_CLASSES, Event
from ledger.errors import Kind, LedgerError
from ledger.store.feed import Feed, Recorded

BATCH_EVENTS_MAX = 500
HEARTBEAT_S = 15.0
POLL_S = 0.5
"""How often the log is looked at: other processes write to it too."""
RECONNECT_MS = 3000
LASTING_S_MAX = 300
"""A stream ends after this, and whoever reads it connects anew: then it is asked who they are."""

Visible = Callable[[Event], bool]


class TopicUnknown(LedgerError):
    """No event is called so."""

    code = "event.topic_unknown"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("a topic is an event's name (batch.approved), or the noun in it (batch)")


class Notice(msgspec.Struct, frozen=True):
    """That an event was recorded. What it says is read under its position, by those who may."""

    type: str
    position: int
    stream: str
    version: int
    recorded_at: str
    happened_on: str

    @classmethod
    def of(cls, recorded: Recorded) -> "Notice":
        event = recorded.event
        return cls(
            event.TOPIC,
            recorded.position,
            str(event.originator_id),
            event.originator_version,
            event.recorded_at,
            event.happened_on.isoformat(),
        )

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)


def require_topics(topics: Collection[str]) -> frozenset[str]:
    """Check that there are such events.

    Raises:
        TopicUnknown: One of them is no name of an event, and no noun.
    """
    known = EVENT_CLASSES.keys() | {topic.partition(".")[0] for topic in EVENT_CLASSES}
    if not known.issuperset(topics):
        raise TopicUnknown
    return frozenset(topics)


def wanted(topic: str, topics: Collection[str]) -> bool:
    """Say whether an event is asked for; none named: all are."""
    return not topics or topic in topics or topic.partition(".")[0] in topics


async def stream(
    log: Feed,
    after: int,
    topics: Collection[str],
    visible: Visible,
    stop: threading.Event,
    lasting_s: float = LASTING_S_MAX,
    heartbeat_s: float = HEARTBEAT_S,
) -> AsyncIterator[str]:
    """Yield messages: every event after a position, then those that come.

    The log is read in a thread, a bounded batch at a time. What is filtered out still moves the id
    forward, so that a reconnect does not read it again.

    Args:
        log: The log.
        after: The last position that is known; -1 for none.
        topics: Names or nouns of events; none for all.
        visible: Which events may be told.
        stop: Set when the process ends; looked at whenever the log is.
        lasting_s: Seconds to go on for; with 0, what is there is told, and no more.
        heartbeat_s: Seconds of silence after which something is said all the same.
    """
    clock = asyncio.get_running_loop().time
    until, spoke_at, told = clock() + lasting_s, clock(), after
    yield f"retry: {RECONNECT_MS}\n\n"
    while not stop.is_set():
        batch = await run_in_threadpool(log.read, after + 1, BATCH_EVENTS_MAX)
        for recorded in batch:
            after = recorded.position
            if wanted(recorded.event.TOPIC, topics) and visible(recorded.event):
                yield _message(Notice.of(recorded))
                told, spoke_at = after, clock()
        if len(batch) == BATCH_EVENTS_MAX:
            continue
        ending = clock() >= until
        if clock() - spoke_at >= heartbeat_s or (ending and told < after):
            yield f": still here\nid: {after}\n\n"
            told, spoke_at = after, clock()
        if ending:
            return
        await asyncio.sleep(min(POLL_S, max(until - clock(), 0)))


def _message(notice: Notice) -> str:
    return f"id: {notice.position}\nevent: {notice.type}\ndata: {notice.encoded().decode()}\n\n"
