"""Commands of evidence: is everything that is stored as it was signed?"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from api import bootstrap
from api.alarm_text import alarm_lines
from api.cli.administrators import (
    OTHER_KEY,
    Shown,
    carried,
    detail,
    difference,
    say_first_keys,
    say_held,
    vouching_json,
)
from api.cli.drafts import drafted, require_folder_for, told_of
from api.cli.founding_key import key_id, require_founder
from api.cli.printing import (
    REFUSED,
    AsJson,
    bar,
    doubts_json,
    print_json,
    say,
    say_doubts,
)
from api.deployment import Deployment
from ledger.commands.alarm import Alarm, raise_alarm
from ledger.commands.held_checkpoint import read_checkpoint, require_held
from ledger.commands.paid_as_approved import PaidAsApproved, paid_as_approved
from ledger.commands.verification import Verdict, verify_log
from ledger.postgresql import Database
from ledger.segments.checking import Checked, check_segments, in_processes
from ledger.segments.going_on import Known, known_to, remember, verify_past
from ledger.store.home import Home, HomeMissing
from projections.segments.asking import out_of_turn
from projections.segments.duck import duck
from projections.segments.flat import FLAT


def verify(
    processes: Annotated[int | None, typer.Option(min=1, help="How many to use.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="Founding key id as you know it, from elsewhere than the folder; with"
            " --deployment NAME=ID, for as many ledgers as you know it of."
        ),
    ] = None,
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
    administrator: Shown = None,
    *,
    approvals: Annotated[
        bool,
        typer.Option("--approvals", help="Hold each payment against the list that was approved."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify envelopes, signatures, keys, positions, streams, tree, maps and checkpoints.

    Without --key the folder itself says which key founded the log. That serves whoever keeps the
    folder, and proves nothing to anybody else: it is said with the result (NOT PINNED).
    """
    keys, shown = key or [], administrator or ()
    if deployment is not None:
        _require_none(checkpoint, report, segments, *shown, approvals=approvals)
        _verify_all(bootstrap.deployment(deployment), keys, processes, as_json=as_json)
        return
    if report is not None:
        require_folder_for(report)
    place = bootstrap.home()
    _require_unsealed(segments, shown, approvals=approvals)
    pinned = _one_key(keys)
    origin, founding = place.origin(), pinned or place.founding_key_id()
    log = place.log
    if isinstance(log, Path) and not log.exists():
        raise HomeMissing(place.path)
    note = None if checkpoint is None else read_checkpoint(checkpoint)[1]
    sealed = None
    with bar("verifying", "events") as progress:
        if segments is None:
            verdict = verify_log(log, origin, founding, progress=progress, processes=processes)
        else:
            # Who brings what they know from elsewhere does not take the folder's word for it.
            known = None if pinned or note is not None else known_to(place)
            sealed = _sealed(place, segments, founding, processes, known)
            verdict = verify_past(log, sealed.checked, progress, processes)
    require_founder(place, pinned, verdict.broken)
    alarm = None if verdict.holds else raise_alarm(verdict, log, place.anchors)
    held = None
    if note is not None and verdict.holds:
        held = require_held(log, origin, founding, note).size
    paid = _paid(log, verdict, founding, asked=approvals)
    other = difference(verdict.first_keys, shown, are_all=True) if verdict.holds else None
    if as_json:
        found = _verdict(verdict, alarm, founding, other, pinned=bool(pinned))
        print_json({**found, "checkpoint_held": held, **_sealed_json(sealed), **_paid_json(paid)})
    else:
        _show(verdict, alarm, shown, sealed)
        _say_founder(verdict, founding, pinned=bool(pinned))
        if other is not None:
            say(f"{OTHER_KEY}: everything holds. But {other}")
        if held is not None:
            say(f"the checkpoint of {held} entries that was kept elsewhere is of this log.")
        _say_paid(paid)
    _report(alarm, report)
    if any((alarm, other, verdict.doubts, paid and paid.faulty)):
        raise typer.Exit(REFUSED)


def _report(alarm: Alarm | None, path: Path | None) -> None:
    if alarm is None or path is None:
        return
    with drafted(path) as draft, told_of(path):
        draft.write_text("\n".join(alarm_lines(alarm)) + "\n", encoding="utf-8")


def _require_unsealed(segments: Path | None, shown: Collection[str], *, approvals: bool) -> None:
    for asked, option in ((approvals, "--approvals"), (shown, "--administrator")):
        if asked and segments is not None:
            told = f"{option} reads the log itself, which --segments leaves unread"
            raise typer.BadParameter(told)


def _paid(
    log: Path | Database, verdict: Verdict, founding: str, *, asked: bool
) -> PaidAsApproved | None:
    if not (asked and verdict.holds):
        return None
    with bar("holding payments against approvals", "batches") as progress:
        return paid_as_approved(log, verdict.events, founding, progress)


def _say_paid(paid: PaidAsApproved | None) -> None:
    if paid is None:
        return
    for each in paid.faults:
        say(f"NOT AS APPROVED 与审批不符: batch {each.batch_id}: {each.cause}")
    if paid.faulty:
        told = len(paid.faults)
        others = f" The first {told} are named." if told < paid.faulty else ""
        say(
            f"{paid.faulty} of {paid.batches} batches are not as the approvals list them.{others}"
            f" {paid.batches} 个批次中有 {paid.faulty} 个与审批名单不符。"
        )
    else:
        say(
            f"{paid.payments} payments of {paid.batches} batches are as the approvals list them."
            f" {paid.batches} 个批次的 {paid.payments} 笔发放与审批名单一致。"
        )
    say(f"Of the last approvals of these batches {carried(paid.attested)}")


def _paid_json(paid: PaidAsApproved | None) -> dict[str, Any]:
    if paid is None:
        return {"approvals": None}
    faults = [each._asdict() for each in paid.faults]
    return {
        "approvals": {
            "batches": paid.batches,
            "payments": paid.payments,
            "batches_not_as_approved": paid.faulty,
            "not_as_approved": faults,
            "attested": paid.attested,
        }
    }


class _Sealed(NamedTuple):
    """Segments that hold, how many of them were only hashed, and since when all were read whole."""

    checked: Checked
    only_hashed: int
    since: str


def _sealed(
    place: Home, folder: Path, founding: str, processes: int | None, known: Known | None
) -> _Sealed:
    """Check a ledger's segments: whole those that are new to it, by their hashes the others."""
    with duck() as engine:
        checked = check_segments(
            folder,
            FLAT,
            in_processes(processes),
            lambda manifests: out_of_turn(engine, folder, manifests),
            founding,
            known=None if known is None else known.sha256,
        )
    only_hashed = 0 if known is None else known.among(checked.manifests)
    since = known.since if known is not None and only_hashed else bootstrap.now()
    remember(place, checked, since)
    return _Sealed(checked, only_hashed, since)


def _sealed_json(sealed: _Sealed | None) -> dict[str, Any]:
    if sealed is None:
        return {"sealed": None}
    return {
        "sealed": sealed.checked.edge.size,
        "segments_only_hashed": sealed.only_hashed,
        "read_whole_at": sealed.since,
    }


def _require_none(*options: Path | str | None, approvals: bool) -> None:
    if approvals or any(each is not None for each in options):
        told = (
            "--checkpoint, --report, --segments, --administrator and --approvals are of one ledger"
        )
        raise typer.BadParameter(told)


def _one_key(told: Sequence[str]) -> str:
    if len(told) > 1:
        raise typer.BadParameter("--key once, but with --deployment")
    return key_id("".join(told))


def _keys_by_name(deployment: Deployment, told: Sequence[str]) -> Mapping[str, str]:
    """Take apart what is known of the founding keys of several ledgers."""
    keys = dict(each.partition("=")[::2] for each in told)
    names = {each.name for each in deployment.here}
    if len(keys) < len(told) or not all(keys.values()) or not keys.keys() <= names:
        raise typer.BadParameter(f"--key NAME=ID, each once; the names here: {sorted(names)}")
    return {name: key_id(told) for name, told in keys.items()}


def _verify_all(
    deployment: Deployment, told: Sequence[str], processes: int | None, *, as_json: bool
) -> None:
    """Verify ledger by ledger, whatever is found of one; those elsewhere are named as not seen."""
    keys = _keys_by_name(deployment, told)
    found: dict[str, Any] = {}
    sound = True
    for each in deployment.here:
        place = each.place()
        log = place.log
        if not place.exists():
            raise HomeMissing(place.path)
        pinned = each.name in keys
        founding = keys.get(each.name) or place.founding_key_id()
        with bar(f"verifying {each.name}", "events") as progress:
            verdict = verify_log(
                log, place.origin(), founding, progress=progress, processes=processes
            )
        require_founder(place, keys.get(each.name, ""), verdict.broken)
        alarm = None if verdict.holds else raise_alarm(verdict, log, place.anchors)
        sound = sound and alarm is None and not verdict.doubts
        found[each.name] = _verdict(verdict, alarm, founding, pinned=pinned)
        if not as_json:
            say(f"{each.name}:")
            _show(verdict, alarm)
            _say_founder(verdict, founding, pinned=pinned)
    if as_json:
        elsewhere = {each.name: each.url for each in deployment.elsewhere}
        print_json({"ledgers": found, "not_seen": elsewhere})
    else:
        for other in deployment.elsewhere:
            say(f"{other.name}: not here; verify it at {other.url}")
    if not sound:
        raise typer.Exit(REFUSED)


def _show(
    verdict: Verdict,
    alarm: Alarm | None,
    shown: Collection[str] = (),
    sealed: _Sealed | None = None,
) -> None:
    if alarm is not None:
        for line in alarm_lines(alarm):
            say(line)
        return
    if sealed is not None:
        size = sealed.checked.edge.size
        say(
            f"{verdict.events} events, {size} of them sealed: the segments hold, and what came"
            f" after them goes on from there and holds.\n"
            f"{size} 个事件已封存并成立，其后的事件也成立。\n"
            "NOT read: the log's own copy of what is sealed, what entries claim of maps, and whose"
            " officers' keys are (`nuanzhang verify` without --segments)"
        )
        if sealed.only_hashed:
            say(
                f"NOT read anew: {sealed.only_hashed} segments that held before were only hashed;"
                f" all were last read whole at {sealed.since}. With --key or --checkpoint they are"
            )
        say_doubts(verdict.doubts)
        return
    say(
        f"{verdict.events} events under {verdict.checkpoints} checkpoints: everything holds.\n"
        f"{verdict.events} 个事件、{verdict.checkpoints} 个检查点，全部成立。"
    )
    say(carried(verdict.attested))
    say_held(verdict.held_size)
    say_first_keys(() if shown else verdict.first_keys)
    say_doubts(verdict.doubts)


def _say_founder(verdict: Verdict, founding: str, *, pinned: bool) -> None:
    """Say who founded what holds; by the folder's own word that is no proof."""
    if not verdict.holds:
        return
    if pinned:
        say(f"founded by key {founding}, as you gave it. 创始密钥与所给一致。")
        return
    say(
        f"NOT PINNED 未核对身份: founded by key {founding}, as this folder says; so might anybody's"
        " folder. An inspector gets the id in another way, and gives it as --key."
    )


def _verdict(
    verdict: Verdict, alarm: Alarm | None, founding: str, other: str | None = None, *, pinned: bool
) -> dict[str, Any]:
    broken = verdict.broken
    return {
        "holds": verdict.holds and other is None,
        "pinned": pinned,
        "founding_key_id": founding,
        "events": verdict.events,
        "checkpoints": verdict.checkpoints,
        "code": None if broken is None else broken.code,
        "detail": detail(other) if broken is None else str(broken),
        "position": verdict.position,
        "last_good_size": verdict.last_good_size,
        "affected": verdict.affected,
        # Nothing where only what came since was verified: none was looked at.
        **vouching_json(verdict.attested, verdict.first_keys),
        "held_size": verdict.held_size if verdict.attested else None,
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
