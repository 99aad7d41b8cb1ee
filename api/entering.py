"""Letting somebody in: the cookies that a browser is handed when its officer has signed in."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from api.access.door import SignedIn
from api.access.refusals import NotSignedIn
from api.callers import COOKIE, Caller, recognised, require_same_site
from api.dependencies import Served
from ledger.domain.officer import officer_id
from ledger.errors import Kind, LedgerError

DEVICE_COOKIE = "nuanzhang_device"
DEVICE_TTL_S = 180 * 24 * 3600


class NotADemo(LedgerError):
    """Real ledgers have no demo's accounts."""

    code = "access.not_a_demo"
    kind = Kind.ABSENT

    def __init__(self) -> None:
        super().__init__("this ledger is not a demo")


def with_password(
    request: Request, response: Response, found: Served, staff_number: str, password: str
) -> Caller:
    """Let in whoever knows the password."""
    return _through(request, response, found, partial(found.door.sign_in, staff_number, password))


def with_invitation(
    request: Request, response: Response, found: Served, code: str, password: str
) -> Caller:
    """Let in whoever holds the code of an invitation, with the password that is to be theirs."""
    return _through(request, response, found, partial(found.door.accept, code, password))


def with_passkey(
    request: Request, response: Response, found: Served, credential: dict[str, Any]
) -> Caller:
    """Let in whoever's authenticator answered."""
    return _through(request, response, found, partial(found.door.sign_in_with_passkey, credential))


def prove_presence(
    request: Request, found: Served, caller: Caller, shown: str | dict[str, Any]
) -> None:
    """Have somebody show anew who they are, by their password or what a passkey answered.

    Raises:
        NotSignedIn: A program asks, with a token.
        TooManyTries, SignInFailed, PasskeyRefused: As they say.
    """
    if caller.session is None:
        raise NotSignedIn
    found.door.prove(
        caller.officer_id,
        caller.session,
        found.clock.now_s(),
        staff_number=caller.staff_number,
        shown=shown,
        device=request.cookies.get(DEVICE_COOKIE),
        address=_address_of(request),
    )


def require_present(found: Served, caller: Caller) -> None:
    """Check that a browser asks, of somebody who has just shown who they are.

    Whoever has a session of theirs makes nothing of it that lasts longer than the session.

    Raises:
        NotSignedIn: A program asks, with a token.
        PresenceNotProved: It is a while ago.
    """
    if caller.session is None:
        raise NotSignedIn
    found.door.sessions.require_present(caller.session, found.clock.now_s())


def to_demo(request: Request, response: Response, found: Served) -> Caller:
    """Let anybody in as the inspector of a demo ledger.

    Raises:
        NotADemo: On any other ledger there is nobody to be.
    """
    _require_from_here(request)
    if found.demo is None:
        raise NotADemo
    officer = officer_id(found.demo)
    secret = found.door.open_for(officer, "demo", _address_of(request), found.clock.now_s())
    return _begin(request, response, found, officer, secret)


def _through(
    request: Request,
    response: Response,
    found: Served,
    knock: Callable[[str | None, str, int], SignedIn],
) -> Caller:
    """Hand over a session, and the cookie that tells this device from strangers'.

    `knock` is told the device's cookie, the address and the time in seconds.
    """
    _require_from_here(request)
    device = request.cookies.get(DEVICE_COOKIE)
    signed_in = knock(device, _address_of(request), found.clock.now_s())
    caller = _begin(request, response, found, signed_in.officer_id, signed_in.secret)
    response.set_cookie(
        DEVICE_COOKIE,
        signed_in.device,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        max_age=DEVICE_TTL_S,
        path="/",
    )
    return caller


def _begin(
    request: Request, response: Response, found: Served, officer: UUID, secret: str
) -> Caller:
    """Hand a new session over; what was there before is worth nothing to whoever set it."""
    before = request.cookies.get(COOKIE)
    if before is not None:
        found.door.sessions.end(before)
    caller = recognised(request, found, officer, secret)
    # For this service alone, and out of its scripts' reach.
    response.set_cookie(
        COOKIE,
        secret,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return caller


def _require_from_here(request: Request) -> None:
    """Check that no page from elsewhere signs somebody in; programs send neither header."""
    if "origin" in request.headers or "sec-fetch-site" in request.headers:
        require_same_site(request)


def _address_of(request: Request) -> str:
    return request.client.host if request.client else ""
