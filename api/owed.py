"""What organisations were to hand in by which day: who has, who has not, and how late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import Connection

from api.callers import Reach
from api.known import deadlines_of
from api.reporting import Checkpoint, checkpoint_at
from api.within import organisation_within
from ledger.domain.campaign import campaign_id
from ledger.domain.policy import Deadline
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import NOW, Moment
from projections.batches import Campaign, campaign_list
from projections.deadlines import FilingView, filed, filing_list
from projections.organisations import Organisation, Tree, tree_on
from projections.papers_owed import owing


@dataclass(frozen=True, slots=True)
class Owed:
    """What one organisation owes by one day; `filing` is None where nothing was handed in."""

    organisation: Organisation
    campaign: Campaign
    deadline: Deadline
    filing: FilingView | None
    days_late: int

    @property
    def missing(self) -> bool:
        return self.filing is None or self.filing.sent_back is not None

    @property
    def overdue(self) -> bool:
        return self.missing and self.days_late > 0


@dataclass(frozen=True, slots=True)
class Papers:
    """One sort of paper that a campaign asks for, and how it came in.

    `late` came after its day, `overdue` are missing though their day is over; `missing` are all
    that have not come.
    """

    campaign: Campaign
    deadline: Deadline
    asked: int
    in_time: int
    late: int
    missing: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Question:
    """Whose deadlines are asked for: of a union with all below it or `alone`, else of all.

    `every` lists who has handed in, too.
    """

    organisation: str | None = None
    alone: bool = False
    campaign: str | None = None
    name: str | None = None
    every: bool = False
    moment: Moment = NOW


@dataclass(frozen=True, slots=True)
class Due:
    """What was asked for, and what of it is listed, `on` a day and as known at a position."""

    question: Question
    tree: Tree
    chosen: Organisation | None
    places: Sequence[Organisation]
    campaigns: Sequence[Campaign]
    asked: Sequence[Owed]
    on: date
    at: int
    checkpoint: Checkpoint

    @property
    def listed(self) -> list[Owed]:
        return [row for row in self.asked if self.question.every or row.missing]

    def address(self, suffix: str = "", **more: str) -> str:
        """Return where the same is found again, on whatever day it is asked for."""
        question = self.question
        given: dict[str, object | None] = {
            "organisation": None if self.chosen is None else self.chosen.code,
            "alone": "yes" if question.alone else None,
            "campaign": question.campaign,
            "name": question.name,
            "every": "yes" if question.every else None,
            "as_of": self.on,
            "at": self.at,
            **more,
        }
        asked = {name: value for name, value in given.items() if value is not None}
        return f"/deadlines{suffix}?{urlencode(asked)}"


def due(model: Connection, ledger: Ledger, reach: Reach, question: Question) -> Due:
    """Return what was to be handed in within reach, and what came of it.

    Raises:
        NotOnRecord: No such organisation or campaign.
        OutsideReach: The organisation is not within reach.
    """
    moment = question.moment
    last = ledger.size() - 1
    at = last if moment.at is None else min(moment.at, last)
    moment = replace(moment, at=at)
    tree = tree_on(model, moment.as_of, at)
    chosen, places = None, tree.among(reach.ids)
    if question.organisation is not None:
        chosen = organisation_within(tree, reach, question.organisation)
        top = chosen.organisation_id
        places = [tree.by_id[id_] for id_ in ([top] if question.alone else tree.subtree(top))]
    campaigns = [each for each in campaign_list(model) if each.position <= at]
    meant = [each for each in campaigns if question.campaign in (None, each.code)]
    if question.campaign is not None and not meant:
        raise NotOnRecord("campaign", campaign_id(question.campaign))
    on = moment.as_of or reach.day
    rows = list(owed(model, ledger, meant, places, moment, on, question.name))
    return Due(question, tree, chosen, places, campaigns, rows, on, at, checkpoint_at(ledger, at))


def owed(
    model: Connection,
    ledger: Ledger,
    campaigns: Sequence[Campaign],
    places: Sequence[Organisation],
    moment: Moment,
    today: date,
    name: str | None = None,
) -> Iterator[Owed]:
    """Return what campaigns ask of some organisations, by deadline; `name` asks for one paper.

    Who handed in what nobody asked of them is listed, too.
    """
    tree = tree_on(model, moment.as_of, moment.at)
    for campaign in campaigns:
        part = None if campaign.organisation_id is None else tree.subtree(campaign.organisation_id)
        deadlines = deadlines_of(model, ledger, campaign, moment, today)
        filings = {
            (each.organisation_id, each.name): each
            for each in filing_list(model, moment, campaign_id=campaign.campaign_id)
        }
        standing = filed(filings.values())
        for deadline in sorted(deadlines, key=lambda each: each.due_on):
            if name in (None, deadline.name):
                asked = owing(model, campaign.campaign_id, deadline, part, moment)
                asked |= standing.get(deadline.name, set())
                for place in places:
                    if place.organisation_id in asked:
                        yield _owed(place, campaign, deadline, filings, today)


def papers(rows: Sequence[Owed]) -> list[Papers]:
    """Count what is owed, by campaign and deadline."""
    found: dict[tuple[UUID, Deadline], list[Owed]] = {}
    for row in rows:
        found.setdefault((row.campaign.campaign_id, row.deadline), []).append(row)
    return [
        Papers(
            of[0].campaign,
            of[0].deadline,
            len(of),
            sum(not row.missing and not row.days_late for row in of),
            sum(not row.missing and row.days_late > 0 for row in of),
            sum(row.missing for row in of),
            sum(row.overdue for row in of),
        )
        for of in found.values()
    ]


def _owed(
    place: Organisation,
    campaign: Campaign,
    deadline: Deadline,
    filings: dict[tuple[UUID, str], FilingView],
    today: date,
) -> Owed:
    filing = filings.get((place.organisation_id, deadline.name))
    if filing is not None and filing.sent_back is None:
        came = date.fromisoformat(filing.handed_in_on)
        return Owed(place, campaign, deadline, filing, max(0, (came - deadline.due_on).days))
    return Owed(place, campaign, deadline, filing, max(0, (today - deadline.due_on).days))
