"""A campaign summed up: all figures of its summary report, each from the query of its page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from api.callers import Reach
from api.known import Kept
from api.owed import Papers, owed, papers
from api.reporting import Reporting, Scope
from ledger.store.application import Ledger
from projections.asked import NOW, Moment
from projections.findings.finding import Severity
from projections.statistics import Statistics
from projections.summary import (
    Back,
    CasesCounted,
    NoticesCounted,
    SamplesCounted,
    Whose,
    cases_counted,
    notices_counted,
    paid_again,
    returned,
    samples_counted,
)
from projections.surplus import Surplus, surplus
from projections.year import Line, Year


@dataclass(frozen=True, slots=True)
class Summary:
    """All that the report says in figures; `line` is the year's account of these unions.

    `earlier` is what a year brought of payments that were instructed before it.
    """

    year: Year
    line: Line
    statistics: Statistics
    earlier: Statistics
    returned: dict[str, Back]
    paid_again: Back
    old: Surplus
    papers: Sequence[Papers]
    findings: dict[str, int]
    cases: CasesCounted
    samples: SamplesCounted
    notices: NoticesCounted


def of_the_day(scope: Scope, day: date) -> Scope:
    """Hold a question to the day on which it is asked: who is late depends on it.

    So a report that is asked for again tomorrow, as of that day, is the same.
    """
    as_of = scope.moment.as_of or day
    return replace(scope, moment=Moment(as_of, scope.moment.at))


def summed(model: Connection, ledger: Ledger, reach: Reach, kept: Kept, of: Reporting) -> Summary:
    """Sum up what a question that is held to a day is of, see `of_the_day`.

    What a year's payments, cases, notices, samples and doubts come to is of that year's days, as it
    stood at its end; how much old money was used and who is late is as of the day.
    """
    moment = replace(of.period.moment, at=of.at)
    stood = replace(of.moment, at=of.at)
    day = moment.as_of or reach.day
    year = of.of_year(model)
    campaign = of.campaign
    of_year = [each for each in of.campaigns if each.fiscal_year == of.year]
    whose = Whose(
        of.tree.unless_all(of.ids),
        None if campaign is None else campaign.campaign_id,
        None if campaign is None else campaign.code,
        of.since,
    )
    places = [of.tree.by_id[id_] for id_ in of.ids if id_ in of.tree.by_id]
    campaigns = of_year if campaign is None else [campaign]
    return Summary(
        year,
        year.line(of.ids),
        of.statistics(model),
        of.earlier(model),
        returned(model, whose, stood),
        paid_again(model, whose, stood),
        surplus(model, of.ids, of.year, moment),
        papers(list(owed(model, ledger, campaigns, places, moment, day))),
        _findings(model, ledger, reach, kept, of, stood),
        cases_counted(model, whose, stood),
        samples_counted(model, whose, stood),
        notices_counted(model, whose, stood),
    )


def _findings(
    model: Connection, ledger: Ledger, reach: Reach, kept: Kept, of: Reporting, moment: Moment
) -> dict[str, int]:
    """Count what rules find at these unions, the gravest first; not of the ledger as a whole.

    What is asked of today is what pages keep.
    """
    today = moment.as_of == reach.day and of.at == ledger.size() - 1
    known = kept.known(model, ledger, NOW if today else moment, reach.day)
    here = frozenset(of.ids)
    campaign = None if of.campaign is None else of.campaign.campaign_id
    counted = Counter(
        each.severity
        for each in known.findings
        if each.organisation_id in here
        and (campaign is None or each.campaign_id in (None, campaign))
    )
    return {each.value: counted[each] for each in Severity}
