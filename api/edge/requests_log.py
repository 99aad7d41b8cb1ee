"""One line for each request: JSON, with an id, by route; never an address, a query or a person."""

import json
import logging
import random
import re
import time
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.metrics import Metrics

HEADER = "x-request-id"
RAW_HEADER = HEADER.encode()
NO_ROUTE = "none"

log = logging.getLogger("nuanzhang.requests")

# No secret: it only tells requests apart. Asking the system each time would let other threads in.
_IDS = random.Random(random.SystemRandom().getrandbits(256))  # noqa: S311

# Digits alone could be the number of a person, a card or a phone.
_ID = re.compile(r"(?![0-9-]+X?$)[0-9A-Za-z-]{8,64}")


class RequestLog:
    """Gives each request an id, counts it, and writes its line when it has been answered."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _ID.fullmatch(given) else f"{_IDS.getrandbits(64):016x}"
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status, sent = 500, 0

        async def sending(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (RAW_HEADER, request_id.encode()),
                ]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - started
            route = route_of(scope)
            self._metrics.answered(scope["method"], route, status, seconds)
            _tell(
                {
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "duration_ms": round(seconds * 1000, 1),
                    "bytes": sent,
                    "officer_id": scope["state"].get("officer_id"),
                }
            )


def _tell(request: dict[str, Any]) -> None:
    """Log a request without looking for where in the code that was called."""
    if log.isEnabledFor(logging.INFO):
        told = {"request": request}
        log.handle(log.makeRecord(log.name, logging.INFO, "", 0, "request", (), None, None, told))


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: time in UTC, level, logger, what is said."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "request", {}),
        }
        return json.dumps(line, ensure_ascii=False)


def route_of(scope: Scope) -> str:
    """Return the route as it is written in code; what stood in its place may be personal."""
    # FastAPI keeps the whole path of a route of an included router here.
    context = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path: str = getattr(context, "path", NO_ROUTE)
    return path
