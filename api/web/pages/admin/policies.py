"""Policies: every adoption side by side with what differs, and adopting a corrected reading."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from api.callers import APPROVE, SIGNED_IN
from api.dependencies import TheLedger, TheReadModel
from api.policy_terms import terms_of
from api.web.asked import Day, Empty
from api.web.given import Given, TheFields
from api.web.policy_form import given_of, numbers, policy_of
from api.web.policy_table import table_of
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from ledger.commands.policies import APPROVERS, PolicyOfAnother
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel, LimitName, Policy, PolicyNotInForce, policy_id
from ledger.errors import LedgerError
from ledger.evidence.envelope import decode
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import PAGE_ROWS_MAX
from projections.organisations import (
    Organisation,
    Tree,
    key_custodies,
    staff_numbers,
    tree_on,
)
from projections.policies import Adoption, adoption_list

router = APIRouter(include_in_schema=False)

HERE, FORM = "/admin/policies", "admin/policy_form.html"
CONFIDENCES = ("certain", "stated", "uncertain")

Another = Annotated[UUID | None, Empty, Query(alias="with")]
From = Annotated[UUID | None, Empty, Query(alias="from")]


@dataclass(frozen=True, slots=True)
class Signer:
    staff_number: str
    custody: str


@dataclass(frozen=True, slots=True)
class Span:
    """The days on which an adoption counts, the last included; None where no other follows."""

    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Column:
    """An adoption: which one of its policy, where it is on record, and who signed it."""

    terms: Policy.Adopted
    number: int
    position: int
    signers: tuple[Signer, ...]
    in_force: bool
    periods: tuple[Span, ...]


@router.get(HERE, dependencies=[SIGNED_IN])
def show_policies(screen: TheScreen, model: TheReadModel) -> Response:
    """List policies, each with its last adoption and how many there were."""
    last: dict[UUID, Adoption] = {}
    counted: dict[UUID, int] = {}
    for each in adoption_list(model, limit=PAGE_ROWS_MAX):
        last[each.policy_id] = each
        counted[each.policy_id] = counted.get(each.policy_id, 0) + 1
    return screen.show(
        "admin/policies.html",
        policies=list(last.values()),
        counted=counted,
        organisations=tree_on(model).by_id,
        adopts=_adopts(screen),
    )


@router.get(f"{HERE}/adoption", dependencies=[APPROVE])
def show_form(
    screen: TheScreen, model: TheReadModel, the_ledger: TheLedger, began: From = None
) -> Response:
    """Show the form of a policy, filled in with the version in force where one is named."""
    given = Given()
    if began is not None:
        policy = _policy(the_ledger, began)
        given = given_of(_in_force(policy, screen.today))
        if policy.organisation_id is not None:
            given["organisation_code"] = tree_on(model).by_id[policy.organisation_id].code
    return screen.show(FORM, code=None, **_asked(given))


@router.post(f"{HERE}/adoption", dependencies=[APPROVE])
def preview(
    screen: TheScreen, given: TheFields, model: TheReadModel, the_ledger: TheLedger
) -> Response:
    """Show what a policy would change, to be signed; nothing is written."""
    shown = _asked(given)
    try:
        form = policy_of(given, screen.language)
        proposed = terms_of(form)
        proposed.require_each_once()
        known = the_ledger.load(Policy, policy_id(form.code))
        place = _place(screen, tree_on(model), known, form.organisation_code)
    except LedgerError as refusal:
        return show_above(screen, refusal, FORM, **shown)
    before = [] if known is None else [_in_force(known, screen.today)]
    shown |= {
        "rows": table_of([*before, proposed]),
        "before": before,
        "policy": form.model_dump_json(),
        "policy_id": policy_id(form.code),
        "place": place,
    }
    return screen.show(FORM, code=None, **shown)


@router.get(f"{HERE}/{{policy_id}}", dependencies=[SIGNED_IN])
def show_policy(
    policy_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    the_ledger: TheLedger,
    another: Another = None,
    on: Day = None,
) -> Response:
    """Show a policy's adoptions as columns, another policy's after them, and which is in force."""
    day = on or screen.today
    columns = _columns(the_ledger, model, policy_id, day)
    others = [] if another in (None, policy_id) else _columns(the_ledger, model, another, day)
    named = {each.policy_id: each for each in adoption_list(model, limit=PAGE_ROWS_MAX)}
    return screen.show(
        "admin/policy.html",
        policy_id=policy_id,
        policies=list(named.values()),
        another=another,
        on=on,
        day_asked=day,
        columns=[*columns, *others],
        rows=table_of([each.terms for each in (*columns, *others)]),
        adopts=_adopts(screen),
    )


def _columns(ledger: Ledger, model: Connection, policy: UUID, day: date) -> list[Column]:
    loaded = _policy(ledger, policy)
    try:
        counts: Policy.Adopted | None = loaded.in_force_on(day)
    except PolicyNotInForce:
        counts = None
    staff, custodies = staff_numbers(model), key_custodies(model)
    listed = [
        each for each in adoption_list(model, limit=PAGE_ROWS_MAX) if each.policy_id == policy
    ]
    periods = loaded.periods()
    ends = [*(since - timedelta(days=1) for since, _ in periods[1:]), None]
    columns = []
    for number, (terms, on_record) in enumerate(zip(loaded.adoptions, listed, strict=False), 1):
        ((_, _, envelope),) = ledger.log.select_states(on_record.position, 1)
        owners = [custodies.get(each.keyid) for each in decode(envelope).signatures]
        signers = tuple(Signer(staff.get(each[0], ""), each[1]) for each in owners if each)
        spans = tuple(
            Span(since, until)
            for (since, adopted), until in zip(periods, ends, strict=True)
            if adopted is terms
        )
        columns.append(Column(terms, number, on_record.position, signers, terms is counts, spans))
    return columns


def _policy(ledger: Ledger, policy: UUID) -> Policy:
    found = ledger.load(Policy, policy)
    if found is None:
        raise NotOnRecord("policy", policy)
    return found


def _in_force(policy: Policy, day: date) -> Policy.Adopted:
    """Return what counts on the day; where nothing does yet, what was adopted last."""
    try:
        return policy.in_force_on(day)
    except PolicyNotInForce:
        return policy.adoptions[-1]


def _place(
    screen: Screen, tree: Tree, known: Policy | None, named: str | None
) -> Organisation | None:
    """Return for which organisation it will be; None for all, of a policy that did not say.

    Raises:
        NotOnRecord: There is none of that code.
        PolicyOfAnother: The policy is another's.
    """
    if named is not None and named not in tree.by_code:
        raise NotOnRecord("organisation", organisation_id(named))
    if known is not None:
        place = tree.by_id.get(known.organisation_id) if known.organisation_id else None
        if place is not None and named not in (None, place.code):
            raise PolicyOfAnother(known.code, known.organisation_id, organisation_id(named or ""))
        return place
    if named is not None:
        return tree.by_code[named]
    posts = () if screen.caller is None else screen.caller.posts
    places = [place for place, role in posts if role in APPROVERS and place in tree.by_id]
    return tree.by_id[min(sorted(places), key=lambda id_: len(tree.line(id_)))] if places else None


def _asked(given: Given) -> dict[str, Any]:
    """Return what the form shows of what was typed; nothing is previewed yet."""
    return {
        "given": given,
        "categories": numbers(given, "c"),
        "deadlines": numbers(given, "d"),
        "limits": numbers(given, "l"),
        "limit_names": list(LimitName),
        "channels": list(Channel),
        "confidences": CONFIDENCES,
        "rows": None,
        "before": [],
        "policy": None,
        "policy_id": None,
        "place": None,
    }


def _adopts(screen: Screen) -> bool:
    return screen.caller is not None and screen.caller.holds_any(APPROVERS)
