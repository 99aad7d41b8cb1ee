"""Verification of single entries: bytes and the history of keys in, facts or the fault out."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import Json, NotCanonical, parse_canonical
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
)

MEMBERS = frozenset(
    {
        "actor",
        "data",
        "happened_on",
        "origin",
        "recorded_at",
        "schema",
        "stream",
        "type",
        "version",
    }
)

KEY_TOPICS = (
    "service_key.registered",
    "service_key.retired",
    "officer.key_registered",
    "officer.key_revoked",
)
"""The events that say which key was whose, and when."""


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


def verify_entry(entry: Stored, keys: KeyHistory, rules: Rules) -> None:
    """Check one entry by itself, in this order: form, columns, signatures.

    Raises:
        EntryBroken: With the place, and the field or signature at fault.

    Source: FORMAT.md, "Checking an entry".
    """
    envelope, payload = read_entry(entry)
    _check_columns(entry, payload, rules)
    _check_signatures(entry, envelope, payload, keys, rules)


def read_entry(entry: Stored) -> tuple[Envelope, Json]:
    """Take the envelope and its payload apart, strictly."""
    try:
        envelope = decode(entry.envelope)
    except EnvelopeBroken as cause:
        raise _broken(entry, "envelope", str(cause)) from None
    try:
        payload = parse_canonical(envelope.payload)
    except NotCanonical as cause:
        raise _broken(entry, "payload", str(cause)) from None
    if not isinstance(payload, dict) or payload.keys() != MEMBERS:
        raise _broken(entry, "payload", "other members than an event has")
    return envelope, payload


def learn_keys(keys: KeyHistory, entry: Stored) -> None:
    """Take from a key event what it says; call it in the order of the log, on KEY_TOPICS only.

    Raises:
        EntryBroken: The event cannot be read, or contradicts an earlier one.
    """
    _, payload = read_entry(entry)
    try:
        data = payload["data"]
        if entry.topic in ("service_key.retired", "officer.key_revoked"):
            keys.revoke(data["key_id"], entry.position)
            return
        key = PublicKey(Algorithm(data["algorithm"]), b64decode(data["public_key"], validate=True))
        if key.key_id != data["key_id"]:
            raise _broken(entry, "data.key_id", "is not the id of this key")
        service = entry.topic.startswith("service_key.")
        keys.register(SERVICE if service else payload["stream"], key, entry.position)
    except (KeyError, TypeError, ValueError, KeyNotValid):
        raise _broken(entry, "data", "says nothing sound about a key") from None


def _check_columns(entry: Stored, payload: Json, rules: Rules) -> None:
    for member, stored in (
        ("origin", rules.origin),
        ("stream", entry.stream),
        ("version", entry.version),
        ("type", entry.topic),
    ):
        if payload[member] != stored:
            raise _broken(entry, member, "what was signed and what is stored beside it differ")


def _check_signatures(
    entry: Stored, envelope: Envelope, payload: Json, keys: KeyHistory, rules: Rules
) -> None:
    signatures = envelope.signatures
    if not signatures:
        raise _broken(entry, "signatures", "none")
    if len({signature.keyid for signature in signatures}) != len(signatures):
        raise _broken(entry, "signatures", "two by one key")
    message = pae(PAYLOAD_TYPE, envelope.payload)
    _check_signature(entry, signatures[0], SERVICE, message, keys)
    for signature in signatures[1:]:
        _check_signature(entry, signature, payload["actor"], message, keys)
    if len(signatures) == 1 and entry.topic in rules.officer_signed:
        raise _broken(entry, "signatures", "the officer's own signature is missing")


def _check_signature(
    entry: Stored, signature: Signature, owner: str, message: bytes, keys: KeyHistory
) -> None:
    field = f"signature by {signature.keyid}"
    try:
        record = keys.valid_at(signature.keyid, entry.position)
        if record.owner != owner:
            raise _broken(entry, field, f"the key is {record.owner}'s, not {owner}'s")
        keys.verify(signature.keyid, message, signature.sig)
    except (KeyNotValid, SignatureBroken) as cause:
        raise _broken(entry, field, str(cause)) from None


def check_streams(
    seen: dict[str, int], entries: Sequence[tuple[int, str, int]]
) -> tuple[int, str, int] | None:
    """Continue the count of versions in each stream; return the first entry out of turn, or None.

    Args:
        seen: Last version of each stream so far; brought up to date.
        entries: Position, stream and version, in the order of the log.
    """
    for position, stream, version in entries:
        if version != seen.get(stream, 0) + 1:
            return position, stream, version
        seen[stream] = version
    return None


def _broken(entry: Stored, field: str, cause: str) -> EntryBroken:
    return EntryBroken(entry.position, entry.stream, entry.version, field, cause)
