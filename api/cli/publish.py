"""Commands that carry the log out: write it as plain files, check such files."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api import bootstrap
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
from api.cli.founding_key import key_id
from api.cli.printing import REFUSED, AsJson, bar, doubts_json, print_json, say, say_doubts
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import announce
from ledger.anchoring.published_log import PublicationHolds, PublishedFolder, verify_published
from ledger.anchoring.static_log import write_static_log
from ledger.anchoring.witnesses import cosigned_note
from ledger.commands.held_checkpoint import read_checkpoint
from ledger.domain.aggregate import OPERATOR
from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
from ledger.evidence.cosignature import CosignatureKey, last_times, require_quorum
from ledger.evidence.note import NoteKey
from ledger.evidence.verify import Rules
from ledger.store.act import CommandAct
from ledger.store.map_store import MapStore


def publish(
    folder: Annotated[Path, typer.Argument(help="Folder to publish into.", show_default=False)],
) -> None:
    """Publish the log as plain files (C2SP tlog-tiles) for any web server or USB stick.

    Only what is new is written. Personal data stands in the log only sealed.
    """
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        maps = MapStore(place.map)
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        with bar("mapping", "events") as progress:
            published = announce(ledger, maps, act, progress)
        maps.close()
        with bar("writing", "entries") as progress:
            anchors = Anchors(place.anchors)
            note = cosigned_note(anchors, published)
            anchors.close()
            written = write_static_log(ledger, published, note, folder, progress)
        say(
            f"{folder}: {written.size} entries published,"
            f" {written.size - written.size_before} of them new, {written.files} files written"
        )
        say(f"verify with: nuanzhang verify-publication {folder} --key {ledger.founding_key_id()}")


def verify_publication(
    folder: Annotated[Path, typer.Argument(help="A published log.", show_default=False)],
    key: Annotated[
        str, typer.Option(help="Founding key id or verifier key, from elsewhere than the folder.")
    ] = "",
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="Signed checkpoint that you kept, or of another publication: this one has to go"
            " on from it."
        ),
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="Verifier key of a witness you trust; may be repeated.")
    ] = None,
    quorum: Annotated[
        int | None, typer.Option(min=1, help="How many of them must have cosigned; else all.")
    ] = None,
    administrator: Shown = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check a published log as an outsider has it; needs neither database nor server."""
    witnesses = [CosignatureKey.from_vkey(each) for each in witness or []]
    needed = len({each.name for each in witnesses}) if quorum is None else quorum
    kept = None if checkpoint is None else read_checkpoint(checkpoint)[1]
    known = NoteKey.from_vkey(key) if "+" in key else None
    founder = key_id(key) if known is None else known.public_key.key_id
    topics = committing_topics()
    rules = None if known is None else Rules(known.name, topics, founder)
    holds, broken = None, None
    cosigned: dict[str, str] = {}
    try:
        with bar("verifying", "entries") as progress:
            found = verify_published(
                PublishedFolder(folder), rules, topics, founder, progress, kept
            )
        cosigned = _cosigned(require_quorum(found.note, witnesses, needed))
        holds = found
    except LedgerError as cause:
        broken = cause
    doubts = () if holds is None else holds.doubts
    first, attested = ((), {}) if holds is None else (holds.first_keys, holds.attested)
    other = None if holds is None else difference(first, administrator or (), are_all=True)
    if as_json:
        print_json(
            {
                "holds": holds is not None and other is None,
                "pinned": bool(founder),
                "origin": holds and holds.origin,
                "size": holds and holds.size,
                "founding_key_id": holds and holds.founding_key_id,
                "checkpoint_held": holds and holds.kept and holds.kept.size,
                "cosigned": cosigned,
                "code": broken and broken.code,
                "detail": detail(other) if broken is None else str(broken),
                **vouching_json(attested, first),
                "held_size": holds and holds.held_size,
                "doubts": doubts_json(doubts),
            }
        )
    elif holds is None:
        assert broken is not None  # noqa: S101 - one of the two
        say(f"BROKEN {broken.code}: {broken}")
    else:
        say(_said(holds, founder, other))
        say(f"Of these entries {carried(attested)}")
        say_held(holds.held_size)
        say_first_keys(() if administrator else first)
    if not as_json:
        _say_outside(holds, cosigned)
        say_doubts(doubts)
    if holds is None or not founder or doubts or other:
        raise typer.Exit(REFUSED)


def _said(holds: PublicationHolds, founder: str, other: str | None) -> str:
    """Say what holds, and whether by a key that is known from elsewhere."""
    if not founder:
        return (
            f"NOT PINNED: {holds.size} entries fit together, if {holds.founding_key_id} founded the"
            " log. Get that id from the union in another way, and give it as --key. 未核对身份。"
        )
    made = f"{holds.size} entries of log {holds.origin}, founded by {founder}."
    return (
        f"HOLDS: {made} 成立。"
        if other is None
        else f"{OTHER_KEY}: the proof holds: {made} But {other}"
    )


def _cosigned(found: Mapping[CosignatureKey, int]) -> dict[str, str]:
    """Return which witnesses cosigned, by name, and when by their own clocks; UTC."""
    return {
        name: datetime.fromtimestamp(time_s, UTC).isoformat()
        for name, time_s in sorted(last_times(found).items())
    }


def _say_outside(holds: PublicationHolds | None, cosigned: Mapping[str, str]) -> None:
    """Say what others than the ledger have said of what is published."""
    if holds is None:
        return
    if holds.kept is not None:
        say(f"the checkpoint of {holds.kept.size} entries that was kept elsewhere is of this log.")
    for name, moment in cosigned.items():
        say(f"cosigned by {name} at {moment}")
    if not cosigned and holds.kept is None:
        say(
            "NOT WITNESSED 未经见证: nobody but the ledger says that others are shown the same log."
            " Give --witness KEY, or --checkpoint NOTE that you kept."
        )
