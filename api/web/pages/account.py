"""One's own account: posts, sessions, passkeys, tokens for programs, and language."""

from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.access.refusals import NotSignedIn
from api.callers import COOKIE, SIGNED_IN, Caller, TheCaller
from api.dependencies import TheReadModel, TheServed
from api.v1.forms import Code
from api.v1.session import DAY_S, PasskeyId, TokenForm
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
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
    _require_session(caller)
    try:
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
    passkey_id: PasskeyId, screen: TheScreen, acting: TheActingOnPage, found: TheServed
) -> Response:
    """Forget a passkey of one's own."""
    _require_session(acting.caller)
    found.door.remove_passkey(acting.caller.officer_id, passkey_id, found.clock.now_s())
    return screen.go("/my-account", N_("通行密钥已删除。"))


@router.post("/my-account/sessions/ending", dependencies=[SIGNED_IN])
def end_sessions(screen: TheScreen, acting: TheActingOnPage, found: TheServed) -> Response:
    """End all one's sessions and tokens, on every device; this one too."""
    me = acting.caller.officer_id
    found.door.sign_out_everywhere(me, me, found.clock.now_s())
    answer = screen.go("/sign-in")
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _require_session(caller: Caller) -> None:
    """Check that a browser asks: a token makes no tokens, and removes no passkeys."""
    if caller.session is None:
        raise NotSignedIn


def _shown(caller: Caller, model: Connection, found: TheServed) -> dict[str, Any]:
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
    }
