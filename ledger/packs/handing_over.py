"""Hands packs out; one that shows personal data in clear is on record before anybody has it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID, uuid4

from ledger.anchoring.publications import Published, published_at
from ledger.commands.duties import require_held_over
from ledger.commands.exports import ReasonMissing
from ledger.commands.recipients import MAY_UNMASK, require_may_unmask
from ledger.commands.unnamed import perform_unnamed, require_none_named
from ledger.domain.aggregate import Root
from ledger.domain.batch import Batch
from ledger.domain.disbursement import Disbursement
from ledger.domain.events import committing_topics
from ledger.domain.export import Export
from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.log import CheckpointDiffers
from ledger.evidence.merkle import root_at
from ledger.evidence.pack import Opening
from ledger.evidence.verify import Rules
from ledger.files.text import person_name
from ledger.packs.file import write_pack
from ledger.packs.making import make_pack
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, Work
from ledger.store.map_store import MapStore

EVENTS_AT_ONCE = 500


class KeptNewer(LedgerError):
    """The checkpoint that somebody kept is newer than the one that a pack is to stand under."""

    code = "pack.kept_newer"
    kind = Kind.INVALID

    def __init__(self, kept: int, size: int) -> None:
        super().__init__(
            f"the checkpoint that was kept is of {kept} entries, the pack would stand under one of"
            f" {size}; leave out --cosigned, or wait until the newer one is cosigned"
        )


@dataclass(frozen=True, slots=True)
class PackOrder:
    """What pack is wanted; with `opened`, personal data in clear, for whom and why.

    `timestamps` are the time-stamps of the checkpoint, which go with it. `since` is an earlier
    published checkpoint; the pack then shows that the log went on from it.
    """

    kind: str
    subject: UUID
    opened: bool = False
    timestamps: tuple[bytes, ...] = ()
    reason: str = ""
    made_for: str = ""
    since: Checkpoint | None = None


def hand_over(
    ledger: Ledger, maps: MapStore, published: Published, act: CommandAct, order: PackOrder
) -> bytes:
    """Return a pack's file, checked before it leaves.

    Args:
        ledger: The log and the vault.
        maps: The log's map.
        published: The checkpoint under which everything stands.
        act: Who asks; an officer who may see personal data, if it is to be in clear.
        order: What is wanted.

    Raises:
        OfficerRequired, RoleMissing, ReasonMissing: It may not be shown in clear; who is shown has
            a union over which whoever asks holds such a post.
        NeverPublished: The earlier checkpoint is none that was published.
        CheckpointDiffers: The log did not go on from it.
        KeptNewer: The pack would stand under a checkpoint from before the one that was kept.
        PackBroken: The log does not bear it out; verify the log.
    """
    if order.opened:
        if not order.reason.strip() or not order.made_for.strip():
            raise ReasonMissing
        require_may_unmask(ledger, act, order.subject)
    since = None if order.since is None else _published_size(ledger, order.since)
    if since is not None and since > published.size:
        raise KeptNewer(since, published.size)
    pack = make_pack(
        ledger, maps, published, order.kind, order.subject, opened=order.opened, since=since
    )
    pack = replace(pack, timestamps=order.timestamps)
    rules = Rules(ledger.origin, committing_topics(), ledger.founding_key_id())
    file = write_pack(pack, rules, ledger.signer)
    if pack.openings:
        _record(ledger, act, order, pack.openings, sha256(file).hexdigest())
    return file


def _published_size(ledger: Ledger, kept: Checkpoint) -> int:
    """Check that a checkpoint is an earlier one of this log; return its size."""
    if kept.origin != ledger.origin:
        raise CheckpointDiffers(kept.size, f"of log {kept.origin}, not of {ledger.origin}")
    # Published ones end with their announcement, so no other event has to be shown for it.
    published_at(ledger, kept.size)
    if root_at(kept.size, ledger.log.subtree_hash) != kept.root:
        raise CheckpointDiffers(kept.size, "the entries have another root")
    return kept.size


def _record(
    ledger: Ledger,
    act: CommandAct,
    order: PackOrder,
    openings: Sequence[Opening],
    digest: str,
) -> None:
    people = len({each.fields.get("id_number", "") for each in openings})
    names = {person_name(each.fields.get("name", "")) for each in openings}

    def decide(work: Work) -> None:
        require_held_over(work, act, MAY_UNMASK, _places(ledger, openings))
        require_none_named(names, order.reason, order.made_for)
        work.save(
            Export.hand_over(
                act,
                uuid4(),
                kind=f"pack.{order.kind}",
                subject_id=order.subject,
                people=people,
                file_sha256=digest,
                reason=order.reason,
                made_for=order.made_for,
            )
        )

    # First the event, then the file: nobody has seen what is not on record. A repetition is handed
    # over again, so it is another event.
    anew = replace(act, idempotency_key=None)
    perform_unnamed(ledger, anew, "pack.hand_over", digest, order.subject, decide)


def _places(ledger: Ledger, openings: Sequence[Opening]) -> set[UUID]:
    """Return the unions whose people are shown: who filed them, and who paid or listed them."""
    positions = sorted({each.position for each in openings})
    places, others = set[UUID](), set[UUID]()
    for start in range(0, len(positions), EVENTS_AT_ONCE):
        for _, event in ledger.read_at(positions[start : start + EVENTS_AT_ONCE]):
            said = getattr(event, "organisation_id", None)
            if said is not None:
                places.add(said)
            else:
                others.add(event.originator_id)
    for stream in others:
        found = ledger.load(Root, stream)
        assert isinstance(found, Batch | Disbursement)  # noqa: S101 - what else holds people
        places.add(found.organisation_id)
    return places
