"""`nuanzhang witness …`: the program of a province or audit office that keeps a city honest."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from api import bootstrap
from api.cli.drafts import drafted, told_of
from api.cli.printing import REFUSED, AsJson, print_json, say
from api.settings import Settings
from ledger.anchoring.published_log import PublicationUnreadable, PublishedFolder
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.merkle import consistency_path
from ledger.evidence.note import split_note
from ledger.witness.amends import end_key, reset_log, watch_log
from ledger.witness.home import WitnessHome
from ledger.witness.witnessing import Status, Submission, Witness

app = typer.Typer(
    help="Keep ledgers honest: cosign only what goes on from what was cosigned before."
    " State lives in NUANZHANG_WITNESS_HOME.",
    no_args_is_help=True,
)


def _home() -> WitnessHome:
    return WitnessHome(Settings().witness_home)


@app.command()
def init(
    name: Annotated[str, typer.Option(help="Name to sign under, e.g. audit.example/w1.")],
) -> None:
    """Make the witness's folder with its own keys; give the verifier keys to the ledgers."""
    place = _home()
    place.create(name)
    say(f"{place.path} is ready. Verifier keys of this witness:")
    for each in place.cosigners():
        say(each.key.vkey())


@app.command(name="add-log")
def add_log(vkey: Annotated[str, typer.Argument(help="The log's verifier key.")]) -> None:
    """Watch a log; its key comes from the union by another way than with the log."""
    with closing(_home().state()) as state:
        origin = watch_log(state, vkey)
    say(f"watching {origin}")


@app.command(name="end-key")
def end_log_key(
    vkey: Annotated[str, typer.Argument(help="The log's verifier key.")],
    reason: Annotated[str, typer.Option(help="Why, e.g. that it was stolen; it is kept.")],
) -> None:
    """Believe a log's key no more, for good; its new one is added before (`add-log`)."""
    with closing(_home().state()) as state:
        origin = end_key(state, vkey, reason, bootstrap.now_s())
    say(f"{origin}: this key is believed no more; what is held was cosigned before")


@app.command(name="reset-log")
def set_log_back(
    origin: Annotated[str, typer.Argument(help="The log's name.")],
    to: Annotated[Path, typer.Option(help="File of the checkpoint, with this witness's lines.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept, and shown by `show`.")],
    *,
    uncosigned: Annotated[
        bool, typer.Option("--uncosigned", help="This witness need not have cosigned it before.")
    ] = False,
) -> None:
    """Hold an earlier checkpoint of a log again, where a stolen key signed what is held.

    What was held stays as evidence: with it this witness may have cosigned two histories.
    """
    place = _home()
    own = [each.key for each in place.cosigners()]
    note = _note(to)
    with closing(place.state()) as state:
        held = reset_log(state, own, origin, note, reason, bootstrap.now_s(), uncosigned=uncosigned)
    say(f"{origin} goes on from {held.size} entries; `nuanzhang witness show` has what was held")


def _note(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise PublicationUnreadable(path.name, "missing, or cannot be read") from None


@app.command(name="list")
def list_logs(*, as_json: AsJson = False) -> None:
    """List the logs that are watched, how far each was cosigned, and which keys are believed."""
    state = _home().state()
    found: list[dict[str, Any]] = []
    for origin in sorted({origin for origin, _ in state.logs()}):
        held = state.cosigned(origin)
        found.append(
            {
                "origin": origin,
                "size": None if held is None else held.size,
                "time_s": None if held is None else held.time_s,
                "contradictions": len(state.refused(origin)),
                "resets": len(state.resets(origin)),
                "keys": [vkey for each, vkey in state.logs() if each == origin],
                "ended_keys": [
                    {"key": each.vkey, "reason": each.reason, "time_s": each.time_s}
                    for each in state.ended_keys(origin)
                ],
            }
        )
    state.close()
    if as_json:
        print_json(found)
        return
    for each in found:
        size = "nothing cosigned yet" if each["size"] is None else f"{each['size']} entries"
        say(
            f"{each['origin']}: {size}; {each['contradictions']} refused;"
            f" {each['resets']} times set back"
        )
        for key in each["keys"]:
            say(f"  {key}")
        for ended in each["ended_keys"]:
            say(f"  {ended['key']} ended at {ended['time_s']} s: {ended['reason']}")


@app.command()
def show(origin: Annotated[str, typer.Argument(help="The log's name.")]) -> None:
    """Show what a log signed that contradicts what was cosigned: both notes are the proof.

    And what was set back by hand: what this witness had cosigned and no longer goes on from.
    """
    state = _home().state()
    refused, resets = state.refused(origin), state.resets(origin)
    state.close()
    if not refused and not resets:
        say(f"nothing was refused to {origin}")
        return
    for reset in resets:
        say(f"set back by hand (at {reset.time_s} s): {reset.reason}")
        say(f"--- held before:\n{reset.held_note}\n--- held from then on:\n{reset.note}")
    for each in refused:
        say(f"{each.cause} (at {each.time_s} s)\n--- refused:\n{each.note}")
        if each.held_note is not None:
            say(f"--- cosigned before:\n{each.held_note}")
    raise typer.Exit(REFUSED)


@app.command()
def cosign(
    folder: Annotated[Path, typer.Argument(help="A published log, e.g. on a USB stick.")],
    out: Annotated[Path, typer.Option(help="File to write the cosignatures into.")],
) -> None:
    """Cosign a published log without a network: reads the folder, writes lines to carry back."""
    place = _home()
    state = place.state()
    published = PublishedFolder(folder)
    note = published.note()
    checkpoint = Checkpoint.from_body(split_note(note)[0])
    held = state.cosigned(checkpoint.origin)
    old_size = 0 if held is None else min(held.size, checkpoint.size)
    node = published.node(checkpoint.size)
    proof = consistency_path(old_size, checkpoint.size, node) if old_size else []
    submission = Submission(old_size, tuple(proof), note)
    witness = Witness(state, place.cosigners())
    with drafted(out) as draft:
        answer = witness.add_checkpoint(submission.text(), bootstrap.now_s())
        state.close()
        if answer.status is not Status.COSIGNED:
            say(f"REFUSED {answer.status.value}: {answer.text.strip()}")
            raise typer.Exit(REFUSED)
        with told_of(out):
            draft.write_text(answer.text, encoding="utf-8")
    say(f"{out}: {checkpoint.origin} cosigned at {checkpoint.size} entries")


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port on the loopback address.")
    ] = 8018,
) -> None:
    """Answer ledgers over HTTP, on the loopback address; a proxy in front carries TLS."""
    import uvicorn  # noqa: PLC0415 - as below

    from api.witness_app import create_witness_app  # noqa: PLC0415 - other commands start sooner without

    place = _home()
    witness = Witness(place.state(), place.cosigners())
    say(f"witness {place.name()} listens on http://127.0.0.1:{port}")
    uvicorn.run(
        create_witness_app(witness, bootstrap.now_s),
        host="127.0.0.1",
        port=port,
        log_level="warning",
    )
