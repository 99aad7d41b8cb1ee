"""Officers: who is on the register, their posts, keys and way in, and what administrators do."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Form, Response
from sqlalchemy import Connection

from api.acting import Acting, Prepared, Signed, TheActing, prepared
from api.callers import CONFIRM, KEEP_SECURITY, KEEP_SYSTEM, SIGNED_IN, watched_officers
from api.dependencies import ThePage, TheReadModel, TheServed
from api.histories import vouched_keys
from api.inviting import administers, invite_officer, require_not_inviter, sign_out_officer
from api.v1 import forms
from api.v1.officers import KeyId
from api.web.asked import Word
from api.web.given import Given, TheFields, cleaned, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from ledger.commands.officer_keys import CONFIRMING, KeyConfirmation, confirm_key
from ledger.commands.officer_names import masked_name, officers_named
from ledger.commands.officers import (
    SECURITY,
    SYSTEM,
    NewOfficer,
    Post,
    end_role,
    grant_role,
    prepare_grant,
    register_officer,
)
from ledger.domain.officer import ADMINISTRATORS, Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.errors import LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import NotOnRecord
from projections.asked import PAGE_ROWS_MAX
from projections.keys import officer_keys
from projections.officers import OfficerLine, Question, officers_found
from projections.organisations import Tree, staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

LIST, ONE = "admin/officers.html", "admin/officer.html"

Typed = Annotated[dict[str, str], Body()]
SIGNED = frozenset(Signed.model_fields)
"""Fields of a form that the officer's own program fills in."""


@router.get("/admin/officers", dependencies=[SIGNED_IN])
def show_officers(
    screen: TheScreen,
    model: TheReadModel,
    found: TheServed,
    page: ThePage,
    staff_number: Word = None,
    organisation: Word = None,
    role: Word = None,
) -> Response:
    """List officers by how their staff number begins, and by a post that they hold today."""
    tree = tree_on(model)
    place = None if organisation is None else tree.by_code.get(organisation)
    ids = [organisation_id(organisation or "")] if place is None else [place.organisation_id]
    asked = Question(screen.today, staff_number, ids if organisation else None, role)
    lines = officers_found(model, asked, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(lines)
    return screen.show(
        LIST,
        code=None,
        given=Given(),
        next=further,
        **_listed(screen, model, found, shown, asked, organisation),
    )


@router.post("/admin/officers/search", dependencies=[CONFIRM])
def find_by_name(
    screen: TheScreen,
    model: TheReadModel,
    found: TheServed,
    name: Annotated[str, Form(max_length=200)],
) -> Response:
    """Find officers by their whole name; it stands in no address and no log."""
    named = officers_named(found.ledger, name.strip(), staff_numbers(model))
    asked = Question(screen.today, officer_ids=named)
    lines = officers_found(model, asked)
    listed = _listed(screen, model, found, lines, asked, None)
    return screen.show(LIST, code=None, given=Given(), next=None, **listed)


@router.post("/admin/officers", dependencies=[KEEP_SYSTEM])
def register(
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Put an officer on the register; posts are given by a security administrator."""
    try:
        form = formed(forms.OfficerForm, given, screen.language)
        order = NewOfficer(form.staff_number, form.name)
        register_officer(found.ledger, acting.act(form.happened_on), order)
    except LedgerError as refusal:
        asked = Question(screen.today)
        listed = _listed(screen, model, found, officers_found(model, asked), asked, None)
        return show_above(screen, refusal, LIST, given=given, next=None, **listed)
    return screen.go(f"/admin/officers/{officer_id(form.staff_number)}", N_("人员已登记。"))


@router.get("/admin/officers/{officer_id}", dependencies=[SIGNED_IN])
def show_officer(
    officer_id: UUID, screen: TheScreen, model: TheReadModel, found: TheServed
) -> Response:
    """Show an officer's posts, keys and way in."""
    return screen.show(
        ONE,
        code=None,
        given=Given(),
        form="",
        invitation=None,
        **_shown(screen, model, found, officer_id),
    )


@router.post("/admin/officers/{officer_id}/posts/preparation", dependencies=[KEEP_SECURITY])
def prepare_post(
    officer_id: UUID, screen: TheScreen, acting: TheActing, typed: Typed, found: TheServed
) -> Prepared:
    """Prepare what the administrator is to sign of a post; nothing is written."""
    order, day = _post(officer_id, cleaned(typed), screen)
    return prepared(prepare_grant(found.ledger, acting.act(day), order))


@router.post("/admin/officers/{officer_id}/posts", dependencies=[KEEP_SECURITY])
def give_post(
    officer_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Give an officer a post at an organisation, named by its code."""
    shown = _shown(screen, model, found, officer_id)
    try:
        order, day = _post(officer_id, given, screen)
        grant_role(found.ledger, _vouching(acting, given, screen, day), order)
    except LedgerError as refusal:
        return _again(screen, refusal, shown, given, "post")
    return screen.go(f"/admin/officers/{officer_id}", N_("岗位已授予。"))


@router.post("/admin/officers/{officer_id}/post-endings", dependencies=[KEEP_SECURITY])
def end_post(
    officer_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """End a post of an officer on a day."""
    shown = _shown(screen, model, found, officer_id)
    try:
        form = formed(forms.PostEndForm, given, screen.language)
        order = Post(officer_id, form.organisation_id, form.role)
        end_role(found.ledger, acting.act(form.happened_on), order)
    except LedgerError as refusal:
        return _again(screen, refusal, shown, given, "posts")
    return screen.go(f"/admin/officers/{officer_id}", N_("岗位已免去。"))


@router.post("/admin/officers/{officer_id}/invitations", dependencies=[KEEP_SECURITY])
def invite(
    officer_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Make a code with which the officer sets a password; it is shown this once."""
    shown = _shown(screen, model, found, officer_id)
    code = invite_officer(found, acting.caller, officer_id)
    staff, now_s = shown["officer"].staff_number, found.clock.now_s()
    shown["standing"] = found.door.standing(officer_id, staff, now_s)
    return screen.show(ONE, code=None, given=Given(), form="", invitation=code, **shown)


@router.post("/admin/officers/{officer_id}/sign-outs", dependencies=[KEEP_SECURITY])
def sign_out(
    officer_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    found: TheServed,
) -> Response:
    """End all sessions and tokens of an officer."""
    sign_out_officer(found, acting.caller, officer_id)
    return screen.go(
        f"/admin/officers/{officer_id}", N_("其全部会话和令牌已结束，通行密钥已删除。")
    )


@router.post("/admin/officers/{officer_id}/keys/{key_id}/confirmation", dependencies=[CONFIRM])
def confirm(
    officer_id: UUID,
    key_id: KeyId,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Confirm that a key is this officer's; not one's own, nor of somebody whom one invited."""
    shown = _shown(screen, model, found, officer_id)
    try:
        require_not_inviter(found, officer_id, key_id, acting.caller.officer_id)
        order = KeyConfirmation(officer_id, key_id)
        confirm_key(found.ledger, _vouching(acting, given, screen), order)
    except LedgerError as refusal:
        return _again(screen, refusal, shown, Given(), "keys")
    return screen.go(f"/admin/officers/{officer_id}", N_("密钥已确认，可以签名了。"))


def _post(officer_id: UUID, given: Given, screen: Screen) -> tuple[Post, date | None]:
    """Return the post that a form asks for, and the day from which on.

    Raises:
        FieldsUnreadable: Something is missing, or not written as it should be.
    """
    place = {"organisation_id": organisation_id(given["organisation"])}
    typed = {name: given[name] for name in given.keys() - SIGNED - {"organisation"}}
    form = formed(forms.PostForm, {**typed, **place}, screen.language)
    return Post(officer_id, form.organisation_id, form.role, form.until), form.happened_on


def _vouching(acting: Acting, given: Given, screen: Screen, day: date | None = None) -> CommandAct:
    """Return the act, signed if the form is; an unsigned one the command refuses."""
    if not given.keys() >= SIGNED:
        # Its day counts as that of the signed one, or a form that is sent twice would be another.
        return replace(acting.act(day), dated=False)
    signed = formed(Signed, {name: given[name] for name in SIGNED}, screen.language)
    return acting.signed(signed, any_day=day is not None)


def _again(
    screen: Screen, refusal: LedgerError, shown: dict[str, Any], given: Given, form: str
) -> Response:
    """Show the officer's page with a refusal above the form that brought it about."""
    return show_above(screen, refusal, ONE, given=given, form=form, invitation=None, **shown)


def _listed(
    screen: Screen,
    model: Connection,
    found: TheServed,
    lines: list[OfficerLine],
    asked: Question,
    organisation: str | None,
) -> dict[str, Any]:
    now_s = found.clock.now_s()
    seen = _seen_at_door(screen, model, [each.officer_id for each in lines])
    standings = {
        each.officer_id: found.door.standing(each.officer_id, each.staff_number, now_s)
        for each in lines
        if each.officer_id in seen
    }
    return {
        "lines": lines,
        "standings": standings,
        "now_s": now_s,
        "asked": asked,
        "organisation": organisation,
        "tree": tree_on(model),
        "roles": list(Role),
        "today": screen.today,
        "may": _may(screen),
    }


def _shown(screen: Screen, model: Connection, found: TheServed, officer: UUID) -> dict[str, Any]:
    lines = officers_found(model, Question(screen.today, officer_ids=[officer]))
    if not lines:
        raise NotOnRecord("officer", officer)
    line, now_s = lines[0], found.clock.now_s()
    may, tree = _may(screen) | _may_of(screen, found, officer), tree_on(model)
    seen = _seen_at_door(screen, model, [officer])
    return {
        "officer": line,
        "name": masked_name(found.ledger, line.position) if "see_name" in may else None,
        "keys": officer_keys(model, owner_id=officer, limit=PAGE_ROWS_MAX),
        "vouched": vouched_keys(found.ledger, model),
        "standing": found.door.standing(officer, line.staff_number, now_s) if seen else None,
        "now_s": now_s,
        "staff": staff_numbers(model),
        "governed": _governed(screen, tree),
        "tree": tree,
        "roles": list(Role),
        "today": screen.today,
        "may": may,
    }


def _seen_at_door(screen: Screen, model: Connection, officers: list[UUID]) -> set[UUID]:
    """Return of whom the caller sees when they came: administrators, who watches them, oneself."""
    caller = screen.caller
    if caller is None:
        return set()
    if caller.holds_any(ADMINISTRATORS):
        return set(officers)
    watched = watched_officers(caller, model)
    return {
        each for each in officers if each == caller.officer_id or watched is None or each in watched
    }


def _may(screen: Screen) -> set[str]:
    """Return what the caller's posts let them do here: what the routes below ask for."""
    caller = screen.caller
    asked = {
        "register": SYSTEM,
        "posts": SECURITY,
        "search": CONFIRMING,
        "see_name": ADMINISTRATORS,
    }
    return (
        set() if caller is None else {act for act, held in asked.items() if caller.holds_any(held)}
    )


def _may_of(screen: Screen, found: TheServed, officer: UUID) -> set[str]:
    """Return what the caller may do to one officer: they administer each place where that acts."""
    caller = screen.caller
    asked = {"let_in": SECURITY, "confirm": CONFIRMING}
    return (
        set()
        if caller is None
        else {
            act
            for act, roles in asked.items()
            if caller.holds_any(roles) and administers(found, caller, officer, roles)
        }
    )


def _governed(screen: Screen, tree: Tree) -> set[UUID]:
    """Return the organisations at which the caller gives posts and ends them."""
    places = set() if screen.caller is None else screen.caller.places(SECURITY)
    return {below for place in places for below in tree.subtree(place)}
