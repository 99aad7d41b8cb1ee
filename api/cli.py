"""The command line: `nuanzhang`. Each command parses, calls what the interface calls, prints."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from api import bootstrap
from api.checking import check_file
from api.folder import open_folder
from api.keyring import Keyring
from api.loading import Loaded, Loading, default_as_of
from api.report import campaign_report
from api.serving import listen
from ledger.commands.batches import export_batch
from ledger.commands.recipients import erase_person
from ledger.commands.verification import Verdict, verify_log
from ledger.domain.aggregate import OPERATOR
from ledger.domain.campaign import campaign_id
from ledger.domain.values import Money, yuan_text
from ledger.errors import LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import NotOnRecord
from ledger.store.home import HomeMissing
from projections.batches import campaign_exists
from projections.runner import catch_up, compare, rebuild

app = typer.Typer(
    help="暖账 Nuanzhang: an audit ledger for relief funds. State lives in NUANZHANG_HOME.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one machine-readable object.")]

REFUSED = 1


@app.command()
def init() -> None:
    """Make the home folder with its keys, for its owner alone; an existing one is left as it is."""
    place = bootstrap.home()
    with bootstrap.opened(place, create=True):
        _say(f"{place.path} is ready.\nverifier key: {place.note_key().vkey()}")


@app.command()
def load(
    folder: Annotated[Path, typer.Argument(help="A scenario folder.", show_default=False)],
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the report.")
    ] = None,
    *,
    faults: Annotated[
        bool, typer.Option("--faults", help="Tell every refused row too, by file, row and column.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Replay a campaign folder, each step at its own date; safe to repeat and to take up again."""
    content = open_folder(folder)
    place = bootstrap.home()
    with bootstrap.opened(place, create=True) as ledger:
        loading = Loading(ledger, Keyring(place.keyring), content, bootstrap.now)
        with _bar("loading", "steps") as progress:
            loaded = loading.run(progress)
        with _bar("reading", "events") as progress:
            model = catch_up(ledger, place.read_models, progress)
        day = as_of.date() if as_of else default_as_of(content, loaded)
        campaign = content.campaign
        with model.asking() as connection:
            report = campaign_report(connection, campaign.code, campaign.fiscal_year, day)
        _show_problems(loaded, every=faults)
        if as_json:
            _print_json(report)
        else:
            _show_report(report, loaded, ledger.size())


@app.command()
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
            _print_json(campaign_report(connection, campaign, year, day))


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="TCP port on the loopback address.")] = None,
    *,
    tour: Annotated[bool, typer.Option(help="Print what to look at.")] = False,
) -> None:
    """Serve the read interface over HTTP, on the loopback address only."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        listen(place, ledger, port, tour=tour, say=_say)


@app.command()
def verify(
    processes: Annotated[int | None, typer.Option(min=1, help="How many to use.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify envelopes, signatures, key validity, positions, streams, tree and checkpoints."""
    place = bootstrap.home()
    origin, key = place.origin(), place.note_key().public_key
    if not place.events.exists():
        raise HomeMissing(place.path)
    with _bar("verifying", "events") as progress:
        verdict = verify_log(place.events, origin, key, progress=progress, processes=processes)
    if as_json:
        _print_json(_verdict(verdict))
    elif verdict.holds:
        _say(
            f"{verdict.events} events under {verdict.checkpoints} checkpoints: everything holds.\n"
            f"{verdict.events} 个事件、{verdict.checkpoints} 个检查点，全部成立。"
        )
    else:
        _show_broken(verdict)
    if not verdict.holds:
        raise typer.Exit(REFUSED)


@app.command(name="rebuild")
def rebuild_read_model(
    *,
    check: Annotated[bool, typer.Option(help="Only compare a new one with the live one.")] = False,
) -> None:
    """Drop the read models and build them anew from the log; say whether anything differed."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        live = place.read_models
        with _bar("reading", "events") as progress:
            catch_up(ledger, live, progress)
            anew = live.with_name("compared.sqlite")
            rebuild(ledger, anew, progress)
        differences = compare(anew, live)
        if check:
            anew.unlink()
        else:
            for suffix in ("-wal", "-shm"):
                live.with_name(live.name + suffix).unlink(missing_ok=True)
            anew.rename(live)
        for difference in differences:
            _say(f"differed: table {difference.table}, row {difference.row}")
        _say(f"{ledger.size()} events read; {'no ' if not differences else ''}difference found.")
        if differences:
            raise typer.Exit(REFUSED)


@app.command(name="bank-file")
def bank_file(
    batch: Annotated[str, typer.Argument(help="Code of an approved card batch.")],
    folder: Annotated[Path, typer.Option("--to", help="Folder to write the file into.")] = Path(),
) -> None:
    """Write the payment file of a batch for its bank; that it was written is put on record."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        file = export_batch(ledger, act, batch)
        path = folder / file.filename
        path.touch(mode=0o600)
        path.write_bytes(file.content)
        total = yuan_text(Money(file.total_fen))
        _say(f"{path}: {file.count} payments, {total} yuan, sha256 {file.sha256}")


@app.command(name="check-file")
def check(
    kind: Annotated[str, typer.Argument(help="roster, archive, signatures, or a bank format.")],
    path: Annotated[Path, typer.Argument(help="The file.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Read a file as it would be read, write nothing, and say all that is wrong with it."""
    found = check_file(kind, path)
    if as_json:
        _print_json({"rows": found.rows, "faults": [_fault(each) for each in found.faults]})
    else:
        for fault in found.faults:
            _say(str(fault))
        _say(f"{found.rows} rows read, {len(found.faults)} faults")
    if found.faults:
        raise typer.Exit(REFUSED)


@app.command()
def erase(
    person: Annotated[UUID, typer.Argument(help="Id of the person.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
) -> None:
    """Destroy a person's data key. The log still verifies, the figures still add up."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        erase_person(ledger, act, person, reason)
        _say(f"the personal data of {person} can no longer be read by anyone")


def main() -> None:
    """Run a command; a refusal is one line, `code: message`, and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        app()
    except LedgerError as refusal:
        _fail(f"{refusal.code}: {refusal}")


def _fail(text: str) -> NoReturn:
    sys.stderr.write(text + "\n")
    raise SystemExit(REFUSED)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _print_json(value: Any) -> None:
    _say(json.dumps(value, ensure_ascii=False, indent=1))


@contextmanager
def _bar(what: str, unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """Draw a progress bar on a terminal; elsewhere there is nobody to look at one."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    # Drawn when it moves, not by a thread: verification forks, which threads make unsafe.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as progress:
        task = progress.add_task(what, total=None)

        def update(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            progress.refresh()

        yield update


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


def _verdict(verdict: Verdict) -> dict[str, Any]:
    broken = verdict.broken
    return {
        "holds": verdict.holds,
        "events": verdict.events,
        "checkpoints": verdict.checkpoints,
        "code": None if broken is None else broken.code,
        "detail": None if broken is None else str(broken),
        "position": verdict.position,
        "last_good_size": verdict.last_good_size,
        "affected": verdict.affected,
    }


def _show_broken(verdict: Verdict) -> None:
    broken = verdict.broken
    assert broken is not None  # noqa: S101 - asked before
    _say(f"BROKEN {broken.code}: {broken}")
    _say(f"the log holds up to {verdict.last_good_size} events; what follows is in doubt")
    for name, value in verdict.affected.items():
        _say(f"affected {name}: {value}")
    _say("keep this folder as it is, fetch a copy made before, and tell the auditors (经审)")


if __name__ == "__main__":
    main()
