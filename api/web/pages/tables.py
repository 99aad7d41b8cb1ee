"""The papers that are handed in: as a page, as files, on paper, and handed in from there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Response
from sqlalchemy import Connection

from api.callers import HAND_IN, READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.file_answer import CSV, PDF, XLSX, file_answer
from api.known import TheKept, deadlines_of
from api.reporting import Reporting, Scope, reporting
from api.summing import of_the_day
from api.web.asked import Empty, Number, TheMomentOnPage, Word
from api.web.bank_asked import day_of
from api.web.language import N_
from api.web.posted import TheActingOnPage, done
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from api.web.tables.made import Sources, address, made
from api.web.tables.report import Report, Sort, tables, to_pdf
from ledger.commands.filings import HandingIn, hand_in
from ledger.domain.filing import WORDS_CHARACTERS_MAX, own_words
from ledger.domain.officer import BUSINESS
from ledger.domain.policy import Deadline
from ledger.errors import LedgerError
from ledger.store.application import NoSuchPosition
from projections.asked import NOW, Moment
from projections.batches import Campaign
from projections.deadlines import FilingView, filing_list, words_at
from projections.exports import delimited, workbook
from projections.exports.delimited import Encoding
from projections.surplus import years

router = APIRouter(include_in_schema=False)

PAGE = "reports/table.html"
FILED_AS = {
    Sort.STATISTICS: "statistics_tables",
    Sort.YEAR: "statistics_tables",
    Sort.SUMMARY: "summary_report",
}
"""Which paper a report most likely is, of those that a policy asks for."""


def sources(model: TheReadModel, the_ledger: TheLedger, reach: TheReach, kept: TheKept) -> Sources:
    return Sources(model, the_ledger, reach, kept)


TheSources = Annotated[Sources, Depends(sources)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A report as its address asks for it; `every` lists each union by itself.

    `words` are the office's own; `words_at` is where in the log they stand, where it has them.
    """

    sort: Sort
    of: Reporting
    sources: Sources
    every: bool
    words: str = ""
    words_at: int | None = None

    def report(self, screen: Screen) -> Report:
        base = str(screen.request.base_url)
        return made(
            self.sources,
            self.of,
            self.sort,
            screen.language,
            base,
            every=self.every,
            words=self.words,
        )

    def address(self, suffix: str = "") -> str:
        return address(self.of, self.sort, suffix, every=self.every, words_at=self.words_at)


def asked(
    sort: Sort,
    sources: TheSources,
    moment: TheMomentOnPage,
    organisation: Word = None,
    campaign: Word = None,
    year: Number = None,
    every: Word = None,
    words_at: Number = None,
) -> Asked:
    of = _reporting(sources, sort, Scope(organisation, campaign, year, moment))
    words = "" if words_at is None else _words(sources, of, words_at)
    return Asked(sort, of, sources, every is not None, words, words_at)


TheAsked = Annotated[Asked, Depends(asked)]


# The files come first: a sort is whatever stands behind the last stroke.


@router.get("/reports/{sort}.xlsx", dependencies=[READ])
def export_report_xlsx(sort: Sort, screen: TheScreen, question: TheAsked) -> Response:
    """Write a report as a workbook, a sheet a table."""
    with TemporaryDirectory(prefix="nuanzhang-export-") as folder:
        path = Path(folder) / "report.xlsx"
        workbook.write(tables(question.report(screen), screen.language), path)
        return file_answer(path.read_bytes(), XLSX, f"{sort.value}.xlsx")


@router.get("/reports/{sort}.csv", dependencies=[READ])
def export_report_csv(
    sort: Sort,
    screen: TheScreen,
    question: TheAsked,
    encoding: Annotated[Encoding | None, Empty, Query()] = None,
) -> Response:
    """Write a report as CSV, its tables one below the other."""
    written_in = Encoding.UTF_8 if encoding is None else encoding
    report = question.report(screen)
    written = b"".join(delimited.several(tables(report, screen.language), written_in))
    media_type = CSV.replace(Encoding.UTF_8.value, written_in.value)
    return file_answer(written, media_type, f"{sort.value}.csv")


@router.get("/reports/{sort}.pdf", dependencies=[READ])
def print_report(sort: Sort, screen: TheScreen, question: TheAsked) -> Response:
    """Set a report on paper; the same address gives the same bytes."""
    paper = to_pdf(question.report(screen), screen.language)
    return file_answer(paper, PDF, f"{sort.value}.pdf")


@router.get("/reports/{sort}", dependencies=[READ])
def show_report(sort: Sort, screen: TheScreen, question: TheAsked) -> Response:
    """Show a report; each figure leads to the list behind it."""
    return screen.show(PAGE, **_shown(screen, sort, question))


@dataclass(frozen=True, slots=True)
class ToHandIn:
    """What is handed in: the report that was shown, for which campaign's which paper."""

    question: Asked
    organisation: str
    campaign: str
    name: str


def to_hand_in(
    sort: Sort,
    sources: TheSources,
    organisation: Annotated[str, Form(max_length=64)],
    campaign: Annotated[str, Form(max_length=64)],
    name: Annotated[str, Form(max_length=200)],
    year: Annotated[int, Form(ge=1949, le=2200)],
    at: Annotated[int, Form(ge=0, lt=2**53)],
    as_of: Annotated[str, Form(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = "",
    every: Annotated[str, Form(max_length=8)] = "",
    whole_year: Annotated[str, Form(max_length=8)] = "",
    words: Annotated[str, Form(max_length=4 * WORDS_CHARACTERS_MAX)] = "",
) -> ToHandIn:
    moment = Moment(day_of(as_of) if as_of else None, at)
    of_year = sort is Sort.YEAR or bool(whole_year)
    scope = Scope(organisation, None if of_year else campaign, year if of_year else None, moment)
    of = _reporting(sources, sort, scope)
    return ToHandIn(Asked(sort, of, sources, bool(every), words), organisation, campaign, name)


TheToHandIn = Annotated[ToHandIn, Depends(to_hand_in)]


@router.post("/reports/{sort}/preview", dependencies=[HAND_IN])
def preview_report(sort: Sort, screen: TheScreen, form: TheToHandIn) -> Response:
    """Show the paper as it would be handed in, with the office's own words; nothing is kept."""
    question = form.question
    try:
        question = replace(question, words=own_words(question.words))
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_shown(screen, sort, question))
    paper = to_pdf(question.report(screen), screen.language)
    return file_answer(paper, PDF, f"{sort.value}.pdf", shown=True)


@router.post("/reports/{sort}/hand-in", dependencies=[HAND_IN])
def hand_report_in(
    sort: Sort, screen: TheScreen, acting: TheActingOnPage, form: TheToHandIn
) -> Response:
    """Hand in the paper that is shown: its very bytes are what the log has the hash of."""
    question = form.question
    try:
        words = own_words(question.words) if sort is Sort.SUMMARY else ""
        question = replace(question, words=words)
        digest = sha256(to_pdf(question.report(screen), screen.language)).hexdigest()
        order = HandingIn(
            form.campaign,
            form.organisation,
            form.name,
            digest,
            words,
            question.address() if words else "",
        )
        answer = done(hand_in(question.sources.ledger, acting.act(), order))
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, **_shown(screen, sort, question))
    if words:
        # The words are the last entry that the act left.
        question = replace(question, words_at=answer.last_position)
    return screen.go(question.address(), N_("已报送，文件摘要已记入账本。请下载 PDF 存档。"))


def _shown(screen: Screen, sort: Sort, question: Asked) -> dict[str, Any]:
    """Return what a report's page shows; what was typed stays where it was typed."""
    of = question.of
    model, reach = question.sources.model, question.sources.reach
    filed_for = _filed_for(of)
    return {
        "of": of,
        "report": question.report(screen),
        "every": question.every,
        "choices": of.tree.among(reach.ids),
        "years": sorted({*years(model, reach.ids), screen.today.year, of.year}, reverse=True),
        "filed_for": filed_for,
        "filed_as": FILED_AS[sort],
        "deadlines": _deadlines(question.sources, filed_for) if _hands_in(screen, of) else (),
        "filings": _filings(model, of, filed_for),
        "file": question.address,
        "pinned": of.period.moment.at is not None,
        "words": question.words,
        "words_at": question.words_at,
        "words_max": WORDS_CHARACTERS_MAX,
    }


def _reporting(sources: Sources, sort: Sort, scope: Scope) -> Reporting:
    if sort is Sort.SUMMARY:
        scope = of_the_day(scope, sources.reach.day)
    return reporting(sources.model, sources.ledger, sources.reach, scope)


def _words(sources: Sources, of: Reporting, position: int) -> str:
    """Return what an office said in its report, where it is one of those that are asked for."""
    found = words_at(sources.model, position)
    if found is None or found[0] not in of.ids:
        raise NoSuchPosition(position)
    return found[1]


def _filed_for(of: Reporting) -> Campaign | None:
    """Return the campaign whose policy asks for this paper by a day."""
    if of.campaign is not None:
        return of.campaign
    of_year = [each for each in of.campaigns if each.fiscal_year == of.year]
    return of_year[-1] if of_year else None


def _hands_in(screen: Screen, of: Reporting) -> bool:
    """Say whether whoever looks may hand it in: at their own union."""
    caller, chosen = screen.caller, of.chosen
    return (
        caller is not None
        and chosen is not None
        and any(
            place == chosen.organisation_id and role in BUSINESS for place, role in caller.posts
        )
    )


def _deadlines(sources: Sources, campaign: Campaign | None) -> Sequence[Deadline]:
    if campaign is None:
        return ()
    return deadlines_of(sources.model, sources.ledger, campaign, NOW, sources.reach.day)


def _filings(model: Connection, of: Reporting, campaign: Campaign | None) -> list[FilingView]:
    """Return what the chosen union handed in for the campaign."""
    if campaign is None or of.chosen is None:
        return []
    ids = [of.chosen.organisation_id]
    return filing_list(model, organisation_ids=ids, campaign_id=campaign.campaign_id)
