"""A witness over HTTP (C2SP tlog-witness): a program of its own, with its own key and state."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from ledger.witness.witnessing import BODY_BYTES_MAX, Status, Witness

SIZE_TYPE = "text/x.tlog.size"


def create_witness_app(witness: Witness, now_s: Callable[[], int]) -> FastAPI:
    """Make the application over a witness; `now_s` tells the time in seconds since 1970."""
    app = FastAPI(title="暖账 Nuanzhang witness", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> PlainTextResponse:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return PlainTextResponse("too large\n", status_code=413)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return PlainTextResponse("no UTF-8 text\n", status_code=Status.MALFORMED)
        # It takes a millisecond or two, and one at a time is what the state needs anyhow.
        answer = witness.add_checkpoint(text, now_s())
        return PlainTextResponse(
            answer.text,
            status_code=answer.status,
            media_type=SIZE_TYPE if answer.status is Status.OTHER_SIZE else "text/plain",
        )

    return app
