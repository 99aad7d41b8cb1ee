"""The list behind figures of old money: each document's opening surplus, and what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.known import TheKept
from api.web.asked import Number, TheMomentOnPage, Word
from api.web.old_money import followed_of
from api.web.screen import TheScreen
from api.within import organisation_within
from projections.followed_lots import (
    Consumption,
    FollowedLot,
    LotOrigin,
    consumption,
    lot_origins,
    owned_once,
)
from projections.organisations import Organisation, Tree
from projections.surplus import years

router = APIRouter(include_in_schema=False)

PAGE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Row:
    """What an organisation had of one document's money when the year was opened, and used of it."""

    organisation: Organisation
    vintage: int
    origin: LotOrigin
    of: Consumption


@router.get("/flow/opening", dependencies=[READ])
def show_opening_lots(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    the_ledger: TheLedger,
    kept: TheKept,
    organisation: Word = None,
    alone: Word = None,
    year: Number = None,
    vintage: Number = None,
    page: Number = None,
) -> Response:
    """List a fiscal year's opening surplus, the oldest first, with what of it reached people."""
    known = kept.known(model, the_ledger, moment, screen.today, year)
    chosen, ids = None, sorted(reach.ids)
    if organisation is not None:
        chosen = organisation_within(known.tree, reach, organisation)
        ids = known.tree.subtree(chosen.organisation_id)
        ids = [chosen.organisation_id] if alone else ids
    followed = [
        each for each in followed_of(known, ids) if vintage is None or each.vintage == vintage
    ]
    origins = {} if known.year is None else lot_origins(model, known.year)
    rows = rows_of(known.tree, followed, origins)
    at = max(page or 1, 1)
    return screen.show(
        "flow/opening.html",
        organisation=chosen,
        alone=bool(alone),
        choices=known.tree.among(reach.ids),
        year=known.year,
        years=years(model, sorted(reach.ids)),
        vintage=vintage,
        sum=consumption(followed),
        rows=rows[(at - 1) * PAGE_ROWS : at * PAGE_ROWS],
        page=at,
        pages=-(-len(rows) // PAGE_ROWS),
        moment=moment,
    )


def rows_of(
    tree: Tree, followed: Iterable[FollowedLot], origins: Mapping[UUID, LotOrigin]
) -> list[Row]:
    """Put together what one organisation follows of one document."""
    of: dict[tuple[UUID, UUID], list[FollowedLot]] = {}
    for each in owned_once(followed):
        of.setdefault((each.owner_id, origins[each.lot_id].origin_id), []).append(each)
    rows = [
        Row(tree.by_id[owner], each[0].vintage, origins[each[0].lot_id], consumption(each))
        for (owner, _), each in of.items()
    ]
    return sorted(rows, key=lambda row: (row.vintage, row.origin.document, row.organisation.code))
