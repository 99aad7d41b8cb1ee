"""Samples: planned out of the ledger's filter, and drawn by a checkpoint that nobody knew."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from api.callers import OBSERVE, READ, Reach, TheReach
from api.conditions import asked_of
from api.dependencies import TheLedger, TheReadModel
from api.file_answer import CSV, file_answer
from api.payees import payees_of
from api.sampling import (
    payments_at,
    read_conditions,
    sample_within,
    universe_now,
    universe_of,
    verified,
    written_conditions,
)
from api.v1 import forms
from api.web.asked import Word
from api.web.given import Given, TheFields, formed
from api.web.language import N_, Language
from api.web.ledger_filter import NAMES, Filter, TheFilter, in_words, value_words
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from api.web.words import term
from api.within import organisation_within
from ledger.commands.samples import Plan, draw_sample, plan_sample, seeding_checkpoint
from ledger.domain.officer import OBSERVERS
from ledger.domain.sample import SIZE_MAX, Condition, Method, Stratum
from ledger.domain.values import Money, yuan_text
from ledger.errors import LedgerError
from ledger.store.application import Ledger
from projections.disbursements import Disbursement
from projections.exports.delimited import lines
from projections.exports.table import Cell, Column, Kind, Table
from projections.organisations import Tree, staff_numbers, tree_on
from projections.samples import SampleView, sample_list
from projections.turnover import payment_totals

router = APIRouter(include_in_schema=False)

PAGE = "samples/plan.html"
SIZE_USUAL = 60
TITLES = (
    (N_("凭据"), Kind.TEXT),
    (N_("单位"), Kind.TEXT),
    (N_("类别"), Kind.TEXT),
    (N_("方式"), Kind.TEXT),
    (N_("金额"), Kind.MONEY),
    (N_("状态"), Kind.TEXT),
    (N_("日志位置"), Kind.COUNT),
    (N_("发放编号"), Kind.TEXT),
)


class PlanForm(forms.Form):
    """What is asked beside the conditions, which stand in the address."""

    title: forms.Text
    organisation: forms.Code
    method: Method
    size: Annotated[int, Field(ge=1, le=SIZE_MAX)]
    stratum: Stratum | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A payment that was drawn, with its payee masked."""

    payment: Disbursement
    payee: str | None


@router.get("/samples", dependencies=[READ])
def show_samples(
    screen: TheScreen, model: TheReadModel, reach: TheReach, the_ledger: TheLedger
) -> Response:
    """List samples, the last planned first; those that nobody has drawn are among them."""
    found = sample_list(model, organisation_ids=reach.ids)
    return screen.show(
        "samples/list.html",
        samples=[(each, seeding_checkpoint(the_ledger, each.sample_id)) for each in found],
        tree=tree_on(model),
        may=_may(screen),
    )


@router.get("/samples/new", dependencies=[OBSERVE])
def show_planning(
    screen: TheScreen, model: TheReadModel, reach: TheReach, chosen: TheFilter
) -> Response:
    """Show from which payments a sample would be drawn: the filter of the ledger, as it stands."""
    shown = _planning(screen, model, reach, chosen, Given())
    return screen.show(PAGE, code=None, **shown)


@router.post("/samples/new", dependencies=[OBSERVE])
def plan(
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    chosen: TheFilter,
) -> Response:
    """Fix a sample before its seed exists."""
    try:
        form = formed(PlanForm, given, screen.language)
        tree = tree_on(model)
        organisation_within(tree, reach, form.organisation)
        asked = _of_payments(chosen).having(organisation=form.organisation)
        conditions = written_conditions(asked.conditions(tree))
        stratum = None if form.stratum is None else form.stratum.value
        universe = universe_now(model, conditions, stratum)
        order = Plan(
            form.title, form.organisation, conditions, form.method, form.size, form.stratum
        )
        answer = plan_sample(the_ledger, acting.act(), order, universe)
    except LedgerError as refusal:
        shown = _planning(screen, model, reach, chosen, given)
        return show_above(screen, refusal, PAGE, **shown)
    return screen.go(f"/samples/{answer.result['sample_id']}", N_("抽样方案已记入账本。"))


@router.get("/samples/{sample_id}.csv", dependencies=[READ])
def export_sample(
    sample_id: UUID, screen: TheScreen, model: TheReadModel, reach: TheReach
) -> Response:
    """Write what was drawn as a table; nobody is named in it."""
    view = sample_within(model, reach, sample_id)
    drawn = () if view.draw is None else view.draw.drawn
    tree, say = tree_on(model), screen.language.say
    table = Table(
        title=view.title,
        columns=[Column(say(title), kind) for title, kind in TITLES],
        rows=[_row(each, tree, screen.language) for each in payments_at(model, drawn)],
        facts=_facts(view, tree, screen.language),
    )
    return file_answer(lines(table), CSV, "sample.csv")


@router.get("/samples/{sample_id}", dependencies=[READ])
def show_sample(
    sample_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    again: Word = None,
) -> Response:
    """Show a plan, its seed and what was drawn; `again` draws it again and compares."""
    view = sample_within(model, reach, sample_id)
    return screen.show(
        "samples/sample.html", code=None, **_told(screen, model, the_ledger, view, again=again)
    )


@router.post("/samples/{sample_id}/draw", dependencies=[OBSERVE])
def draw(
    sample_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
) -> Response:
    """Draw a sample by the first checkpoint that was published after its plan."""
    view = sample_within(model, reach, sample_id)
    try:
        universe = universe_of(model, view.conditions, view.known_to, view.stratum)
        draw_sample(the_ledger, acting.act(), sample_id, universe.units)
    except LedgerError as refusal:
        told = _told(screen, model, the_ledger, view)
        return show_above(screen, refusal, "samples/sample.html", **told)
    return screen.go(f"/samples/{sample_id}", N_("样本已抽出，并记入账本。"))


def _may(screen: Screen) -> bool:
    return screen.caller is not None and screen.caller.holds_any(OBSERVERS)


def _of_payments(chosen: Filter) -> Filter:
    """Return what is asked of payments, as known when the plan is made."""
    return chosen.without("kind", "as_of", "at", "newest")


def _planning(
    screen: Screen, model: Connection, reach: Reach, chosen: Filter, given: Given
) -> dict[str, Any]:
    tree = tree_on(model)
    asked = _of_payments(chosen)
    conditions = asked.conditions(tree)
    known = payment_totals(model, asked_of(model, conditions, tree, reach))
    within = tree.among(reach.ids)
    top = next((each.code for each in within if each.parent_id not in reach.ids), "")
    return {
        "given": given,
        "asked": asked,
        "words": in_words(screen.language, asked.without("organisation"), tree),
        "found": sum(each.count for each in known),
        "found_fen": sum(each.total_fen for each in known),
        "choices": within,
        "organisation": given.get("organisation") or conditions.organisation or top,
        "methods": list(Method),
        "strata": list(Stratum),
        "size_usual": SIZE_USUAL,
        "size_max": SIZE_MAX,
    }


def _told(
    screen: Screen,
    model: Connection,
    ledger: Ledger,
    view: SampleView,
    again: str | None = None,
) -> dict[str, Any]:
    tree = tree_on(model)
    drawn = () if view.draw is None else payments_at(model, view.draw.drawn)
    payees = payees_of(ledger, (each.disbursement_id for each in drawn))
    return {
        "sample": view,
        "checkpoint": seeding_checkpoint(ledger, view.sample_id),
        "rows": [Drawn(each, payees[each.disbursement_id].name) for each in drawn],
        "tree": tree,
        "staff": staff_numbers(model),
        "conditions": _conditions(view.conditions, tree, screen.language),
        "verified": verified(model, ledger, view) if again else None,
        "may": _may(screen),
    }


def _conditions(
    written: tuple[Condition, ...], tree: Tree, language: Language
) -> list[tuple[str, str]]:
    """Say the conditions of a plan in words, the union first."""
    asked = read_conditions(written)
    order = {name: number for number, name in enumerate(NAMES)}
    said = []
    for each in written:
        name = {"least_fen": "least", "most_fen": "most"}.get(each.name, each.name)
        value = each.value
        if name != each.name:
            value = yuan_text(Money(getattr(asked, each.name)))
        said.append((name, value_words(language, name, value, tree)))
    said.sort(key=lambda each: order[each[0]])
    return [(language.say(NAMES[name]), value) for name, value in said]


def _row(each: Disbursement, tree: Tree, language: Language) -> list[Cell]:
    place = tree.by_id.get(each.organisation_id)
    return [
        f"{each.batch_code}-{each.number}",
        "" if place is None else place.name,
        language.say(each.category),
        language.say(each.channel),
        each.amount_fen,
        term(language, "payment", each.status),
        each.position,
        str(each.disbursement_id),
    ]


def _facts(view: SampleView, tree: Tree, language: Language) -> list[tuple[str, str]]:
    say = language.say
    facts = [
        (say(N_("方法")), term(language, "sampling", view.method)),
        *_conditions(view.conditions, tree, language),
        (say(N_("总体截至日志位置")), str(view.known_to)),
        (say(N_("总体笔数")), str(view.universe_count)),
        (say(N_("总体 SHA-256")), view.universe_sha256),
    ]
    if view.draw is not None:
        facts += [
            (say(N_("作种子的检查点")), str(view.draw.checkpoint_size)),
            (say(N_("作种子的根哈希")), view.draw.root),
        ]
    return facts
