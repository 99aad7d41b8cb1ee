"""The ledger: movements of money by one question, for table, totals, chart and facets alike."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import READ, Reach, TheReach
from api.conditions import asked_of
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.payees import payees_of
from api.recorded import Recorded
from api.web.asked import Empty, Word
from api.web.language import N_, Language
from api.web.ledger_filter import (
    ALL,
    CONCERNS,
    NAMES,
    Filter,
    Shown,
    Standing,
    TheFilter,
    in_words,
    moment_words,
    value_words,
)
from api.web.ledger_table import totals
from api.web.periods import Chart, chart_of
from api.web.screen import Screen, TheScreen
from api.web.words import term
from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from ledger.domain.values import Money
from ledger.store.application import Ledger
from projections import facets
from projections.asked import Moment
from projections.facets import Facet, day_sums, facet
from projections.movements import Kind
from projections.organisations import Organisation, Tree, staff_numbers, tree_on
from projections.turnover import EVER, Asked, Movement, movement_list, sums

router = APIRouter(include_in_schema=False)

FacetName = StrEnum("FacetName", {name: name for name in facets.NAMES})  # type: ignore[misc]
"""The facets there are."""

HAPPENED = {kind.value: ever.value for ever, kind in EVER.items()}
FURTHER = ("status", "channel", "batch", "document", "vintage", "officer", "as_of", "at")
"""Conditions whose fields are folded away while they are empty."""

OPTIONS_MAX = 100
FOUND_MAX = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A movement as it is shown: whom it concerns is masked, who recorded it is a staff number."""

    movement: Movement
    payee: str | None
    recorded_at: str
    officer: str | None


@dataclass(frozen=True, slots=True)
class Option:
    """A value by which the question can be narrowed: a link, and what it leaves."""

    words: str
    address: str
    chosen: bool
    found: Facet


@dataclass(frozen=True, slots=True)
class Menu:
    """The options of a facet; `more` is how many are not listed."""

    name: str
    options: Sequence[Option]
    more: int
    sought: str


@router.get("/ledger", dependencies=[READ])
def show_ledger(
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    chosen: TheFilter,
    the_ledger: TheLedger,
    facet: Annotated[FacetName | None, Empty] = None,
    sought: Word = None,
    chart: Word = None,
) -> Response:
    """List movements in the order of the log, and what they come to."""
    tree = tree_on(model, chosen.as_of, chosen.at)
    asked = asked_of(model, chosen.conditions(tree), tree, reach)
    found = movement_list(
        model,
        asked,
        chosen.moment,
        after=page.after,
        limit=page.limit + 1,
        newest_first=chosen.newest is not None,
    )
    shown, further = page.cut(found)
    at = page.at if chosen.at is None else min(chosen.at, page.at)
    known = sums(model, asked, chosen.moment, upto=page.at)
    return screen.show(
        "ledger/ledger.html",
        asked=chosen,
        rows=list(_rows(the_ledger, model, shown)),
        totals=totals(screen.language, known, asked.kinds),
        tree=tree,
        kinds=list(Shown),
        channels=list(Channel),
        statuses=list(Standing),
        facets=[each for each in facets.NAMES if _concerns(each, chosen)],
        names=NAMES,
        value_words=lambda name, value: value_words(screen.language, name, value, tree),
        words=in_words(screen.language, chosen, tree),
        moment_words=moment_words(screen.language, chosen.moment, at),
        at=at,
        newest_at=the_ledger.size() - 1,
        more_open=any(getattr(chosen, name) is not None for name in FURTHER),
        beside_words=screen.language.say(N_("、")).join(
            screen.language.say(NAMES[name]) for name in chosen.beside_the_point()
        ),
        sort_words=lambda of: _sort_words(screen.language, of),
        opened=_menu(screen, model, chosen, tree, reach, facet, sought or ""),
        chart=_chart(model, asked, chosen.moment) if chart else None,
        programs=chosen.for_programs(tree),
        next=further,
    )


@router.get("/ledger/facets/{name}", dependencies=[READ])
def show_facet(
    name: FacetName,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    chosen: TheFilter,
    sought: Word = None,
) -> Response:
    """Show by what the question can be narrowed, for a page that opens the menu."""
    tree = tree_on(model, chosen.as_of, chosen.at)
    opened = _menu(screen, model, chosen, tree, reach, name, sought or "")
    return screen.show("ledger/facet.html", asked=chosen, opened=opened, names=NAMES)


@router.get("/ledger/chart", dependencies=[READ])
def show_chart(
    screen: TheScreen, model: TheReadModel, reach: TheReach, chosen: TheFilter
) -> Response:
    """Show amounts over time, of the same question."""
    tree = tree_on(model, chosen.as_of, chosen.at)
    asked = asked_of(model, chosen.conditions(tree), tree, reach)
    chart = _chart(model, asked, chosen.moment)
    return screen.show(
        "ledger/chart.html",
        chart=chart,
        sort_words=lambda of: _sort_words(screen.language, of),
    )


@router.get("/ledger/organisations", dependencies=[READ])
def find_organisations(
    screen: TheScreen, model: TheReadModel, reach: TheReach, organisation: Word = None
) -> Response:
    """Find organisations within reach by a part of their code or name, while it is typed."""
    tree = tree_on(model)
    found = _named(tree, reach, organisation or "")
    return screen.show("ledger/organisations.html", found=found[:FOUND_MAX])


def _rows(ledger: Ledger, model: Connection, shown: Sequence[Movement]) -> Iterator[Row]:
    recorded = Recorded(ledger).of_all(shown)
    staff = staff_numbers(model)
    payees = payees_of(ledger, (each.disbursement_id for each in shown if each.disbursement_id))
    for movement, (at, officer_id) in zip(shown, recorded, strict=True):
        payment = movement.disbursement_id
        payee = None if payment is None else payees[payment].name
        officer = None if officer_id is None else staff.get(officer_id)
        yield Row(movement, payee, at, officer)


def _sort_words(language: Language, of: str) -> str:
    return term(language, "payment" if of in set(Status) else "movement", of)


def _chart(model: Connection, asked: Asked, moment: Moment) -> Chart:
    return chart_of(day_sums(model, asked, moment))


def _concerns(name: str, chosen: Filter) -> bool:
    """Say whether a condition makes sense for what is shown."""
    return chosen.shown == ALL or Kind(chosen.shown) in CONCERNS.get(name, Kind)


def _menu(
    screen: Screen,
    model: Connection,
    chosen: Filter,
    tree: Tree,
    reach: Reach,
    name: str | None,
    sought: str,
) -> Menu | None:
    """Return the values of a facet, each as a link that sets it, with what it leaves.

    They are counted under all other conditions, so one can go over from one value to another.
    """
    if name is None:
        return None
    if not _concerns(name, chosen):
        return Menu(name, [], 0, sought)
    others = chosen.without(name)
    asked = asked_of(model, others.conditions(tree), tree, reach)
    asked = replace(asked, kinds=asked.kinds & CONCERNS.get(name, asked.kinds))
    found = facet(model, asked, name, chosen.moment)
    if name == "organisation":
        options = _organisations(chosen, tree, reach, found)
    else:
        options = _options(screen.language, chosen, tree, model, name, found)
    matching = [each for each in options if sought.lower() in each.words.lower()]
    return Menu(name, matching[:OPTIONS_MAX], max(0, len(matching) - OPTIONS_MAX), sought)


def _options(
    language: Language,
    chosen: Filter,
    tree: Tree,
    model: Connection,
    name: str,
    found: Sequence[Facet],
) -> list[Option]:
    values = [each.value for each in found]
    if name == "officer":
        staff = staff_numbers(model)
        values = [staff[UUID(bytes=value)] for value in values]
    if name == "ever":
        values = [HAPPENED[value] for value in values]
    return [
        Option(
            value_words(language, name, str(value), tree),
            chosen.having(**{name: value}).address(),
            str(getattr(chosen, name) or "") == str(value),
            each,
        )
        for value, each in zip(values, found, strict=True)
    ]


def _organisations(
    chosen: Filter, tree: Tree, reach: Reach, found: Sequence[Facet]
) -> list[Option]:
    """Return organisations, with all below them where nothing is counted twice by that.

    An allocation belongs to its giver and its taker, so there each stands for itself alone.
    """
    alone = chosen.alone is not None or Kind.ALLOCATION in chosen.kinds()
    sums = {UUID(bytes=each.value): each for each in found}
    if not alone:
        sums = _rolled_up(tree, found)
    return [
        Option(
            f"{each.code} {each.name}",
            chosen.having(organisation=each.code, alone="yes" if alone else None).address(),
            chosen.organisation == each.code,
            sums[each.organisation_id],
        )
        for each in tree.among(reach.ids)
        if each.organisation_id in sums
    ]


def _rolled_up(tree: Tree, found: Sequence[Facet]) -> dict[UUID, Facet]:
    counts: Counter[UUID] = Counter()
    amounts: Counter[UUID] = Counter()
    for each in found:
        at: UUID | None = UUID(bytes=each.value)
        while at is not None:
            counts[at] += each.count
            amounts[at] += each.total_fen
            at = tree.by_id[at].parent_id
    return {id_: Facet(id_.bytes, counts[id_], Money(amounts[id_])) for id_ in counts}


def _named(tree: Tree, reach: Reach, part: str) -> list[Organisation]:
    wanted = part.strip().lower()
    return [each for each in tree.among(reach.ids) if wanted in f"{each.code} {each.name}".lower()]
