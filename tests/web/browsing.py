"""A served ledger and the browsers of its officers: real HTTP, a real Chromium, axe at hand."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import uvicorn
from argon2 import PasswordHasher
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page

from api import bootstrap
from api.access.passwords import Passwords
from api.app import Serving, create_app
from api.callers import COOKIE
from api.clock import Clock
from api.dependencies import Served
from api.edge.rate import Rates
from api.serving import config_of
from api.web.language import languages
from ledger.domain.officer import officer_id
from ledger.store.application import Ledger
from ledger.store.home import Home
from tests.web.arriving import ARRIVALS

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
UNLIMITED = Rates(1e6, 10**6, 1e6, 10**6, 1e6, 10**6, 1e6, 10**6)
SIZES = {"phone": (390, 844), "desk": (1280, 800)}
LANGUAGES = ("zh", "en")
# What holds need not be described node by node: that takes more than looking for what does not.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
STARTS_S, STOPS_S = 20.0, 20.0


@dataclass
class Office:
    """A ledger being served, and whoever works with it."""

    url: str
    home: Home
    ledger: Ledger
    app: FastAPI
    chromium: Browser
    complaints: list[str] = field(default_factory=list)
    opened: list[BrowserContext] = field(default_factory=list)

    @property
    def served(self) -> Served:
        found: Served = self.app.state.served
        return found

    def browser(
        self, staff: str = "", language: str = "zh", size: str = "desk", *, scripts: bool = True
    ) -> BrowserContext:
        """Return a browser of its own for an officer who has signed in, or for nobody.

        What a page logs as an error (also what the content security policy stops) is kept in
        `complaints`, and fails the test that asks `settled`.
        """
        width, height = SIZES[size]
        context = self.chromium.new_context(
            base_url=self.url,
            viewport={"width": width, "height": height},
            locale={"zh": "zh-CN", "en": "en-GB"}[language],
            timezone_id="Asia/Shanghai",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        ARRIVALS.watch(context)
        context.on("console", lambda said: self._hear(said.type, said.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        if staff:
            door, now_s = self.served.door, self.served.clock.now_s
            secret = door.sessions.open(officer_id(staff), "test", now_s())
            context.add_cookies([{"name": COOKIE, "value": secret, "url": self.url}])
        self.opened.append(context)
        return context

    def page(self, staff: str, path: str, language: str = "zh", size: str = "desk") -> Page:
        """Open a page in a browser of its own."""
        page = self.browser(staff, language, size).new_page()
        page.goto(path)
        return page

    def settled(self) -> None:
        """Close all browsers; no page may have complained."""
        for context in self.opened:
            context.close()
        self.opened.clear()
        complaints, self.complaints = self.complaints, []
        assert complaints == [], complaints

    def _hear(self, kind: str, text: str) -> None:
        # Refusals and lost connections are part of what is tried; Chromium reports each.
        if kind in ("error", "warning") and not any(each in text for each in NOT_LOADED):
            self.complaints.append(text)


NOT_LOADED = ("Failed to load resource", "error occurred when fetching the script")


def saying(language: str) -> Callable[..., str]:
    """Return what says a sentence of the pages in a language, for journeys that run in both."""
    spoken = languages()[language]

    def say(sentence: str, **told: object) -> str:
        said = spoken.numbered(sentence, told)
        assert (said == sentence) == (language == "zh"), f"{sentence} has no English"
        return said % told if told else said

    return say


def accessible(page: Page) -> None:
    """Check a page with axe: WCAG 2.2 A and AA, and best practice; and that it fits its width."""
    # Looked at in another width, a page has axe already: half a megabyte need not be read again.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    results = AxeResults(page.evaluate("(rules) => axe.run(rules)", RULES))
    assert results.violations_count == 0, results.generate_report()
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"{page.url} is {overflow} px wider than its window"


@contextmanager
def office_at(
    home: Home, chromium: Browser, today: date, demo: str | None = None
) -> Iterator[Office]:
    """Serve a ledger that is there, over a real socket."""
    clock = Clock(bootstrap.now, bootstrap.now_s, lambda: today)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://localhost:{listening.getsockname()[1]}"
        with bootstrap.opened(home) as ledger:
            app = create_app(
                home,
                ledger,
                Serving(clock, origin=url, demo=demo, passwords=CHEAP, rates=UNLIMITED),
            )
            server = uvicorn.Server(config_of(app, lifespan="on"))
            running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            running.start()
            wait = threading.Event()
            for _ in range(int(STARTS_S / 0.02)):
                if server.started:
                    break
                wait.wait(0.02)
            try:
                yield Office(url, home, ledger, app, chromium)
            finally:
                server.should_exit = True
                running.join(STOPS_S)
