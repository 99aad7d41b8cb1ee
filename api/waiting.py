"""Waits, when the service begins, for what it rests on: its databases, and its disk."""

import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NoReturn, TypeVar

from ledger.database import disk_refusal
from ledger.errors import Kind, LedgerError

LOOKED_EVERY_S = 0.5
"""How soon it is seen that what was away is back."""

TBegun = TypeVar("TBegun")


@contextmanager
def as_soon_as_there(begin: Callable[[ExitStack], TBegun]) -> Iterator[TBegun]:
    """Hold what `begin` opened, as `begun` returns it. Ctrl-C ends it as it ends any command."""
    opening, opened = begun(begin, (signal.SIGTERM,))
    with opening:
        yield opened


def begun(
    begin: Callable[[ExitStack], TBegun], ends_by: Sequence[signal.Signals]
) -> tuple[ExitStack, TBegun]:
    """Begin as soon as what that needs is there: a service comes up before its database as well.

    Whoever runs it is told once what it waits for, and again when that is something else.

    Args:
        begin: Opens what is needed onto the stack; asked again where something is away.
        ends_by: Signals that end this process at once meanwhile, whatever they do otherwise.

    Raises:
        LedgerError: A refusal that waiting does not change.
    """
    told = ""
    with _ended_by(ends_by):
        while True:
            try:
                with ExitStack() as opening:
                    found = begin(opening)
                    if told:
                        _tell("what it waited for is there")
                    return opening.pop_all(), found
            except (LedgerError, OSError, sqlite3.Error) as cause:
                code = _waits_for(cause, told)
                if code is None:
                    raise
                told = code
            # No refusal is kept meanwhile: its traceback holds what was opened in vain.
            time.sleep(LOOKED_EVERY_S)


def end(*_: object) -> NoReturn:
    """End this process, as the handler of a signal."""
    raise SystemExit(0)


def _waits_for(cause: LedgerError | OSError | sqlite3.Error, told: str) -> str | None:
    """Return the code of what is waited for, and say so where something else was told before."""
    refusal = _passing(cause)
    if refusal is None:
        return None
    if refusal.code != told:
        _tell(f"waits until it can begin; {refusal.code}: {refusal}")
    return refusal.code


def _passing(cause: LedgerError | OSError | sqlite3.Error) -> LedgerError | None:
    """Return what is away, or full, in our words; None where it makes no sense to wait."""
    refusal = cause if isinstance(cause, LedgerError) else disk_refusal(cause)
    return refusal if refusal is not None and refusal.kind is Kind.UNREACHABLE else None


def _tell(what: str) -> None:
    sys.stderr.write(f"nuanzhang {what}\n")
    sys.stderr.flush()


@contextmanager
def _ended_by(numbers: Sequence[signal.Signals]) -> Iterator[None]:
    """Have this process end when it is told to: uvicorn only notes it for a loop that is to come.

    Who waits for a database that is away would never see it, and nobody could stop the service.
    """
    told = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in told.items():
            signal.signal(number, handler)
