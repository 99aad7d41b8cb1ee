"""The web application: version 1 of the interface, for officers who have signed in."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, APIRouter, iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import BaseRoute

from api import health, problems, tlog
from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.access.passwords import Passwords
from api.background.integrity import Rhythm
from api.background.running import Background
from api.background.work import INSPECTION
from api.callers import SCHEMES, May
from api.clock import Clock
from api.dependencies import Served
from api.edge.by_path import ByPath
from api.edge.known_hosts import KnownHosts
from api.edge.limits import BodyLimits, Limits
from api.edge.metrics import Metrics
from api.edge.rate import RateLimit, Rates
from api.edge.requests_log import RequestLog
from api.edge.security_headers import SecurityHeaders
from api.inspecting import inspecting
from api.known import Kept
from api.v1 import (
    allocations,
    appropriations,
    archive,
    balances,
    bank_accounts,
    bank_formats,
    batches,
    bulk,
    cases,
    disbursements,
    disclosures,
    events,
    evidence,
    explanations,
    filings,
    findings,
    fiscal_years,
    fund_accounts,
    jobs,
    journal,
    log,
    notices,
    officers,
    organisations,
    outside_lists,
    people,
    policies,
    remittances,
    reports,
    samples,
    session,
    signature_clusters,
    signatures,
    webhooks,
)
from api.verified import verification_of
from api.web import refused
from api.web.site import PAGES
from ledger.anchoring.anchors import Anchors
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.map_store import MapStore

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

DESCRIPTION = """\
An audit ledger for relief funds. Every figure can be asked for as of a day (`as_of`) and as known
at a position of the log (`at`); every history comes with signatures and proofs that hold for the
checkpoint it names. Amounts are whole fen. Errors are RFC 9457 problems with a public code.
Whoever asks is signed in, by session or token, and sees their own organisation and what stands
below it. What commits an organisation is prepared, signed with the officer's own key, committed.
"""

V1 = (
    session.router,
    bulk.router,
    officers.router,
    officers.journal,
    organisations.router,
    people.router,
    policies.router,
    archive.router,
    fund_accounts.router,
    bank_accounts.router,
    bank_formats.router,
    appropriations.router,
    allocations.router,
    remittances.router,
    remittances.ledgers,
    batches.router,
    signatures.router,
    disbursements.router,
    disclosures.router,
    fiscal_years.router,
    filings.router,
    explanations.router,
    findings.router,
    notices.router,
    cases.router,
    outside_lists.router,
    samples.router,
    signature_clusters.router,
    balances.router,
    reports.router,
    journal.router,
    log.router,
    evidence.router,
    events.router,
    jobs.router,
    webhooks.router,
)


@dataclass(frozen=True, slots=True)
class Serving:
    """How the service is reached, and what it is for.

    `hosts` are the names it answers to; `origin` is where its pages come from, for passkeys; `demo`
    is the inspector whom anybody may be with one click, on a ledger that is marked as a demo;
    `webhooks_inside` lets webhooks lead to this machine and into private networks; `rhythm` is how
    often the log is verified; `counted_in` is where several processes count together, and
    `counted_as` this ledger's name among those that they serve; `environment` is what a process of
    ours finds the log's database by.
    """

    clock: Clock
    hosts: tuple[str, ...] = LOOPBACK_NAMES
    origin: str = "http://localhost:8017"
    demo: str | None = None
    passwords: Passwords | None = None
    limits: Limits = field(default_factory=Limits)
    rates: Rates = field(default_factory=Rates)
    webhooks_inside: bool = False
    rhythm: Rhythm = field(default_factory=Rhythm)
    counted_in: str | None = None
    counted_as: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def create_app(home: Home, ledger: Ledger, serving: Serving) -> FastAPI:
    """Make the application over an open ledger; it closes what it opened when it stops."""
    party = RelyingParty(urlsplit(serving.origin).hostname or "localhost", serving.origin)
    found = Served(
        home,
        ledger,
        MapStore(home.map),
        Anchors(home.anchors),
        Door(home.access, party, serving.passwords),
        serving.clock,
        serving.demo,
    )

    working = Background(
        home,
        ledger,
        serving.clock,
        found.trials,
        serving.rhythm,
        lambda packages: {INSPECTION: inspecting(home, ledger, serving.clock, packages)},
        inside=serving.webhooks_inside,
        environment=serving.environment,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        working.start()
        yield
        # In a thread: the step under way may take its time, and others are still being answered.
        await run_in_threadpool(working.stop)
        found.maps.close()
        found.anchors.close()
        found.door.close()

    app = FastAPI(
        title="暖账 Nuanzhang",
        version="1",
        description=DESCRIPTION,
        # The usual pages load their scripts from elsewhere; this machine may not reach it.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        routes=ROUTES,
    )
    app.router.middleware_stack = ByPath(app.router.middleware_stack, ROUTES)
    app.state.served = found
    app.state.background = working
    app.state.kept = Kept(lambda: verification_of(working.integrity.last()))
    app.add_middleware(KnownHosts, hosts=serving.hosts)
    app.state.metrics = Metrics(
        ledger.size,
        working.integrity.verified_age_s,
        working.integrity.holds,
        serving.counted_in,
        serving.counted_as,
    )
    # The last that is added stands outermost: every answer has an id, headers and a line.
    app.add_middleware(BodyLimits, limits=serving.limits)
    app.add_middleware(RateLimit, rates=serving.rates)
    # The framework's own stands outside of all these: its answers would have no id and no headers.
    app.add_middleware(ServerErrorMiddleware, handler=problems.failed)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog, metrics=app.state.metrics)
    problems.install(app)
    refused.install(app)

    app.openapi = lambda: described(app)  # type: ignore[method-assign]  # FastAPI has it replaced so
    return app


def name_files(part: Any) -> None:
    """Call uploaded files what OpenAPI 3.0 calls them too: generators know them by that."""
    if isinstance(part, dict):
        if part.get("contentMediaType") == "application/octet-stream":
            part["format"] = "binary"
        for each in part.values():
            name_files(each)
    elif isinstance(part, list):
        for each in part:
            name_files(each)


def say_who_asks(document: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    """Describe how callers show who they are, at each operation that asks for it."""
    document["components"]["securitySchemes"] = {
        each.scheme_name: jsonable_encoder(each.model, by_alias=True, exclude_none=True)
        for each in SCHEMES
    }
    schemes = [{each.scheme_name: list[str]()} for each in SCHEMES]
    for route in iter_route_contexts(routes):
        if not isinstance(route.original_route, APIRoute) or route.dependant is None:
            continue
        operations = document["paths"].get(route.path_format, {})
        if any(isinstance(each.call, May) for each in route.dependant.dependencies):
            for method in {each.lower() for each in route.methods or ()} & set(operations):
                operations[method]["security"] = schemes


def operation_id(route: APIRoute) -> str:
    """Name an operation by its noun and its act: generated clients call it so."""
    tag = str(route.tags[0]).replace(" ", "_") if route.tags else "service"
    return f"{tag}_{route.name}"


def _routes() -> list[BaseRoute]:
    """Return all routes; what they take is worked out once, however many applications there are."""
    whole = APIRouter(generate_unique_id_function=operation_id)
    for router in V1:
        whole.include_router(router, prefix="/v1")
    for router in (tlog.router, health.router, *PAGES):
        whole.include_router(router)
    return whole.routes


ROUTES = _routes()


def described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the one form that all problems have."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        document["components"]["schemas"]["Problem"] = problems.SCHEMA
        say_who_asks(document, app.routes)
        name_files(document)
        app.openapi_schema = document
    return app.openapi_schema
