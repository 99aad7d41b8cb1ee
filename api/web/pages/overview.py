"""The overview: an officer's own organisations and all below them, in figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import READ, TheReach
from api.dependencies import TheReadModel, TheServed
from api.known import Known, TheKept, counts, deadlines_of
from api.web.asked import Number, TheMomentOnPage, Word
from api.web.behind import Behind
from api.web.old_money import OldMoney, old_money_of, pace_of
from api.web.published import last_published
from api.web.screen import TheScreen
from api.within import organisation_within
from ledger.store.application import Ledger
from projections.asked import Moment
from projections.batches import Campaign, campaign_list
from projections.cases import count_cases
from projections.deadlines import filed, filings_by_campaign
from projections.figures import figures, total
from projections.followed_lots import Consumption, Target
from projections.organisations import Organisation, tree_on
from projections.surplus import burn_down, years

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Due:
    """Something a campaign asks for by a day, and how many organisations have not handed it in."""

    campaign: str
    code: str
    name: str
    due_on: date
    days_left: int
    asked: int
    missing: int

    @property
    def late(self) -> bool:
        return self.missing > 0 and self.days_left < 0


@router.get("/overview", dependencies=[READ])
def show_overview(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    found: TheServed,
    kept: TheKept,
    organisation: Word = None,
    year: Number = None,
) -> Response:
    """Show the money in figures, how the opening surplus goes down, what is due and what is odd."""
    the_ledger = found.ledger
    tree = tree_on(model, moment.as_of, moment.at)
    shown = None if organisation is None else organisation_within(tree, reach, organisation)
    tops = [each for each in tree.among(reach.ids) if each.parent_id not in reach.ids]
    ids = sorted(reach.ids) if shown is None else tree.subtree(shown.organisation_id)
    today = moment.as_of or screen.today
    opened = years(model, ids)
    chosen = year or (opened[0] if opened else today.year)
    known = kept.known(model, the_ledger, moment, screen.today)
    followed = kept.known(model, the_ledger, moment, screen.today, chosen)
    history = burn_down(model, ids, chosen, moment)
    old, burned = history.surplus, history.burned
    target = Target(old.first_year_minimum_bp, old.all_within_years)
    return screen.show(
        "overview/overview.html",
        organisation=shown,
        choices=tree.among(reach.ids),
        sum=total(figures(model, ids, moment).values()),
        year=chosen,
        years=opened,
        old=old,
        burned=burned,
        vintages=history.vintages,
        clock=pace_of(
            target,
            chosen,
            Consumption(old.opening_fen, old.consumed_fen),
            burned[0].day if burned else None,
            today,
        ),
        first_line_fen=target.first_line_fen(old.opening_fen),
        old_of=list(_old_money(followed, [shown] if shown else tops, chosen)),
        dues=_dues(the_ledger, model, frozenset(ids), moment, today),
        findings=counts(known, reach, None if shown is None else ids),
        cases=count_cases(model, ids, today, moment),
        behind=Behind(shown.code if shown else None, alone=False, moment=moment),
        behind_of=lambda of: Behind(of.organisation.code, alone=of.alone, moment=moment),
        published=last_published(found),
        events=the_ledger.size(),
        moment=moment,
    )


def _old_money(known: Known, tops: list[Organisation], year: int) -> Iterator[OldMoney]:
    """Show each organisation by itself, and those below it each with all of theirs."""
    for top in tops:
        below = known.tree.children(top.organisation_id)
        rows = [(top, True), *((each, False) for each in below)]
        for organisation, alone in rows:
            of = old_money_of(known, organisation, alone=alone, year=year)
            if of is not None:
                yield of


def _dues(
    ledger: Ledger, model: Connection, ids: frozenset[UUID], moment: Moment, today: date
) -> list[Due]:
    """Return what campaigns ask for, the next or the longest overdue first."""
    found = [
        due
        for campaign in campaign_list(model)
        for due in _dues_of(ledger, model, campaign, ids, moment, today)
    ]
    return sorted(found, key=lambda due: (not due.late, due.due_on))


def _dues_of(
    ledger: Ledger,
    model: Connection,
    campaign: Campaign,
    ids: frozenset[UUID],
    moment: Moment,
    today: date,
) -> list[Due]:
    deadlines = deadlines_of(model, ledger, campaign, moment, today)
    if campaign.organisation_id is not None:
        tree = tree_on(model, moment.as_of, moment.at)
        ids &= frozenset(tree.subtree(campaign.organisation_id))
    standing = filed(filings_by_campaign(model, moment).get(campaign.campaign_id, ()))
    return [
        Due(
            campaign.name,
            campaign.code,
            deadline.name,
            deadline.due_on,
            (deadline.due_on - today).days,
            len(ids),
            len(ids - standing.get(deadline.name, set())),
        )
        for deadline in deadlines
        if ids
    ]
