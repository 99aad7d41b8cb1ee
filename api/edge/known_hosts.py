"""Answers to the names by which the service is asked for, and to no others."""

from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem

HOST_UNKNOWN = "deployment.host_unknown"


class KnownHosts:
    """A page from elsewhere must not read the ledger through a name that it had point here.

    The framework's own refusal has no code.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or host_of(scope) in self._hosts:
            await self._app(scope, receive, send)
            return
        # The name is not repeated: anybody can make a link with any.
        told = "no ledger of this service is asked for by that name"
        refused = problem(HOST_UNKNOWN, HTTPStatus.MISDIRECTED_REQUEST, told)
        await refused(scope, receive, send)


def host_of(scope: Scope) -> str:
    """Return the name that was asked for, without its port."""
    name: str = Headers(scope=scope).get("host", "")
    return name.rsplit(":", 1)[0].lower() if not name.endswith("]") else name.lower()
