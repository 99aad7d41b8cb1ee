"""What is counted: requests by route, how long they took, how long the log is (Prometheus)."""

import math
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.edge.reserved import count_in_reserved_files
from ledger.errors import LedgerError

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
TRIES, TRIED_EVERY_S = 50, 0.01
TOLD_WITHIN_S = 1.0
"""So long whoever looks at the figures waits for one of them."""
KNOWN_FOR_S = 60.0
"""So long a figure that changes by itself is told as it was last known."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """A registry of its own for each application; no label names a person or an organisation.

    `counted_in` is the folder in which all processes of a service count: each tells what all did,
    of its `ledger` where they serve several.
    """

    def __init__(
        self,
        log_size: Callable[[], int],
        verified_age_s: Callable[[], float],
        log_holds: Callable[[], float],
        counted_in: str | None = None,
        ledger: str = "",
    ) -> None:
        count_in_reserved_files()
        self._of = (ledger,) if ledger else ()
        named = ("ledger",) if ledger else ()
        counted = CollectorRegistry()
        self._answered = Counter(
            "nuanzhang_requests",
            "Requests by method, route and status.",
            (*named, "method", "route", "status"),
            registry=counted,
        )
        self._seconds = Histogram(
            "nuanzhang_request_seconds",
            "How long requests took, by route.",
            (*named, "route"),
            buckets=SECONDS,
            registry=counted,
        )
        if counted_in is not None:
            counted = CollectorRegistry()
            counted.register(_Together(counted_in, ledger))
        standing = CollectorRegistry()
        standing.register(_Standing(log_size, verified_age_s, log_holds))
        self._registries = (counted, standing)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        # A made-up method would be a label of the sender's own.
        named = method if method in METHODS else "OTHER"
        self._answered.labels(*self._of, named, route, str(status)).inc()
        self._seconds.labels(*self._of, route).observe(seconds)

    def exposition(self) -> bytes:
        """Return the text that Prometheus reads."""
        return b"".join(generate_latest(each) for each in self._registries)


class _Together(Collector):
    """What all processes of a service counted, of one ledger where they serve several."""

    def __init__(self, counted_in: str, ledger: str) -> None:
        self._all = MultiProcessCollector(None, counted_in)  # type: ignore[no-untyped-call]
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        for metric in self._counted():
            metric.samples = [
                each for each in metric.samples if each.labels.get("ledger", "") == self._ledger
            ]
            yield metric

    def _counted(self) -> list[Metric]:
        """Read what all wrote; the file of one that begins to count is empty for a moment."""
        for _ in range(TRIES):
            with suppress(struct.error):
                return list(self._all.collect())  # type: ignore[no-untyped-call]
            time.sleep(TRIED_EVERY_S)
        return list(self._all.collect())  # type: ignore[no-untyped-call]


class _Lately:
    """A figure that is asked for in a thread of its own, and told as it was last known meanwhile.

    Where the log is away whoever asks for its size waits, and whoever looks at these figures, to
    see that it is away, must not. But for weeks a log must not be said to hold because nobody can
    find out: a figure that has an `unknown` is that once it was last known `KNOWN_FOR_S` ago.
    """

    def __init__(self, ask: Callable[[], float], unknown: float | None = None) -> None:
        self._ask = ask
        self._unknown = unknown
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._known: tuple[float, float] | None = None  # the figure, and when it was found

    def told(self) -> float | None:
        """Return the figure, as it was last known where it does not come at once.

        What is returned where it is not known is its `unknown`; None: it has none either.
        """
        with self._lock:
            asking = self._asking
            if asking is None or not asking.is_alive():
                asking = threading.Thread(target=self._find, name="figure", daemon=True)
                self._asking = asking
                asking.start()
        asking.join(TOLD_WITHIN_S)
        if self._known is None:
            return self._unknown
        figure, found_at = self._known
        lasts = self._unknown is None or time.monotonic() - found_at <= KNOWN_FOR_S
        return figure if lasts else self._unknown

    def _find(self) -> None:
        # Whatever kept it: the figure before, or none, is what is known.
        with suppress(LedgerError, OSError, sqlite3.Error):
            self._known = self._ask(), time.monotonic()


class _Standing(Collector):
    """How the ledger stands, asked when somebody wants to know: any process tells the same."""

    def __init__(
        self,
        log_size: Callable[[], int],
        verified_age_s: Callable[[], float],
        log_holds: Callable[[], float],
    ) -> None:
        self._told = (
            ("nuanzhang_log_events", "How many events the log holds.", _Lately(log_size)),
            (
                "nuanzhang_verified_age_seconds",
                "How long ago the log was last verified; NaN: never, +Inf: nobody knows.",
                _Lately(verified_age_s, math.inf),
            ),
            (
                "nuanzhang_log_holds",
                "Whether the log held when it was last verified: 1 or 0; NaN: never, or not known.",
                _Lately(log_holds, math.nan),
            ),
        )

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, text, lately in self._told:
            value = lately.told()
            if value is not None:
                yield GaugeMetricFamily(name, text, value=value)
