"""What a report is of: whose payments, of which campaign or year, as of when and as known when."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from api.callers import Reach
from api.within import organisation_within
from ledger.domain.campaign import campaign_id
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import NOW, Moment
from projections.batches import Campaign, campaign_list
from projections.disbursements import Question
from projections.flow_of_funds import Period
from projections.organisations import Organisation, Tree, tree_on
from projections.statistics import Statistics, standing_over, statistics
from projections.year import Used, Year, used, year_of

YEAR_MIN, YEAR_MAX = 1949, 2200


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for, as people say it; without a campaign and a year, the last campaign."""

    organisation: str | None = None
    campaign: str | None = None
    year: int | None = None
    moment: Moment = NOW


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The first one that covers what is shown: how long the log was, and its root hash."""

    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Reporting:
    """A question within what its reader may see, held to the log as it was at `at`.

    `tops` are the organisations that stand above all others that are meant.
    """

    tree: Tree
    chosen: Organisation | None
    tops: list[Organisation]
    ids: list[UUID]
    campaigns: list[Campaign]
    campaign: Campaign | None
    period: Period
    at: int
    checkpoint: Checkpoint
    dated: str

    @property
    def year(self) -> int:
        assert self.period.year is not None  # noqa: S101 - every report is of a year
        return self.period.year

    @property
    def moment(self) -> Moment:
        """As of when payments stand: those of a year as of its end, at the latest."""
        return self.period.until if self.campaign is None else self.period.moment

    @property
    def since(self) -> date | None:
        return date(self.year, 1, 1) if self.campaign is None else None

    def below(self) -> list[Organisation]:
        """Return the organisations of the level below, each of which stands for all below it."""
        if len(self.tops) != 1:
            return self.tops
        return [
            each
            for each in self.tree.children(self.tops[0].organisation_id)
            if each.organisation_id in self.ids
        ]

    def statistics(self, model: Connection) -> Statistics:
        """Return the figures of the payments that are meant: of a year, those instructed in it."""
        asked = Question(
            organisation_ids=self.tree.unless_all(self.ids),
            campaign_id=None if self.campaign is None else self.campaign.campaign_id,
            since=self.since,
        )
        return statistics(model, asked, replace(self.moment, at=self.at))

    def earlier(self, model: Connection) -> Statistics:
        """Return what a year brought of the payments that were instructed before it."""
        before = self.period.before
        if self.campaign is not None or before is None:
            return Statistics(())
        asked = Question(organisation_ids=self.tree.unless_all(self.ids))
        moments = (replace(each, at=self.at) for each in (self.moment, before))
        return standing_over(model, asked, *moments)

    def of_year(self, model: Connection) -> Year:
        """Return the fiscal year of the money that is meant."""
        return year_of(model, self.ids, self._known())

    def used(self, model: Connection) -> list[Used]:
        """Return what that year's payments were used for."""
        return used(model, self.tree.unless_all(self.ids), self._known())

    def _known(self) -> Period:
        return replace(self.period, moment=replace(self.period.moment, at=self.at))


def reporting(model: Connection, ledger: Ledger, reach: Reach, scope: Scope) -> Reporting:
    """Read what a report is to be of.

    Raises:
        NotOnRecord: No such organisation or campaign.
        OutsideReach: The organisation is not within reach.
    """
    moment = scope.moment
    last = ledger.size() - 1
    at = last if moment.at is None else min(moment.at, last)
    known = [each for each in campaign_list(model) if each.position <= at]
    campaign = _campaign(known, scope, moment.as_of or reach.day)
    year = scope.year
    if campaign is not None:
        year = campaign.fiscal_year
    year = min(max(year or (moment.as_of or reach.day).year, YEAR_MIN), YEAR_MAX)
    period = Period(year, moment)
    # Who stood under whom on the day of the payments' state: a move since changes no closed year,
    # and one that was recorded later no paper that is asked for again.
    tree = tree_on(model, (period.until if campaign is None else moment).as_of, at)
    chosen = None
    tops = [each for each in tree.among(reach.ids) if each.parent_id not in reach.ids]
    if scope.organisation is not None:
        chosen = organisation_within(tree, reach, scope.organisation)
        tops = [chosen]
    ids = [id_ for top in tops for id_ in tree.subtree(top.organisation_id)]
    ((_, event),) = ledger.read(at, 1)
    return Reporting(
        tree,
        chosen,
        tops,
        ids,
        known,
        campaign,
        period,
        at,
        checkpoint_at(ledger, at),
        event.recorded_at,
    )


def checkpoint_at(ledger: Ledger, at: int) -> Checkpoint:
    note = ledger.log.select_checkpoint(at + 1)
    size, text = (0, "\n\n") if note is None else note
    return Checkpoint(size, text.split("\n")[2])


def _campaign(known: list[Campaign], scope: Scope, day: date) -> Campaign | None:
    if scope.campaign is not None:
        found = [each for each in known if each.code == scope.campaign]
        if not found:
            raise NotOnRecord("campaign", campaign_id(scope.campaign))
        return found[0]
    if scope.year is not None:
        return None
    begun = [each for each in known if each.starts_on <= day.isoformat()]
    return max(begun, key=lambda each: (each.starts_on, each.position), default=None)
