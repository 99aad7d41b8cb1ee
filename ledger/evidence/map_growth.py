"""How the verifiable map grows with the log: which heads an entry moves on."""

import binascii
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256

from ledger.evidence.canonical import parse_canonical
from ledger.evidence.verifiable_map import (
    FORMAT,
    THE_LOG,
    Head,
    is_registered,
    subject_key,
    subjects_of,
)

ANNOUNCED = "publication.announced"
"""The type of event that says what root the map over all entries before it has."""

Known = Callable[[bytes], Head | None]
"""Takes a key; returns the head that the map has for it so far."""


class MapGrowth:
    """Gathers the heads that a run of entries moves on, from what the map said before them."""

    def __init__(self, known: Known, *, keep_positions: bool = False) -> None:
        """Begin with what `known` says; with `keep_positions`, remember where each head moved."""
        self._known = known
        self._heads: dict[bytes, tuple[int, int, int, bytes]] = {}
        self._keep_positions = keep_positions
        self.positions: dict[bytes, bytearray] = {}

    def __len__(self) -> int:
        return len(self._heads)

    def add(self, position: int, topic: str, version: int, payload: bytes, leaf: bytes) -> None:
        """Take in the next entry.

        Args:
            position: Where it stands.
            topic: Its type.
            version: Its version in the stream that its payload names.
            payload: Canonical JSON, as signed.
            leaf: Its leaf hash.
        """
        subjects = subjects_of(payload)
        stream = stream_of(payload)
        self.move(position, topic, version, stream, subjects, leaf)

    def move(
        self,
        position: int,
        topic: str,
        version: int,
        stream: bytes,
        subjects: set[bytes],
        leaf: bytes,
    ) -> None:
        """Take in the next entry, of which stream and subjects are known already."""
        link = position.to_bytes(8) + leaf
        for subject in subjects:
            own = version if subject == stream else 0
            self._follow(subject_key(subject.decode()), position, link, own)
        if is_registered(topic):
            for subject in subjects | {THE_LOG.encode()}:
                self._follow(subject_key(subject.decode(), topic), position, link, 0)

    def heads(self) -> dict[bytes, Head]:
        """Return the heads that moved."""
        return {
            key: Head(version, position, count, chain)
            for key, (version, position, count, chain) in self._heads.items()
        }

    def _follow(self, key: bytes, position: int, link: bytes, version: int) -> None:
        head = self._heads.get(key)
        if head is None:
            known = self._known(key) or Head()
            head = (known.version, known.position, known.count, known.chain)
            if self._keep_positions:
                self.positions[key] = bytearray()
        if self._keep_positions:
            self.positions[key] += link[:8]
        chain = sha256(b"\x04" + head[3] + link).digest()
        if version:
            self._heads[key] = (version, position, head[2] + 1, chain)
        else:
            self._heads[key] = (head[0], head[1], head[2] + 1, chain)


def stream_of(payload: bytes) -> bytes:
    """Return the stream that a canonical payload names: its members are in alphabetical order."""
    at = payload.rindex(b',"stream":"') + 11
    return payload[at : at + 36]


def announced_root(payload: bytes) -> bytes | None:
    """Return the root that an announcement's payload tells; None if it tells none that is sound."""
    data = parse_canonical(payload)["data"]
    try:
        sound = data["map_format"] == FORMAT and type(data["map_format"]) is int
        return b64decode(data["map_root"], validate=True) if sound else None
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None
