"""Many acts in one request: a line each (NDJSON), a result for each, all or those that stand."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.acting import Acting
from api.v1.forms import DatedForm
from api.v1.models import Answer
from ledger.errors import LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer as Stored
from ledger.store.application import Ledger

MEDIA_TYPE = "application/x-ndjson"
LINE_BYTES_MAX = 64 * 1024
LINES_TOGETHER_MAX, LINES_MAX = 10_000, 100_000
"""Of a request whose lines stand together, and of one whose lines stand each by itself."""

Lines = Sequence[tuple[int, bytes]]
"""Lines that say something, by number."""


class Mode(StrEnum):
    """Whether a line that is refused ends the whole, or only itself."""

    ALL_OR_NOTHING = "all_or_nothing"
    CONTINUE_ON_ERROR = "continue_on_error"


class LineResult(Answer):
    """What came of a line. `not_taken`: it would have stood, but another one did not."""

    line: int
    status: str
    code: str | None = None
    detail: str | None = None
    result: dict[str, Any] | None = None
    last_position: int | None = None


REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "description": "One form a line, as the same address takes it alone, without /bulk.",
    }
}
RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A result for each line, in their order: `LineResult` as NDJSON.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is asked of each line: its form, the name of the whole, and the command it is for."""

    name: str
    form: type[DatedForm]
    take: Callable[[Any, CommandAct], Stored]


async def answer_bulk(
    request: Request, ledger: Ledger, acting: Acting, bulk: Bulk, mode: Mode
) -> StreamingResponse:
    """Take the lines of a request, and answer a line for each as it is done."""
    # Read before the answer begins: a server listens on the same channel for the client to leave.
    most = LINES_MAX if mode is Mode.CONTINUE_ON_ERROR else LINES_TOGETHER_MAX
    lines = list[tuple[int, bytes]]()
    async for each in _lines(request):
        lines.append(each)
        if len(lines) > most:
            return StreamingResponse(_written(_too_many(lines, most)), media_type=MEDIA_TYPE)
    taken = (
        _each(lines, acting, bulk)
        if mode is Mode.CONTINUE_ON_ERROR
        else _all(lines, ledger, acting, bulk)
    )
    return StreamingResponse(_written(taken), media_type=MEDIA_TYPE)


async def _too_many(lines: Lines, most: int) -> AsyncIterator[LineResult]:
    for number, _ in lines[:most]:
        yield LineResult(line=number, status="not_taken")
    yield _refused(lines[-1][0], "bulk.too_many", f"at most {most} lines")


async def _each(lines: Lines, acting: Acting, bulk: Bulk) -> AsyncIterator[LineResult]:
    for number, line in lines:
        form = _read(bulk, number, line)
        if isinstance(form, LineResult):
            yield form
            continue
        try:
            act = _act(acting, form, number)
            stored = await run_in_threadpool(bulk.take, form, act)
        except LedgerError as refusal:
            yield _refused(number, refusal.code, str(refusal))
        else:
            yield _result(number, stored)


async def _all(
    lines: Lines, ledger: Ledger, acting: Acting, bulk: Bulk
) -> AsyncIterator[LineResult]:
    forms = await run_in_threadpool(_read_all, bulk, lines)
    faults = [form for form in forms if isinstance(form, LineResult)]
    if faults:
        results = [LineResult(line=number, status="not_taken") for number, _ in lines]
        for fault in faults:
            results[fault.line - 1] = fault
    else:
        digest = sha256(b"\n".join(line for _, line in lines)).hexdigest()
        read = [form for form in forms if isinstance(form, DatedForm)]
        results = await run_in_threadpool(_together, ledger, acting, bulk, read, digest)
    for each in results:
        yield each


def _together(
    ledger: Ledger, acting: Acting, bulk: Bulk, forms: Sequence[DatedForm], digest: str
) -> list[LineResult]:
    """Let all lines decide in one transaction; the first that is refused ends it."""
    at = 0

    def take() -> dict[str, Any]:
        nonlocal at
        done = []
        for number, form in enumerate(forms, 1):
            at = number
            act = replace(acting.act(form.happened_on), idempotency_key=None)
            done.append(bulk.take(form, act).result)
        return {"lines": done}

    try:
        whole = ledger.together(acting.act(), f"{bulk.name}.bulk", digest, take)
    except LedgerError as refusal:
        results = [LineResult(line=n, status="not_taken") for n in range(1, len(forms) + 1)]
        if results:
            results[max(at, 1) - 1] = _refused(max(at, 1), refusal.code, str(refusal))
        return results
    return [
        LineResult(line=number, status="done", result=each, last_position=whole.last_position)
        for number, each in enumerate(whole.result["lines"], 1)
    ]


async def _lines(request: Request) -> AsyncIterator[tuple[int, bytes]]:
    """Yield the lines of a body as they arrive; empty ones are passed over, but counted out."""
    number, rest = 0, b""
    async for chunk in request.stream():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                number += 1
                yield number, line
        if len(rest) > LINE_BYTES_MAX:
            break  # one line that never ends: it is refused for its length
    if rest.strip():
        yield number + 1, rest


def _read_all(bulk: Bulk, lines: Lines) -> list[DatedForm | LineResult]:
    return [_read(bulk, number, line) for number, line in lines]


def _read(bulk: Bulk, number: int, line: bytes) -> DatedForm | LineResult:
    if len(line) > LINE_BYTES_MAX:
        return _refused(number, "bulk.line_too_long", f"at most {LINE_BYTES_MAX} bytes a line")
    try:
        return bulk.form.model_validate_json(line)
    except ValidationError as error:
        # Which field and what is wrong with it, not what stood there; a name of ours or none.
        known = bulk.form.model_fields
        named = {
            f"{each['loc'][0] if each['loc'] and each['loc'][0] in known else 'line'}"
            f" ({each['type']})"
            for each in error.errors(include_input=False, include_context=False)
        }
        return _refused(number, "request.invalid", f"cannot be read: {', '.join(sorted(named))}")


def _act(acting: Acting, form: DatedForm, number: int) -> CommandAct:
    act = acting.act(form.happened_on)
    key = act.idempotency_key
    return act if key is None else replace(act, idempotency_key=f"{key} line {number}")


def _result(number: int, stored: Stored) -> LineResult:
    if stored.refusal_code is not None:
        return _refused(number, stored.refusal_code, stored.refusal_detail or "")
    return LineResult(
        line=number, status="done", result=stored.result, last_position=stored.last_position
    )


def _refused(number: int, code: str, detail: str) -> LineResult:
    return LineResult(line=number, status="refused", code=code, detail=detail)


async def _written(results: AsyncIterator[LineResult]) -> AsyncIterator[bytes]:
    async for each in results:
        yield each.model_dump_json().encode() + b"\n"
