"""One's own account: posts, sessions, passkeys, tokens for programs, and language."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Connection

from api import entering
from api.access.refusals import NotSignedIn, PresenceNotProved, SignInFailed, TooManyTries
from api.callers import COOKIE, SIGNED_IN, Caller, TheCaller
from api.dependencies import Served, TheReadModel, TheServed
from api.v1.forms import Code
from api.v1.session import DAY_S, PasskeyId, TokenForm
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from ledger.errors import LedgerError
from projections.asked import PAGE_ROWS_MAX
from projections.keys import officer_keys
from projections.officers import tenures
from projections.organisations import staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

SESSIONS_SHOWN = 8
"""The others are folded: on a phone they would push all else away."""

PAGE = "account.html"


@router.get("/my-account", dependencies=[SIGNED_IN])
def show_account(
    screen: TheScreen, caller: TheCaller, model: TheReadModel, found: TheServed
) -> Response:
    """Show one's own account."""
    return screen.show(PAGE, code=None, given=Given(), token=None, **_shown(caller, model, found))


@router.post("/my-account/tokens", dependencies=[SIGNED_IN])
def make_token(
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Make a token for a program; its text is shown this once."""
    caller = acting.caller
    try:
        entering.require_present(found, caller)
        typed = {**given, "read_only": given["read_only"] != "no"}
        form = formed(TokenForm, typed, screen.language)
    except LedgerError as refusal:
        shown = _shown(caller, model, found)
        return show_above(screen, refusal, PAGE, given=given, token=None, **shown)
    text, _ = found.door.issue_token(
        caller.officer_id,
        label=form.label,
        read_only=form.read_only,
        ttl_s=form.days * DAY_S,
        now_s=found.clock.now_s(),
    )
    shown = _shown(caller, model, found)
    return screen.show(PAGE, code=None, given=Given(), token=text, **shown)


@router.post("/my-account/tokens/{token_id}/revocation", dependencies=[SIGNED_IN])
def revoke_token(
    token_id: Code, screen: TheScreen, acting: TheActingOnPage, found: TheServed
) -> Response:
    """End a token of one's own."""
    found.door.revoke_token(acting.caller.officer_id, token_id, found.clock.now_s())
    return screen.go("/my-account", N_("令牌已作废。"))


@router.post("/my-account/passkeys/{passkey_id}/removal", dependencies=[SIGNED_IN])
def remove_passkey(
    passkey_id: PasskeyId,
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Forget a passkey of one's own."""
    try:
        entering.require_present(found, acting.caller)
    except PresenceNotProved as refusal:
        return _refused(screen, refusal, acting.caller, model, found)
    found.door.remove_passkey(acting.caller.officer_id, passkey_id, found.clock.now_s())
    return screen.go("/my-account", N_("通行密钥已删除。"))


@router.post("/my-account/sessions/ending", dependencies=[SIGNED_IN])
def end_sessions(
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    found: TheServed,
    passkeys: Annotated[str, Form(max_length=3)] = "no",
) -> Response:
    """End all one's sessions and tokens, on every device; this one too, and passkeys if wanted."""
    me, too = acting.caller.officer_id, passkeys == "yes"
    try:
        if too:
            entering.require_present(found, acting.caller)
    except PresenceNotProved as refusal:
        return _refused(screen, refusal, acting.caller, model, found)
    found.door.sign_out_everywhere(me, me, found.clock.now_s(), passkeys=too)
    answer = screen.go("/sign-in")
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.post("/my-account/presence", dependencies=[SIGNED_IN])
def prove_presence(
    request: Request,
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    found: TheServed,
    password: Annotated[str, Form(max_length=256)],
) -> Response:
    """Show anew who one is, by the password; a passkey's answer goes to the interface."""
    try:
        entering.prove_presence(request, found, acting.caller, password)
    except (SignInFailed, TooManyTries) as refusal:
        return _refused(screen, refusal, acting.caller, model, found)
    return screen.go("/my-account", N_("已确认是您本人，十分钟内可以办理。"))


def _refused(
    screen: Screen, refusal: LedgerError, caller: Caller, model: Connection, found: Served
) -> Response:
    shown = _shown(caller, model, found)
    return show_above(screen, refusal, PAGE, given=Given(), token=None, **shown)


def _shown(caller: Caller, model: Connection, found: Served) -> dict[str, Any]:
    me, now_s = caller.officer_id, found.clock.now_s()
    return {
        "tenures": tenures(model, [me]).get(me, []),
        "tree": tree_on(model),
        "keys": officer_keys(model, owner_id=me, limit=PAGE_ROWS_MAX),
        "staff": staff_numbers(model),
        "sessions": found.door.sessions.list_of(me, caller.session, now_s),
        "sessions_shown": SESSIONS_SHOWN,
        "passkeys": found.door.passkeys.list_of(me),
        "tokens": found.door.tokens.list_of(me),
        "now_s": now_s,
        "present": _is_present(caller, found),
    }


def _is_present(caller: Caller, found: Served) -> bool:
    try:
        entering.require_present(found, caller)
    except (NotSignedIn, PresenceNotProved):
        return False
    return True
