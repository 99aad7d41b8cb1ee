"""The verifiable map: what the log says of each subject, under one root that leaves nothing out.

A subject is whatever an event names by an id: its stream, who acted, a fund account, a person, a
lot. The map leads from each subject to its head, which counts its events and chains them together.
So "these are all events of this subject" is proved by two things: the head under the map's root,
and the events whose chain gives that head.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import Json, base64_text
from ledger.evidence.merkle import HASH_BYTES, leaf_hash

FORMAT = 1
"""Stands in the event that announces a root; another rule for subjects is another format."""

THE_LOG = "00000000-0000-0000-0000-000000000000"
"""The subject under which the registers of the whole log are kept."""

REGISTERS = (
    "batch.drafted",
    "campaign.",
    "fiscal_year.",
    "fund.opened",
    "key.",
    "log.",
    "officer.",
    "organisation.",
    "policy.",
    "publication.",
    "remittance.",
    "service_key.",
    "witness.",
)
"""Types of event (or how they begin) that are also kept type by type, for each subject and for
the whole log. They are few, and asked for: all accounts of this union, all keys, all policies."""

EMPTY = bytes(HASH_BYTES)
KEY_BITS = 256
HEAD_BYTES = 8 + 8 + 8 + HASH_BYTES

_SUBJECT = re.compile(
    rb'[:\[,]"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"(?!:)'
)


class MapProofBroken(LedgerError):
    """The proof cannot be read, or leads to another root."""

    code = "evidence.map_proof_broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"map proof: {cause}")


class EventsLeftOut(LedgerError):
    """The events shown are not all events of the subject, or not these."""

    code = "evidence.events_left_out"
    kind = Kind.BROKEN

    def __init__(self, subject: str, cause: str) -> None:
        super().__init__(f"events of {subject}: {cause}")


@dataclass(frozen=True, slots=True)
class Head:
    """How far a subject has come: the head of its stream, and all events that concern it.

    `version` and `position` are those of the last event of the stream with the subject's id, both 0
    where there is none. `count` events concern it, and `chain` is a hash over all of them in order.
    """

    version: int = 0
    position: int = 0
    count: int = 0
    chain: bytes = bytes(HASH_BYTES)

    def followed_by(self, position: int, leaf: bytes, version: int | None = None) -> "Head":
        """Return the head after one more event.

        Args:
            position: Where the event stands in the log.
            leaf: Its leaf hash, 32 bytes.
            version: Its version, if it is an event of the subject's own stream.
        """
        chain = sha256(b"\x04" + self.chain + position.to_bytes(8) + leaf).digest()
        if version is None:
            return Head(self.version, self.position, self.count + 1, chain)
        return Head(version, position, self.count + 1, chain)

    def to_bytes(self) -> bytes:
        """Write version, position and count as 8 bytes each, big end first, and the chain."""
        numbers = (self.version, self.position, self.count)
        return b"".join(number.to_bytes(8) for number in numbers) + self.chain

    @classmethod
    def from_bytes(cls, data: bytes) -> "Head":
        """Read what `to_bytes` wrote.

        Raises:
            MapProofBroken: Of another length.
        """
        if len(data) != HEAD_BYTES:
            raise MapProofBroken("a head of another length")
        version, position, count = (int.from_bytes(data[at : at + 8]) for at in (0, 8, 16))
        return cls(version, position, count, data[24:])


@dataclass(frozen=True, slots=True)
class MapProof:
    """What stands at a key's place in the map, and the hashes beside the way down to it.

    `head` is the key's own; where the key is absent, `other` is the one leaf in its place, if there
    is one. `siblings` run from the root downwards, one for each bit of the key that was needed.
    """

    head: Head | None
    other: tuple[bytes, Head] | None
    siblings: tuple[bytes, ...]

    def to_json(self) -> dict[str, Json]:
        """Return `{head, other, siblings}`, bytes in base64."""
        return {
            "head": None if self.head is None else base64_text(self.head.to_bytes()),
            "other": (
                None
                if self.other is None
                else {
                    "key": base64_text(self.other[0]),
                    "head": base64_text(self.other[1].to_bytes()),
                }
            ),
            "siblings": [base64_text(each) for each in self.siblings],
        }

    @classmethod
    def from_json(cls, members: Json) -> "MapProof":
        """Read what `to_json` wrote.

        Raises:
            MapProofBroken: Something is missing or cannot be read.
        """
        try:
            head, other = members["head"], members["other"]
            return cls(
                None if head is None else Head.from_bytes(_raw(head)),
                None
                if other is None
                else (_raw(other["key"]), Head.from_bytes(_raw(other["head"]))),
                tuple(_raw(each) for each in members["siblings"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, Error):
            raise MapProofBroken("it cannot be read") from None


def verify_head(root: bytes, key: bytes, proof: MapProof) -> Head | None:
    """Check what the map says of a key; return its head, or None where it is proved absent.

    Args:
        root: Of the map, from an entry of the log that was verified already.
        key: 32 bytes, by `subject_key`.
        proof: As the ledger gave it.

    Raises:
        MapProofBroken: It leads to another root, or is of another key.

    Source: FORMAT.md, "Map".
    """
    depth = len(proof.siblings)
    if depth > KEY_BITS or any(len(each) != HASH_BYTES for each in proof.siblings):
        raise MapProofBroken("siblings of another number or length")
    if proof.head is not None and proof.other is not None:
        raise MapProofBroken("present and absent at once")
    node = EMPTY
    if proof.head is not None:
        node = map_leaf(key, proof.head)
    elif proof.other is not None:
        other, head = proof.other
        if len(other) != HASH_BYTES or other == key or _prefix(other, depth) != _prefix(key, depth):
            raise MapProofBroken("the leaf shown does not stand in this key's place")
        node = map_leaf(other, head)
    for bit in range(depth - 1, -1, -1):
        sibling = proof.siblings[bit]
        node = map_node(sibling, node) if key_bit(key, bit) else map_node(node, sibling)
    if node != root:
        raise MapProofBroken("it leads to another root")
    return proof.head


def verify_all_events(
    subject: str, head: Head | None, events: Sequence[tuple[int, bytes]], topic: str | None = None
) -> None:
    """Check that these are all events of a subject, none left out, none added, at the end neither.

    Args:
        subject: Its id.
        head: What `verify_head` returned for it (None: proved to have no events).
        events: Position and envelope of each, in the order of the log.
        topic: For the events of one type alone; the head is then that register's.

    Raises:
        EventsLeftOut: Events are missing, added, out of order or altered.

    Source: FORMAT.md, "Map".
    """
    expected = head or Head()
    chained = Head()
    last = -1
    for position, envelope in events:
        if position <= last:
            raise EventsLeftOut(subject, f"position {position} does not follow {last}")
        chained = chained.followed_by(position, leaf_hash(envelope))
        last = position
    if (chained.count, chained.chain) != (expected.count, expected.chain):
        what = "" if topic is None else f" of type {topic}"
        cause = f"the map has {expected.count}{what}, {chained.count} are shown, or not the same"
        raise EventsLeftOut(subject, cause)


def subjects_of(payload: bytes) -> set[bytes]:
    """Return the ids that a payload names: every text value that has the form of a UUID.

    Args:
        payload: Canonical JSON. There a quotation mark inside a text always follows a backslash,
            so one that follows a colon, comma or bracket begins a value (or, before a colon, is
            the name of a member, which does not count).
    """
    return set(_SUBJECT.findall(payload))


def is_registered(topic: str) -> bool:
    """Say whether events of this type are kept type by type too."""
    return topic.startswith(REGISTERS)


@lru_cache(maxsize=1 << 16)
def subject_key(subject: str, topic: str | None = None) -> bytes:
    """Return the key of a subject in the map, or of its register of one type of event."""
    named = f"nuanzhang subject\n{subject}" + ("" if topic is None else f"\n{topic}")
    return sha256(named.encode()).digest()


def map_leaf(key: bytes, head: Head) -> bytes:
    """Hash an entry of the map; the prefix 2 keeps it from being taken for anything else."""
    return sha256(b"\x02" + key + head.to_bytes()).digest()


def map_node(left: bytes, right: bytes) -> bytes:
    """Hash two halves of the map together."""
    return sha256(b"\x03" + left + right).digest()


def map_root(heads: Iterable[tuple[bytes, Head]]) -> bytes:
    """Return the root over keys and heads, from scratch; for small maps and for checking others.

    No entries: 32 zero bytes. One: its leaf. More: the hash of the two halves by the next bit.
    """
    return _subtree(sorted(heads, key=lambda entry: entry[0]), 0)


def key_bit(key: bytes, bit: int) -> int:
    """Return a bit of a key, the highest bit of its first byte being bit 0."""
    return key[bit >> 3] >> (7 - (bit & 7)) & 1


def _subtree(heads: list[tuple[bytes, Head]], bit: int) -> bytes:
    if not heads:
        return EMPTY
    if len(heads) == 1:
        return map_leaf(*heads[0])
    right = next((at for at, (key, _) in enumerate(heads) if key_bit(key, bit)), len(heads))
    return map_node(_subtree(heads[:right], bit + 1), _subtree(heads[right:], bit + 1))


def _prefix(key: bytes, bits: int) -> int:
    return int.from_bytes(key) >> (KEY_BITS - bits)


def _raw(text: str) -> bytes:
    return b64decode(text, validate=True)
