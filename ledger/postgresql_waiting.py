"""Waiting for PostgreSQL: for how long, and what silence means.

A server that was killed closes its lines. One that is frozen, or whose network is gone, does not:
whoever waits for it would wait for ever. So who waits long asks over a second line whether that
server is there at all, and goes on waiting only if it is.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from itertools import chain, repeat
from typing import Any

SILENCE_ASKED_AFTER_S = 3.0

RIDE_S = 40.0
"""A failover takes 20 to 30 seconds, and those who wait before us give up after 60."""

PAUSES_S = (0.0, 0.05, 0.2, 0.5)
"""Before each further try; the last one for all that follow."""

ASKED_AGAIN_S = 1.0
OUTAGES_APART_S = 30.0
"""Nobody found it away for so long: what is found now is another outage."""


def heeded(
    waiting: Generator[Any, Any, Any],
    silence_max_s: float,
    is_there: Callable[[], bool],
    gone: Exception,
) -> Generator[Any, Any, Any]:
    """Wait as the driver does, but not for a server that is not there any more.

    Args:
        waiting: The driver's own; it is sent what is ready, or nothing now and then.
        silence_max_s: For how long at most.
        is_there: Asks the server over another line.
        gone: What is raised when it is not there.
    """
    began = asked = time.monotonic()
    try:
        wanted = next(waiting)
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                began = asked = now
            elif now - began > silence_max_s:
                raise gone
            elif now - asked > SILENCE_ASKED_AFTER_S:
                if not is_there():
                    raise gone
                asked = time.monotonic()
            wanted = waiting.send(ready)
    except StopIteration as ended:
        return ended.value


class Outage:
    """For how long a database has been away, as all threads of this process find it.

    Its length is counted from the first who noticed, so a queue of waiting threads is let go at
    once when that was too long. Whoever asks later is told so at the first failure, until the
    database answers again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = self._last = -OUTAGES_APART_S

    def tries(self) -> Iterator[None]:
        """Go round once; go round again, after a pause, for as long as waiting makes sense."""
        began = time.monotonic()
        if self._last - self._first >= RIDE_S and began - self._last < ASKED_AGAIN_S:
            return  # somebody found out a moment ago
        yield
        for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
            self._found_away()
            if self._last - min(began, self._first) >= RIDE_S:
                return
            time.sleep(pause_s)
            yield

    def over(self) -> None:
        """The database answers a newcomer."""
        with self._lock:
            self._first = self._last = -OUTAGES_APART_S

    def _found_away(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._last >= OUTAGES_APART_S:
                self._first = now
            self._last = now
