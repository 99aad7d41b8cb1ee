"""The tree of unions: every organisation with its money in figures, unfolded level by level."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.known import Known, TheKept
from api.web.asked import Number, TheMomentOnPage, Word
from api.web.behind import Behind
from api.web.old_money import followed_of
from api.web.screen import TheScreen
from projections.asked import Moment
from projections.figures import Figures, figures, total
from projections.findings.finding import Severity
from projections.followed_lots import Consumption, consumption
from projections.organisations import Organisation, Tree

router = APIRouter(include_in_schema=False)

ALONE = "alone"
CHILDREN_MAX = 200
"""Of one organisation at once; more are a link away."""


class Dot(StrEnum):
    """How an organisation stands, told by a sign and a word."""

    PROVED = "proved"
    UNPROVED = "unproved"
    FAILING = "failing"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Sums:
    """What is known of an organisation, alone or with all below it.

    `unanswered_since` is the first day of a card payment that the bank has not answered; `findings`
    are open ones, `errors` those of them that must be put right.
    """

    figures: Figures = field(default_factory=Figures)
    unanswered_since: str | None = None
    pays_by_card: bool = False
    findings: int = 0
    errors: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        since = [each for each in (self.unanswered_since, other.unanswered_since) if each]
        return Sums(
            self.figures + other.figures,
            min(since, default=None),
            self.pays_by_card or other.pays_by_card,
            self.findings + other.findings,
            self.errors + other.errors,
        )

    @property
    def dot(self) -> Dot:
        of = self.figures
        if self.errors:
            return Dot.FAILING
        if of.in_transit_fen:
            return Dot.UNPROVED
        return Dot.PROVED if of.received_fen or of.came_down_fen else Dot.STALE

    def proved_up_to(self, day: date) -> date | None:
        """Return up to when the bank answered every card payment; None where there is none."""
        if self.unanswered_since is not None:
            return date.fromisoformat(self.unanswered_since) - timedelta(days=1)
        return day if self.pays_by_card else None


@dataclass(frozen=True, slots=True)
class Row:
    """An organisation in the tree; `hidden` is how many of its children are a link away."""

    organisation: Organisation
    depth: int
    sums: Sums
    old: Consumption
    behind: Behind
    children: int
    unfolded: bool
    hidden: int = 0


@router.get("/organisations", dependencies=[READ])
def show_tree(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    the_ledger: TheLedger,
    kept: TheKept,
    unfolded: Word = None,
    figures_of: Word = None,
    rows: Number = None,
) -> Response:
    """Show the organisations within reach, the first level and what was unfolded of the others.

    `unfolded` holds codes with commas between them; `figures_of=alone` leaves out who is below;
    `rows` is how many children are shown of one organisation.
    """
    known = kept.known(model, the_ledger, moment, screen.today)
    money = figures(model, reach.ids, moment)
    tops = [each for each in known.tree.among(reach.ids) if each.parent_id not in reach.ids]
    alone = figures_of == ALONE
    ids = [id_ for top in tops for id_ in known.tree.subtree(top.organisation_id)]
    own = {id_: _own(known, id_, money) if id_ in reach.ids else Sums() for id_ in ids}
    opened = frozenset((unfolded or "").split(",")) - {""}
    shown = _Shown(
        known,
        reach.ids,
        own if alone else _subtrees(known.tree, tops, own),
        opened,
        moment,
        alone=alone,
        children_max=rows or CHILDREN_MAX,
    )
    return screen.show(
        "organisations/tree.html",
        rows=[row for top in tops for row in shown.rows(top, 0)],
        sum=total([each.figures for each in own.values()]),
        old=consumption(followed_of(known, reach.ids)),
        behind=Behind(None, alone=False, moment=moment),
        opened=opened,
        alone=alone,
        moment=moment,
        known=known,
        findings=sum(each.findings for each in own.values()),
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """What of the tree is shown; who it was under on another day is shown to who sees it today."""

    known: Known
    seen: frozenset[UUID]
    summed: Mapping[UUID, Sums]
    opened: frozenset[str]
    moment: Moment
    alone: bool
    children_max: int

    def rows(self, at: Organisation, depth: int) -> Iterator[Row]:
        tree, id_ = self.known.tree, at.organisation_id
        children = [each for each in tree.children(id_) if each.organisation_id in self.seen]
        # The first level stands open: who sees one organisation alone came for what is below it.
        unfolded = bool(children) and (depth == 0 or at.code in self.opened)
        ids = [id_] if self.alone else tree.subtree(id_)
        row = Row(
            at,
            depth,
            self.summed[id_],
            consumption(followed_of(self.known, self.seen.intersection(ids))),
            Behind(at.code, self.alone, self.moment),
            len(children),
            unfolded,
        )
        if not unfolded:
            yield row
            return
        yield replace(row, hidden=max(0, len(children) - self.children_max))
        for child in children[: self.children_max]:
            yield from self.rows(child, depth + 1)


def _own(known: Known, id_: UUID, money: Mapping[UUID, Figures]) -> Sums:
    found = known.found.counted.get(id_, {})
    return Sums(
        money.get(id_, Figures()),
        known.unanswered_since.get(id_),
        id_ in known.card_payers,
        sum(found.values()),
        found.get(Severity.ERROR, 0),
    )


def _subtrees(tree: Tree, tops: list[Organisation], own: Mapping[UUID, Sums]) -> dict[UUID, Sums]:
    """Add up each organisation with all below it, from the leaves upwards."""
    summed: dict[UUID, Sums] = {}
    for top in tops:
        for id_ in reversed(tree.subtree(top.organisation_id)):
            of = own[id_]
            for child in tree.children(id_):
                of += summed[child.organisation_id]
            summed[id_] = of
    return summed
