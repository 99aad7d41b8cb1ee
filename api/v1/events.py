"""Events as they are recorded, over one connection that is kept open."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from api.background.events import LASTING_S_MAX, require_topics, stream
from api.background.running import TheBackground
from api.callers import READ
from api.dependencies import TheLedger
from api.problems import RESPONSES
from ledger.store.application import NoSuchPosition

router = APIRouter(prefix="/events", tags=["events"], responses=RESPONSES)

MESSAGE = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "The event's position: where to go on after."},
        "event": {"type": "string", "description": "Its name."},
        "data": {
            "type": "string",
            "description": "JSON: type, position, stream, version, recorded_at, happened_on.",
        },
    },
}

EXAMPLE = """\
id: 4096
event: batch.approved
data: {"type":"batch.approved","position":4096,"stream":"6d1f6b8e-2f0e-5f0e-9a55-6e75616e7a68",\
"version":7,"recorded_at":"2017-01-20T02:03:04.567Z","happened_on":"2017-01-20"}

"""


@router.get(
    "",
    dependencies=[READ],
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events; what an event says is read under its position.",
            "content": {"text/event-stream": {"itemSchema": MESSAGE, "example": EXAMPLE}},
        }
    },
)
async def follow_events(
    the_ledger: TheLedger,
    working: TheBackground,
    after: Annotated[
        int | None,
        Query(ge=-1, lt=2**53, description="The last position that is known; none: the log's end."),
    ] = None,
    topics: Annotated[
        list[str] | None,
        Query(description="Names of events, or nouns; none: all.", examples=[["batch.approved"]]),
    ] = None,
    seconds: Annotated[
        int,
        Query(
            ge=0,
            le=LASTING_S_MAX,
            description="How long to stay; then connect anew. 0: tell what is there, and no more.",
        ),
    ] = LASTING_S_MAX,
    last_event_id: Annotated[
        int | None,
        # Browsers send it by themselves when they connect anew; programs say `after`.
        Header(ge=-1, lt=2**53, include_in_schema=False),
    ] = None,
) -> StreamingResponse:
    """Tell every event as it is recorded, and first those since a position.

    `Last-Event-ID`, as browsers send it when they connect anew, goes before `after`.

    Which event stands where is no secret among those who read: `/v1/log/entries` and the published
    log show each to all of them.
    """
    last = the_ledger.size() - 1
    known = last_event_id if last_event_id is not None else after
    if known is not None and known > last:
        raise NoSuchPosition(known)
    chosen = require_topics(topics or ())
    told = stream(
        the_ledger,
        last if known is None else known,
        chosen,
        lambda _: True,
        working.stopping,
        seconds,
    )
    # No proxy is to hold back what is told until it fills a buffer.
    return StreamingResponse(
        told,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
