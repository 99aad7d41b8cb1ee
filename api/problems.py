"""Refusals as HTTP problems (RFC 9457), and none that repeats what was sent."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ledger.errors import Kind, LedgerError

STATUS = {
    Kind.ABSENT: HTTPStatus.NOT_FOUND,
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

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "A problem (RFC 9457); `code` is public and keeps its meaning.",
        "content": {MEDIA_TYPE: {"example": EXAMPLE}},
    }
    for status in (404, 422)
}

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
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _failed)


def _refused(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, LedgerError)  # noqa: S101 - registered for LedgerError alone
    return problem(refusal.code, STATUS[refusal.kind], str(refusal))


def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Say which parameter is wrong and how, not what stood there."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    faults = [
        {"parameter": ".".join(map(str, each["loc"])), "fault": each["type"]}
        for each in error.errors()
    ]
    named = ", ".join(f"{fault['parameter']} ({fault['fault']})" for fault in faults)
    return problem(
        "request.invalid",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"cannot be read: {named}",
        faults=faults,
    )


def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    status = HTTPStatus(error.status_code)
    code = {404: "request.no_such_address", 405: "request.method_not_allowed"}
    return problem(code.get(error.status_code, "request.refused"), status, status.description)


def _failed(_: Request, error: Exception) -> JSONResponse:
    # The type alone: a message may quote data.
    log.error("unexpected %s", type(error).__name__)
    return problem(
        "server.failed",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the server met an error of its own; nothing was written",
    )
