"""Bounds on what is sent: how large a body may be, and how long it may take to arrive."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """`upload_bytes_max` counts for multipart and NDJSON bodies, the other for all else."""

    body_bytes_max: int = MIB
    upload_bytes_max: int = 64 * MIB
    body_seconds_max: float = 60.0


class _TooLarge(Exception):
    pass


class BodyLimits:
    """Refuses bodies that are too large, said or found to be, and those that trickle in."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind = headers.get("content-type", "")
        large = kind.startswith(("multipart/form-data", "application/x-ndjson"))
        known = "authorization" in headers or "cookie" in headers
        # Bodies are read before anybody is recognised: who shows nothing uploads nothing large.
        most = self._limits.upload_bytes_max if large and known else self._limits.body_bytes_max
        said = headers.get("content-length", "0")
        if not said.isdecimal() or int(said[:20]) > most:
            await _too_large(most)(scope, receive, send)
            return
        body = _Body(receive, most, self._limits.body_seconds_max)

        started = False

        async def sending(message: Message) -> None:
            # Whoever reads the body may turn what was raised there into an answer of their own.
            nonlocal started
            if body.broken is None or started:
                started = True
                await send(message)

        try:
            await self._app(scope, body.receive, sending)
        except (_TooLarge, TimeoutError):
            if body.broken is None or started:
                raise
        if body.broken is not None and not started:
            large = isinstance(body.broken, _TooLarge)
            answer = _too_large(most) if large else _too_slow(self._limits)
            await answer(scope, receive, send)


class _Body:
    """Counts a body as it arrives, against a size and a time."""

    def __init__(self, receive: Receive, bytes_max: int, seconds_max: float) -> None:
        self._receive = receive
        self._bytes_max = bytes_max
        self._until = asyncio.get_running_loop().time() + seconds_max
        self._got = 0
        self._ended = False
        self.broken: Exception | None = None

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as cause:
            self.broken = cause
            raise
        if message["type"] == "http.request":
            self._got += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._got > self._bytes_max:
                self.broken = _TooLarge()
                raise self.broken
        return message


def _too_slow(limits: Limits) -> ASGIApp:
    answer = problem(
        "request.too_slow",
        HTTPStatus.REQUEST_TIMEOUT,
        f"the body did not arrive within {limits.body_seconds_max:.0f} seconds",
    )
    # Else whoever trickles on keeps the connection for good.
    answer.headers["Connection"] = "close"
    return answer


def _too_large(most: int) -> ASGIApp:
    return problem(
        "request.too_large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"a request of this kind holds at most {most} bytes",
    )
