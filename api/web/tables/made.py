"""Reports, put together from one question: the same for the page, the files and the print."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy import Connection

from api.callers import Reach
from api.known import Kept
from api.reporting import Reporting
from api.summing import summed
from api.web.language import N_, Language
from api.web.ledger_filter import moment_words
from api.web.tables.report import Report, Section, Sort
from api.web.tables.statistics import statistics_sections
from api.web.tables.summary import summary_sections
from api.web.tables.year import year_sections
from ledger.domain.policy import Policy
from ledger.store.application import Ledger
from projections.asked import Moment
from projections.statistics import Statistics


@dataclass(frozen=True, slots=True)
class Sources:
    """What reports are made from: the read model, the log, who asks, and what pages keep."""

    model: Connection
    ledger: Ledger
    reach: Reach
    kept: Kept


def made(
    sources: Sources,
    of: Reporting,
    sort: Sort,
    language: Language,
    base: str,
    *,
    every: bool = False,
    words: str = "",
) -> Report:
    """Put a report together.

    Args:
        sources: What it is read from.
        of: What it is of.
        sort: Which report.
        language: Whose words it speaks.
        base: Where this service is found, ending in a slash; the QR code leads there.
        every: List each union by itself.
        words: The office's own, where the report has room for them.
    """
    model, ledger = sources.model, sources.ledger
    if sort is Sort.SUMMARY:
        sections, checks = _summary(sources, of, language)
    elif sort is Sort.STATISTICS:
        sections, checks = _statistics(model, ledger, of, language, every=every)
    else:
        sections, checks = _year(model, of, language, every=every)
    return Report(
        sort=sort,
        title=title(of, sort, language),
        organisation="、".join(each.name for each in of.tops),
        facts=_facts(of, sort, language),
        sections=sections,
        checks=checks,
        address=f"{base}{address(of, sort, every=every).removeprefix('/')}",
        at=of.at,
        dated=datetime.fromisoformat(of.dated),
        words=words if sort is Sort.SUMMARY else None,
    )


def title(of: Reporting, sort: Sort, language: Language) -> str:
    """Say what a report is called, with its campaign or its year."""
    if sort is Sort.SUMMARY and of.campaign is not None:
        return language.say(N_("{name}工作总结"), name=of.campaign.name)
    if sort is Sort.SUMMARY:
        return language.say(N_("{year} 年工会送温暖工作总结"), year=of.year)
    if sort is Sort.STATISTICS and of.campaign is not None:
        return language.say(N_("{name}统计表"), name=of.campaign.name)
    if sort is Sort.STATISTICS:
        return language.say(N_("{year} 年工会送温暖活动统计表"), year=of.year)
    return language.say(N_("{year} 年度困难职工帮扶中心统计表"), year=of.year)


def address(
    of: Reporting,
    sort: Sort,
    suffix: str = "",
    *,
    every: bool = False,
    words_at: int | None = None,
) -> str:
    """Return where a report stands with the very figures that are shown, however the log grows.

    `words_at` is where in the log the words stand that it was handed in with.
    """
    asked: dict[str, object | None] = {
        "organisation": None if of.chosen is None else of.chosen.code,
        "campaign": None if of.campaign is None or sort is Sort.YEAR else of.campaign.code,
        "year": of.year if of.campaign is None or sort is Sort.YEAR else None,
        "as_of": of.period.moment.as_of,
        "at": of.at,
        "every": "yes" if every else None,
        "words_at": words_at,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return f"/reports/{sort.value}{suffix}?{urlencode(given)}"


def _summary(
    sources: Sources, of: Reporting, language: Language
) -> tuple[list[Section], list[tuple[str, bool]]]:
    found = summed(sources.model, sources.ledger, sources.reach, sources.kept, of)
    used = of.used(sources.model)
    categories = _categories(sources.ledger, of)
    return summary_sections(of, found, used, categories, language), [
        (language.say(N_("结余＋收入＝支出＋拨付＋结余")), found.line.balances),
        (
            language.say(N_("到人金额与资金流水")),
            all(_agrees(each) for each in (found.statistics, found.earlier)),
        ),
    ]


def _categories(ledger: Ledger, of: Reporting) -> Sequence[str]:
    policy = None if of.campaign is None else ledger.load(Policy, of.campaign.policy_id)
    return () if policy is None else [each.name for each in policy.adoptions[-1].categories]


def _statistics(
    model: Connection, ledger: Ledger, of: Reporting, language: Language, *, every: bool
) -> tuple[list[Section], list[tuple[str, bool]]]:
    found, earlier = of.statistics(model), of.earlier(model)
    categories = _categories(ledger, of)
    agrees = (language.say(N_("到人金额与资金流水")), all(map(_agrees, (found, earlier))))
    sections = statistics_sections(of, found, earlier, language, categories, every=every)
    return sections, [agrees]


def _agrees(of: Statistics) -> bool:
    return of.tally.paid_fen == of.spent_fen


def _year(
    model: Connection, of: Reporting, language: Language, *, every: bool
) -> tuple[list[Section], list[tuple[str, bool]]]:
    year = of.of_year(model)
    sections = year_sections(of, year, of.used(model), language, every=every)
    line = year.line(of.ids)
    used = year.used_by(of.ids).total() == line.paid_fen
    return sections, [
        (language.say(N_("结余＋收入＝支出＋拨付＋结余")), line.balances),
        (language.say(N_("按用途合计与支出合计")), used),
    ]


def _facts(of: Reporting, sort: Sort, language: Language) -> list[tuple[str, str]]:
    say = language.say
    moment = of.period.until if sort is Sort.YEAR else of.moment
    if sort is Sort.SUMMARY:
        # Who is late by then is told, too, be the year over or not.
        moment = of.period.moment
    return [
        (say(N_("时点")), moment_words(language, Moment(moment.as_of), of.at)),
        (say(N_("检查点")), f"{of.checkpoint.size} · {of.checkpoint.root}"),
    ]
