"""A page for one request: its language, its menu, and the template that it is made from."""

import gzip
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.access.refusals import NotSignedIn
from api.background.integrity import Standing
from api.callers import COOKIE, READERS, Caller, PostEnded, recognised
from api.dependencies import Served, TheServed
from api.web import formats
from api.web.assets import assets
from api.web.language import Language, TheLanguage, languages
from api.web.navigation import menu, sections
from api.web.words import fault_words, period_words, term
from ledger.commands.policies import APPROVERS
from ledger.commands.recipients import ASKING, MAY_UNMASK
from ledger.domain.officer import OBSERVERS

TEMPLATES = Path(__file__).parent / "templates"
SAID_COOKIE = "nuanzhang_said"
SAID_TTL_S = 60


@dataclass(frozen=True, slots=True)
class Screen:
    """What a page is shown with. `caller` is None where nobody has signed in with a browser.

    `made_at` is the moment, and `entries` how long the log was then: prints say both at their foot.
    """

    request: Request
    language: Language
    caller: Caller | None
    demo: bool
    today: date
    made_at: str
    entries: int

    def show(self, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
        """Make the page of a template."""
        said = self._said()
        page = environment(self.language).get_template(template)
        answer = self._answer(
            status,
            page.render(
                screen=self,
                language=self.language,
                caller=self.caller,
                path=self.request.url.path,
                menu=menu(self.caller),
                said=said,
                **shown,
            ),
        )
        if said is not None:
            answer.delete_cookie(SAID_COOKIE)
        return answer

    def go(self, path: str, said: str | None = None) -> RedirectResponse:
        """Lead on to another of our pages after a form was taken, and say there what was done.

        Args:
            path: Address of the page on this service.
            said: A sentence of the catalogue.
        """
        answer = RedirectResponse(path, status_code=303)
        if said is not None:
            answer.set_cookie(
                SAID_COOKIE, quote(said), max_age=SAID_TTL_S, httponly=True, samesite="strict"
            )
        return answer

    @property
    def integrity(self) -> Standing:
        """What is known of the log, for the light at the foot of each page."""
        standing: Standing = self.request.app.state.background.integrity.standing()
        return standing

    @property
    def made(self) -> str:
        """When the page was made, as people write it."""
        return formats.moment(self.made_at, self.language.locale)

    @property
    def address(self) -> str:
        """This page's address with its query, for links that lead back to it."""
        query = self.request.url.query
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def without(self, *names: str) -> str:
        """Return this page's address without some parameters of its query."""
        return self._address([], names)

    def having(self, **values: object) -> str:
        """Return this page's address with parameters set anew; paging starts over."""
        kept = [(name, str(value)) for name, value in values.items() if value is not None]
        return self._address(kept, (*values, "cursor"))

    def elsewhere(self, path: str) -> str:
        """Return another page's address with the question of this one."""
        return self._address([], ("cursor", "limit")).replace(self.request.url.path, path, 1)

    def _address(self, added: list[tuple[str, str]], without: tuple[str, ...]) -> str:
        items = [
            (name, value)
            for name, value in self.request.query_params.multi_items()
            if name not in without
        ]
        query = urlencode([*items, *added])
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def _answer(self, status: int, page: str) -> HTMLResponse:
        """Make the answer, compressed where the browser takes it so.

        What is secret in a page is made anew for each (BREACH): a form's key, and nothing else.
        """
        headers = {
            "Cache-Control": "no-store",
            "Content-Language": self.language.code,
            "Vary": "Accept-Encoding",
        }
        content = page.encode()
        if "gzip" in self.request.headers.get("accept-encoding", ""):
            content = gzip.compress(content, compresslevel=6)
            headers["Content-Encoding"] = "gzip"
        return HTMLResponse(content, status_code=status, headers=headers)

    def _said(self) -> str | None:
        """Return what the last form answered; only sentences that are ours are said."""
        said = unquote(self.request.cookies.get(SAID_COOKIE, ""))
        known = languages()["en"].translations
        return self.language.say(said) if said and known.ugettext(said) != said else None


def screen(request: Request, found: TheServed, language: TheLanguage) -> Screen:
    """Make the screen of a page; what it asks of its caller is the route's to say."""
    return Screen(
        request,
        language,
        _somebody(request, found),
        found.demo is not None,
        found.clock.today(),
        found.clock.now(),
        found.ledger.size(),
    )


def screen_without_ledger(request: Request, found: Served, language: Language) -> Screen:
    """Make the screen of a page that asks nothing of a ledger that does not answer."""
    clock = found.clock
    return Screen(request, language, None, found.demo is not None, clock.today(), clock.now(), 0)


TheScreen = Annotated[Screen, Depends(screen)]


@cache
def environment(language: Language) -> Environment:
    """Return the templates, speaking a language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.newstyle_gettext = True  # type: ignore[attr-defined]
    made.globals.update(
        gettext=lambda message, /, **told: _spoken(language, message, told),
        asset=assets().address,
        new_key=lambda: secrets.token_hex(16),
        yuan=formats.yuan,
        capital=formats.capital,
        percent=formats.percent,
        count=lambda number: formats.count(number, language.locale),
        day=lambda value: formats.day(value, language.locale),
        moment=lambda value: formats.moment(value, language.locale),
        moment_at=lambda value: formats.moment(value, language.locale),
        seconds=lambda took_ms: formats.seconds(took_ms, language.locale),
        term=lambda kind, value: term(language, kind, value),
        period=lambda days, unit: period_words(language, days, unit),
        refusal=language.refusal,
        sections=sections,
        may_read=lambda caller: caller is not None and caller.holds_any(READERS),
        may_approve=lambda caller: caller is not None and caller.holds_any(APPROVERS),
        may_ask=lambda caller: caller is not None and caller.holds_any(ASKING),
        may_observe=lambda caller: caller is not None and caller.holds_any(OBSERVERS),
        may_unmask=lambda caller: caller is not None and caller.holds_any(MAY_UNMASK),
        fault=lambda code: fault_words(language, code),
        NONE=formats.NONE,
    )
    return made


def _spoken(language: Language, message: str, told: Mapping[str, object]) -> Markup:
    """Say a sentence of the templates, whose marks are ours; what is told in it is escaped."""
    return Markup(language.numbered(message, told)) % told  # noqa: S704 - the catalogue's, not a caller's


def _somebody(request: Request, found: Served) -> Caller | None:
    """Return who has signed in, if anybody has."""
    secret = request.cookies.get(COOKIE)
    if secret is None:
        return None
    opened = found.door.sessions.find(secret, found.clock.now_s())
    try:
        return None if opened is None else recognised(request, found, opened.officer_id, secret)
    except (NotSignedIn, PostEnded):
        return None
