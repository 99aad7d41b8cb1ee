"""Signing in and out, and choosing a language."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response

from api import entering
from api.callers import ANYBODY, COOKIE, SIGNED_IN, TheCaller, require_same_site
from api.dependencies import TheServed
from api.web.language import COOKIE as LANGUAGE_COOKIE
from api.web.language import COOKIE_TTL_S, languages
from api.web.navigation import home_of
from api.web.refused import show_refusal
from api.web.screen import TheScreen
from ledger.errors import LedgerError

router = APIRouter(include_in_schema=False)

HOME = "/"
"""Leads each officer on to what they see first."""

Next = Annotated[str, Form()]


@router.get("/", dependencies=[ANYBODY])
def show_start(screen: TheScreen) -> Response:
    """Lead on: officers to what they see first, others to the door."""
    return screen.go("/sign-in" if screen.caller is None else home_of(screen.caller))


@router.get("/sign-in", dependencies=[ANYBODY])
def show_sign_in(screen: TheScreen, next: str = HOME) -> Response:  # noqa: A002 - the address says next
    """Show the door; whoever is inside already is led on."""
    if screen.caller is not None:
        return screen.go(ours(next))
    return screen.show("sign_in.html", next=ours(next), code=None)


@router.post("/sign-in", dependencies=[ANYBODY])
def sign_in(
    request: Request,
    found: TheServed,
    screen: TheScreen,
    staff_number: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=256)],
    next: Next = HOME,  # noqa: A002 - as above
) -> Response:
    """Sign in with staff number and password."""
    answer = screen.go(ours(next))
    try:
        entering.with_password(request, answer, found, staff_number, password)
    except LedgerError as refusal:
        return show_refusal(screen, refusal, "sign_in.html", next=ours(next))
    return answer


@router.get("/invitation", dependencies=[ANYBODY])
def show_invitation(screen: TheScreen) -> Response:
    """Show where the code of an invitation becomes a password."""
    return screen.show("invitation.html", code=None)


@router.post("/invitation", dependencies=[ANYBODY])
def accept_invitation(
    request: Request,
    found: TheServed,
    screen: TheScreen,
    invitation: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=256)],
) -> Response:
    """Set a password with the code of an invitation, and sign in."""
    answer = screen.go(HOME)
    try:
        entering.with_invitation(request, answer, found, invitation, password)
    except LedgerError as refusal:
        return show_refusal(screen, refusal, "invitation.html")
    return answer


@router.post("/demo", dependencies=[ANYBODY])
def enter_demo(request: Request, found: TheServed, screen: TheScreen) -> Response:
    """Be the inspector of a demo ledger."""
    answer = screen.go(HOME)
    entering.to_demo(request, answer, found)
    return answer


@router.post("/sign-out", dependencies=[SIGNED_IN])
def sign_out(found: TheServed, caller: TheCaller, screen: TheScreen) -> Response:
    """End this session."""
    if caller.session is not None:
        found.door.sign_out(caller.session, caller.officer_id, found.clock.now_s())
    answer = screen.go("/sign-in")
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.post("/language", dependencies=[ANYBODY])
def choose_language(
    request: Request,
    screen: TheScreen,
    to: Annotated[str, Form()],
    next: Next = HOME,  # noqa: A002 - as above
) -> Response:
    """Keep to a language from now on."""
    require_same_site(request)
    answer = screen.go(ours(next))
    if to in languages():
        answer.set_cookie(
            LANGUAGE_COOKIE, to, max_age=COOKIE_TTL_S, httponly=True, samesite="strict"
        )
    return answer


def ours(address: str) -> str:
    """Return an address if it is one of ours: nobody is led elsewhere from here."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return HOME
    plain = address.startswith("/") and not address.startswith(("//", "/\\"))
    printable = address.isprintable() and "\\" not in address
    return address if plain and printable and not parts.scheme and not parts.netloc else HOME
