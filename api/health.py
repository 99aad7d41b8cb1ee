"""Whether the process lives, whether it can serve, and what it counted."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from api.callers import ANYBODY, WATCH_SYSTEM
from api.dependencies import Served, TheReadModel, served
from api.problems import RESPONSES

router = APIRouter(tags=["operation"])

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class Live(BaseModel):
    status: str = "live"


class Ready(BaseModel):
    """`demo` says that everybody in this ledger is made up."""

    status: str = "ready"
    log_events: int
    demo: bool


COUNTING = ThreadPoolExecutor(1, "metrics")
"""Of its own: in an outage all others wait for what is away, and that is when it is asked."""


@router.head("/livez", dependencies=[ANYBODY], include_in_schema=False)
@router.get("/livez", dependencies=[ANYBODY])
async def show_live() -> Live:
    """Say that the process answers."""
    return Live()


@router.head("/readyz", dependencies=[ANYBODY], include_in_schema=False)
@router.get("/readyz", dependencies=[ANYBODY])
def show_ready(found: Annotated[Served, Depends(served)], model: TheReadModel) -> Ready:
    """Say that log and read model can be read, and that the one has all of the other."""
    del model  # it has read the whole log, or this would have failed
    return Ready(log_events=found.ledger.size(), demo=found.demo is not None)


@router.get(
    "/metrics",
    dependencies=[WATCH_SYSTEM],
    response_class=Response,
    responses={**RESPONSES, 200: {"description": "Metrics.", "content": {"text/plain": {}}}},
)
async def show_metrics(request: Request) -> Response:
    """Show what was counted, for Prometheus, with a token of a system administrator.

    How the log stands is told as it was last known where that cannot be read at once.
    """
    told = request.app.state.metrics.exposition
    exposition: bytes = await asyncio.get_running_loop().run_in_executor(COUNTING, told)
    return Response(exposition, media_type=EXPOSITION)
