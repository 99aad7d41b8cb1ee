"""What routers are handed: the ledger, the read model brought up to date, and page cursors."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends, Query, Request
from pydantic import Field
from sqlalchemy import Connection

from api.access.door import Door
from api.clock import Clock
from api.trials import Trials
from ledger.anchoring.anchors import Anchors
from ledger.errors import Kind, LedgerError
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from projections.asked import Moment
from projections.runner import catch_up

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """What the process serves."""

    home: Home
    ledger: Ledger
    maps: MapStore
    anchors: Anchors
    door: Door
    clock: Clock
    demo: str | None = None
    """Staff number of the inspector whom anybody may be with one click; on a demo ledger alone."""

    @property
    def trials(self) -> Trials:
        return Trials(self.home, self.ledger, self.door, self.clock)


# What waits for nothing is asynchronous: the framework takes a thread for everything else, which is
# handed from thread to thread more slowly than such a function works.


async def served(request: Request) -> Served:
    return served_to(request)


def served_to(request: Request) -> Served:
    found: Served = request.app.state.served
    return found


async def ledger(request: Request) -> Ledger:
    return served_to(request).ledger


def read_model(found: Annotated[Served, Depends(served)]) -> Iterator[Connection]:
    """Yield a connection to the read model, which has read the whole log before."""
    with catch_up(found.ledger, found.home.read_models).asking() as connection:
        yield connection


DAYS = Field(ge=date(1900, 1, 1), le=date(9998, 12, 31))
"""Days that may be asked of: figures look at the years before and after, too."""


async def moment(
    as_of: Annotated[
        Annotated[date, DAYS] | None,
        Query(description="What had happened by this day.", examples=["2017-02-01"]),
    ] = None,
    at: Annotated[
        int | None,
        Query(
            ge=0,
            lt=2**53,
            description="What had been recorded up to this log position.",
            examples=[4000],
        ),
    ] = None,
) -> Moment:
    return Moment(as_of, at)


TheServed = Annotated[Served, Depends(served)]
TheLedger = Annotated[Ledger, Depends(ledger)]
TheReadModel = Annotated[Connection, Depends(read_model)]
TheMoment = Annotated[Moment, Depends(moment)]


class CursorInvalid(LedgerError):
    """The cursor is not one that was given out, or was given out for another question."""

    code = "cursor.invalid"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("the cursor does not belong to this question; start without one")


class _Cursor(msgspec.Struct, frozen=True):
    """Where a page ended, for which question, and which log the pages are of."""

    after: int
    at: int
    asked: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page being asked for. All its pages are of the log up to `at`, however it grows."""

    after: int
    at: int
    limit: int
    asked: str

    def cut(
        self, found: Sequence[T], position: Callable[[T], int] = attrgetter("position")
    ) -> tuple[list[T], str | None]:
        """Return the rows to show and the cursor of the next page, from one row more than asked."""
        known = [each for each in found if position(each) <= self.at]
        shown = known[: self.limit]
        return shown, self.cursor(position(shown[-1]) if len(known) > self.limit else None)

    def cursor(self, after: int | None) -> str | None:
        """Return the cursor of the next page, or None when this was the last."""
        if after is None:
            return None
        encoded = msgspec.json.encode(_Cursor(after, self.at, self.asked))
        return urlsafe_b64encode(encoded).decode().rstrip("=")


def page(
    request: Request,
    the_ledger: TheLedger,
    cursor: Annotated[
        str | None, Query(description="`next` of the page before.", max_length=2000)
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Rows a page.")] = 100,
) -> Page:
    """Read the cursor.

    Raises:
        CursorInvalid: It belongs to another question, or is none.
    """
    params = sorted((k, v) for k, v in request.query_params.items() if k not in {"cursor", "limit"})
    asked = f"{request.url.path}?{params}"
    if cursor is None:
        return Page(-1, the_ledger.size() - 1, limit, asked)
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found = msgspec.json.decode(raw, type=_Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise CursorInvalid from None
    if found.asked != asked or not -1 <= found.after <= found.at < the_ledger.size():
        raise CursorInvalid
    return Page(found.after, found.at, limit, asked)


ThePage = Annotated[Page, Depends(page)]
