"""Commands of evidence packs: make one to carry away, check one that was carried here."""

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from api import bootstrap
from api.cli.drafts import drafted, told_of
from api.cli.printing import REFUSED, AsJson, bar, print_json, say
from api.cli.timestamps import certificate
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import Published, announce
from ledger.anchoring.witnesses import cosigned_note, newest_cosigned
from ledger.domain.aggregate import OPERATOR
from ledger.domain.events import committing_topics
from ledger.domain.officer import officer_id
from ledger.evidence.cosignature import CosignatureKey
from ledger.evidence.note import NoteKey
from ledger.evidence.pack import PackBroken
from ledger.evidence.verify import Rules
from ledger.packs.contents import subject_of
from ledger.packs.file import (
    PackUnreadable,
    check_files,
    check_timestamps,
    check_witnesses,
    read_pack,
)
from ledger.packs.handing_over import PackOrder, hand_over
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.map_store import MapStore


def pack(
    kind: Annotated[
        str, typer.Argument(help="fund, batch, payment, person, organisation, …; or `ledger`.")
    ],
    name: Annotated[str, typer.Argument(help="UNION/EARMARK, code of a batch or union, or id.")],
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default=False)] = None,
    *,
    opened: Annotated[
        bool, typer.Option("--open", help="Show personal data in clear; it is put on record.")
    ] = False,
    officer: Annotated[str, typer.Option(help="Staff number of who asks, with --open.")] = "",
    reason: Annotated[str, typer.Option(help="Why, with --open; it stands in the log.")] = "",
    made_for: Annotated[str, typer.Option("--for", help="For whom, with --open.")] = "",
    cosigned: Annotated[
        bool,
        typer.Option(
            "--cosigned", help="Under the newest checkpoint that enough witnesses have cosigned."
        ),
    ] = False,
    cosigned_by: Annotated[
        str, typer.Option(help="The same, and this witness has to be among them.")
    ] = "",
) -> None:
    """Write an evidence pack: one file that proves itself, without this ledger or its server.

    Publishes the log as it is, unless --cosigned (or --cosigned-by) says that what was cosigned
    last is enough.
    """
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        subject = subject_of(ledger, kind, name)
        path = out or Path(f"{kind}-{subject}.pack.zip")
        maps, anchors = MapStore(place.map), Anchors(place.anchors)
        # Nobody else's to read.
        with drafted(path, 0o600) as draft:
            published = (
                newest_cosigned(ledger, anchors, cosigned_by)
                if cosigned or cosigned_by
                else _published_now(ledger, maps, anchors)
            )
            timestamps = tuple(anchors.timestamps(published.size))
            anchors.close()
            actor = str(officer_id(officer)) if officer else OPERATOR
            act = CommandAct(actor, bootstrap.today(), bootstrap.now())
            order = PackOrder(kind, subject, opened, timestamps, reason, made_for)
            file = hand_over(ledger, maps, published, act, order)
            maps.close()
            with told_of(path):
                draft.write_bytes(file)
        say(f"{path}: {len(file)} bytes, under the checkpoint of {published.size} entries")
        say(f"verify with: nuanzhang verify-pack {path} --key {ledger.founding_key_id()}")


def _published_now(ledger: Ledger, maps: MapStore, anchors: Anchors) -> Published:
    """Publish the log as it is; return that checkpoint with the cosignatures that it has."""
    act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
    with bar("mapping", "events") as progress:
        published = announce(ledger, maps, act, progress)
    return replace(published, note=cosigned_note(anchors, published))


def verify_pack(
    path: Annotated[Path, typer.Argument(help="The pack.")],
    key: Annotated[
        str, typer.Option(help="Founding key id or verifier key, from elsewhere than the pack.")
    ] = "",
    witness: Annotated[
        list[str] | None, typer.Option(help="Verifier key of a witness you trust; may be repeated.")
    ] = None,
    tsa: Annotated[
        list[Path] | None, typer.Option(help="Root certificate (PEM) of a time-stamp authority.")
    ] = None,
    quorum: Annotated[
        int | None, typer.Option(min=1, help="How many of them must have cosigned; else all.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check a pack, step by step; needs neither database nor network nor a server."""
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise PackUnreadable(cause.strerror or "it cannot be read") from None
    read = read_pack(data)
    pinned = NoteKey.from_vkey(key).public_key.key_id if "+" in key else key
    origin = NoteKey.from_vkey(key).name if "+" in key else read.pack.origin
    witnesses = [CosignatureKey.from_vkey(each) for each in witness or []]
    needed = len({each.name for each in witnesses}) if quorum is None else quorum
    steps: list[dict[str, object]] = []
    broken: PackBroken | None = None
    try:
        rules = Rules(origin, committing_topics(), pinned or None)
        outside = (
            check_witnesses(read, witnesses, needed),
            check_timestamps(read, [certificate(each) for each in tsa or []]),
        )
        for step in chain(check_files(read, rules), *outside):
            steps.append({"step": step.number, "title": step.title, "shown": step.shown})
            if not as_json:
                say(f"{step.number}. {step.title}: {step.shown}")
    except PackBroken as cause:
        broken = cause
    if as_json:
        print_json(
            {
                "holds": broken is None,
                "pinned": bool(pinned),
                "origin": read.pack.origin,
                "steps": steps,
                "detail": None if broken is None else str(broken),
            }
        )
    elif broken is not None:
        say(f"{len(steps) + 1}. BROKEN: {broken}")
    elif pinned:
        say(f"HOLDS: made by the ledger {origin} that key {pinned} founded. 成立。")
    else:
        say(
            "NOT PINNED: everything fits together, but might have been made by anybody. Get the"
            " founding key id from the union in another way, and give it as --key. 未核对身份。"
        )
    if broken is not None or not pinned:
        raise typer.Exit(REFUSED)
