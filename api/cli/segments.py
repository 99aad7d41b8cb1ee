"""`nuanzhang segments …`: closed ranges of the log, sealed, checked and asked in SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api import bootstrap
from api.cli.founding_key import key_id
from api.cli.printing import REFUSED, AsJson, bar, doubts_json, print_json, say, say_doubts
from ledger.commands.held_checkpoint import read_checkpoint
from ledger.segments.checking import (
    Checked,
    Share,
    check_segments,
    in_processes,
    signed_chain,
)
from ledger.segments.manifest import Manifest, require_chain
from ledger.segments.sealing import LENGTH, seal
from projections.asked import Moment
from projections.findings.asked import Patience
from projections.findings.limits import USUAL
from projections.segments.asking import QUESTIONS, Answer, Asking, Engine, ask, out_of_turn
from projections.segments.duck import duck
from projections.segments.flat import FLAT
from projections.segments.spark import spark

app = typer.Typer(
    help="Closed ranges of the log as Parquet and tiles: seal, check, and ask them in SQL.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="Folder of the segments.", show_default=False)]
FoundingKey = Annotated[
    str,
    typer.Option(
        "--key", parser=key_id, help="Founding key id as you know it; else the segments' own."
    ),
]
Master = Annotated[
    str, typer.Option("--spark", help="Master of a Spark cluster, e.g. spark://host:7077.")
]


@app.command(name="seal")
def seal_closed(
    folder: Folder,
    length: Annotated[
        int | None,
        typer.Option(
            help=f"Positions of a segment, a power of two; else as those before, or {LENGTH}.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Seal every range of the log that is closed by now; what is sealed is never written again."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger, bar("sealing", "events") as progress:
        made = seal(place, ledger.log, folder, FLAT, length, progress)
        size = ledger.size()
    sealed = [each.manifest for each in require_chain(folder)] if made else []
    stop = sealed[-1].stop if sealed else 0
    if as_json:
        print_json({"made": [_manifest(each) for each in made], "log_size": size})
        return
    for each in made:
        say(f"sealed {each.folder}: {_bytes(each)} bytes, SHA-256 {each.sha256}")
    say(f"{len(made)} segments sealed" + (f", up to position {stop}" if made else ""))


@app.command()
def verify(
    folder: Folder,
    key: FoundingKey = "",
    checkpoint: Annotated[
        Path | None, typer.Option(help="Signed checkpoint that somebody else kept.")
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="How many to use.")] = None,
    master: Master = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Check files, entries, signatures, tree, tables and chain; needs no ledger and no network."""
    note = None if checkpoint is None else read_checkpoint(checkpoint)[1]
    with (
        _engine(master, in_processes(processes)) as (engine, share),
        bar("verifying", "events") as at,
    ):
        checked = check_segments(
            folder,
            FLAT,
            share,
            lambda manifests: out_of_turn(engine, folder, manifests),
            key,
            note,
            at,
        )
    if as_json:
        print_json({**_checked(checked), "pinned": bool(key)})
    else:
        _say_checked(checked, key)
    if checked.doubts:
        raise typer.Exit(REFUSED)


@app.command(name="list")
def list_sealed(folder: Folder, *, as_json: AsJson = False) -> None:
    """List what is sealed, as the manifests say; nothing is verified but that they are a chain."""
    manifests = [each.manifest for each in require_chain(folder)]
    if as_json:
        print_json([_manifest(each) for each in manifests])
        return
    for each in manifests:
        say(f"{each.number:>6}  {each.folder}  {_bytes(each):>12} bytes  {each.sha256}")


@app.command(name="ask")
def ask_sealed(
    question: Annotated[str, typer.Argument(help=", ".join(QUESTIONS), show_default=False)],
    folder: Folder,
    key: FoundingKey = "",
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="What had happened by a day.")
    ] = None,
    at: Annotated[
        int | None, typer.Option(min=0, help="What was known at a position of the log.")
    ] = None,
    again_days: Annotated[int, typer.Option(help="Of E2 and duplicates.")] = USUAL.again_days,
    reissue_days: Annotated[int, typer.Option(help="Of G5.")] = USUAL.reissue_days,
    yearly_maximum_fen: Annotated[int, typer.Option(help="Of B3.")] = USUAL.yearly_maximum_fen,
    master: Master = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Ask the segments in SQL, here by DuckDB or on a Spark cluster; their files are hashed first.

    Rules bear what is usual unless told otherwise: a policy's limits stand in the service.
    """
    manifests = signed_chain(folder, key)
    day = None if as_of is None else as_of.date()
    patience = Patience(
        again_days=again_days, reissue_days=reissue_days, yearly_maximum_fen=yearly_maximum_fen
    )
    asking = Asking(folder, manifests, _today(day), Moment(day, at), patience)
    with _engine(master, in_processes(1)) as (engine, _):
        answer = ask(engine, asking, question)
    if as_json:
        print_json(
            {
                "question": question,
                "known_to": manifests[-1].stop - 1 if at is None else at,
                "columns": answer.columns,
                "rows": [[_shown(value) for value in row] for row in answer.rows],
            }
        )
    else:
        _say_answer(answer)


@contextmanager
def _engine(master: str, share: Share) -> Iterator[tuple[Engine, Share]]:
    if master:
        with spark(master) as cluster:
            yield cluster, cluster.share
    else:
        with duck() as engine:
            yield engine, share


def _say_checked(checked: Checked, key: str) -> None:
    last = checked.manifests[-1]
    say(
        f"{len(checked.manifests)} segments of {last.origin}, {checked.edge.size} entries: every"
        f" file, signature, tile and table holds.\n{checked.edge.size} 个事件已封存，全部成立。"
    )
    say("NOT checked here: what entries claim of maps and trees (`nuanzhang verify`)")
    if key:
        say(f"signed by the ledger that {key} founded")
    else:
        say(f"if {last.founding_key_id} founded it: compare, or give the id as --key")
    if checked.held is not None:
        say(f"the checkpoint of {checked.held} entries that was kept elsewhere is of this log.")
    say_doubts(checked.doubts)


def _say_answer(answer: Answer) -> None:
    say("\t".join(answer.columns))
    for row in answer.rows:
        say("\t".join("" if each is None else str(_shown(each)) for each in row))


def _checked(checked: Checked) -> dict[str, Any]:
    return {
        "segments": len(checked.manifests),
        "size": checked.edge.size,
        "root": checked.edge.root().hex(),
        "last_sha256": checked.manifests[-1].sha256,
        "checkpoint_held": checked.held,
        "doubts": doubts_json(checked.doubts),
    }


def _manifest(manifest: Manifest) -> dict[str, Any]:
    return {
        "number": manifest.number,
        "folder": manifest.folder,
        "start": manifest.start,
        "stop": manifest.stop,
        "root": manifest.tree.root().hex(),
        "sha256": manifest.sha256,
        "previous": manifest.previous,
        "bytes": _bytes(manifest),
        "rows": {each.name: each.rows for each in manifest.tables},
    }


def _bytes(manifest: Manifest) -> int:
    return sum(each.size_bytes for each in manifest.files)


def _shown(value: Any) -> Any:
    return bytes(value).hex() if isinstance(value, (bytes, bytearray)) else value


def _today(day: date | None) -> date:
    return bootstrap.today() if day is None else day
