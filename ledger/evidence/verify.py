"""Verification in numbered steps: bytes and the history of keys in, facts or the fault out.

Steps 1 to 6 look at one entry each and may run anywhere, in any order; `learn_keys` before them,
`verify_order` and `verify_growth` beside them go through the log from its beginning. FORMAT.md has
the same steps under the same numbers. Nothing here reads a file, a database or a clock.
"""

import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import Json, NotCanonical, parse_canonical
from ledger.evidence.checkpoint import Checkpoint, CheckpointBroken, NoteKey, open_note
from ledger.evidence.envelope import (
    PAYLOAD_TYPE,
    Envelope,
    EnvelopeBroken,
    Signature,
    decode,
    pae,
)
from ledger.evidence.keys import (
    SERVICE,
    Algorithm,
    KeyHistory,
    KeyNotValid,
    PublicKey,
    SignatureBroken,
    verify,
)
from ledger.evidence.merkle import Edge, leaf_hash

MEMBERS = (
    "actor",
    "data",
    "happened_on",
    "origin",
    "recorded_at",
    "schema",
    "stream",
    "type",
    "version",
)
"""Of a payload, in their canonical order."""

KEY_TOPICS = (
    "service_key.registered",
    "service_key.retired",
    "officer.key_registered",
    "officer.key_revoked",
)
"""The events that say which key was whose, and when."""

OPERATOR = "operator"
"""The actor of what nobody in particular did; officers act under their ids."""


class EntryBroken(LedgerError):
    """An entry of the log is not what it must be. `field` says what of it is at fault."""

    code = "verify.entry_broken"
    kind = Kind.BROKEN

    def __init__(self, position: int, stream: str, version: int, field: str, cause: str) -> None:
        super().__init__(
            f"position {position}, stream {stream}, version {version}: {field}: {cause}"
        )
        self.arguments = (position, stream, version, field, cause)
        self.position = position
        self.stream = stream
        self.version = version
        self.field = field

    def __reduce__(self) -> tuple[type["EntryBroken"], tuple[int, str, int, str, str]]:
        """Travel whole from a worker process."""
        return type(self), self.arguments


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as the database has it: the columns beside the envelope, and the envelope."""

    position: int
    stream: str
    version: int
    topic: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Rules:
    """The log's name, and the event types that need an officer's own signature."""

    origin: str
    officer_signed: frozenset[str]


class EntryFacts(NamedTuple):
    """What is sure of an entry that was verified."""

    position: int
    leaf: bytes
    key_ids: tuple[str, ...]


def verify_entry(entry: Stored, keys: KeyHistory, rules: Rules) -> EntryFacts:
    """Check one entry by itself.

    Args:
        entry: As stored; its stream in the lower-case form of a UUID.
        keys: All keys of the log, by `learn_keys`.
        rules: What this log demands.

    Raises:
        EntryBroken: With the place, and the field or signature at fault.

    Source: FORMAT.md, "Checking a log", steps 1 to 6.
    """
    # 1. The envelope is written in its one form. 2. So is the payload, and it is an event's.
    envelope, payload = read_entry(entry)
    # 3. Each member is of its form. 4. What is stored beside the envelope is what was signed.
    _check_forms(entry, payload)
    _check_columns(entry, payload, rules)
    # 5. The ledger's own signature. 6. The officer's.
    _check_signatures(entry, envelope, payload["actor"], keys, rules)
    key_ids = tuple([signature.keyid for signature in envelope.signatures])
    return EntryFacts(entry.position, leaf_hash(entry.envelope), key_ids)


def read_entry(entry: Stored) -> tuple[Envelope, dict[str, Json]]:
    """Take the envelope and its payload apart, strictly.

    Raises:
        EntryBroken: One of them is not written in its one form, or the payload is no event's.
    """
    try:
        envelope = decode(entry.envelope)
        payload = parse_canonical(envelope.payload)
    except EnvelopeBroken as cause:
        raise _broken(entry, "envelope", str(cause)) from None
    except NotCanonical as cause:
        raise _broken(entry, "payload", str(cause)) from None
    if not isinstance(payload, dict) or tuple(payload) != MEMBERS:
        raise _broken(entry, "payload", "other members than an event has")
    return envelope, payload


def learn_keys(keys: KeyHistory, entry: Stored) -> None:
    """Take from a key event what it says; call it in the order of the log, on KEY_TOPICS only.

    It believes the event. Whether to, `verify_entry` says, to which every entry goes afterwards.

    Raises:
        EntryBroken: The event cannot be read, or contradicts an earlier one.
    """
    _, payload = read_entry(entry)
    owner = SERVICE if entry.topic.startswith("service_key.") else payload["stream"]
    try:
        data = payload["data"]
        if entry.topic in ("service_key.retired", "officer.key_revoked"):
            keys.revoke(owner, data["key_id"], entry.position)
            return
        key = PublicKey(Algorithm(data["algorithm"]), b64decode(data["public_key"], validate=True))
        if key.key_id != data["key_id"]:
            raise _broken(entry, "data.key_id", "is not the id of this key")
        keys.register(owner, key, entry.position)
    except (KeyNotValid, SignatureBroken) as cause:
        raise _broken(entry, "data.key_id", str(cause)) from None
    except (KeyError, TypeError, ValueError):
        raise _broken(entry, "data", "says nothing sound about a key") from None


def verify_order(
    position: int, versions: dict[str, int], entries: Iterable[tuple[int, str, int]]
) -> int:
    """Check that no position is missing, and in no stream a version.

    Args:
        position: Where the next entry must stand.
        versions: Last version of each stream so far; brought up to date.
        entries: Position, stream and version, in the order of the log.

    Returns:
        Where the entry after these must stand.

    Raises:
        EntryBroken: At the first place where something is missing, or stands twice.

    Source: FORMAT.md, "Checking a log", step 7.
    """
    for stored, stream, version in entries:
        if stored != position:
            cause = f"expected {position}, got {stored}"
            raise EntryBroken(position, stream, version, "position", cause)
        expected = versions.get(stream, 0) + 1
        if version != expected:
            cause = f"expected {expected}, got {version}"
            raise EntryBroken(position, stream, version, "version", cause)
        versions[stream] = version
        position += 1
    return position


class CheckpointDiffers(LedgerError):
    """A checkpoint is not signed by the ledger, or commits to other entries than are stored."""

    code = "verify.checkpoint_differs"
    kind = Kind.BROKEN

    def __init__(self, size: int, cause: str, last_good_size: int | None = None) -> None:
        good = "" if last_good_size is None else f"; the last good one is of {last_good_size}"
        super().__init__(f"checkpoint of {size} entries: {cause}{good}")
        self.arguments = (size, cause, last_good_size)
        self.size = size
        self.last_good_size = last_good_size

    def __reduce__(self) -> tuple[type["CheckpointDiffers"], tuple[int, str, int | None]]:
        """Travel whole from a worker process."""
        return type(self), self.arguments


def verify_checkpoint(size: int, note: str, keys: KeyHistory, rules: Rules) -> Checkpoint:
    """Check that the ledger signed this checkpoint, with a key valid at the last entry it covers.

    Args:
        size: Number of entries that the checkpoint is stored under.
        note: The signed note.
        keys: All keys of the log.
        rules: The log's name stands in them.

    Raises:
        CheckpointDiffers: It did not, or the note is of another log or size.

    Source: FORMAT.md, "Checking a log", step 8.
    """
    valid = [NoteKey(rules.origin, key) for key in keys.valid_keys(SERVICE, size - 1)]
    try:
        checkpoint = open_note(note, valid)
    except CheckpointBroken as cause:
        raise CheckpointDiffers(size, str(cause)) from None
    if checkpoint.size != size:
        raise CheckpointDiffers(size, f"signed for {checkpoint.size}")
    return checkpoint


def verify_growth(edge: Edge, leaves: Sequence[bytes], checkpoints: Sequence[Checkpoint]) -> Edge:
    """Check that the tree had the root of each checkpoint when it had its size.

    Args:
        edge: The tree before these leaves, whose root is known to be right.
        leaves: Leaf hashes of the entries that follow.
        checkpoints: Verified ones, of sizes beyond the edge's and rising, none past the leaves.

    Returns:
        The edge of the tree with all the leaves.

    Raises:
        CheckpointDiffers: With the size of the first that differs, and of the last that does not.

    Source: FORMAT.md, "Checking a log", step 9.
    """
    first, good = edge.size, edge.size
    for checkpoint in checkpoints:
        if not edge.size < checkpoint.size <= first + len(leaves):
            raise CheckpointDiffers(checkpoint.size, "covers entries that are not there", good)
        edge = edge.extend(leaves[edge.size - first : checkpoint.size - first])
        if edge.root() != checkpoint.root:
            raise CheckpointDiffers(checkpoint.size, "the entries have another root", good)
        good = checkpoint.size
    return edge.extend(leaves[edge.size - first :])


_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z")


def _check_forms(entry: Stored, payload: dict[str, Json]) -> None:
    """Check what the columns do not say; true is no number here, though Python would have it so."""
    actor, recorded_at = payload["actor"], payload["recorded_at"]
    for member, sound in (
        ("actor", isinstance(actor, str) and (actor == OPERATOR or _UUID.fullmatch(actor))),
        ("data", isinstance(payload["data"], dict)),
        ("happened_on", _is_day(payload["happened_on"])),
        (
            "recorded_at",
            isinstance(recorded_at, str)
            and _is_day(recorded_at[:10])
            and _TIME.fullmatch(recorded_at, 10),
        ),
        ("schema", type(payload["schema"]) is int and payload["schema"] >= 1),
        ("version", type(payload["version"]) is int and payload["version"] >= 1),
    ):
        if not sound:
            raise _broken(entry, member, "not of its form")


def _is_day(text: Json) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except (TypeError, ValueError):
        return False


def _check_columns(entry: Stored, payload: dict[str, Json], rules: Rules) -> None:
    for member, stored in (
        ("origin", rules.origin),
        ("stream", entry.stream),
        ("version", entry.version),
        ("type", entry.topic),
    ):
        if payload[member] != stored:
            raise _broken(entry, member, "what was signed and what is stored beside it differ")


def _check_signatures(
    entry: Stored, envelope: Envelope, actor: str, keys: KeyHistory, rules: Rules
) -> None:
    signatures = envelope.signatures
    if not signatures:
        raise _broken(entry, "signatures", "none")
    if len({signature.keyid for signature in signatures}) != len(signatures):
        raise _broken(entry, "signatures", "two by one key")
    message = pae(PAYLOAD_TYPE, envelope.payload)
    valid_from = _check_signature(entry, signatures[0], SERVICE, message, keys)
    # Otherwise whoever can write to the database could have a key of their own vouch for itself.
    # The founding event must; its key is the one that an outsider has to know beforehand.
    if valid_from == entry.position != 0:
        raise _broken(entry, f"signature by {signatures[0].keyid}", "the key vouches for itself")
    for signature in signatures[1:]:
        _check_signature(entry, signature, actor, message, keys)
    if len(signatures) == 1 and entry.topic in rules.officer_signed:
        raise _broken(entry, "signatures", "the officer's own signature is missing")


def _check_signature(
    entry: Stored, signature: Signature, owner: str, message: bytes, keys: KeyHistory
) -> int:
    """Check one signature; return the position from which its key is valid."""
    try:
        record = keys.valid_at(signature.keyid, entry.position)
        if record.owner != owner:
            cause = f"the key is of {record.owner}, not of {owner}"
            raise _broken(entry, f"signature by {signature.keyid}", cause)
        verify(record.public_key, message, signature.sig)
    except (KeyNotValid, SignatureBroken) as cause:
        raise _broken(entry, f"signature by {signature.keyid}", str(cause)) from None
    return record.valid_from


def _broken(entry: Stored, field: str, cause: str) -> EntryBroken:
    return EntryBroken(entry.position, entry.stream, entry.version, field, cause)
