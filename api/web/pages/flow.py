"""The flow of funds: a drawing in which every band leads to the list behind it, and those lists."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import MAXYEAR
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from sqlalchemy import Connection

from api.callers import READ, Reach, TheReach
from api.dependencies import ThePage, TheReadModel
from api.web import flow_nodes
from api.web.asked import Number, TheMomentOnPage, Word
from api.web.flow_nodes import Band, Node, Picture, picture
from api.web.language import N_
from api.web.sankey import draw
from api.web.screen import TheScreen
from api.within import organisation_within
from ledger.domain.values import WHOLE_BP
from projections.allocations import Passing, allocation_list
from projections.asked import Moment
from projections.balances import earmarks, fund_accounts
from projections.flow_of_funds import Flow, Origin, Period, Stop, flow_of_funds
from projections.organisations import Organisation, Tree, tree_on
from projections.surplus import years

router = APIRouter(include_in_schema=False)

LEVELS, LEVELS_MAX = 2, 4
EVERY_YEAR = 0

Condition = tuple[str, str, int | str | None]
"""What a list is narrowed to: a parameter, its name in words, and its value."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose flow, of which year and purpose. `year` 0 asks for all years, none for the latest."""

    organisation: Word = None
    year: Number = None
    earmark: Word = None


TheAsked = Annotated[Asked, Depends()]


@dataclass(frozen=True, slots=True)
class Question:
    """What an address asks for, within what the officer may see."""

    tree: Tree
    tops: list[Organisation]
    chosen: Organisation | None
    ids: list[UUID]
    years: list[int]
    period: Period
    earmark: str | None

    def query(self, **more: object) -> str:
        """Return the question as an address has it, with what a list is further narrowed to."""
        named = {
            "year": EVERY_YEAR if self.period.year is None else self.period.year,
            "earmark": self.earmark,
            "as_of": self.period.moment.as_of,
            "at": self.period.moment.at,
        }
        given = {name: value for name, value in (named | more).items() if value is not None}
        return urlencode(given)

    def ledger(self, organisation: Organisation | None, alone: str | None, status: str) -> str:
        """Return where the payments stand that a figure counts."""
        until = self.period.until
        given: dict[str, object | None] = {
            "organisation": None if organisation is None else organisation.code,
            "alone": alone,
            "status": status,
            "since": self.period.since if status == flow_nodes.PAID else None,
            "as_of": until.as_of,
            "at": until.at,
        }
        return "/ledger?" + urlencode({n: v for n, v in given.items() if v is not None})


def question(model: Connection, reach: Reach, moment: Moment, asked: Asked) -> Question:
    """Read what is asked for.

    Raises:
        NotOnRecord: No such organisation.
        OutsideReach: It is not within reach.
    """
    tree = tree_on(model, moment.as_of, moment.at)
    chosen = None
    tops = [each for each in tree.among(reach.ids) if each.parent_id not in reach.ids]
    if asked.organisation is not None:
        chosen = organisation_within(tree, reach, asked.organisation)
        tops = [chosen]
    ids = [id_ for top in tops for id_ in tree.subtree(top.organisation_id)]
    opened = years(model, ids)
    year = asked.year if asked.year is not None else (opened[0] if opened else EVERY_YEAR)
    period = Period(year if 1900 <= year < MAXYEAR else None, moment)  # noqa: PLR2004 - of dates, with those beside
    return Question(tree, tops, chosen, ids, opened, period, asked.earmark)


@router.get("/flow", dependencies=[READ])
def show_flow(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    asked: TheAsked,
    levels: Number = None,
    folded: Word = None,
) -> Response:
    """Draw where the money came from, through whom it went, and where it is now.

    `folded=none` shows the small organisations too.
    """
    of = question(model, reach, moment, asked)
    flow = flow_of_funds(model, of.ids, of.period, of.earmark)
    shown = min(max(levels or LEVELS, 1), LEVELS_MAX)
    drawn = picture(flow, of.tree, of.tops, levels=shown, unfolded=folded == "none")
    links = Links(of, screen.having(folded="none"))
    return screen.show(
        "flow/flow.html",
        of=of,
        choices=of.tree.among(reach.ids),
        earmarks=earmarks(model),
        levels=shown,
        levels_max=LEVELS_MAX,
        folded=folded,
        picture=drawn,
        drawing=draw(drawn),
        links=links,
        share=lambda fen: share(fen, drawn),
        sums=sums(flow),
        others=[node for layer in drawn.layers for node in layer if node.kind == "others"],
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """The whole flow in a few figures."""

    carried_fen: int
    received_fen: int
    came_down_fen: int
    paid_fen: int
    in_transit_fen: int
    returned_fen: int
    in_hand_fen: int
    passed_on_fen: int
    remitted_fen: int


def sums(flow: Flow) -> Sums:
    """Add the flow up; what was passed on within it stays within it."""
    stops = flow.stops.values()
    inside = sum(fen for pair, fen in flow.passed.items() if all(id_ in flow.stops for id_ in pair))
    return Sums(
        sum(sum(stop.opening.values()) for stop in stops),
        sum(sum(stop.received.values()) for stop in stops),
        sum(stop.came_down_fen for stop in stops) - inside,
        sum(stop.paid_fen for stop in stops),
        sum(stop.in_transit_fen for stop in stops),
        sum(stop.returned_fen for stop in stops),
        sum(stop.in_hand_fen for stop in stops),
        sum(stop.passed_on_fen for stop in stops) - inside,
        sum(stop.remitted_fen for stop in stops),
    )


def share(fen: int, drawn: Picture) -> int | None:
    """Return an amount's share of all that came in, in basis points; None where nothing did."""
    whole = drawn.came_in_fen
    return (2 * fen * WHOLE_BP + whole) // (2 * whole) if whole > 0 else None


class Links:
    """Where nodes and bands lead: to the list of what they count, or to a closer look."""

    def __init__(self, of: Question, unfolded: str) -> None:
        self._of = of
        self._unfolded = unfolded

    def of_node(self, node: Node) -> str:
        if node.kind == flow_nodes.OTHERS:
            return self._unfolded
        if node.organisation is not None:
            code = node.organisation.code
            if node.organisation in self._of.tops:
                return f"/organisations?{self._of.query(unfolded=code)}"
            return f"/flow?{self._of.query(organisation=code)}"
        return self._list(node, None)

    def of_band(self, band: Band) -> str:
        if flow_nodes.OTHERS in (band.start.kind, band.end.kind):
            return self._unfolded
        if band.start.organisation is not None and band.end.organisation is not None:
            return self._passed(band.start, band.end)
        if band.start.organisation is not None:
            return self._list(band.end, band.start)
        return self._list(band.start, band.end)

    def of_sum(self, what: str) -> str:
        """Return where a figure of the whole flow is listed, by the name that it has in `Sums`."""
        tops = self._of.tops
        code = tops[0].code if len(tops) == 1 else None
        if what in ("carried", "received"):
            since = {"carried": "yes", "received": "no"}[what]
            carried = None if self._of.period.year is None else since
            return f"/flow/receipts?{self._of.query(organisation=code, carried=carried)}"
        if what in ("came_down", "passed_on"):
            side = {"taker" if what == "came_down" else "giver": code}
            return f"/flow/allocations?{self._of.query(organisation=code, **side)}"
        if what == flow_nodes.IN_HAND:
            return f"/flow/holdings?{self._of.query(organisation=code)}"
        if what == flow_nodes.REMITTED:
            return _remitted(code)
        return self._of.ledger(self._of.chosen, None, what)

    def _list(self, what: Node, place: Node | None) -> str:
        """Return where the money is listed that stands at the left or right edge."""
        organisation = self._of.chosen if place is None else place.organisation
        alone = "yes" if place is not None and place.alone else None
        if what.kind in (flow_nodes.PAID, flow_nodes.IN_TRANSIT, flow_nodes.RETURNED):
            return self._of.ledger(organisation, alone, what.kind)
        if what.kind == flow_nodes.ABOVE:
            return self._passed(None, place)
        if what.kind == flow_nodes.ELSEWHERE:
            return self._passed(place, None)
        code = None if organisation is None else organisation.code
        if what.kind == flow_nodes.REMITTED:
            return _remitted(code)
        if what.kind == flow_nodes.IN_HAND:
            return f"/flow/holdings?{self._of.query(organisation=code, alone=alone)}"
        narrowed = self._of.query(
            organisation=code, alone=alone, vintage=what.vintage, source=what.source
        )
        return f"/flow/receipts?{narrowed}"

    def _passed(self, giver: Node | None, taker: Node | None) -> str:
        given: dict[str, str | None] = {}
        for name, node in (("giver", giver), ("taker", taker)):
            if node is not None and node.organisation is not None:
                given[name] = node.organisation.code
                given[f"{name}_alone"] = "yes" if node.alone else None
        chosen = None if self._of.chosen is None else self._of.chosen.code
        return f"/flow/allocations?{self._of.query(organisation=chosen, **given)}"


def _remitted(code: str | None) -> str:
    return "/remittances" + ("" if code is None else f"?{urlencode({'organisation': code})}")


@dataclass(frozen=True, slots=True)
class Held:
    """Money of one document at one organisation; `carried` is from before the year."""

    organisation: Organisation
    origin: Origin
    amount_fen: int
    carried: bool


def listed(
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    asked: TheAsked,
    alone: Word = None,
) -> tuple[Question, Flow]:
    """Read what a list is of; `alone` leaves out those below the organisation."""
    of = question(model, reach, moment, asked)
    if alone and of.chosen is not None:
        of = replace(of, ids=[of.chosen.organisation_id])
    return of, flow_of_funds(model, of.ids, of.period, of.earmark)


TheListed = Annotated[tuple[Question, Flow], Depends(listed)]


@router.get("/flow/receipts", dependencies=[READ])
def show_receipts(
    screen: TheScreen,
    found: TheListed,
    vintage: Number = None,
    source: Word = None,
    carried: Word = None,
    earlier: Word = None,
) -> Response:
    """List what was carried over or came from outside, by organisation and document.

    `carried` is `yes` for what was there when the year began, `no` for what came in since;
    `earlier` is `yes` for what came in since of money that was given for earlier years.
    """
    of, flow = found
    came_in = (
        *_held(of, flow, lambda stop: stop.opening, lambda _: True),
        *_held(of, flow, lambda stop: stop.received, lambda _: False),
    )
    rows = [
        each
        for each in sorted(came_in, key=_order)
        if (vintage is None or (each.carried and each.origin.vintage == vintage))
        and (
            source is None
            or (each.origin.source == source and (carried is not None or not each.carried))
        )
        and carried in (None, "yes" if each.carried else "no")
        and (earlier is None or (not each.carried and of.period.is_earlier(each.origin)))
    ]
    conditions = [*_conditions(vintage, source)]
    if carried is not None:
        conditions.append(("carried", N_("年初结转") if carried == "yes" else N_("收入"), None))
    if earlier is not None:
        conditions.append(("earlier", N_("以前年度资金本年到账"), None))
    return screen.show(
        "flow/lots.html", of=of, rows=rows, returned=0, what="receipts", conditions=conditions
    )


def _conditions(vintage: int | None, source: str | None) -> Iterator[Condition]:
    """Name what a list is narrowed to, each to be taken away."""
    if vintage is not None:
        yield "vintage", N_("来款年度"), vintage
    if source is not None:
        yield "source", N_("资金来源"), source


@router.get("/flow/holdings", dependencies=[READ])
def show_holdings(screen: TheScreen, found: TheListed, vintage: Number = None) -> Response:
    """List what organisations hold, by the document that it came in by, the oldest first."""
    of, flow = found
    returned = sum(stop.returned_fen for stop in flow.stops.values()) if vintage is None else 0
    rows = [
        each
        for each in sorted(
            _held(of, flow, lambda stop: stop.held, of.period.is_earlier), key=_order
        )
        if vintage in (None, each.origin.vintage)
    ]
    return screen.show(
        "flow/lots.html",
        of=of,
        rows=rows,
        returned=returned,
        what="holdings",
        conditions=[*_conditions(vintage, None)],
    )


@router.get("/flow/allocations", dependencies=[READ])
def show_allocations(
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    moment: TheMomentOnPage,
    asked: TheAsked,
    giver: Word = None,
    giver_alone: Word = None,
    taker: Word = None,
    taker_alone: Word = None,
) -> Response:
    """List what was passed on: by whom, to whom, under which document."""
    of = question(model, reach, moment, asked)
    every = set(of.tree.by_id)
    outside = every - set(of.ids)
    givers = _those(of.tree, reach, giver, giver_alone) if giver else (outside if taker else every)
    takers = _those(of.tree, reach, taker, taker_alone) if taker else (outside if giver else every)
    funds = None
    if of.earmark is not None:
        funds = [each.fund_id for each in fund_accounts(model, earmark=of.earmark)]
    found = allocation_list(
        model,
        of.period.until,
        organisation_ids=of.ids,
        asked=Passing(givers, takers, funds, of.period.since),
        after=page.after,
        limit=page.limit + 1,
    )
    shown, further = page.cut(found)
    return screen.show("flow/allocations.html", of=of, allocations=shown, next=further)


def _those(tree: Tree, reach: Reach, code: str, alone: str | None) -> list[UUID]:
    named = organisation_within(tree, reach, code)
    return [named.organisation_id] if alone else tree.subtree(named.organisation_id)


def _held(
    of: Question,
    flow: Flow,
    figures: Callable[[Stop], Mapping[UUID, int]],
    carried: Callable[[Origin], bool],
) -> Iterator[Held]:
    for id_, stop in flow.stops.items():
        for origin_id, fen in figures(stop).items():
            if fen:
                origin = flow.origins[origin_id]
                yield Held(of.tree.by_id[id_], origin, fen, carried(origin))


def _order(row: Held) -> tuple[int, str, str]:
    return row.origin.vintage, row.origin.document, row.organisation.code
