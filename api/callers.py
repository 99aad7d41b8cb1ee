"""Who is asking, what they hold today, and what a route asks of them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.base import SecurityBase

from api.access.recent import Holder, Shown
from api.access.refusals import NotSignedIn
from api.access.sessions import LONGEST_S
from api.dependencies import Served, TheReadModel, served_to
from ledger.commands.bank_accounts import ACCOUNT_KEEPERS
from ledger.commands.bank_matching import MATCHERS, WRITERS_OFF
from ledger.commands.batches import CLOSERS, HANDLERS, REVIEWERS
from ledger.commands.cases import CLOSERS as CASE_CLOSERS
from ledger.commands.disbursements import WITNESSES
from ledger.commands.filings import CHECKERS
from ledger.commands.funds import CASHIERS, CORRECTORS
from ledger.commands.notices import ENDERS, MAY_READ
from ledger.commands.officer_keys import CONFIRMING
from ledger.commands.officers import SECURITY, SYSTEM
from ledger.commands.outside_lists import LIST_KEEPERS
from ledger.commands.policies import APPROVERS
from ledger.commands.recipients import ASKING, MAY_UNMASK
from ledger.database import DISK_REFUSALS
from ledger.domain.officer import BUSINESS, OBSERVERS, Officer, Role
from ledger.errors import Kind, LedgerError
from ledger.postgresql import DatabaseUnreachable
from projections.officers import officers_at
from projections.organisations import tree_on

TFound = TypeVar("TFound")

COOKIE = "nuanzhang_session"
MEANWHILE_WITHIN_S = 1.0
"""So long the log has to say who somebody is, where they are known from before."""
ASIDE = ThreadPoolExecutor(4, "aside")
"""Of their own: in an outage all other threads wait for what is away."""
SHOWN = ThreadPoolExecutor(4, "shown")
"""Of those who only look up whose a secret is: in an outage those aside wait, too."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="A token, as `POST /v1/tokens` shows it once.")
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, description="The session that `POST /v1/session` opens."
)


class PostMissing(LedgerError):
    """What the caller holds today does not open this."""

    code = "access.post_missing"
    kind = Kind.FORBIDDEN

    def __init__(self, staff_number: str, roles: Collection[str]) -> None:
        super().__init__(f"{staff_number} holds none of: {', '.join(sorted(roles))}")


class OutsideReach(LedgerError):
    """People see their own organisation and what stands below it."""

    code = "access.outside_reach"
    kind = Kind.FORBIDDEN

    def __init__(self, organisation_id: UUID) -> None:
        super().__init__(f"organisation {organisation_id} is not within the caller's reach")


class PostEnded(LedgerError):
    """An officer whose last post has ended is not let in any more."""

    code = "access.post_ended"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        super().__init__("the officer's last post has ended")


class TokenReadsOnly(LedgerError):
    """The token was made for reading."""

    code = "access.token_reads_only"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("this token may read, and write nothing")


class CrossSite(LedgerError):
    """A page from elsewhere asks with the officer's cookie."""

    code = "access.cross_site"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("a request that changes something has to come from this service's pages")


@dataclass(frozen=True, slots=True)
class Caller:
    """An officer who was recognised, with the posts that they hold on the day."""

    officer_id: UUID
    staff_number: str
    posts: frozenset[tuple[UUID, str]]  # organisation, role
    session: str | None
    day: date

    def holds_any(self, roles: Collection[str]) -> bool:
        return any(role in roles for _, role in self.posts)

    def places(self, roles: Collection[str]) -> set[UUID]:
        """Return the organisations at which they hold one of the posts."""
        return {place for place, role in self.posts if role in roles}


async def caller(request: Request) -> Caller:
    """Recognise who is asking, by token or by session; once for each request.

    Raises:
        NotSignedIn: Neither is in force.
        PostEnded: They have left every post.
        TokenReadsOnly, CrossSite: As they say.
    """
    known: Caller | None = request.scope["state"].get("caller")
    if known is None:
        known = request.state.caller = await _recognise(request)
    return known


async def _recognise(request: Request) -> Caller:
    found = served_to(request)
    shown, session = await _shown_to(request, found, _in_pool)
    recent = found.door.recent
    holder = recent.holder(shown.officer_id)
    if holder is None or not _still_so(found, holder):
        holder = await run_in_threadpool(_holder, found, shown.officer_id)
        recent.keep_holder(holder)
    return _as_caller(request, holder, session)


async def _recognise_meanwhile(request: Request) -> Caller:
    """Recognise who is asking as they are, or as they last were where the log does not say it.

    Neither the log nor threads that wait for it are waited for.
    """
    found = served_to(request)
    shown, session = await _shown_to(request, found, partial(_aside, SHOWN))
    recent = found.door.recent
    try:
        holder = await asyncio.wait_for(
            _aside(ASIDE, _holder, found, shown.officer_id), MEANWHILE_WITHIN_S
        )
    except (TimeoutError, DatabaseUnreachable, *DISK_REFUSALS):
        last = recent.last_holder(shown.officer_id)
        if last is None or last.day != found.clock.today():
            raise DatabaseUnreachable from None
        holder = last
    else:
        recent.keep_holder(holder)
    return _as_caller(request, holder, session)


LookUp = Callable[[Served, str], Shown]


async def _in_pool(look_up: LookUp, found: Served, secret: str) -> Shown:
    return await run_in_threadpool(look_up, found, secret)


async def _aside(
    threads: Executor, look_up: Callable[[Served, Any], TFound], found: Served, of: Any
) -> TFound:
    return await asyncio.get_running_loop().run_in_executor(threads, look_up, found, of)


async def _shown_to(
    request: Request,
    found: Served,
    looking_up: Callable[[LookUp, Served, str], Awaitable[Shown]],
) -> tuple[Shown, str | None]:
    """Return whose the secret of a request is, and the session that it is of, if it is of one."""
    bearer, session = await _bearer(request), await _cookie(request)
    if bearer is not None:
        sort, secret, look_up = "token", bearer.credentials, _by_token
    elif session is not None:
        sort, secret, look_up = "session", session, _by_session
    else:
        raise NotSignedIn
    recent, endings = found.door.recent, found.door.endings()
    now_s = found.clock.now_s()
    shown = recent.shown(sort, secret, endings, now_s)
    if shown is None:
        shown = await looking_up(look_up, found, secret)
        recent.keep_shown(sort, secret, endings, now_s, shown)
    if request.method not in SAFE_METHODS:
        if shown.read_only:
            raise TokenReadsOnly
        if bearer is None:
            require_same_site(request)
    return shown, session if bearer is None else None


def recognised(request: Request, found: Served, officer_id: UUID, session: str | None) -> Caller:
    """Return an officer with the posts of today, for a request of theirs.

    Raises:
        NotSignedIn: The ledger does not know them.
        PostEnded: They have left every post.
    """
    return _as_caller(request, _holder(found, officer_id), session)


def _as_caller(request: Request, holder: Holder, session: str | None) -> Caller:
    request.state.officer_id = str(holder.officer_id)
    return Caller(holder.officer_id, holder.staff_number, holder.posts, session, holder.day)


def _by_token(found: Served, secret: str) -> Shown:
    token = found.door.tokens.find(secret, found.clock.now_s())
    if token is None:
        raise NotSignedIn
    return Shown(token.officer_id, token.read_only, token.expires_at_s)


def _by_session(found: Served, secret: str) -> Shown:
    opened = found.door.sessions.find(secret, found.clock.now_s())
    if opened is None:
        raise NotSignedIn
    return Shown(opened.officer_id, read_only=False, until_s=opened.opened_at_s + LONGEST_S)


def _still_so(found: Served, holder: Holder) -> bool:
    at_hand = found.ledger.version_at_hand(holder.officer_id)
    return at_hand == holder.version and found.clock.today() == holder.day


def _holder(found: Served, officer_id: UUID) -> Holder:
    officer = found.ledger.load(Officer, officer_id)
    if officer is None:
        raise NotSignedIn
    today = found.clock.today()
    posts = frozenset(
        (tenure.organisation_id, tenure.role) for tenure in officer.tenures if tenure.covers(today)
    )
    if officer.tenures and not posts:
        raise PostEnded
    return Holder(officer_id, officer.staff_number, posts, today, officer.version)


def require_same_site(request: Request) -> None:
    """Check that a browser sends this for one of our own pages.

    Raises:
        CrossSite: It does not say so.

    Source: OWASP, Cross-Site Request Forgery Prevention: Fetch Metadata, then Origin.
    """
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None:
        if fetched != "same-origin":
            raise CrossSite
        return
    try:
        origin = urlsplit(request.headers.get("origin", "")).netloc
    except ValueError:
        raise CrossSite from None
    if not origin or origin != request.headers.get("host"):
        raise CrossSite


TheCaller = Annotated[Caller, Depends(caller)]

SCHEMES: tuple[SecurityBase, ...] = (_bearer, _cookie)
"""How callers show who they are, for the description of the interface."""


class May:
    """What a route asks of its caller: one of these posts, anywhere. None named: to be signed in.

    At which organisation the post has to be held is asked by the command, or by `Reach`.
    """

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)

    async def _who(self, request: Request) -> Caller:
        return await caller(request)

    async def __call__(self, request: Request) -> None:
        who = await self._who(request)
        if self.roles and not who.holds_any(self.roles):
            raise PostMissing(who.staff_number, self.roles)


class MayMeanwhile(May):
    """The same of what is looked at while the log is away: posts are as they were last known."""

    async def _who(self, request: Request) -> Caller:
        return await _recognise_meanwhile(request)


class Public:
    """A route for everybody: what is published anyway, or what comes before signing in."""

    async def __call__(self) -> None:
        pass


READERS = BUSINESS | OBSERVERS
VERIFIERS = frozenset((*OBSERVERS, *SYSTEM))
WATCHERS = OBSERVERS | {Role.AUDIT_ADMINISTRATOR}

# The commands say who may; a route asks the same, before anything is read.

SIGNED_IN = Depends(May())
READ = Depends(May(*READERS))
HANDLE = Depends(May(*HANDLERS))
REVIEW = Depends(May(*REVIEWERS))
ASK = Depends(May(*ASKING))
REVIEW_OR_APPROVE = Depends(May(*CHECKERS))
APPROVE = Depends(May(*APPROVERS))
CASH = Depends(May(*CASHIERS))
REMIT = Depends(May(*APPROVERS, *CASHIERS))
KEEP_ACCOUNTS = Depends(May(*ACCOUNT_KEEPERS))
MATCH = Depends(May(*MATCHERS))
TAKE_UP = Depends(May(*MATCHERS, *WRITERS_OFF))
CORRECT = Depends(May(*CORRECTORS))
END = Depends(May(*CLOSERS))
WITNESS = Depends(May(*WITNESSES))
UNMASK = Depends(May(*MAY_UNMASK))
VERIFY = Depends(May(*VERIFIERS))
OBSERVE = Depends(May(*OBSERVERS))
CLOSE_CASE = Depends(May(*CASE_CLOSERS))
BRING_LISTS = Depends(May(*LIST_KEEPERS))
KEEP_SYSTEM = Depends(May(*SYSTEM))
WATCH_SYSTEM = Depends(MayMeanwhile(*SYSTEM))
KEEP_SECURITY = Depends(May(*SECURITY))
CONFIRM = Depends(May(*CONFIRMING))
WATCH_ACCESS = Depends(May(*WATCHERS))
HAND_IN = Depends(May(*BUSINESS))
KEEP_NOTICE = Depends(May(*ENDERS))
READ_OBJECTIONS = Depends(May(*MAY_READ))
ANYBODY = Depends(Public())


@dataclass(frozen=True, slots=True)
class Reach:
    """The organisations that a caller sees: where they hold a post, and all below."""

    ids: frozenset[UUID]
    day: date

    def require(self, organisation_id: UUID) -> None:
        """Check that an organisation is within reach.

        Raises:
            OutsideReach: It is not.
        """
        if organisation_id not in self.ids:
            raise OutsideReach(organisation_id)

    def within(self, asked: UUID | None) -> list[UUID]:
        """Return the organisations to be shown: the one that is asked for, or all within reach.

        Raises:
            OutsideReach: The one that is asked for is not within reach.
        """
        if asked is None:
            return sorted(self.ids)
        self.require(asked)
        return [asked]


def watched(caller: TheCaller, model: TheReadModel) -> Reach:
    """Say of which organisations a caller watches who saw personal data."""
    tree = tree_on(model, caller.day)
    places = caller.places(WATCHERS)
    return Reach(frozenset(below for at in places for below in tree.subtree(at)), caller.day)


def reach(caller: TheCaller, model: TheReadModel) -> Reach:
    """Say what a caller sees today."""
    tree = tree_on(model, caller.day)
    return Reach(
        frozenset(below for place in caller.places(READERS) for below in tree.subtree(place)),
        caller.day,
    )


TheReach = Annotated[Reach, Depends(reach)]
TheWatched = Annotated[Reach, Depends(watched)]


def watched_officers(caller: TheCaller, model: TheReadModel) -> frozenset[UUID] | None:
    """Say whose comings and goings a caller watches; None: everybody's, and tries of nobody.

    Those who hold a post where they watch, or held one: who left is not to come back unseen.
    """
    ids = watched(caller, model).ids
    if ids and tree_on(model, caller.day).unless_all(ids) is None:
        return None
    return officers_at(model, ids)


TheWatchedOfficers = Annotated[frozenset[UUID] | None, Depends(watched_officers)]
