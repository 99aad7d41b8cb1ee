"""Deadlines: what every organisation was to hand in, and who has not."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.web.asked import TheMomentOnPage, Word
from api.web.screen import TheScreen
from api.within import organisation_within
from ledger.domain.policy import Deadline, Policy
from projections.batches import Campaign, campaign_list
from projections.cases import count_cases
from projections.deadlines import FilingView, filing_list
from projections.organisations import Organisation, tree_on

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Row:
    """What one organisation owes by one day; `filing` is None where nothing was handed in."""

    organisation: Organisation
    campaign: Campaign
    deadline: Deadline
    filing: FilingView | None
    days_late: int

    @property
    def owed(self) -> bool:
        return self.filing is None or self.filing.sent_back is not None


@router.get("/deadlines", dependencies=[READ])
def show_deadlines(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    the_ledger: TheLedger,
    organisation: Word = None,
    alone: Word = None,
    campaign: Word = None,
    name: Word = None,
    every: Word = None,
) -> Response:
    """List who has not handed in what was asked for; `every` lists who has, too."""
    tree = tree_on(model, moment.as_of)
    chosen = None if organisation is None else organisation_within(tree, reach, organisation)
    places = tree.among(reach.ids)
    if chosen is not None:
        ids = [chosen.organisation_id] if alone else tree.subtree(chosen.organisation_id)
        places = [tree.by_id[id_] for id_ in ids]
    today = moment.as_of or screen.today
    campaigns = campaign_list(model)
    rows = []
    for each in campaigns:
        policy = the_ledger.load(Policy, each.policy_id)
        if policy is None or campaign not in (None, each.code):
            continue
        filings = {
            (one.organisation_id, one.name): one
            for one in filing_list(model, moment, campaign_id=each.campaign_id)
        }
        for deadline in sorted(policy.adoptions[-1].deadlines, key=lambda one: one.due_on):
            if name in (None, deadline.name):
                rows += [_row(place, each, deadline, filings, today) for place in places]
    return screen.show(
        "deadlines.html",
        rows=[row for row in rows if every or row.owed],
        asked=len(rows),
        owed=sum(row.owed for row in rows),
        cases=count_cases(model, [each.organisation_id for each in places], today, moment),
        choices=tree.among(reach.ids),
        campaigns=campaigns,
        organisation=chosen,
        alone=bool(alone),
        campaign=campaign,
        name=name,
        every=bool(every),
        moment=moment,
        today=today,
    )


def _row(
    place: Organisation,
    campaign: Campaign,
    deadline: Deadline,
    filings: dict[tuple[UUID, str], FilingView],
    today: date,
) -> Row:
    filing = filings.get((place.organisation_id, deadline.name))
    if filing is not None and filing.sent_back is None:
        return Row(place, campaign, deadline, filing, filing.days_late)
    return Row(place, campaign, deadline, filing, max(0, (today - deadline.due_on).days))
