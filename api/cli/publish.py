"""Commands that carry the log out: write it as plain files, check such files."""

from pathlib import Path
from typing import Annotated

import typer

from api import bootstrap
from api.cli.printing import REFUSED, AsJson, bar, doubts_json, print_json, say, say_doubts
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import announce
from ledger.anchoring.published_log import PublishedFolder, verify_published
from ledger.anchoring.static_log import write_static_log
from ledger.anchoring.witnesses import cosigned_note
from ledger.domain.aggregate import OPERATOR
from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
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
    *,
    as_json: AsJson = False,
) -> None:
    """Check a published log as an outsider has it; needs neither database nor server."""
    known = NoteKey.from_vkey(key) if "+" in key else None
    key_id = key if known is None else known.public_key.key_id
    topics = committing_topics()
    rules = None if known is None else Rules(known.name, topics, key_id)
    holds, broken = None, None
    try:
        with bar("verifying", "entries") as progress:
            holds = verify_published(PublishedFolder(folder), rules, topics, key_id, progress)
    except LedgerError as cause:
        broken = cause
    doubts = () if holds is None else holds.doubts
    if as_json:
        print_json(
            {
                "holds": holds is not None,
                "pinned": bool(key_id),
                "origin": holds and holds.origin,
                "size": holds and holds.size,
                "founding_key_id": holds and holds.founding_key_id,
                "code": broken and broken.code,
                "detail": broken and str(broken),
                "doubts": doubts_json(doubts),
            }
        )
    elif holds is None:
        assert broken is not None  # noqa: S101 - one of the two
        say(f"BROKEN {broken.code}: {broken}")
    elif key_id:
        say(f"HOLDS: {holds.size} entries of log {holds.origin}, founded by {key_id}. 成立。")
    else:
        say(
            f"NOT PINNED: {holds.size} entries fit together, if {holds.founding_key_id} founded the"
            " log. Get that id from the union in another way, and give it as --key. 未核对身份。"
        )
    if not as_json:
        say_doubts(doubts)
    if holds is None or not key_id or doubts:
        raise typer.Exit(REFUSED)
