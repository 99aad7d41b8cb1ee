"""What is counted: requests by route, how long they took, how long the log is (Prometheus)."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """A registry of its own for each application; no label names a person or an organisation."""

    def __init__(
        self,
        log_size: Callable[[], int],
        verified_age_s: Callable[[], float],
        log_holds: Callable[[], float],
    ) -> None:
        self._registry = CollectorRegistry()
        self._answered = Counter(
            "nuanzhang_requests",
            "Requests by method, route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "nuanzhang_request_seconds",
            "How long requests took, by route.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        Gauge(
            "nuanzhang_log_events", "How many events the log holds.", registry=self._registry
        ).set_function(log_size)
        Gauge(
            "nuanzhang_verified_age_seconds",
            "How long ago the log was last verified; NaN: never.",
            registry=self._registry,
        ).set_function(verified_age_s)
        Gauge(
            "nuanzhang_log_holds",
            "Whether the log held when it was last verified: 1 or 0; NaN: never verified.",
            registry=self._registry,
        ).set_function(log_holds)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        # A made-up method would be a label of the sender's own.
        named = method if method in METHODS else "OTHER"
        self._answered.labels(named, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def exposition(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self._registry)
