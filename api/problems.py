"""Refusals as HTTP problems (RFC 9457), and none that repeats what was sent."""

import logging
import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from ledger.database import disk_refusal
from ledger.errors import Kind, LedgerError

STATUS = {
    Kind.ABSENT: HTTPStatus.NOT_FOUND,
    Kind.UNKNOWN_CALLER: HTTPStatus.UNAUTHORIZED,
    Kind.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNREACHABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.STALE: HTTPStatus.PRECONDITION_FAILED,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.BROKEN: HTTPStatus.INTERNAL_SERVER_ERROR,
}

MEDIA_TYPE = "application/problem+json"

EXAMPLE = {
    "type": "urn:nuanzhang:problem:ledger.not_on_record",
    "title": "Not Found",
    "status": 404,
    "code": "ledger.not_on_record",
    "detail": "no batch with id 6d1f6b8e-2f0e-5f0e-9a55-6e75616e7a68",
}

SCHEMA = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Public: once released it keeps its meaning."},
        "detail": {"type": "string"},
        "faults": {"type": "array", "items": {"type": "object"}},
        "position": {
            "type": "integer",
            "description": "Where the refused attempt stands in the log, if it is on record.",
        },
    },
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "A problem (RFC 9457); `code` is public and keeps its meaning.",
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": EXAMPLE}
        },
    }
    for status in (400, 401, 403, 404, 409, 412, 413, 422, 429, 503)
}

FAULTS_MAX = 100
READING = frozenset({"GET", "HEAD", "OPTIONS"})

_OWN_NAME = re.compile("[a-z][a-z_0-9-]{0,39}|[0-9]{1,6}", re.IGNORECASE)

log = logging.getLogger("nuanzhang")


def problem(code: str, status: HTTPStatus, detail: str, **more: object) -> JSONResponse:
    """Make a problem document."""
    body = {
        "type": f"urn:nuanzhang:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
        **more,
    }
    return JSONResponse(body, status_code=status.value, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    app.add_exception_handler(LedgerError, _refused)
    app.add_exception_handler(OSError, _disk)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _refused(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, LedgerError)  # noqa: S101 - registered for LedgerError alone
    more: dict[str, object] = {}
    position = getattr(refusal, "position", None)
    if isinstance(position, int) and refusal.kind is not Kind.BROKEN:
        more["position"] = position
    faults = faults_of(refusal)
    if faults:
        more["faults"] = faults
    answer = problem(refusal.code, STATUS[refusal.kind], str(refusal), **more)
    if refusal.kind is Kind.UNKNOWN_CALLER:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if getattr(refusal, "replayed", False):
        answer.headers["Idempotency-Replayed"] = "true"
    say_when(answer, refusal)
    return answer


def _disk(request: Request, error: Exception) -> JSONResponse:
    """Say what a disk refused where a file was written; another error is a bug."""
    refusal = disk_refusal(error) if isinstance(error, OSError) else None
    if refusal is None:
        raise error
    return _refused(request, refusal)


def say_when(answer: Response, refusal: LedgerError) -> None:
    """Say when to ask again, where the refusal knows."""
    retry_after_s = getattr(refusal, "retry_after_s", None)
    if retry_after_s is not None:
        answer.headers["Retry-After"] = str(retry_after_s)


def faults_of(refusal: LedgerError) -> list[dict[str, object]]:
    """Return what is wrong with a file, place by place, as problems list it."""
    return [
        {
            "row": each.row,
            "column": each.column,
            "code": each.code,
            "zh": each.zh,
            "en": each.en,
        }
        for each in getattr(refusal, "faults", ())[:FAULTS_MAX]
    ]


def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Say which parameter is wrong and how, not what stood there."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    return problem(
        "request.invalid",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        invalid_detail(error),
        faults=_invalid_parts(error),
    )


def invalid_detail(error: RequestValidationError) -> str:
    """Say in a line what cannot be read."""
    named = (f"{each['parameter']} ({each['fault']})" for each in _invalid_parts(error))
    return f"cannot be read: {', '.join(named)}"


def _invalid_parts(error: RequestValidationError) -> list[dict[str, str]]:
    return [
        {"parameter": ".".join(map(_named, each["loc"])), "fault": each["type"]}
        for each in error.errors()
    ]


def _named(part: object) -> str:
    """Return a part of a parameter's place; a name that we do not use ourselves may be anything."""
    text = str(part)
    return text if _OWN_NAME.fullmatch(text) else "?"


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    status = HTTPStatus(error.status_code)
    code = {404: "request.no_such_address", 405: "request.method_not_allowed"}
    named = code.get(error.status_code, "request.refused")
    answer = problem(named, status, status.description)
    answer.headers.update(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        # Each route knows its own methods alone; RFC 9110 wants all of the address.
        answer.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return answer


def _methods(request: Request) -> set[str]:
    """Return what may be done at an address; one that is written out goes before a pattern."""
    path = request.url.path
    matching = [
        route
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex is not None and route.path_regex.match(path)
    ]
    written_out = [route for route in matching if route.path == path]
    return {method for route in written_out or matching for method in route.methods or ()}


def failed(request: Request, error: Exception) -> JSONResponse:
    """Answer for a bug. It may have come after what was asked for was written."""
    # The type alone: a message may quote data.
    log.error("unexpected %s", type(error).__name__)
    detail = "the server met an error of its own"
    if request.method not in READING:
        detail += (
            "; it is not known whether what was asked for was written: ask again, with the same"
            " key if it had one, or look first"
        )
    return problem("server.failed", HTTPStatus.INTERNAL_SERVER_ERROR, detail)
