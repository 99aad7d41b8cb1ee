"""Refusals on pages: in a clerk's words, with the way on; programs keep their problem documents."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api import problems
from api.access.refusals import NotSignedIn
from api.callers import SAFE_METHODS
from api.dependencies import Served
from api.web.language import COOKIE, language
from api.web.screen import Screen, screen, screen_without_ledger
from ledger.database import DISK_REFUSALS, disk_refusal
from ledger.errors import LedgerError
from ledger.postgresql import DatabaseUnreachable

Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


def is_page(request: Request) -> bool:
    """Say whether a browser asks for a page, rather than a program for data."""
    path = request.url.path
    wanted = "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers
    return wanted and not path.startswith(("/v1", "/assets"))


def install(app: FastAPI) -> None:
    """Answer browsers with pages, and leave all others to the problem documents."""
    for kind in (LedgerError, OSError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answering(cast(Handler, app.exception_handlers[kind])))


def show_refusal(
    screen: Screen, refusal: LedgerError, template: str = "refused.html", **shown: object
) -> Response:
    """Show a refusal: on a page of its own, or above the form that was refused."""
    answer = screen.show(
        template,
        status=problems.STATUS[refusal.kind],
        code=refusal.code,
        detail=str(refusal),
        faults=problems.faults_of(refusal),
        position=getattr(refusal, "position", None),
        **shown,
    )
    problems.say_when(answer, refusal)
    return answer


def show_above(screen: Screen, refusal: LedgerError, template: str, **shown: object) -> Response:
    """Show a refusal above its form, which keeps what was typed; programs get the problem.

    Raises:
        LedgerError: The refusal, where no browser asks.
    """
    if not is_page(screen.request):
        raise refusal
    return show_refusal(screen, refusal, template, **shown)


def _answering(otherwise: Handler) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        if is_page(request):
            return await run_in_threadpool(_page, request, error)
        answered = otherwise(request, error)
        return answered if isinstance(answered, Response) else await answered

    return answer


def _page(request: Request, error: Exception) -> Response:
    if isinstance(error, NotSignedIn):
        return _to_sign_in(request)
    found: Served = request.app.state.served
    chosen = language(request.cookies.get(COOKIE), request.headers.get("accept-language", ""))
    if isinstance(error, OSError):
        refusal = disk_refusal(error)
        if refusal is None:
            raise error
        error = refusal
    if isinstance(error, (DatabaseUnreachable, *DISK_REFUSALS)):
        return show_refusal(screen_without_ledger(request, found, chosen), error)
    shown = screen(request, found, chosen)
    if isinstance(error, LedgerError):
        return show_refusal(shown, error)
    if isinstance(error, HTTPException):
        absent = error.status_code == HTTPStatus.NOT_FOUND
        code = "request.no_such_address" if absent else "request.refused"
        status = error.status_code
        detail = HTTPStatus(status).description
    else:
        code, status = "request.invalid", HTTPStatus.UNPROCESSABLE_ENTITY
        detail = problems.invalid_detail(cast(RequestValidationError, error))
    return shown.show(
        "refused.html", status=status, code=code, detail=detail, faults=[], position=None
    )


def _to_sign_in(request: Request) -> Response:
    """Ask who is there first, then lead back to what was asked for."""
    path = request.url.path
    if request.method in SAFE_METHODS and request.url.query:
        path += f"?{request.url.query}"
    target = f"/sign-in?next={quote(path if request.method in SAFE_METHODS else '/', safe='')}"
    if "hx-request" in request.headers:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)
