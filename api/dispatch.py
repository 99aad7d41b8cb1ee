"""Several ledgers behind one port: each asked by its own name, knowing nothing of the others."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from api.edge.known_hosts import HOST_UNKNOWN, host_of
from api.edge.security_headers import SecurityHeaders
from api.problems import problem

ELSEWHERE = "deployment.elsewhere"


class ByHost:
    """Hands each request to the application of the ledger that it names, whole and alone.

    The name is the `Host` that was asked for. One that is known to be elsewhere is answered with
    its address: pages lead there, programs get a problem of status 421 that says it.
    """

    def __init__(
        self,
        apps: Mapping[str, FastAPI],
        elsewhere: Mapping[str, str],
        close: Callable[[], object] = lambda: None,
    ) -> None:
        """Take applications and addresses by host, and what is to be done when all have ended."""
        self._apps = apps
        self._elsewhere = elsewhere
        self._close = close
        self._beginning = Starlette(lifespan=self._lifespan)
        self._others = SecurityHeaders(self._not_here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._beginning(scope, receive, send)
            return
        app = self._apps.get(host_of(scope))
        if app is not None:
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await self._others(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Begin all, and end all that began, also where one could not begin."""
        async with AsyncExitStack() as begun:
            begun.callback(self._close)
            for app in self._apps.values():
                await begun.enter_async_context(app.router.lifespan_context(app))
            yield

    async def _not_here(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        address = self._elsewhere.get(host_of(scope))
        if address is None:
            # The name is not repeated: anybody can make a link with any.
            told = "no ledger of this service is asked for by that name"
            return problem(HOST_UNKNOWN, HTTPStatus.MISDIRECTED_REQUEST, told)
        page = "text/html" in Headers(scope=scope).get("accept", "")
        if page and scope["method"] in ("GET", "HEAD"):
            query = scope["query_string"].decode("latin-1")
            path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
            return RedirectResponse(f"{address}{path}" + (f"?{query}" if query else ""))
        told = f"this ledger is served at {address}"
        return problem(ELSEWHERE, HTTPStatus.MISDIRECTED_REQUEST, told, address=address)
