"""Routes that write: a thread does the work, the loop all around it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any

from fastapi.routing import APIRoute

THREADS_MAX = 40
"""As many as the framework has for all else. Those who write are decided together, so that more
would gain nothing."""
WRITERS = ThreadPoolExecutor(THREADS_MAX, "writer")


class InOneThread(APIRoute):
    """A route whose request is handed to a thread once.

    The framework hands a plain function's answer to a thread once more, to put it together. Lists
    may be long; what is answered to who writes is short, and the way there costs more than the
    answer.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **named: Any) -> None:
        super().__init__(path, _in_thread(endpoint) if _writes(named) else endpoint, **named)


def _writes(named: dict[str, Any]) -> bool:
    return not {"GET", "HEAD"} & set(named.get("methods") or {"GET"})


def _in_thread(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(endpoint):
        return endpoint

    @wraps(endpoint)
    async def handed_over(**values: Any) -> Any:
        inside = partial(copy_context().run, endpoint, **values)
        return await asyncio.get_running_loop().run_in_executor(WRITERS, inside)

    return handed_over
