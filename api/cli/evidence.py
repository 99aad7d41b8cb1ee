"""Commands of evidence: is everything that is stored as it was signed?"""

from typing import Annotated, Any

import typer

from api import bootstrap
from api.cli.printing import REFUSED, AsJson, bar, print_json, say
from ledger.commands.verification import Verdict, verify_log
from ledger.store.home import HomeMissing


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
    with bar("verifying", "events") as progress:
        verdict = verify_log(place.events, origin, key, progress=progress, processes=processes)
    if as_json:
        print_json(_verdict(verdict))
    elif verdict.holds:
        say(
            f"{verdict.events} events under {verdict.checkpoints} checkpoints: everything holds.\n"
            f"{verdict.events} 个事件、{verdict.checkpoints} 个检查点，全部成立。"
        )
    else:
        _show_broken(verdict)
    if not verdict.holds:
        raise typer.Exit(REFUSED)


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
    say(f"BROKEN {broken.code}: {broken}")
    say(f"the log holds up to {verdict.last_good_size} events; what follows is in doubt")
    for name, value in verdict.affected.items():
        say(f"affected {name}: {value}")
    say("keep this folder as it is, fetch a copy made before, and tell the auditors (经审)")
