"""Hands packs out; one that shows personal data in clear is on record before anybody has it."""

from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID, uuid4

from ledger.anchoring.publications import Published
from ledger.commands.exports import ReasonMissing
from ledger.commands.recipients import require_may_unmask
from ledger.domain.events import committing_topics
from ledger.domain.export import Export
from ledger.evidence.verify import Rules
from ledger.packs.file import write_pack
from ledger.packs.making import make_pack
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, Work
from ledger.store.map_store import MapStore


@dataclass(frozen=True, slots=True)
class PackOrder:
    """What pack is wanted; with `opened`, personal data in clear, for whom and why.

    `timestamps` are the time-stamps of the checkpoint, which go with it.
    """

    kind: str
    subject: UUID
    opened: bool = False
    timestamps: tuple[bytes, ...] = ()
    reason: str = ""
    made_for: str = ""


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
        OfficerRequired, RoleMissing, ReasonMissing: It may not be shown in clear.
        PackBroken: The log does not bear it out; verify the log.
    """
    if order.opened:
        if not order.reason.strip() or not order.made_for.strip():
            raise ReasonMissing
        require_may_unmask(ledger, act, order.subject)
    pack = make_pack(ledger, maps, published, order.kind, order.subject, opened=order.opened)
    pack = replace(pack, timestamps=order.timestamps)
    rules = Rules(ledger.origin, committing_topics(), ledger.founding_key_id())
    file = write_pack(pack, rules, ledger.signer)
    if pack.openings:
        people = len({each.fields.get("id_number", "") for each in pack.openings})
        _record(ledger, act, order, people, sha256(file).hexdigest())
    return file


def _record(ledger: Ledger, act: CommandAct, order: PackOrder, people: int, digest: str) -> None:
    def decide(work: Work) -> None:
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
    ledger.perform(replace(act, idempotency_key=None), "pack.hand_over", digest, decide)
