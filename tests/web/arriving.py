"""A click that leads to another page is over when that page is there, as for somebody who looks.

Playwright's own is over as soon as the browser has been told; what is looked at next may then be
the page before, or neither.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Locator, Page, Request

LOOK_MS = 15
LOOKS_IN_VAIN = 2
"""So often in a row nothing is under way: a form is sent, and one answer leads on to the next, only
a moment after what caused it."""
ARRIVES_S = 10.0


class Arrivals:
    """Keeps which pages are on their way to another address."""

    def __init__(self) -> None:
        self._under_way: dict[Page, set[Request]] = defaultdict(set)

    def watch(self, context: BrowserContext) -> None:
        context.on("request", self._began)
        context.on("requestfinished", self._ended)
        context.on("requestfailed", self._ended)

    def wait(self, page: Page) -> None:
        """Wait until a page is on its way nowhere."""
        deadline, quiet = time.monotonic() + ARRIVES_S, 0
        try:
            while quiet < LOOKS_IN_VAIN and time.monotonic() < deadline:
                page.wait_for_timeout(LOOK_MS)
                quiet = 0 if self._under_way[page] else quiet + 1
            page.wait_for_load_state("domcontentloaded")
        except Error:
            # A click may close its page, or be told to leave before it has arrived.
            return

    def _began(self, request: Request) -> None:
        page = _page_of(request)
        if page is not None:
            self._under_way[page].add(request)

    def _ended(self, request: Request) -> None:
        page = _page_of(request)
        if page is not None:
            self._under_way[page].discard(request)


def _page_of(request: Request) -> Page | None:
    """Return the page that goes elsewhere with a request, if it does."""
    try:
        frame = request.frame
        page = frame.page
        return page if request.is_navigation_request() and frame == page.main_frame else None
    except Error:  # a service worker's own
        return None


ARRIVALS = Arrivals()


@contextmanager
def clicks_arrive() -> Iterator[None]:
    """Have every click wait until its page has arrived."""
    only_click = Locator.click

    def click(self: Locator, **options: Any) -> None:
        only_click(self, **options)
        ARRIVALS.wait(self.page)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Locator, "click", click)
        yield
