"""The tree of unions: every organisation with its money in figures, unfolded level by level."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import READ, TheReach
from api.dependencies import TheReadModel
from api.web.asked import TheMomentOnPage, Word
from api.web.screen import TheScreen
from projections.asked import Moment
from projections.figures import Figures, figures, total
from projections.organisations import Organisation, Tree, tree_on
from projections.surplus import Surplus, surplus, years

router = APIRouter(include_in_schema=False)

ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Row:
    """An organisation in the tree. `figures` are of all below it too, unless it is shown alone."""

    organisation: Organisation
    depth: int
    figures: Figures
    children: int
    unfolded: bool


@router.get("/organisations", dependencies=[READ])
def show_tree(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    unfolded: Word = None,
    figures_of: Word = None,
) -> Response:
    """Show the organisations within reach, the first level and what was unfolded of the others.

    `unfolded` holds codes with commas between them; `figures_of=alone` leaves out who is below.
    """
    tree = tree_on(model, moment.as_of)
    own = figures(model, reach.ids, moment)
    opened = set((unfolded or "").split(",")) - {""}
    tops = [each for each in tree.among(reach.ids) if each.parent_id not in reach.ids]
    summed = own if figures_of == ALONE else _subtrees(tree, tops, own)
    rows = [row for top in tops for row in _rows(tree, top, summed, opened, 0)]
    return screen.show(
        "organisations/tree.html",
        rows=rows,
        sum=total(own.values()),
        opened=opened,
        alone=figures_of == ALONE,
        moment=moment,
        surplus=_surplus_of_tops(model, tree, tops, moment),
    )


def _rows(
    tree: Tree, at: Organisation, summed: Mapping[UUID, Figures], opened: set[str], depth: int
) -> list[Row]:
    children = tree.children(at.organisation_id)
    # The first level stands open: who sees one organisation alone came for what is below it.
    unfolded = bool(children) and (depth == 0 or at.code in opened)
    row = Row(at, depth, summed.get(at.organisation_id, Figures()), len(children), unfolded)
    if not unfolded:
        return [row]
    return [row, *(r for child in children for r in _rows(tree, child, summed, opened, depth + 1))]


def _subtrees(
    tree: Tree, tops: list[Organisation], own: Mapping[UUID, Figures]
) -> dict[UUID, Figures]:
    """Add up each organisation with all below it, from the leaves upwards."""
    summed: dict[UUID, Figures] = {}
    for top in tops:
        for id_ in reversed(tree.subtree(top.organisation_id)):
            of = own.get(id_, Figures())
            for child in tree.children(id_):
                of += summed[child.organisation_id]
            summed[id_] = of
    return summed


def _surplus_of_tops(
    model: Connection, tree: Tree, tops: list[Organisation], moment: Moment
) -> Surplus | None:
    ids = [id_ for top in tops for id_ in tree.subtree(top.organisation_id)]
    opened = years(model, ids)
    return surplus(model, ids, opened[0], moment) if opened else None
