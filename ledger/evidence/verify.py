"""Verification of single entries in numbered steps: bytes and keys in, facts or the fault out.

Entries may be checked anywhere and in any order, once `learn_keys` went through the key events from
the first on. FORMAT.md has the steps under the same numbers; `log.py` has those after the sixth.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

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
    verify,
)
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.tree_heads import TREE_HEAD, SignedUpon, tree_head_of

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

REAFFIRMED = "log.reaffirmed"

KEY_TOPICS = (
    "service_key.registered",
    "service_key.retired",
    "service_key.compromised",
    "officer.key_registered",
    "officer.key_revoked",
    "officer.key_compromised",
    REAFFIRMED,
)
"""The events that say which key was whose, and when, and what its signatures are worth."""

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


def self_described(position: int, payload: Json, envelope: bytes) -> Stored | None:
    """Return an entry with the columns that its own payload names; None if that is no event's.

    For whoever has entries without a database, where nothing stands beside the envelope.
    """
    if not isinstance(payload, dict):
        return None
    stream, version, topic = (payload.get(name) for name in ("stream", "version", "type"))
    if not (isinstance(stream, str) and type(version) is int and isinstance(topic, str)):
        return None
    return Stored(position, stream, version, topic, envelope)


VerifySignature = Callable[[PublicKey, bytes, bytes], None]
"""Takes key, message and signature; raises SignatureBroken."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one demands of a log, known from elsewhere than the log itself.

    Its name; the event types that need an officer's own signature; the key that signed its first
    event (None: whichever it names, and then a log signed anew from its first event goes unseen).
    """

    origin: str
    officer_signed: frozenset[str]
    founding_key_id: str | None = None
    verify: VerifySignature = verify
    """Checks signatures; another implementation may be quicker, but must say the same."""


class EntryFacts(NamedTuple):
    """What is sure of an entry that was verified.

    `signed_upon` has the tree head that its officer signed upon, which is still to be compared with
    the tree over as many entries; None where it names none.
    """

    position: int
    leaf: bytes
    signed_upon: SignedUpon | None = None


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
    loose = loose_id(envelope.payload)
    if loose is not None:
        raise _broken(entry, f"data.{loose}", "not an id in its one form")
    upon = _signed_upon(entry, payload["data"])
    _check_columns(entry, payload, rules)
    # 5. The ledger's own signature. 6. The officer's.
    _check_signatures(entry, envelope, payload["actor"], keys, rules)
    return EntryFacts(entry.position, leaf_hash(entry.envelope), upon)


def read_entry(entry: Stored) -> tuple[Envelope, dict[str, Json]]:
    """Take the envelope and its payload apart, strictly.

    Raises:
        EntryBroken: One of them is not written in its one form, or the payload is no event's.
    """
    if not isinstance(entry.envelope, bytes):
        # A damaged database can hand over anything.
        raise _broken(entry, "envelope", "not bytes")
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
    envelope, payload = read_entry(entry)
    owner = SERVICE if entry.topic.startswith("service_key.") else payload["stream"]
    try:
        data = payload["data"]
        if entry.topic == REAFFIRMED:
            if type(data["size"]) is not int or data["size"] != entry.position:
                raise _broken(entry, "data.size", "is not the size of the log before it")
            key_ids = [each.keyid for each in envelope.signatures]
            keys.reaffirm(payload["actor"], key_ids, entry.position)
            return
        if entry.topic in ("service_key.compromised", "officer.key_compromised"):
            counts_from = data["counts_from"]
            if type(counts_from) is not int or counts_from < 0:
                raise _broken(entry, "data.counts_from", "is no position")
            keys.compromise(owner, data["key_id"], counts_from, entry.position)
            return
        if entry.topic in ("service_key.retired", "officer.key_revoked"):
            keys.revoke(owner, data["key_id"], entry.position)
            return
        key = PublicKey(Algorithm(data["algorithm"]), b64decode(data["public_key"], validate=True))
        if key.key_id != data["key_id"]:
            raise _broken(entry, "data.key_id", "is not the id of this key")
        signers = [each.keyid for each in envelope.signatures]
        keys.register(owner, key, entry.position, str(data.get("custody", "")), signers)
    except (KeyNotValid, SignatureBroken) as cause:
        raise _broken(entry, "data.key_id", str(cause)) from None
    except (KeyError, TypeError, ValueError):
        raise _broken(entry, "data", "says nothing sound about a key") from None


_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(_ID)
_LOOSE_ID = re.compile(
    rf'_(?:(?:by|(?<!key_)(?<!end_to_end_)id)":(?!null|"{_ID}")'
    rf'|ids":(?!\[(?:"{_ID}",?)*\]))'.encode()
)
"""A member that holds an id in another form than the one in which it is a subject of the map."""
_TIME = re.compile(r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z")


def _check_forms(entry: Stored, payload: dict[str, Json]) -> None:
    """Check the members of which the columns say nothing."""
    actor, day, moment = payload["actor"], payload["happened_on"], payload["recorded_at"]
    stream = payload["stream"]
    sound = {
        "actor": isinstance(actor, str) and _is_actor(actor),
        "stream": isinstance(stream, str) and _UUID.fullmatch(stream) is not None,
        "data": isinstance(payload["data"], dict),
        "happened_on": isinstance(day, str) and _is_day(day),
        "recorded_at": isinstance(moment, str) and is_moment(moment),
        "schema": _is_count(payload["schema"]),
        "version": _is_count(payload["version"]),
    }
    if not all(sound.values()):
        raise _broken(entry, next(name for name in sound if not sound[name]), "not of its form")


def _signed_upon(entry: Stored, data: dict[str, Json]) -> SignedUpon | None:
    try:
        head = tree_head_of(data)
    except ValueError as cause:
        raise _broken(entry, f"data.{TREE_HEAD}", str(cause)) from None
    if head is None:
        return None
    if head.size > entry.position:
        raise _broken(entry, f"data.{TREE_HEAD}", "of more entries than stand before it")
    return SignedUpon(entry.position, entry.stream, entry.version, head)


def loose_id(payload: bytes) -> str | None:
    """Return the first member that holds an id in another form than the one that the map counts.

    Readers of JSON take capitals, or no hyphens, for the same id. An event that names a fund so
    would move its money, and be missing from all proofs of what concerns that fund.

    Args:
        payload: Canonical JSON: a quotation mark in a text follows a backslash, so what is found
            ends the name of a member.

    Source: FORMAT.md, "Payload".
    """
    loose = _LOOSE_ID.search(payload)
    if loose is None:
        return None
    end = payload.index(b'"', loose.start())
    return payload[payload.rindex(b'"', 0, end) + 1 : end].decode()


def is_moment(text: str) -> bool:
    """Say whether a moment of recording is written in its one form: UTC, to the millisecond."""
    return _is_day(text[:10]) and _TIME.fullmatch(text, 10) is not None


@lru_cache(maxsize=4096)
def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def _is_actor(text: str) -> bool:
    return text == OPERATOR or _UUID.fullmatch(text) is not None


def _is_count(number: Json) -> bool:
    # True is no number here, though Python would have it so.
    return type(number) is int and number >= 1


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
    if len(signatures) > 1 and len({each.keyid for each in signatures}) != len(signatures):
        raise _broken(entry, "signatures", "two by one key")
    message = pae(PAYLOAD_TYPE, envelope.payload)
    valid_from = _check_signature(entry, signatures[0], SERVICE, message, keys, rules)
    # Otherwise whoever can write to the database could have a key of their own vouch for itself.
    # The founding event must; its key is the one that an outsider has to know beforehand.
    if valid_from == entry.position != 0:
        raise _broken(entry, f"signature by {signatures[0].keyid}", "the key vouches for itself")
    if entry.position == 0 and rules.founding_key_id not in (None, signatures[0].keyid):
        cause = f"expected the founding key {rules.founding_key_id}"
        raise _broken(entry, f"signature by {signatures[0].keyid}", cause)
    for signature in signatures[1:]:
        _check_signature(entry, signature, actor, message, keys, rules)
    if len(signatures) == 1 and entry.topic in rules.officer_signed:
        raise _broken(entry, "signatures", "the officer's own signature is missing")


def _check_signature(
    entry: Stored,
    signature: Signature,
    owner: str,
    message: bytes,
    keys: KeyHistory,
    rules: Rules,
) -> int:
    """Check one signature; return the position from which its key is valid."""
    try:
        record = keys.valid_at(signature.keyid, entry.position)
        if record.owner != owner:
            cause = f"the key is of {record.owner}, not of {owner}"
            raise _broken(entry, f"signature by {signature.keyid}", cause)
        rules.verify(record.public_key, message, signature.sig)
    except (KeyNotValid, SignatureBroken) as cause:
        raise _broken(entry, f"signature by {signature.keyid}", str(cause)) from None
    return record.valid_from


def _broken(entry: Stored, field: str, cause: str) -> EntryBroken:
    return EntryBroken(entry.position, entry.stream, entry.version, field, cause)
