"""How often anybody may ask: a bucket of tokens for each caller, a smaller one to sign in."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from math import ceil

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem

CALLERS_KEPT = 20_000
ROUNDING = 1e-6
"""Of a token. Sums of fractions fall short of it: who waited as long as was said is let in."""
OBJECTIONS = ("/notices/", "/objections")
"""How the addresses begin and end at which anybody writes, without having signed in."""
SIGN_IN_PATHS = ("/v1/session", "/sign-in", "/invitation")


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a second that are let through on and on, and how many at once.

    A whole office may share an address, so more is let through from there than for each caller.
    """

    per_second: float = 50.0
    burst: int = 200
    sign_ins_per_second: float = 1.0
    sign_ins_burst: int = 30
    objections_per_second: float = 1 / 30
    objections_burst: int = 10
    address_per_second: float = 500.0
    address_burst: int = 2_000


class RateLimit:
    """Token buckets, one for each secret and each address that asks; kept in bounds."""

    def __init__(
        self, app: ASGIApp, rates: Rates, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._rates = rates
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # left, at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        waits_s = self._take(scope)
        if waits_s is None:
            await self._app(scope, receive, send)
            return
        answer = problem(
            "request.too_many", HTTPStatus.TOO_MANY_REQUESTS, f"ask again in {waits_s} seconds"
        )
        answer.headers["Retry-After"] = str(waits_s)
        await answer(scope, receive, send)

    def _take(self, scope: Scope) -> int | None:
        """Take a token for a request; return how many seconds to wait when there is none."""
        now = self._clock()
        with self._lock:
            for key, rate, burst in self._asked_of(scope):
                left, at = self._buckets.pop(key, (float(burst), now))
                left = min(float(burst), left + (now - at) * rate)
                short = 1 - left
                taken = short <= ROUNDING
                self._buckets[key] = (max(left - 1, 0.0) if taken else left, now)
                if not taken:
                    return ceil(short / rate)
            while len(self._buckets) > CALLERS_KEPT:
                self._buckets.popitem(last=False)
        return None

    def _asked_of(self, scope: Scope) -> list[tuple[str, float, int]]:
        """Return the buckets that a request takes from: key, tokens a second, tokens at most."""
        rates, address = self._rates, _address(scope)
        if scope["method"] == "POST" and scope["path"].startswith(SIGN_IN_PATHS):
            # Whoever signs in is told apart by address alone: a made-up secret is no other caller.
            return [(f"sign in {address}", rates.sign_ins_per_second, rates.sign_ins_burst)]
        begins, ends = OBJECTIONS
        path = scope["path"]
        if scope["method"] == "POST" and path.startswith(begins) and path.endswith(ends):
            # As above; what is written here stays for good.
            return [(f"object {address}", rates.objections_per_second, rates.objections_burst)]
        return [
            (f"address {address}", rates.address_per_second, rates.address_burst),
            (caller_key(scope), rates.per_second, rates.burst),
        ]


def caller_key(scope: Scope) -> str:
    """Return what tells callers apart, before anybody is recognised: a hash of what they send.

    Whoever makes up a secret for each request has a bucket for each; their address bounds them.
    """
    headers = Headers(scope=scope)
    secret = headers.get("authorization", "") or headers.get("cookie", "")
    return sha256(f"{_address(scope)} {secret}".encode()).hexdigest()


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
