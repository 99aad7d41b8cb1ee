"""A report before it is written: tables whose figures lead to the list behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from api.web.language import N_, Language
from projections.exports import report as on_paper
from projections.exports.report import Paper, Part, Weight
from projections.exports.table import Cell as Plain
from projections.exports.table import Column, Table


class Sort(StrEnum):
    """What a report is about; its address ends so."""

    STATISTICS = "statistics"
    YEAR = "yearly"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and where the list behind it stands."""

    value: int
    behind: str | None = None


Cell = str | Figure | None


@dataclass(frozen=True, slots=True)
class Line:
    cells: Sequence[Cell]
    weight: Weight = Weight.ROW


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a report; `note` says what a reader has to know of it."""

    name: str
    title: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    note: str = ""

    def column(self, title: str) -> list[Cell]:
        """Return the cells of a column, for whoever compares."""
        at = [each.title for each in self.columns].index(title)
        return [line.cells[at] for line in self.lines]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report says. `checks` are comparisons of its sums, and whether each holds.

    `words` are the office's own, None where the report has no room for any.

    `dated` is the moment of the last entry that it counts: what is printed again is the same, byte
    for byte, since nothing in it is of the day on which it is printed.
    """

    sort: Sort
    title: str
    organisation: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    checks: Sequence[tuple[str, bool]]
    address: str
    at: int
    dated: datetime
    words: str | None = None


WORDS_TITLE = N_("工作情况（本单位撰写）")
SIGNATURES = (N_("制表人"), N_("审核人"), N_("负责人"), N_("单位（公章）"))


def tables(report: Report, language: Language) -> list[Table]:
    """Return a report's tables as files hold them: the facts stand above the first."""
    say = language.say
    facts = [*report.facts, *_checks(report, language)]
    if report.words:
        facts.append((say(WORDS_TITLE), report.words))
    return [
        Table(
            title=section.title if number else f"{report.title} {section.title}",
            columns=section.columns,
            rows=list(_rows(section)),
            facts=[(say(N_("单位")), report.organisation), *facts] if not number else (),
            address=report.address,
            foot=report.title,
            dated=report.dated,
        )
        for number, section in enumerate(report.sections)
    ]


def to_pdf(report: Report, language: Language) -> bytes:
    """Set a report in type, with boxes to be signed in."""
    say = language.say
    paper = Paper(
        title=report.title,
        lang=language.code[:2],
        facts=[
            (say(N_("单位")), report.organisation),
            *report.facts,
            *_checks(report, language),
        ],
        parts=[
            Part(table, [line.weight for line in section.lines], section.note)
            for table, section in zip(
                (_part(section, report) for section in report.sections),
                report.sections,
                strict=True,
            )
        ],
        words=None if report.words is None else (say(WORDS_TITLE), report.words.split("\n")),
        boxes=[say(each) for each in SIGNATURES],
        date=say(N_("日期")),
        address=report.address,
        code_words=say(N_("扫码核对数字")),
        foot=say(N_("账本第 {n} 条"), n=report.at),
        pages=say(N_("第 {page} 页，共 {pages} 页")),
        dated=report.dated,
    )
    return on_paper.to_pdf(paper)


def _part(section: Section, report: Report) -> Table:
    return Table(section.title, section.columns, list(_rows(section)), dated=report.dated)


def _rows(section: Section) -> Iterator[list[Plain]]:
    for line in section.lines:
        yield [each.value if isinstance(each, Figure) else each for each in line.cells]


def _checks(report: Report, language: Language) -> Iterator[tuple[str, str]]:
    for words, holds in report.checks:
        mark = language.say(N_("✓ 相符")) if holds else language.say(N_("✗ 不符"))
        yield words, mark
