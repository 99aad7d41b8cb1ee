"""Checks a pack, step by step; what each step has shown is said in words."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from ledger.evidence.approvals import require_as_approved
from ledger.evidence.canonical import Json, NotCanonical, canonical_json, parse_canonical
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.envelope import EnvelopeBroken, decode, payload_of
from ledger.evidence.figures import BATCH, FUND_BALANCE, PAYMENT, Seen, figure
from ledger.evidence.keys import SERVICE, KeyHistory, KeyNotValid, SignatureBroken, verify
from ledger.evidence.log import CheckpointDiffers, require_signed_upon, verify_checkpoint
from ledger.evidence.map_growth import ANNOUNCED, announced_root
from ledger.evidence.note import NoteBroken, split_note
from ledger.evidence.pack import ALL, STREAM, Listing, Opening, Pack, PackBroken
from ledger.evidence.pack_tree import PackTree
from ledger.evidence.reanchoring import reaffirmed_root
from ledger.evidence.verifiable_map import (
    THE_LOG,
    EventsLeftOut,
    Head,
    MapProofBroken,
    subject_key,
    verify_all_events,
    verify_head,
)
from ledger.evidence.verify import (
    KEY_TOPICS,
    REAFFIRMED,
    EntryBroken,
    Rules,
    Stored,
    learn_keys,
    self_described,
    verify_entry,
)
from ledger.evidence.vouching import (
    REGISTERED,
    UNVOUCHED,
    VOUCHED_FOR,
    VOUCHING_TOPICS,
    Vouched,
    attested_as,
    held_size,
    vouched_keys,
)

OF_A_LEDGER = (
    "organisation.registered",
    "fund.opened",
    "fiscal_year.opened",
    "fiscal_year.surplus_brought_forward",
    "remittance.sent",
    "remittance.received",
)
OF_A_UNION = (
    "organisation.registered",
    "organisation.moved",
    "batch.drafted",
    "fund.opened",
    "fiscal_year.opened",
)
SHOWN_OF: Mapping[str, Sequence[str | None]] = {
    **dict.fromkeys(("fund", "batch", "payment", "person", "remittance"), (None,)),
    "organisation": OF_A_UNION,
    "ledger": OF_A_LEDGER,
}
"""What a pack of each kind shows all of: what names its subject, or the subject's registers."""

FIGURE_OF: Mapping[str, str] = {"fund": FUND_BALANCE, "batch": BATCH, "payment": PAYMENT}

MASKED: Mapping[str, re.Pattern[str]] = {
    "name": re.compile(r".\*+.?", re.DOTALL),
    "id_number": re.compile(r".{4}\*+.{4}|\*{1,8}", re.DOTALL),
    "phone": re.compile(r".{3}\*+.{4}|\*{1,7}", re.DOTALL),
    "card_number": re.compile(r"\*{4}( .{4})?", re.DOTALL),
}
"""What may be shown masked, and in which form: as `ledger/vault/masking.py` writes it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the check: its number, what it looked at, and what that has shown.

    `unchecked` names what it could hold against nothing; whoever gives a verdict has to say so.
    """

    number: int
    title: str
    shown: str
    unchecked: tuple[str, ...] = ()


class CheckedPack:
    """A pack of which every step has held; hands out its events, each list proved to be whole."""

    def __init__(self, pack: Pack, checkpoint: Checkpoint, tree: PackTree, map_root: bytes) -> None:
        self.pack = pack
        self.tree = tree
        self.checkpoint = checkpoint
        self.keys = KeyHistory()
        self.vouched = Vouched()
        self._map_root = map_root
        self._seen: dict[int, Seen] = {}
        self._listings = {(each.subject, each.topic, each.of): each for each in pack.listings}
        self._whole: dict[tuple[str, str | None, str], Sequence[Seen]] = {}

    def seen(self, position: int) -> Seen:
        """Return the event at a position.

        Raises:
            PackBroken: It is not in the pack.
        """
        found = self._seen.get(position)
        if found is None:
            try:
                payload = parse_canonical(payload_of(self.pack.entries[position]))
            except KeyError:
                raise PackBroken(f"the entry at position {position} is missing") from None
            except (EnvelopeBroken, NotCanonical):
                payload = None
            if not isinstance(payload, dict):
                raise PackBroken(f"the entry at position {position} is no event")
            found = self._seen[position] = Seen(position, payload)
        return found

    @cached_property
    def attested(self) -> Counter[str]:
        """How many entries who answers for; asked for once their signatures were checked."""
        envelopes = (decode(envelope) for envelope in self.pack.entries.values())
        return Counter(attested_as(each, self.keys, self.vouched.key_ids) for each in envelopes)

    @cached_property
    def held_size(self) -> int:
        """How many entries of the log officers signed upon, by keys that were theirs alone."""
        return max(
            held_size(position, decode(envelope), self.keys, self.vouched.key_ids)
            for position, envelope in self.pack.entries.items()
        )

    @property
    def published_at(self) -> str:
        """When the ledger says that it published the checkpoint; UTC, to the millisecond."""
        return str(self.seen(self.checkpoint.size - 1).payload["recorded_at"])

    def stream(self, subject: str) -> Sequence[Seen]:
        """Return all events of a stream.

        Raises:
            PackBroken: Nothing in the pack proves that they are all.
        """
        return self._all(subject, None, STREAM)

    def concerning(self, subject: str, topic: str | None = None) -> Sequence[Seen]:
        """Return all events that concern a subject, or all of its register.

        Raises:
            PackBroken: Nothing in the pack proves that they are all.
        """
        return self._all(subject, topic, ALL)

    def _all(self, subject: str, topic: str | None, of: str) -> Sequence[Seen]:
        key = (subject, topic, of)
        whole = self._whole.get(key)
        if whole is None:
            listing = self._listings.get(key)
            if listing is None:
                what = "the whole stream" if of == STREAM else f"all events {topic or ''}".strip()
                raise PackBroken(f"nothing shows {what} of {subject}")
            whole = self._whole[key] = self._verified(listing)
        return whole

    def _verified(self, listing: Listing) -> list[Seen]:
        subject = listing.subject
        try:
            head = verify_head(self._map_root, subject_key(subject, listing.topic), listing.proof)
            shown = [(position, self.pack.entries[position]) for position in listing.positions]
            if listing.of == ALL:
                verify_all_events(subject, head, shown, listing.topic)
        except KeyError as missing:
            raise PackBroken(f"the entry at position {missing} is missing") from None
        except (MapProofBroken, EventsLeftOut) as cause:
            raise PackBroken(str(cause)) from None
        seen = [self.seen(position) for position in listing.positions]
        if listing.of == STREAM:
            _require_stream(subject, head or Head(), seen)
        return seen


def check_pack(pack: Pack, rules: Rules) -> Iterator[Step | CheckedPack]:
    """Check a pack; yield each step that has held, and the checked pack at the end.

    Args:
        pack: As it was read.
        rules: What is known from elsewhere. Without `founding_key_id` everything may hold and yet
            have been made by anybody; whoever calls this has to say so.

    Raises:
        PackBroken: At the first step that does not hold.

    Source: FORMAT.md, "Checking a pack".
    """
    if pack.origin != rules.origin:
        raise PackBroken(f"it is of log {pack.origin}, expected {rules.origin}")
    body = _body(pack)
    checkpoint = Checkpoint.from_body(body)
    count = len(pack.entries)
    yield Step(1, "read", f"{count} entries of log {pack.origin}, said to be of {checkpoint.size}")

    tree = _check_tree(pack, checkpoint)
    shown = f"each of the {count} entries stands in the tree at its position"
    if tree.signed:
        shown += f"; {len(tree.signed)} were signed upon this very log as it stood before"
    yield Step(2, "tree", shown)

    map_root = _map_root(pack, checkpoint)
    checked = CheckedPack(pack, checkpoint, tree, map_root)
    yield Step(3, "map", "the last entry announces the map over all entries before it")

    keys = checked.keys = _keys(checked)
    checked.vouched = _vouched(checked)
    yield Step(4, "keys", f"{len(keys.records)} keys; no key event of their owners is left out")

    _check_checkpoint(pack, checkpoint, keys, rules)
    yield Step(5, "checkpoint", f"signed by the ledger for {checkpoint.size} entries")

    _check_entries(checked, keys, rules)
    shown = f"{count} envelopes carry the signatures that they must"
    unvouched = checked.attested[UNVOUCHED]
    if unvouched:
        shown += (
            f"; {unvouched} of them an officer's by a key that is theirs on the operator's word"
            " alone 只凭运营者登记"
        )
    if checked.held_size:
        shown += f"; officers' own keys signed upon the log's first {checked.held_size} entries"
    yield Step(6, "entries", shown)

    _require_kind(pack)
    for listing in pack.listings:
        checked._all(listing.subject, listing.topic, listing.of)  # noqa: SLF001 - our own
    yield Step(7, "completeness", f"{len(pack.listings)} lists of events leave nothing out")

    for each in pack.figures:
        value = figure(each.formula, each.subject, each.arguments, checked)
        if value != each.value or canonical_json(value) != canonical_json(each.value):
            raise PackBroken(
                f"figure {each.formula} of {each.subject}: the events give"
                f" {canonical_json(value).decode()}, the pack says otherwise"
            )
    shown = f"{len(pack.figures)} figures computed anew, equal to the fen"
    if pack.kind == "batch":
        shown += (
            f"; {require_as_approved(pack.subject, checked)} payments are as they were approved"
        )
    yield Step(8, "figures", shown)

    yield Step(9, "personal data", _personal_shown(checked))
    yield checked


def _require_kind(pack: Pack) -> None:
    """Check that it shows all that there is of what it says it is of."""
    if pack.kind not in SHOWN_OF:
        raise PackBroken(f"it is of a {pack.kind}, and nobody knows what belongs into one")
    shown = {(each.subject, each.topic) for each in pack.listings if each.of == ALL}
    for topic in SHOWN_OF[pack.kind]:
        if (pack.subject, topic) not in shown:
            raise PackBroken(
                f"it is of a {pack.kind}, and does not show all events of"
                f" {pack.subject} ({topic or 'all'})"
            )
    formula = FIGURE_OF.get(pack.kind)
    computed = {(each.formula, each.subject) for each in pack.figures}
    if formula is not None and (formula, pack.subject) not in computed:
        raise PackBroken(f"it is of a {pack.kind}, and {formula} of {pack.subject} is missing")


def check_manifest(
    checked: CheckedPack, signatures: Sequence[tuple[str, bytes]], message: bytes
) -> None:
    """Check that the ledger itself signed the list of a pack's files.

    Args:
        checked: The pack, whose keys are known to be the ledger's.
        signatures: Key id and signature of each.
        message: What is signed, the pre-authentication encoding of the list.

    Raises:
        PackBroken: It did not, or its key had no validity at the checkpoint.
    """
    try:
        [(key_id, signature)] = signatures
        record = checked.keys.valid_at(key_id, checked.checkpoint.size - 1)
        if record.owner != SERVICE:
            raise PackBroken(f"key {key_id}, which signed the list of files, is not the ledger's")
        verify(record.public_key, message, signature)
    except (ValueError, KeyNotValid, SignatureBroken) as cause:
        raise PackBroken(f"the list of files: {cause}") from None


def _body(pack: Pack) -> str:
    try:
        return split_note(pack.checkpoint)[0]
    except NoteBroken as cause:
        raise PackBroken(str(cause)) from None


def _check_tree(pack: Pack, checkpoint: Checkpoint) -> PackTree:
    """Hash entries and given nodes together, and compare with the roots that are to come out."""
    if not pack.entries or max(pack.entries) >= checkpoint.size:
        raise PackBroken("no entries, or entries past the checkpoint")
    tree = PackTree(pack.entries, pack.nodes, checkpoint.size)
    roots = tree.roots([checkpoint.size, *(each.head.size for each in tree.signed)])
    if roots[checkpoint.size] != checkpoint.root:
        raise PackBroken("the entries do not stand in the tree that the checkpoint commits to")
    try:
        require_signed_upon(tree.signed, roots.get)
    except EntryBroken as cause:
        raise PackBroken(str(cause)) from None
    return tree


def root_before(pack: Pack, size: int) -> bytes | None:
    """Return the root that the tree had at `size` entries; None where the pack does not show it.

    Args:
        pack: One whose tree was checked.
        size: Not beyond its checkpoint's.
    """
    whole = Checkpoint.from_body(_body(pack)).size
    return PackTree(pack.entries, pack.nodes, whole).roots([size]).get(size)


def _map_root(pack: Pack, checkpoint: Checkpoint) -> bytes:
    try:
        payload = payload_of(pack.entries[checkpoint.size - 1])
        announcing = _member(payload, "type") == ANNOUNCED
        found = announced_root(payload) if announcing else None
    except (KeyError, EnvelopeBroken, NotCanonical):
        raise PackBroken("the last entry under the checkpoint is missing, or no event") from None
    if found is None:
        raise PackBroken("the checkpoint is no published one: its last entry announces no map")
    return found


def _keys(checked: CheckedPack) -> KeyHistory:
    """Learn the keys from their events, whose lists must be whole for each owner that signs."""
    learned: dict[int, Seen] = {}
    owners = {THE_LOG}
    for position in checked.pack.entries:
        actor = checked.seen(position).payload.get("actor")
        if isinstance(actor, str) and actor != "operator":
            owners.add(actor)
    for topic in KEY_TOPICS:
        officers = topic.startswith("officer.")
        for owner in sorted(owners - {THE_LOG} if officers else {THE_LOG}):
            for seen in checked.concerning(owner, topic):
                # What an officer did to another's key says nothing of their own.
                if not officers or seen.payload["stream"] == owner:
                    learned[seen.position] = seen
    if 0 not in learned:
        raise PackBroken("the founding event is missing, from which the keys descend")
    keys = KeyHistory()
    for position in sorted(learned):
        try:
            learn_keys(keys, _stored(checked, position))
        except EntryBroken as cause:
            raise PackBroken(str(cause)) from None
    return keys


def _vouched(checked: CheckedPack) -> Vouched:
    """Find out for whose keys administrators signed; what the pack does not show counts as not."""
    positions = {
        position
        for position in checked.pack.entries
        if checked.seen(position).payload.get("type") == REGISTERED
    }
    for listing in checked.pack.listings:
        if listing.topic is None and listing.of == STREAM:
            positions.update(seen.position for seen in checked.stream(listing.subject))
    entries = [_stored(checked, position) for position in sorted(positions)]
    return vouched_keys((each for each in entries if each.topic in VOUCHING_TOPICS), checked.keys)


def _check_checkpoint(pack: Pack, checkpoint: Checkpoint, keys: KeyHistory, rules: Rules) -> None:
    try:
        verify_checkpoint(checkpoint.size, pack.checkpoint, keys, rules)
    except CheckpointDiffers as cause:
        raise PackBroken(str(cause)) from None


def _check_entries(checked: CheckedPack, keys: KeyHistory, rules: Rules) -> None:
    versions = set[tuple[Json, Json]]()
    reaffirmed = [
        position
        for position in checked.pack.entries
        if checked.seen(position).payload["type"] == REAFFIRMED
    ]
    roots = checked.tree.roots(reaffirmed) if reaffirmed else {}
    for position in sorted(checked.pack.entries):
        payload = checked.seen(position).payload
        version = payload["stream"], payload["version"]
        if version in versions:
            raise PackBroken(f"version {version[1]} of stream {version[0]} stands twice")
        versions.add(version)
        try:
            verify_entry(_stored(checked, position), keys, rules)
        except EntryBroken as cause:
            raise PackBroken(str(cause)) from None
        if position in roots:
            claimed = reaffirmed_root(payload_of(checked.pack.entries[position]))
            if claimed != roots[position]:
                raise PackBroken(
                    f"the entries before position {position} are not those that the officer there"
                    " vouched for"
                )
        signatures = decode(checked.pack.entries[position]).signatures
        if payload["type"] in VOUCHED_FOR:
            # What an administrator's lost key vouched for, it does no more; no pack falls with it.
            signatures = signatures[:1]
        for signature in signatures:
            if keys.is_doubted(signature.keyid, position):
                raise PackBroken(
                    f"the entry at position {position} rests on key {signature.keyid}, which was"
                    " in somebody else's hands by then; no two officers have reaffirmed it"
                )


def _stored(checked: CheckedPack, position: int) -> Stored:
    """Return an entry with the columns that its own payload names: a pack has no others."""
    payload = checked.seen(position).payload
    entry = self_described(position, payload, checked.pack.entries[position])
    if entry is None:
        raise PackBroken(f"the entry at position {position} is no event")
    return entry


def _require_stream(subject: str, head: Head, seen: Sequence[Seen]) -> None:
    """Check that these are versions 1 to the last of a stream, in the order of the log."""
    last = -1
    for version, each in enumerate(seen, 1):
        if each.payload["stream"] != subject or each.payload["version"] != version:
            raise PackBroken(f"version {version} of stream {subject} is not shown in its place")
        if each.position <= last:
            raise PackBroken(f"the events of stream {subject} are not in the order of the log")
        last = each.position
    if (len(seen), max(last, 0)) != (head.version, head.position):
        raise PackBroken(f"stream {subject} has {head.version} events, {len(seen)} are shown")


def _personal_shown(checked: CheckedPack) -> str:
    """Check what is shown of sealed data, and say how much of it is proved."""
    pack = checked.pack
    if pack.openings and pack.masked:
        # Side by side, what the ledger merely says would pass for what was sealed.
        raise PackBroken("it shows personal data in clear and masked; a pack does one of the two")
    for opening in pack.openings:
        _check_opening(checked, opening)
    for masked in pack.masked:
        _check_masked(checked, masked["position"], masked["member"], masked["fields"])
    shown = [(each.position, each.member) for each in pack.openings]
    shown += [(each["position"], each["member"]) for each in pack.masked]
    if len(set(shown)) < len(shown):
        raise PackBroken("what one event holds sealed is shown twice")
    held = sum(_is_sealed(each) for at in pack.entries for each in checked.seen(at).data.values())
    said = f"{len(pack.openings)} openings are of what was sealed"
    if pack.masked:
        said = f"{len(pack.masked)} are masked, on the ledger's word alone"
    return f"{said}; {held - len(shown)} more are sealed and not shown"


def _check_masked(
    checked: CheckedPack, position: int, member: str, fields: Mapping[str, str]
) -> None:
    if position not in checked.pack.entries or not _is_sealed(
        checked.seen(position).data.get(member)
    ):
        raise PackBroken(f"what is shown masked at position {position} is of nothing sealed there")
    for name, value in fields.items():
        if name not in MASKED or not MASKED[name].fullmatch(value):
            # Neither is repeated: it may be somebody's.
            raise PackBroken(f"what is shown at position {position} as masked is not masked")
    if not fields:
        raise PackBroken(f"nothing is shown at position {position} as masked")


def _is_sealed(value: Json) -> bool:
    return isinstance(value, dict) and isinstance(value.get("commitment"), str)


def _check_opening(checked: CheckedPack, opening: Opening) -> None:
    sealed = checked.seen(opening.position).data.get(opening.member)
    plain: Json = {"fields": dict(opening.fields), "salt": opening.salt}
    digest = sha256(canonical_json(plain)).hexdigest()
    if not isinstance(sealed, dict) or sealed.get("commitment") != digest:
        raise PackBroken(
            f"what is shown in clear at position {opening.position} is not what was sealed there"
        )


def _member(payload: bytes, name: str) -> Json:
    members = parse_canonical(payload)
    return members.get(name) if isinstance(members, dict) else None
