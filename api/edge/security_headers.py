"""What browsers are told on every answer: run nothing, frame nothing, keep nothing."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOR_DATA = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
FOR_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; worker-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
FOR_WORKERS = f"{FOR_DATA}; connect-src 'self'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = "max-age=31536000; includeSubDomains"


class SecurityHeaders:
    """Sets the headers, whatever a route said of them; `Cache-Control` only where it said none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _guarded(scope, message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, sending)


Header = tuple[bytes, bytes]


def _guarded(scope: Scope, given: Iterable[Header]) -> list[Header]:
    found = [each for each in given if each[0] not in OURS]
    said = {name: value for name, value in found if name in TOLD_BY}
    if said.get(b"content-type", b"").startswith(b"text/html"):
        found.append(POLICY_FOR_PAGES)
    else:
        found.append(POLICY_FOR_WORKERS if b"service-worker-allowed" in said else POLICY_FOR_DATA)
    found += ALWAYS
    if scope["path"].startswith("/v1") and b"cache-control" not in said:
        found.append((b"cache-control", b"no-store"))
    if scope["scheme"] == "https":
        found.append((b"strict-transport-security", HSTS.encode()))
    return found


def _policy(text: str) -> Header:
    return b"content-security-policy", text.encode()


ALWAYS = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
POLICY_FOR_PAGES, POLICY_FOR_WORKERS = _policy(FOR_PAGES), _policy(FOR_WORKERS)
POLICY_FOR_DATA = _policy(FOR_DATA)
TOLD_BY = frozenset({b"content-type", b"service-worker-allowed", b"cache-control"})
OURS = frozenset({name for name, _ in ALWAYS} | {b"content-security-policy"})
