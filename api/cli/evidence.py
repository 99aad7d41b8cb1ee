"""Commands of evidence: is everything that is stored as it was signed?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from api import bootstrap
from api.alarm_text import alarm_lines
from api.cli.printing import REFUSED, AsJson, bar, doubts_json, print_json, say, say_doubts
from api.deployment import Deployment
from ledger.commands.alarm import Alarm, raise_alarm
from ledger.commands.attestation import KEYRING, RELIABLE, SERVICE_ALONE
from ledger.commands.held_checkpoint import read_checkpoint, require_held
from ledger.commands.verification import Verdict, verify_log
from ledger.segments.checking import Checked, check_segments, in_processes
from ledger.segments.going_on import known_to, remember, verify_past
from ledger.store.home import Home, HomeMissing
from projections.segments.asking import out_of_turn
from projections.segments.duck import duck
from projections.segments.flat import FLAT


def verify(
    processes: Annotated[int | None, typer.Option(min=1, help="How many to use.")] = None,
    key: Annotated[
        str, typer.Option(help="Founding key id as you know it; else as the folder has it.")
    ] = "",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Signed checkpoint that somebody else kept; the log has to hold it."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="File to write the alarm into, if there is one.")
    ] = None,
    segments: Annotated[
        Path | None,
        typer.Option(
            help="Folder of sealed segments: verify these, and the log itself only past them."
        ),
    ] = None,
    deployment: Annotated[
        Path | None, typer.Option(help="Verify each ledger that this file has here.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify envelopes, signatures, keys, positions, streams, tree, maps and checkpoints."""
    if deployment is not None:
        if key or any(each is not None for each in (checkpoint, report, segments)):
            one = "--key, --checkpoint, --report and --segments are of one ledger"
            raise typer.BadParameter(one)
        _verify_all(bootstrap.deployment(deployment), processes, as_json=as_json)
        return
    place = bootstrap.home()
    origin, founding = place.origin(), key or place.founding_key_id()
    log = place.log
    if isinstance(log, Path) and not log.exists():
        raise HomeMissing(place.path)
    note = None if checkpoint is None else read_checkpoint(checkpoint)[1]
    sealed = None
    with bar("verifying", "events") as progress:
        if segments is None:
            verdict = verify_log(log, origin, founding, progress=progress, processes=processes)
        else:
            sealed = _sealed(place, segments, founding, processes)
            verdict = verify_past(log, sealed, progress, processes)
    alarm = None if verdict.holds else raise_alarm(verdict, log, place.anchors)
    held = None
    if note is not None and verdict.holds:
        held = require_held(log, origin, founding, note).size
    if as_json:
        told = None if sealed is None else sealed.edge.size
        print_json({**_verdict(verdict, alarm), "checkpoint_held": held, "sealed": told})
    else:
        _show(verdict, alarm, None if sealed is None else sealed.edge.size)
        if held is not None:
            say(f"the checkpoint of {held} entries that was kept elsewhere is of this log.")
    if alarm is not None and report is not None:
        report.write_text("\n".join(alarm_lines(alarm)) + "\n", encoding="utf-8")
    if alarm is not None or verdict.doubts:
        raise typer.Exit(REFUSED)


def _sealed(place: Home, folder: Path, founding: str, processes: int | None) -> Checked:
    """Check a ledger's segments: whole those that are new to it, by their hashes the others."""
    with duck() as engine:
        checked = check_segments(
            folder,
            FLAT,
            in_processes(processes),
            lambda manifests: out_of_turn(engine, folder, manifests),
            founding,
            known=known_to(place),
        )
    remember(place, checked)
    return checked


def _verify_all(deployment: Deployment, processes: int | None, *, as_json: bool) -> None:
    """Verify ledger by ledger, whatever is found of one; those elsewhere are named as not seen."""
    found: dict[str, Any] = {}
    sound = True
    for each in deployment.here:
        place = each.place()
        log = place.log
        if not place.exists():
            raise HomeMissing(place.path)
        with bar(f"verifying {each.name}", "events") as progress:
            verdict = verify_log(
                log, place.origin(), place.founding_key_id(), progress=progress, processes=processes
            )
        alarm = None if verdict.holds else raise_alarm(verdict, log, place.anchors)
        sound = sound and alarm is None and not verdict.doubts
        found[each.name] = _verdict(verdict, alarm)
        if not as_json:
            say(f"{each.name}:")
            _show(verdict, alarm)
    if as_json:
        elsewhere = {each.name: each.url for each in deployment.elsewhere}
        print_json({"ledgers": found, "not_seen": elsewhere})
    else:
        for other in deployment.elsewhere:
            say(f"{other.name}: not here; verify it at {other.url}")
    if not sound:
        raise typer.Exit(REFUSED)


def _show(verdict: Verdict, alarm: Alarm | None, sealed: int | None = None) -> None:
    if alarm is not None:
        for line in alarm_lines(alarm):
            say(line)
        return
    if sealed is not None:
        say(
            f"{verdict.events} events, {sealed} of them sealed: the segments hold, and what came"
            f" after them goes on from there and holds.\n"
            f"{sealed} 个事件已封存并成立，其后的事件也成立。\n"
            "NOT read: the log's own copy of what is sealed, and what entries claim of maps"
            " (`nuanzhang verify` without --segments)"
        )
        say_doubts(verdict.doubts)
        return
    say(
        f"{verdict.events} events under {verdict.checkpoints} checkpoints: everything holds.\n"
        f"{verdict.events} 个事件、{verdict.checkpoints} 个检查点，全部成立。"
    )
    own, keyring = verdict.attested.get(RELIABLE, 0), verdict.attested.get(KEYRING, 0)
    say(
        f"{own} carry the officer's own signature, {keyring} one from the operator's keyring,"
        f" {verdict.attested.get(SERVICE_ALONE, 0)} the service's alone."
    )
    say_doubts(verdict.doubts)


def _verdict(verdict: Verdict, alarm: Alarm | None) -> dict[str, Any]:
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
        "attested": verdict.attested,
        "doubts": doubts_json(verdict.doubts),
        "alarm": None if alarm is None else _alarm(alarm),
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "field": alarm.field,
        "event_type": alarm.event_type,
        "recorded_at": alarm.recorded_at,
        "last_good_at": alarm.last_good_at,
        "witnesses": [
            {"name": each.name, "size": each.size, "time_s": each.time_s}
            for each in alarm.witnesses
        ],
        "surely": {noun: alarm.surely.of(noun) for noun in alarm.surely.ids},
        "in_doubt": {noun: alarm.in_doubt.of(noun) for noun in alarm.in_doubt.ids},
        "names": {
            id_: alarm.names[id_]
            for ids in alarm.in_doubt.ids.values()
            for id_ in sorted(ids)
            if id_ in alarm.names
        },
    }
