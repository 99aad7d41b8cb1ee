"""Commands of a campaign: load it, report on it, its files in and out."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from api import bootstrap
from api.bank_formats import bank_formats
from api.checking import check_file
from api.cli.printing import REFUSED, AsJson, bar, print_json, say
from api.demo import make_demo
from api.folder import open_folder
from api.keyring import Keyring
from api.loading import Loaded, Loading, default_as_of
from api.report import campaign_report
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.domain.aggregate import OPERATOR
from ledger.domain.campaign import campaign_id
from ledger.domain.values import Money, yuan_text
from ledger.store.act import CommandAct
from ledger.store.application import NotOnRecord
from projections.batches import campaign_exists
from projections.runner import catch_up


def load(
    folder: Annotated[Path, typer.Argument(help="A scenario folder.", show_default=False)],
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the report.")
    ] = None,
    *,
    faults: Annotated[
        bool, typer.Option("--faults", help="Tell every refused row too, by file, row and column.")
    ] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Make a demo of it, whose inspector anybody may be."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Replay a campaign folder, each step at its own date; safe to repeat and to take up again."""
    content = open_folder(folder)
    place = bootstrap.home()
    if demo:
        make_demo(place, content)
    with bootstrap.opened(place, create=True) as ledger:
        loading = Loading(ledger, Keyring(place.keyring), content, bootstrap.now)
        with bar("loading", "steps") as progress:
            loaded = loading.run(progress)
        with bar("reading", "events") as progress:
            model = catch_up(ledger, place.read_models, progress)
        day = as_of.date() if as_of else default_as_of(content, loaded)
        campaign = content.campaign
        with model.asking() as connection:
            report = campaign_report(connection, campaign.code, campaign.fiscal_year, day)
        _show_problems(loaded, every=faults)
        if as_json:
            print_json(report)
        else:
            _show_report(report, loaded, ledger.size())


def report(
    campaign: Annotated[str, typer.Argument(help="Code of the campaign.")],
    year: Annotated[int, typer.Option(help="Fiscal year of the surplus.")],
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
) -> None:
    """Print a campaign's figures as JSON, as of a day (today unless given)."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        day = as_of.date() if as_of else bootstrap.today()
        with catch_up(ledger, place.read_models).asking() as connection:
            if not campaign_exists(connection, campaign_id(campaign)):
                raise NotOnRecord("campaign", campaign_id(campaign))
            print_json(campaign_report(connection, campaign, year, day))


def bank_file(
    batch: Annotated[str, typer.Argument(help="Code of an approved card batch.")],
    folder: Annotated[Path, typer.Option("--to", help="Folder to write the file into.")] = Path(),
    payer: Annotated[
        list[str] | None,
        typer.Option(help="word=value that the format asks of the payer; see `bank-formats`."),
    ] = None,
) -> None:
    """Write the payment file of a batch for its bank; that it was written is put on record."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        facts = dict(each.partition("=")[::2] for each in payer or ())
        file = export_batch(ledger, act, BankFileOrder(batch, payer=facts))
        path = folder / file.filename
        path.touch(mode=0o600)
        path.write_bytes(file.content)
        total = yuan_text(Money(file.total_fen))
        say(f"{path}: {file.count} payments, {total} yuan, sha256 {file.sha256}")
        if file.left_out:
            rows = ", ".join(map(str, file.left_out))
            say(f"left out, since their data is restricted or erased: rows {rows}")
        if file.stopped:
            rows = ", ".join(map(str, file.stopped))
            say(f"stopped by upheld objections, to be withdrawn: rows {rows}")


def list_formats(*, as_json: AsJson = False) -> None:
    """List the formats of banks: which ways each goes, charset, unit, what its statuses mean."""
    found = bank_formats()
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    for each in found:
        say(f"{each.name}: {each.zh} ({each.en})")
        for way in each.ways:
            facts = (way.shape, way.charset, way.unit, way.measure, *way.totals)
            said = "; ".join(f"{word} = {', '.join(way.statuses[word])}" for word in way.statuses)
            say(f"  {way.direction}: {' '.join(filter(None, facts))}{'; ' if said else ''}{said}")
        if each.asks:
            say(f"  asks: {', '.join(f'{ask.word} {ask.zh}' for ask in each.asks)}")


def check(
    kind: Annotated[str, typer.Argument(help="roster, archive, signatures, or a bank format.")],
    path: Annotated[Path, typer.Argument(help="The file.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Read a file as it would be read, write nothing, and say all that is wrong with it."""
    found = check_file(kind, path)
    if as_json:
        print_json({"rows": found.rows, "faults": [_fault(each) for each in found.faults]})
    else:
        for fault in found.faults:
            say(str(fault))
        say(f"{found.rows} rows read, {len(found.faults)} faults")
    if found.faults:
        raise typer.Exit(REFUSED)


def _show_problems(loaded: Loaded, *, every: bool) -> None:
    """Say what was not taken; what was refused and put on record only when asked."""
    for problem in loaded.problems:
        if every or not problem.recorded:
            sys.stderr.write(f"{problem.step}: {problem.detail}\n")


def _show_report(figures: dict[str, Any], loaded: Loaded, events: int) -> None:
    table = Table(title=f"as of {figures['as_of']}", show_header=False)
    for label, key in (
        ("收入 received", "received_fen"),
        ("已发放 paid", "settled_fen"),
        ("退回 returned", "returned_fen"),
        ("未签收 not signed for", "unsigned_fen"),
    ):
        table.add_row(label, f"{yuan_text(Money(figures[key]))} 元")
    table.add_row("受助人数 people paid", str(figures["people_paid"]))
    surplus = next(value for key, value in figures.items() if key.startswith("surplus_"))
    for code, each in surplus.items():
        if "ratio_basis_points_floor" in each:
            table.add_row(f"结余消化率 surplus consumed, {code}", _percent(each))
    recorded = sum(problem.recorded for problem in loaded.problems)
    table.add_row("记录在案的拒绝 refusals on record", str(recorded))
    table.add_row("不予受理 files or steps not taken", str(len(loaded.problems) - recorded))
    table.add_row("事件 events in the log", str(events))
    Console().print(table)


def _percent(figures: dict[str, int | None]) -> str:
    ratio = figures["ratio_basis_points_floor"]
    return "—" if ratio is None else f"{ratio // 100}.{ratio % 100:02d} %"


def _fault(fault: Any) -> dict[str, Any]:
    return {
        "file": fault.file,
        "row": fault.row,
        "column": fault.column,
        "code": fault.code,
        "zh": fault.zh,
        "en": fault.en,
    }
