"""Signing in and out, passkeys, tokens, and what the caller may do."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import ConfigDict, Field, model_validator

from api import entering
from api.callers import ANYBODY, COOKIE, SIGNED_IN, TheCaller
from api.dependencies import Served, served
from api.edge.one_thread import InOneThread
from api.problems import RESPONSES
from api.v1.forms import Code, Form, Text
from api.v1.models import Answer, Id
from ledger.domain.officer import Officer

router = APIRouter(route_class=InOneThread, tags=["access"], responses=RESPONSES)

TOKEN_DAYS_MAX = 366
DAY_S = 24 * 3600

TheDoor = Annotated[Served, Depends(served)]
PasskeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["0f3c5a7e9b1d2f4a"])]
Password = Annotated[
    str, Field(min_length=1, max_length=256, json_schema_extra={"format": "password"})
]


class SignInForm(Form):
    staff_number: Code = Field(examples=["S0001"])
    password: Password


class InvitationForm(Form):
    """The code that a security administrator handed over, and the password that is to be."""

    code: str = Field(min_length=1, max_length=200)
    password: Password


class CredentialForm(Form):
    """What `navigator.credentials` answered, as `PublicKeyCredential.toJSON()` writes it."""

    label: Text = Field(default="passkey", examples=["办公室电脑"])
    credential: dict[str, Any]


class PresenceForm(Form):
    """One of the two: the caller's password, or what a passkey of theirs answered."""

    password: Password | None = None
    credential: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.password is None) is (self.credential is None):
            raise ValueError("give the password, or a passkey's answer")
        return self


class TokenForm(Form):
    label: Text = Field(examples=["每日对账"])
    read_only: bool = True
    days: int = Field(default=30, ge=1, le=TOKEN_DAYS_MAX)


class Post(Answer):
    organisation_id: Id
    role: str


class Me(Answer):
    """Who is signed in, the posts that they hold today, and their keys in force."""

    officer_id: Id
    staff_number: str
    posts: list[Post]
    key_ids: list[str]


class Session(Answer):
    """A session of one's own; `this` is the one that asks. Times are seconds since 1970."""

    opened_by: str = Field(examples=["password"])
    opened_at_s: int
    seen_at_s: int
    this: bool


class Passkey(Answer):
    passkey_id: str = Field(examples=["0f3c5a7e9b1d2f4a"])
    label: str
    added_at_s: int


class Token(Answer):
    token_id: str
    label: str
    read_only: bool
    issued_at_s: int
    expires_at_s: int
    used_at_s: int | None


class IssuedToken(Token):
    token: str = Field(description="Shown this once; send it as `Authorization: Bearer`.")


class Options(Answer):
    """Options for `navigator.credentials`, as W3C WebAuthn writes them."""

    model_config = ConfigDict(extra="allow")
    challenge: str


@router.post("/session", dependencies=[ANYBODY])
def sign_in(form: SignInForm, request: Request, response: Response, found: TheDoor) -> Me:
    """Sign in with staff number and password; a session starts anew."""
    caller = entering.with_password(request, response, found, form.staff_number, form.password)
    return show_me(caller, found)


@router.post("/session/invitation", dependencies=[ANYBODY])
def accept_invitation(
    form: InvitationForm, request: Request, response: Response, found: TheDoor
) -> Me:
    """Set a password with the code of an invitation, and sign in."""
    caller = entering.with_invitation(request, response, found, form.code, form.password)
    return show_me(caller, found)


@router.post("/session/passkey/options", dependencies=[ANYBODY])
def passkey_options(found: TheDoor) -> Options:
    """Ask for what a passkey is to answer."""
    return Options.model_validate(found.door.passkeys.signing_in(found.clock.now_s()))


@router.post("/session/passkey", dependencies=[ANYBODY])
def sign_in_with_passkey(
    form: CredentialForm, request: Request, response: Response, found: TheDoor
) -> Me:
    """Sign in with what a passkey answered."""
    caller = entering.with_passkey(request, response, found, form.credential)
    return show_me(caller, found)


@router.post("/session/demo", dependencies=[ANYBODY])
def sign_in_to_demo(request: Request, response: Response, found: TheDoor) -> Me:
    """Be the inspector of a demo ledger. On any other ledger there is nobody to be."""
    return show_me(entering.to_demo(request, response, found), found)


@router.get("/session", dependencies=[SIGNED_IN])
def show_me(caller: TheCaller, found: TheDoor) -> Me:
    """Show who is signed in."""
    officer = found.ledger.load(Officer, caller.officer_id)
    keys = {} if officer is None else officer.keys
    return Me(
        officer_id=caller.officer_id,
        staff_number=caller.staff_number,
        posts=[Post(organisation_id=place, role=role) for place, role in sorted(caller.posts)],
        key_ids=sorted(key_id for key_id, key in keys.items() if key.in_force),
    )


@router.delete("/session", status_code=204, dependencies=[SIGNED_IN])
def sign_out(caller: TheCaller, response: Response, found: TheDoor) -> None:
    """End this session."""
    if caller.session is not None:
        found.door.sign_out(caller.session, caller.officer_id, found.clock.now_s())
    response.delete_cookie(COOKIE, path="/")


@router.post("/session/presence", status_code=204, dependencies=[SIGNED_IN])
def prove_presence(form: PresenceForm, request: Request, caller: TheCaller, found: TheDoor) -> None:
    """Show anew who one is, as tokens and passkeys ask for (access.presence_not_proved).

    Good for ten minutes, as signing in is. A passkey answers what it does to sign in
    (`POST /v1/session/passkey/options`).
    """
    shown = form.password if form.password is not None else form.credential or {}
    entering.prove_presence(request, found, caller, shown)


@router.get("/sessions", dependencies=[SIGNED_IN])
def list_sessions(caller: TheCaller, found: TheDoor) -> list[Session]:
    """List one's own sessions that have not ended, the last opened first."""
    opened = found.door.sessions.list_of(caller.officer_id, caller.session, found.clock.now_s())
    return [Session.model_validate(each) for each in opened]


@router.delete("/sessions", status_code=204, dependencies=[SIGNED_IN])
def sign_out_everywhere(
    caller: TheCaller,
    response: Response,
    found: TheDoor,
    *,
    passkeys: Annotated[bool, Query(description="Forget one's passkeys, too.")] = False,
) -> None:
    """End all one's sessions and tokens, on every device. Passkeys stay, unless they are named."""
    if passkeys:
        entering.require_present(found, caller)
    me, now_s = caller.officer_id, found.clock.now_s()
    found.door.sign_out_everywhere(me, me, now_s, passkeys=passkeys)
    response.delete_cookie(COOKIE, path="/")


@router.post("/passkeys/options", dependencies=[SIGNED_IN])
def new_passkey_options(caller: TheCaller, found: TheDoor) -> Options:
    """Ask for what a new passkey is to answer. Asks for presence (`POST /v1/session/presence`)."""
    entering.require_present(found, caller)
    return Options.model_validate(
        found.door.passkeys.adding(caller.officer_id, caller.staff_number, found.clock.now_s())
    )


@router.post("/passkeys", status_code=204, dependencies=[SIGNED_IN])
def add_passkey(form: CredentialForm, caller: TheCaller, found: TheDoor) -> None:
    """Keep a new passkey of one's own."""
    entering.require_present(found, caller)
    now_s = found.clock.now_s()
    found.door.passkeys.add(caller.officer_id, form.label, form.credential, now_s)
    found.door.journal.add("passkey.added", now_s, officer_id=caller.officer_id)


@router.get("/passkeys", dependencies=[SIGNED_IN])
def list_passkeys(caller: TheCaller, found: TheDoor) -> list[Passkey]:
    """List one's own passkeys, the first added first."""
    return [Passkey.model_validate(each) for each in found.door.passkeys.list_of(caller.officer_id)]


@router.delete("/passkeys/{passkey_id}", status_code=204, dependencies=[SIGNED_IN])
def remove_passkey(passkey_id: PasskeyId, caller: TheCaller, found: TheDoor) -> None:
    """Forget a passkey of one's own: what holds it lets nobody in any more."""
    entering.require_present(found, caller)
    found.door.remove_passkey(caller.officer_id, passkey_id, found.clock.now_s())


@router.get("/tokens", dependencies=[SIGNED_IN])
def list_tokens(caller: TheCaller, found: TheDoor) -> list[Token]:
    """List one's tokens; their texts were shown once."""
    return [Token.model_validate(each) for each in found.door.tokens.list_of(caller.officer_id)]


@router.post("/tokens", status_code=201, dependencies=[SIGNED_IN])
def issue_token(form: TokenForm, caller: TheCaller, found: TheDoor) -> IssuedToken:
    """Make a token of one's own for a program. It asks for presence, so a token makes no tokens."""
    entering.require_present(found, caller)
    text, token = found.door.issue_token(
        caller.officer_id,
        label=form.label,
        read_only=form.read_only,
        ttl_s=form.days * DAY_S,
        now_s=found.clock.now_s(),
    )
    return IssuedToken(token=text, **Token.model_validate(token).model_dump())


@router.delete("/tokens/{token_id}", status_code=204, dependencies=[SIGNED_IN])
def revoke_token(token_id: Code, caller: TheCaller, found: TheDoor) -> None:
    """End a token of one's own."""
    found.door.revoke_token(caller.officer_id, token_id, found.clock.now_s())
