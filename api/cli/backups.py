"""`nuanzhang backup …`: backups of a ledger in use, and what they are worth."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api import bootstrap
from api.access.store import AccessStore
from api.background.webhooks import step_back
from api.cli.asking import PassphraseFd, ask_passphrase
from api.cli.founding_key import key_id
from api.cli.printing import REFUSED, AsJson, bar, print_json, say, say_doubts
from api.control_totals import control_totals
from api.drilling import Drill, Drilled, drill
from ledger.backups.checking import check
from ledger.backups.manifest import Manifest, read_manifest, require_whole
from ledger.backups.restoring import Restoring, restore
from ledger.backups.sealed_keys import Keys, KeysMissing, keys_in, keys_of, opened
from ledger.backups.taking import Order, take
from ledger.postgresql import Database
from ledger.store.home import Home
from projections.runner import catch_up

app = typer.Typer(
    help="Backups of a ledger in use: take, check, put back, and drill all of it.",
    no_args_is_help=True,
)

SIGNALLED = 128

LEFT_OUT = "jobs, uploads and webhooks; read models, map and verdicts, which are built anew"

Folder = Annotated[Path, typer.Argument(help="Folder of the backup.", show_default=False)]
KeysFolder = Annotated[
    Path | None, typer.Option("--keys", help="A copy of the ledger's keys/ folder.")
]
KeysInside = Annotated[
    bool, typer.Option("--keys-inside", help="Use the keys in the backup; asks its passphrase.")
]
FoundingKey = Annotated[
    str,
    typer.Option(
        "--key", parser=key_id, help="Founding key id as you know it; else the backup is believed."
    ),
]


@app.command()
def create(
    folder: Folder,
    passphrase_fd: PassphraseFd = None,
    *,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Put the keys in too, under a passphrase.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take a backup while the ledger is in use; of the log only what is new in this folder."""
    place = bootstrap.home()
    keys, passphrase = None, ""
    if with_keys:
        keys, passphrase = keys_of(place), ask_passphrase(passphrase_fd, confirm=True)
    with bootstrap.opened(place) as ledger:

        def totals(size: int) -> dict[str, int | str]:
            with catch_up(ledger, place.read_models).asking() as connection:
                return control_totals(connection, size)

        order = Order(bootstrap.now(), totals, keys, passphrase)
        with bar("copying", "entries") as progress:
            manifest = take(place, ledger.log, folder, order, progress)
    if as_json:
        print_json(_manifest(manifest))
        return
    new = [each for each in manifest.segments if f"-{manifest.number:06}." in each.file.name]
    copied = sum(each.stop - each.start for each in new)
    say(f"{folder}: backup {manifest.number}, {manifest.size} entries, {copied} of them new")
    say(f"left out: {LEFT_OUT}")
    if with_keys:
        say("the keys are in it, under the passphrase: whoever has both reads everything")
    else:
        say(f"NOT in it: {place.keys}. Keep a copy apart from it; without keys/master.key")
        say("nobody's personal data opens again, without keys/index.key nobody is found.")
        say(f"密钥不在备份内：{place.keys} 须另行保管；丢失后，个人信息无法恢复。")
    say(f"try it: nuanzhang backup drill {folder} --checkpoint NOTE --keys FOLDER")


@app.command()
def verify(folder: Folder, key: FoundingKey = "", *, as_json: AsJson = False) -> None:
    """Check a backup where it lies: every file, the log's root, the checkpoint, the signatures."""
    with bar("hashing", "entries") as progress:
        manifest, keys = check(folder, key, progress)
    if as_json:
        print_json({**_manifest(manifest), "pinned": bool(key)})
        return
    say(f"{folder}: whole; {manifest.size} entries of {manifest.origin}, taken {manifest.taken_at}")
    if key:
        say(f"signed by the ledger that {key} founded")
    else:
        say(f"if {manifest.founding_key_id} founded it: compare, or give the id as --key")
    say_doubts(keys.doubts())


@app.command(name="restore")
def put_back(
    folder: Folder,
    target: Annotated[Path, typer.Argument(help="An empty folder.", show_default=False)],
    keys_folder: KeysFolder = None,
    key: FoundingKey = "",
    published: Annotated[
        Path | None, typer.Option(help="The log as published later: whom it erased stays erased.")
    ] = None,
    database: Annotated[
        str, typer.Option(help="Address of a PostgreSQL database that is to hold the log.")
    ] = "",
    passphrase_fd: PassphraseFd = None,
    *,
    keys_inside: KeysInside = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back into an empty folder; with it the keys, without which it is no ledger."""
    keys = _keys(folder, keys_folder, passphrase_fd, inside=keys_inside)
    if keys is None:
        raise KeysMissing("a ledger is put back with its keys")
    named = Database.at(database) if database else None
    how = Restoring(keys, key, published, named, keep_address=bool(database))
    with bar("hashing", "entries") as progress:
        restored = restore(folder, target, how, progress)
    _end_ways_in(Home(target))
    manifest, reapplied = restored.manifest, restored.reapplied
    assert reapplied is not None  # noqa: S101 - keys were given
    if as_json:
        writable = restored.unsigned is None
        print_json({**_manifest(manifest), **reapplied._asdict(), "writable": writable})
        raise typer.Exit(0 if writable else REFUSED)
    say(f"{target}: {manifest.size} entries of {manifest.origin} as of {manifest.taken_at}")
    say(
        f"{reapplied.erased} people stay erased ({reapplied.keys_destroyed} keys destroyed again),"
        f" {reapplied.restricted} restricted"
    )
    say(f"not restored: {LEFT_OUT}. Sessions and tokens have ended.")
    say("what was recorded after it is lost. Before you go on, compare with what witnesses hold:")
    say(f"NUANZHANG_HOME={target} nuanzhang verify --checkpoint NOTE")
    if restored.unsigned is not None:
        say(f"NOT WRITABLE 不能记账 {restored.unsigned.code}: {restored.unsigned}")
        raise typer.Exit(REFUSED)


@app.command()
def accept_loss(
    size: Annotated[int, typer.Argument(help="How many entries the log holds now.", min=1)],
) -> None:
    """Go on from a log that is shorter than it was, or another, after its database was put back.

    Without this nothing is written to it. Compare it first with what witnesses hold; stop the
    service before. What is lost stays known to whoever has a checkpoint of it.
    """
    place = bootstrap.home()
    lost = place.accept_loss(size)
    step_back(place.jobs, size)
    if lost is None:
        say(f"the mark was damaged and is put anew, for {size} entries: compare with witnesses")
        return
    if lost:
        say(f"{len(lost)} entries are lost, positions {lost.start} to {lost.stop - 1}")
    else:
        say(f"its {size} entries are others than they were; verify them")
    say("tell the witnesses and whoever holds a checkpoint: they will refuse what comes after it")


@app.command(name="drill")
def run_drill(
    folder: Folder,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Signed checkpoint that somebody else kept.")
    ] = None,
    keys_folder: KeysFolder = None,
    key: FoundingKey = "",
    scratch: Annotated[
        Path | None, typer.Option(help="Where there is room for a whole ledger.")
    ] = None,
    passphrase_fd: PassphraseFd = None,
    *,
    keys_inside: KeysInside = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back for a moment, verify and read it, say what it took and what is lost."""
    keys = _keys(folder, keys_folder, passphrase_fd, inside=keys_inside)
    # Ended by a service manager, it takes away what it put back, as it does when it is interrupted.
    for each in (signal.SIGTERM, signal.SIGHUP):  # the latter where a line to the machine broke off
        signal.signal(each, lambda number, _: sys.exit(SIGNALLED + number))
    place = bootstrap.home()
    known = place.exists() and place.origin() == read_manifest(folder)[0].origin
    with bar("drilling", "entries") as progress:
        order = Drill(Restoring(keys, key), checkpoint, place if known else None, scratch, progress)
        found = drill(folder, order)
    if as_json:
        print_json(_drilled(found))
    else:
        _say_drilled(found)
    if found.faults:
        raise typer.Exit(REFUSED)


def _say_drilled(found: Drilled) -> None:
    manifest = found.manifest
    say(f"backup of {manifest.taken_at}, {manifest.size} entries of {manifest.origin}")
    for name, took_s in found.took_s.items():
        say(f"  {name}: {took_s:.1f} s")
    say(f"back after {found.seconds:.1f} s (RTO)")
    if found.lost is None:
        say("what would be lost is not known here: the ledger is not at hand (RPO)")
    else:
        say(f"lost since: {found.lost.events} entries, {found.lost.seconds:.0f} s (RPO)")
    if found.checkpoint_size is not None:
        way = " by way of the live log" if found.by_way_of_live else ""
        say(f"the checkpoint of {found.checkpoint_size} entries is of this log{way}")
    elif not found.faults:
        say("NOT held against a checkpoint from elsewhere: history written anew would go unseen")
    if found.restored.reapplied is None:
        say("NOT tried: whether the keys open it (--keys FOLDER, or --keys-inside)")
    say_doubts(found.verdict.doubts)
    for fault in found.faults:
        say(f"FAILED 演练失败 {fault.code}: {fault}")
    if not found.faults:
        say("the backup holds, reads and adds up. Nothing of it was left. 演练通过。")


def _drilled(found: Drilled) -> dict[str, Any]:
    lost, reapplied = found.lost, found.restored.reapplied
    return {
        **_manifest(found.manifest),
        "passed": not found.faults,
        "faults": [{"code": each.code, "detail": str(each)} for each in found.faults],
        "checkpoint_held": found.checkpoint_size,
        "by_way_of_live_log": found.by_way_of_live,
        "restored_totals": found.totals,
        "keys_tried": reapplied is not None,
        "took_s": found.took_s,
        "rto_s": round(found.seconds, 3),
        "rpo_events": None if lost is None else lost.events,
        "rpo_s": None if lost is None else lost.seconds,
    }


def _manifest(manifest: Manifest) -> dict[str, Any]:
    return {
        "origin": manifest.origin,
        "number": manifest.number,
        "taken_at": manifest.taken_at,
        "size": manifest.size,
        "root": manifest.tree.root().hex(),
        "checkpoint": manifest.checkpoint,
        "segments": len(manifest.segments),
        "bytes": sum(each.size_bytes for each in manifest.files()),
        "has_keys": "keys" in manifest.parts,
        "totals": manifest.totals,
    }


def _keys(
    folder: Path, keys_folder: Path | None, passphrase_fd: int | None, *, inside: bool
) -> Keys | None:
    if keys_folder is not None:
        return keys_in(keys_folder)
    if not inside:
        return None
    manifest, _ = read_manifest(folder)
    if "keys" not in manifest.parts:
        raise KeysMissing("this backup was taken without the keys")
    require_whole(folder, manifest.parts["keys"])
    written = (folder / manifest.parts["keys"].name).read_bytes()
    return opened(written, ask_passphrase(passphrase_fd, confirm=False))


def _end_ways_in(home: Home) -> None:
    if home.access.exists():
        store = AccessStore(home.access)
        store.end_ways_in()
        store.close()
