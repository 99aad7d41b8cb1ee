"""Commands of evidence packs: make one to carry away, check one that was carried here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from api import bootstrap
from api.cli.administrators import (
    OTHER_KEY,
    Shown,
    detail,
    difference,
    say_first_keys,
)
from api.cli.drafts import drafted, told_of
from api.cli.founding_key import key_id
from api.cli.printing import REFUSED, AsJson, bar, print_json, say
from api.cli.timestamps import certificate
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import Published, announce
from ledger.anchoring.witnesses import cosigned_note, newest_cosigned
from ledger.domain.aggregate import OPERATOR
from ledger.domain.events import committing_topics
from ledger.domain.officer import officer_id
from ledger.evidence.checkpoint import Checkpoint, CheckpointBroken
from ledger.evidence.cosignature import CosignatureKey
from ledger.evidence.note import NoteKey, split_note
from ledger.evidence.pack import PackBroken
from ledger.evidence.pack_check import CheckedPack, Step
from ledger.evidence.verify import Rules
from ledger.evidence.vouching import FirstKey
from ledger.packs.contents import subject_of
from ledger.packs.file import (
    PAGES,
    README,
    VERIFIER,
    PackTooLarge,
    PackUnreadable,
    check_files,
    read_pack,
    unpacked_bytes,
)
from ledger.packs.handing_over import PackOrder, hand_over
from ledger.packs.known import Known, check_known, cosigned_at
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.map_store import MapStore

CHECKED_BYTES_MAX = 500_000_000
"""Of a pack when unpacked, unless another bound is given; checking takes several times that."""

NOTE_BYTES_MAX = 1_000_000


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
    since: Annotated[
        Path | None,
        typer.Option(help="Published checkpoint that whoever asks kept; the pack shows it grew."),
    ] = None,
) -> None:
    """Write an evidence pack: one file that proves itself, without this ledger or its server.

    Publishes the log as it is, unless --cosigned (or --cosigned-by) says that what was cosigned
    last is enough.
    """
    place = bootstrap.home()
    kept = None if since is None else _kept(since)
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
            order = PackOrder(kind, subject, opened, timestamps, reason, made_for, kept)
            file = hand_over(ledger, maps, published, act, order)
            maps.close()
            with told_of(path):
                draft.write_bytes(file)
        say(f"{path}: {len(file)} bytes, under the checkpoint of {published.size} entries")
        unpacked = unpacked_bytes(file)
        more = f" --bytes-max {unpacked}" if unpacked > CHECKED_BYTES_MAX else ""
        say(f"verify with: nuanzhang verify-pack {path} --key {ledger.founding_key_id()}{more}")


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
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Checkpoint (a signed note) that somebody kept; the log must go on."),
    ] = None,
    at_least: Annotated[
        int, typer.Option(min=0, help="How many entries its checkpoint must be of, or more.")
    ] = 0,
    not_before: Annotated[
        str, typer.Option(help="ISO 8601 time, else UTC; witnesses must have cosigned since.")
    ] = "",
    bytes_max: Annotated[
        int, typer.Option(min=1, help="How much it may come to when it is unpacked.")
    ] = CHECKED_BYTES_MAX,
    administrator: Shown = None,
    *,
    accept_pages: Annotated[
        bool, typer.Option("--accept-pages", help="Let pages pass that cannot be made anew here.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a pack, step by step; needs neither database nor network nor a server."""
    if not_before and not witness:
        raise typer.BadParameter("witnesses tell the time: give their keys as --witness")
    read = read_pack(_file(path, bytes_max), bytes_max)
    pinned = NoteKey.from_vkey(key).public_key.key_id if "+" in key else key_id(key)
    origin = NoteKey.from_vkey(key).name if "+" in key else read.pack.origin
    witnesses = [CosignatureKey.from_vkey(each) for each in witness or []]
    known = Known(
        witnesses,
        len({each.name for each in witnesses}) if quorum is None else quorum,
        [certificate(each) for each in tsa or []],
        None if checkpoint is None else _kept(checkpoint),
        at_least,
        _moment(not_before) if not_before else None,
    )
    accepted = {VERIFIER, README, *(PAGES if accept_pages else ())}
    verdict = Verdict(origin, pinned, accepted, administrator or ())
    try:
        rules = Rules(origin, committing_topics(), pinned or None)
        for step in chain(check_files(read, rules), check_known(read, known)):
            if isinstance(step, CheckedPack):
                verdict.size, verdict.as_of = step.checkpoint.size, step.published_at
                verdict.first_keys, verdict.attested = step.vouched.first, step.attested
                verdict.held_size = step.held_size
                continue
            verdict.steps.append(step)
            if not as_json:
                say(f"{step.number}. {step.title}: {step.shown}")
        moment = cosigned_at(read, known.witnesses, known.quorum)
        if moment is not None:
            verdict.as_of, verdict.is_cosigned = moment.isoformat(), True
    except PackBroken as cause:
        verdict.broken = str(cause)
    if as_json:
        print_json(verdict.to_json())
    else:
        say(verdict.said())
        say_first_keys(() if administrator or not verdict.holds else verdict.first_keys)
    if not (verdict.holds and pinned):
        raise typer.Exit(REFUSED)


@dataclass(slots=True)
class Verdict:
    """What all steps come to; `accepted` is what may be left unchecked.

    `administrators` are the first administrators' keys, where they are known from elsewhere.

    `as_of` is when enough witnesses had seen nothing later, or when the ledger says that it
    published the checkpoint.
    """

    origin: str
    pinned: str
    accepted: Collection[str]
    administrators: Collection[str] = ()
    steps: list[Step] = field(default_factory=list)
    broken: str | None = None
    size: int | None = None
    as_of: str | None = None
    is_cosigned: bool = False
    first_keys: Sequence[FirstKey] = ()
    attested: Mapping[str, int] = field(default_factory=dict)
    held_size: int = 0

    @property
    def unchecked(self) -> list[str]:
        return [name for step in self.steps for name in step.unchecked]

    @property
    def refused(self) -> list[str]:
        return [name for name in self.unchecked if name not in self.accepted]

    @property
    def other(self) -> str | None:
        """Which of the first administrators' keys was not given."""
        return difference(self.first_keys, self.administrators, are_all=False)

    @property
    def holds(self) -> bool:
        return self.broken is None and not (self.refused or self.other)

    def to_json(self) -> dict[str, object]:
        told = self.broken
        if told is None and self.refused:
            told = f"not checked: {', '.join(self.refused)}"
        return {
            "holds": self.holds,
            "pinned": bool(self.pinned),
            "origin": self.origin,
            "size": self.size,
            "as_of": self.as_of,
            "cosigned": self.is_cosigned,
            "attested": dict(sorted(self.attested.items())),
            "held_size": self.held_size,
            "first_keys": [each._asdict() for each in self.first_keys],
            "unchecked": self.unchecked,
            "steps": [
                {"step": each.number, "title": each.title, "shown": each.shown}
                for each in self.steps
            ],
            "detail": detail(self.other) if told is None else told,
        }

    def said(self) -> str:
        if self.broken is not None:
            return f"{len(self.steps) + 1}. BROKEN: {self.broken}"
        unchecked = ", ".join(self.unchecked)
        left = f" NOT checked 未核对: {unchecked}." if unchecked else ""
        if not self.pinned:
            return (
                "NOT PINNED: everything fits together, but might have been made by anybody. Get the"
                " founding key id from the union in another way, and give it as --key. 未核对身份。"
                f"{left}"
            )
        told = "cosigned" if self.is_cosigned else "on the ledger's own word"
        made = (
            f"as of {self.as_of} ({told}): made by the ledger {self.origin} that key {self.pinned}"
            " founded."
        )
        if self.other:
            return f"{OTHER_KEY}: the proof holds {made} But {self.other}{left}"
        if self.refused:
            return (
                f"NOT ALL CHECKED: the proof holds {made} But {', '.join(self.refused)} could be"
                f" held against nothing and may say anything. 未全部核对。{left}"
            )
        return f"HOLDS {made} 成立。{left}"


def _file(path: Path, bytes_max: int) -> bytes:
    """Read no more of a file than a pack may come to."""
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as cause:
        raise PackUnreadable(cause.strerror or "it cannot be read") from None
    if len(data) > bytes_max:
        raise PackTooLarge(bytes_max)
    return data


def _kept(path: Path) -> Checkpoint:
    """Read a checkpoint that somebody kept."""
    try:
        with path.open("rb") as file:
            text = file.read(NOTE_BYTES_MAX).decode()
    except OSError as cause:
        raise typer.BadParameter(f"{path}: {cause.strerror}") from None
    except UnicodeDecodeError:
        raise CheckpointBroken("not UTF-8") from None
    return Checkpoint.from_body(split_note(text)[0])


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a time is written like 2017-01-31 or 2017-01-31T08:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
