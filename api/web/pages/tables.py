"""The tables that are handed in: as a page, as files, on paper, and handed in from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Response
from sqlalchemy import Connection

from api.callers import HAND_IN, READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.reporting import Reporting, Scope, reporting
from api.web.asked import Empty, Number, TheMomentOnPage, Word
from api.web.bank_asked import day_of
from api.web.language import N_
from api.web.posted import TheActingOnPage, done
from api.web.screen import Screen, TheScreen
from api.web.tables.made import address, made
from api.web.tables.report import Report, Sort, tables, to_pdf
from ledger.commands.filings import HandingIn, hand_in
from ledger.domain.officer import BUSINESS
from ledger.domain.policy import Deadline, Policy
from ledger.store.application import Ledger
from projections.asked import Moment
from projections.batches import Campaign
from projections.deadlines import FilingView, filing_list
from projections.exports import delimited, workbook
from projections.exports.delimited import Encoding
from projections.surplus import years

router = APIRouter(include_in_schema=False)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Asked:
    """A report as its address asks for it; `every` lists each union by itself."""

    of: Reporting
    every: bool


def asked(
    model: TheReadModel,
    the_ledger: TheLedger,
    reach: TheReach,
    moment: TheMomentOnPage,
    organisation: Word = None,
    campaign: Word = None,
    year: Number = None,
    every: Word = None,
) -> Asked:
    scope = Scope(organisation, campaign, year, moment)
    return Asked(reporting(model, the_ledger, reach, scope), every is not None)


TheAsked = Annotated[Asked, Depends(asked)]


# The files come first: a sort is whatever stands behind the last stroke.


@router.get("/reports/{sort}.xlsx", dependencies=[READ])
def export_report_xlsx(
    sort: Sort,
    screen: TheScreen,
    model: TheReadModel,
    the_ledger: TheLedger,
    question: TheAsked,
) -> Response:
    """Write a report as a workbook, a sheet a table."""
    report = _report(screen, model, the_ledger, question, sort)
    with TemporaryDirectory(prefix="nuanzhang-export-") as folder:
        path = Path(folder) / "report.xlsx"
        workbook.write(tables(report, screen.language), path)
        return _file(path.read_bytes(), XLSX, f"{sort.value}.xlsx")


@router.get("/reports/{sort}.csv", dependencies=[READ])
def export_report_csv(
    sort: Sort,
    screen: TheScreen,
    model: TheReadModel,
    the_ledger: TheLedger,
    question: TheAsked,
    encoding: Annotated[Encoding | None, Empty, Query()] = None,
) -> Response:
    """Write a report as CSV, its tables one below the other."""
    written_in = Encoding.UTF_8 if encoding is None else encoding
    report = _report(screen, model, the_ledger, question, sort)
    written = b"".join(delimited.several(tables(report, screen.language), written_in))
    return _file(written, f"text/csv; charset={written_in.value}", f"{sort.value}.csv")


@router.get("/reports/{sort}.pdf", dependencies=[READ])
def print_report(
    sort: Sort,
    screen: TheScreen,
    model: TheReadModel,
    the_ledger: TheLedger,
    question: TheAsked,
) -> Response:
    """Set a report on paper; the same address gives the same bytes."""
    report = _report(screen, model, the_ledger, question, sort)
    return _file(to_pdf(report, screen.language), "application/pdf", f"{sort.value}.pdf")


@router.get("/reports/{sort}", dependencies=[READ])
def show_report(
    sort: Sort,
    screen: TheScreen,
    model: TheReadModel,
    the_ledger: TheLedger,
    reach: TheReach,
    question: TheAsked,
) -> Response:
    """Show a report; each figure leads to the list behind it."""
    of = question.of
    report = _report(screen, model, the_ledger, question, sort)
    filed_for = _filed_for(of)
    return screen.show(
        "reports/table.html",
        of=of,
        report=report,
        every=question.every,
        choices=of.tree.among(reach.ids),
        years=sorted({*years(model, reach.ids), screen.today.year, of.year}, reverse=True),
        filed_for=filed_for,
        deadlines=_deadlines(the_ledger, filed_for) if _hands_in(screen, of) else (),
        filings=_filings(model, of, filed_for),
        file=lambda suffix: address(of, sort, suffix, every=question.every),
        pinned=of.period.moment.at is not None,
    )


@router.post("/reports/{sort}/hand-in", dependencies=[HAND_IN])
def hand_report_in(
    sort: Sort,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    organisation: Annotated[str, Form(max_length=64)],
    campaign: Annotated[str, Form(max_length=64)],
    name: Annotated[str, Form(max_length=200)],
    year: Annotated[int, Form(ge=1949, le=2200)],
    at: Annotated[int, Form(ge=0, lt=2**53)],
    as_of: Annotated[str, Form(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = "",
    every: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Hand in the paper that is shown: its very bytes are what the log has the hash of."""
    moment = Moment(day_of(as_of) if as_of else None, at)
    scope = (
        Scope(organisation, campaign, None, moment)
        if sort is Sort.STATISTICS
        else Scope(organisation, None, year, moment)
    )
    question = Asked(reporting(model, the_ledger, reach, scope), bool(every))
    report = _report(screen, model, the_ledger, question, sort)
    digest = sha256(to_pdf(report, screen.language)).hexdigest()
    order = HandingIn(campaign, organisation, name, digest)
    done(hand_in(the_ledger, acting.act(), order))
    path = address(question.of, sort, every=question.every)
    return screen.go(path, N_("已报送，文件摘要已记入账本。请下载 PDF 存档。"))


def _report(
    screen: Screen,
    model: Connection,
    ledger: Ledger,
    question: Asked,
    sort: Sort,
) -> Report:
    base = str(screen.request.base_url)
    return made(model, ledger, question.of, sort, screen.language, base, every=question.every)


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


def _deadlines(ledger: Ledger, campaign: Campaign | None) -> Sequence[Deadline]:
    policy = None if campaign is None else ledger.load(Policy, campaign.policy_id)
    return () if policy is None else policy.adoptions[-1].deadlines


def _filings(model: Connection, of: Reporting, campaign: Campaign | None) -> list[FilingView]:
    """Return what the chosen union handed in for the campaign."""
    if campaign is None or of.chosen is None:
        return []
    ids = [of.chosen.organisation_id]
    return filing_list(model, organisation_ids=ids, campaign_id=campaign.campaign_id)


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
