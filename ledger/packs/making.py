"""Makes packs: masked for anybody, or opened for an officer who may see, which is put on record."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from uuid import UUID

from ledger.anchoring.publications import Published
from ledger.commands.sealing import ARCHIVE_FILE, PAYEE, ROSTER_ROW, SIGNATURE, unseal_whole
from ledger.domain.sealed import Sealed
from ledger.evidence.canonical import Json
from ledger.evidence.figures import Seen
from ledger.evidence.pack import Opening, Pack
from ledger.packs.contents import LEDGER, gather
from ledger.packs.gathering import Gathering
from ledger.store.application import Ledger
from ledger.store.map_store import MapStore
from ledger.vault.keys import PersonErased
from ledger.vault.masking import mask_card, mask_id, mask_name, mask_phone

SEALED: Mapping[str, tuple[str, str, str]] = {
    "disbursement.instructed": ("payee", PAYEE, "person_id"),
    "disbursement.reissued": ("payee", PAYEE, ""),
    "disbursement.signature_captured": ("drawing", SIGNATURE, ""),
    "batch.row_accepted": ("payee", PAYEE, "person_id"),
    "batch.row_refused": ("details", ROSTER_ROW, "subject_id"),
    "recipient.filed": ("details", ARCHIVE_FILE, "stream"),
}
"""Of each type of event: what it holds sealed, for which purpose, and where it says whose it is."""

_MASKS = {
    "name": mask_name,
    "id_number": mask_id,
    "phone": mask_phone,
    "card_number": mask_card,
}


def make_pack(
    ledger: Ledger,
    maps: MapStore,
    published: Published,
    kind: str,
    subject: UUID,
    *,
    opened: bool = False,
    since: int | None = None,
) -> Pack:
    """Make a pack of what stands under a published checkpoint.

    Args:
        ledger: The log and the vault.
        maps: The log's map.
        published: The checkpoint.
        kind: One of `contents.KINDS`.
        subject: The id, as `contents.subject_of` returns it.
        opened: Whether personal data is shown in clear, with what opens it; else masked.
        since: Size of an earlier published checkpoint, which the pack shows to be a beginning.

    Raises:
        NotOnRecord: The subject came after that checkpoint.
    """
    gathering = Gathering(ledger, maps, published)
    if since is not None:
        # Its last entry and the hashes beside that give the root of all before.
        gathering.take(since - 1)
    title = gather(gathering, kind, subject)
    pack = _bare(gathering, kind, subject, title)
    openings: list[Opening] = []
    masked: list[Mapping[str, Json]] = []
    for event, member, fields, salt in _personal(gathering, kind, str(subject)):
        if opened:
            openings.append(Opening(event.position, member, fields, salt))
        elif kind != LEDGER:  # the province adds up, and has no use for anybody's name
            shown = {name: _MASKS[name](fields[name]) for name in _MASKS if name in fields}
            if shown:  # of a signature nothing is
                masked.append({"position": event.position, "member": member, "fields": shown})
    return replace(pack, openings=tuple(openings), masked=tuple(masked))


def make_bare_pack(
    ledger: Ledger, maps: MapStore, published: Published, kind: str, subject: UUID
) -> Pack:
    """Make a pack that shows nothing personal, not even masked; see `make_pack`."""
    gathering = Gathering(ledger, maps, published)
    return _bare(gathering, kind, subject, gather(gathering, kind, subject))


def _bare(gathering: Gathering, kind: str, subject: UUID, title: str) -> Pack:
    return Pack(
        origin=gathering.ledger.origin,
        kind=kind,
        subject=str(subject),
        title=title,
        checkpoint=gathering.published.note,
        entries=gathering.entries,
        nodes=gathering.nodes(),
        listings=gathering.listings,
        figures=tuple(gathering.figures),
    )


def _personal(
    gathering: Gathering, kind: str, subject: str
) -> Iterator[tuple[Seen, str, Mapping[str, str], str]]:
    """Yield what the entries hold sealed of the people whom the pack is about."""
    owners: dict[str, str] = {}
    for position in sorted(gathering.entries):
        event = gathering.take(position)
        place = SEALED.get(event.type)
        if place is None:
            continue
        member, purpose, said = place
        stream = str(event.payload["stream"])
        owner = stream if said == "stream" else str(event.data.get(said) or owners.get(stream, ""))
        owners[stream] = owner
        if kind == "person" and owner != subject:
            continue
        sealed = event.data[member]
        try:
            fields, salt = unseal_whole(
                gathering.ledger,
                UUID(owner),
                purpose,
                Sealed(ciphertext=sealed["ciphertext"], commitment=sealed["commitment"]),
            )
        except PersonErased:
            continue
        yield event, member, fields, salt
