"""Commands of what is taken away: the journal as plain text, and packages for inspectors."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.callers import Reach
from api.cli.drafts import drafted, require_folder_for, told_of
from api.cli.printing import REFUSED, bar, say
from api.inspection.package import InspectionOrder, Maker
from api.journal_file import journal_lines
from api.known import Kept
from api.owed import Question, due
from api.reporting import YEAR_MAX, YEAR_MIN, Scope, reporting
from api.settings import Settings
from api.summing import of_the_day
from api.web.language import languages
from api.web.tables.cases import cases_table
from api.web.tables.deadlines import deadlines_table
from api.web.tables.made import Sources, made
from api.web.tables.report import Sort, tables, to_pdf
from ledger.anchoring.publications import announce
from ledger.domain.aggregate import OPERATOR
from ledger.domain.filing import own_words
from ledger.domain.officer import officer_id
from ledger.domain.organisation import organisation_id
from ledger.store.act import CommandAct
from ledger.store.application import NotOnRecord
from ledger.store.map_store import MapStore
from projections.asked import Moment
from projections.cases import Asked, every_case
from projections.exports import paper, workbook
from projections.exports.delimited import Encoding, lines, several
from projections.exports.plain_text import Dialect
from projections.exports.table import Table
from projections.organisations import Tree, staff_numbers, tree_on
from projections.runner import catch_up

app = typer.Typer(help="Take figures away, for people and programs outside.", no_args_is_help=True)

AsOf = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="What had happened by this day.")
]

YearAlone = Annotated[
    int | None,
    typer.Option(min=YEAR_MIN, max=YEAR_MAX, help="Year, without a campaign.", show_default=False),
]
At = Annotated[int | None, typer.Option(min=0, help="Last log position to be counted.")]
OWNER_ONLY = 0o600
OfUnion = Annotated[str, typer.Option(help="Code of a union with all below it; else all.")]


@app.command()
def journal(
    form: Annotated[Dialect, typer.Option("--format", help="Whose form it is to have.")],
    organisation: Annotated[
        str, typer.Option(help="Code of a union: it and what stands below it; else all.")
    ] = "",
    as_of: AsOf = None,
    at: Annotated[int | None, typer.Option(min=0, help="Last log position to be counted.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; else it is printed.")] = None,
) -> None:
    """Write every movement of money as an entry that comes to zero, with its event's position."""
    place = bootstrap.home()
    moment = Moment(as_of.date() if as_of else None, at)
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as connection,
    ):
        tree = tree_on(connection, moment.as_of, moment.at)
        ids = below(tree, organisation) if organisation else None
        written = journal_lines(ledger, connection, form, moment, ids)
        if out is None:
            sys.stdout.buffer.writelines(written)
            return
        with drafted(out, OWNER_ONLY) as draft, told_of(out), draft.open("wb") as file:
            file.writelines(written)
    say(f"{out}: {out.stat().st_size} bytes")


@app.command()
def inspection(
    organisation: Annotated[str, typer.Option(help="Code of a union; what stands below, too.")],
    year: Annotated[int, typer.Option(min=YEAR_MIN, max=YEAR_MAX, help="Fiscal year.")],
    out: Annotated[Path, typer.Option(help="ZIP file, or folder that is not there yet.")],
    encoding: Annotated[Encoding, typer.Option(help="Of CSV and XML.")] = Encoding.UTF_8,
    *,
    opened: Annotated[
        bool, typer.Option("--open", help="Show personal data in clear; it is put on record.")
    ] = False,
    officer: Annotated[str, typer.Option(help="Staff number of who asks, with --open.")] = "",
    reason: Annotated[str, typer.Option(help="Why, with --open; it stands in the log.")] = "",
    made_for: Annotated[str, typer.Option("--for", help="For whom, with --open.")] = "",
) -> None:
    """Write an inspector's package: all tables in all forms, control totals, hashes and proofs."""
    place = bootstrap.home()
    require_folder_for(out)
    with bootstrap.opened(place) as ledger, closing(MapStore(place.map)) as maps:
        operator = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        with bar("mapping", "events") as progress:
            published = announce(ledger, maps, operator, progress)
        actor = str(officer_id(officer)) if officer else OPERATOR
        act = CommandAct(actor, bootstrap.today(), bootstrap.now())
        order = InspectionOrder(
            organisation_id(organisation), year, encoding, opened, reason, made_for
        )
        with (
            catch_up(ledger, place.read_models).asking() as connection,
            bar("writing", "files") as progress,
            told_of(out),
        ):
            made = Maker(ledger, connection, maps, published).make(act, order, out, progress)
    say(f"{out}: {made.files} files, {made.payments} payments, sha256 {made.sha256}")
    for each in made.controls:
        if each.agrees is False:
            say(f"不符 {each.table} {each.item}: {each.amount_fen}, ledger {each.ledger_fen}")
    if not made.agrees:
        raise typer.Exit(REFUSED)


@app.command()
def statistics(
    out: Annotated[Path, typer.Option(help="File that ends in .xlsx, .csv or .pdf.")],
    campaign: Annotated[str, typer.Option(help="Code; else of a year.")] = "",
    year: YearAlone = None,
    organisation: OfUnion = "",
    as_of: AsOf = None,
    at: At = None,
    encoding: Annotated[Encoding, typer.Option(help="Of CSV.")] = Encoding.UTF_8,
) -> None:
    """Write the statistics table of a campaign or a year: by category, source and union."""
    moment = Moment(as_of.date() if as_of else None, at)
    scope = Scope(organisation or None, campaign or None, year, moment)
    _report(Sort.STATISTICS, scope, out, encoding)


@app.command()
def yearly(
    out: Annotated[Path, typer.Option(help="File that ends in .xlsx, .csv or .pdf.")],
    year: Annotated[int, typer.Option(min=YEAR_MIN, max=YEAR_MAX, help="Fiscal year.")],
    organisation: OfUnion = "",
    as_of: AsOf = None,
    at: At = None,
    encoding: Annotated[Encoding, typer.Option(help="Of CSV.")] = Encoding.UTF_8,
) -> None:
    """Write a centre's yearly table: opening, received, used, closing, by union and together."""
    moment = Moment(as_of.date() if as_of else None, at)
    _report(Sort.YEAR, Scope(organisation or None, None, year, moment), out, encoding)


@app.command()
def summary(
    out: Annotated[Path, typer.Option(help="File that ends in .xlsx, .csv or .pdf.")],
    campaign: Annotated[str, typer.Option(help="Code; else of a year.")] = "",
    year: YearAlone = None,
    organisation: OfUnion = "",
    as_of: AsOf = None,
    at: At = None,
    encoding: Annotated[Encoding, typer.Option(help="Of CSV.")] = Encoding.UTF_8,
    words: Annotated[
        Path | None, typer.Option(help="Text file (UTF-8): what the office says in its own words.")
    ] = None,
) -> None:
    """Write a campaign's summary report: money, payments, surplus, deadlines, doubts, checks."""
    moment = Moment(as_of.date() if as_of else None, at)
    scope = Scope(organisation or None, campaign or None, year, moment)
    said = "" if words is None else words.read_text(encoding="utf-8")
    _report(
        Sort.SUMMARY, of_the_day(scope, bootstrap.today()), out, encoding, words=own_words(said)
    )


@app.command()
def deadlines(
    out: Annotated[Path, typer.Option(help="File that ends in .xlsx, .csv or .pdf.")],
    campaign: Annotated[str, typer.Option(help="Code; else of all.")] = "",
    organisation: OfUnion = "",
    as_of: AsOf = None,
    at: At = None,
    encoding: Annotated[Encoding, typer.Option(help="Of CSV.")] = Encoding.UTF_8,
    *,
    every: Annotated[bool, typer.Option("--every", help="List what was handed in, too.")] = False,
) -> None:
    """Write who was to hand in what by which day, what is missing and how late it is."""
    moment = Moment(as_of.date() if as_of else None, at)
    question = Question(organisation or None, False, campaign or None, None, every, moment)  # noqa: FBT003
    place, language = bootstrap.home(), languages()["zh"]
    with (
        _whole(out) as draft,
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as connection,
    ):
        reach = Reach(frozenset(tree_on(connection).by_id), bootstrap.today())
        found = due(connection, ledger, reach, question)
        table = deadlines_table(found, language, f"{_service()}{found.address()}")
        with told_of(out):
            _write(table, out.suffix, draft, encoding)
    say(f"{out}: sha256 {sha256(out.read_bytes()).hexdigest()}")


@app.command()
def cases(
    out: Annotated[Path, typer.Option(help="File that ends in .xlsx, .csv or .pdf.")],
    organisation: OfUnion = "",
    as_of: AsOf = None,
    at: At = None,
    encoding: Annotated[Encoding, typer.Option(help="Of CSV.")] = Encoding.UTF_8,
    *,
    live: Annotated[bool, typer.Option("--live", help="Without closed or dismissed.")] = False,
) -> None:
    """Write the cases: what was taken up, how far it is, with whom, and what is to come back."""
    moment = Moment(as_of.date() if as_of else None, at)
    place, language = bootstrap.home(), languages()["zh"]
    with (
        _whole(out) as draft,
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as connection,
    ):
        tree = tree_on(connection, moment.as_of, moment.at)
        ids = below(tree, organisation) if organisation else None
        asked = Asked(ids, live=live)
        table = cases_table(
            every_case(connection, asked, moment),
            tree,
            staff_numbers(connection),
            language,
            moment.as_of or bootstrap.today(),
            place=tree.by_id[organisation_id(organisation)] if organisation else None,
        )
        with told_of(out):
            _write(table, out.suffix, draft, encoding)
    say(f"{out}: sha256 {sha256(out.read_bytes()).hexdigest()}")


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Lend a draft that becomes the file once it is whole, or nothing at all."""
    if out.suffix not in (".xlsx", ".csv", ".pdf"):
        raise typer.BadParameter("the file ends in .xlsx, .csv or .pdf")
    with drafted(out, OWNER_ONLY) as draft:
        yield draft


def _write(table: Table, suffix: str, draft: Path, encoding: Encoding) -> None:
    if suffix == ".xlsx":
        workbook.write([table], draft)
    elif suffix == ".csv":
        draft.write_bytes(b"".join(lines(table, encoding)))
    else:
        draft.write_bytes(paper.to_pdf(table))


def _report(sort: Sort, scope: Scope, out: Path, encoding: Encoding, *, words: str = "") -> None:
    place, language = bootstrap.home(), languages()["zh"]
    with (
        _whole(out) as draft,
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as connection,
    ):
        reach = Reach(frozenset(tree_on(connection).by_id), bootstrap.today())
        of = reporting(connection, ledger, reach, scope)
        sources = Sources(connection, ledger, reach, Kept())
        report = made(sources, of, sort, language, f"{_service()}/", words=words)
        with told_of(out):
            if out.suffix == ".xlsx":
                workbook.write(tables(report, language), draft)
            elif out.suffix == ".csv":
                draft.write_bytes(b"".join(several(tables(report, language), encoding)))
            else:
                draft.write_bytes(to_pdf(report, language))
    say(f"{out}: sha256 {sha256(out.read_bytes()).hexdigest()}")
    for name, holds in report.checks:
        say(f"{'✓' if holds else '✗'} {name}")
    if not all(holds for _, holds in report.checks):
        raise typer.Exit(REFUSED)


def _service() -> str:
    """Return where browsers find the service: there the QR code leads."""
    settings = Settings()
    return settings.origin.rstrip("/") or f"http://localhost:{settings.port}"


def below(tree: Tree, code: str) -> list[UUID]:
    """Return a union and all that stand below it.

    Raises:
        NotOnRecord: There is none of this code.
    """
    if code not in tree.by_code:
        raise NotOnRecord("organisation", organisation_id(code))
    return tree.subtree(tree.by_code[code].organisation_id)
