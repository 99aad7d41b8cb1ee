"""Follows a log from its first entry, and checks what events claim about all that came before."""

from typing import NamedTuple

from ledger.evidence.envelope import payload_of
from ledger.evidence.map_growth import ANNOUNCED, MapGrowth, announced_root
from ledger.evidence.map_pages import PagedMap
from ledger.evidence.merkle import Edge
from ledger.evidence.reanchoring import (
    REANCHORED,
    Sm3Tree,
    reaffirmed_root,
    reanchored_root,
    sm3_leaf,
)
from ledger.evidence.verifiable_map import Head, subjects_of
from ledger.evidence.verify import REAFFIRMED, EntryBroken, Stored

HEADS_MAX = 50_000


class Claims(NamedTuple):
    """Positions of the last events that claim something of those before them; -1 if none does."""

    mapped: int = -1
    reanchored: int = -1
    reaffirmed: int = -1


CLAIMING = (ANNOUNCED, REANCHORED, REAFFIRMED)
"""The types of such events, in the order of `Claims`."""


class Named(NamedTuple):
    """What following needs of an entry, so that it can be found out elsewhere.

    `subjects` and `sm3_leaf` are None, and `vouched` is not set, past the last event that claims
    something of them; `claim` is the root that an event tells which claims one.
    """

    topic: str
    subjects: set[bytes] | None
    sm3_leaf: bytes | None
    vouched: bool
    claim: bytes | None


def named_of(entry: Stored, last: Claims) -> Named:
    """Find out what following needs of a verified entry."""
    payload = payload_of(entry.envelope)
    claim = None
    if entry.topic == ANNOUNCED:
        claim = announced_root(payload)
    elif entry.topic == REANCHORED:
        claim = reanchored_root(payload, entry.position)
    elif entry.topic == REAFFIRMED:
        claim = reaffirmed_root(payload)
    return Named(
        entry.topic,
        subjects_of(payload) if entry.position <= last.mapped else None,
        sm3_leaf(entry.envelope) if entry.position <= last.reanchored else None,
        entry.position <= last.reaffirmed,
        claim,
    )


class LogReplay:
    """Keeps the map and the trees, as far as anything in the log claims about them."""

    def __init__(self) -> None:
        self._pages: dict[bytes, bytes] = {}
        self._growth = MapGrowth(self._head)
        self._tree = Sm3Tree()
        self._edge = Edge.empty()

    def follow(self, position: int, stream: str, version: int, named: Named, leaf: bytes) -> None:
        """Take in the next entry.

        Raises:
            EntryBroken: It claims another root than the entries before it give.

        Source: FORMAT.md, "Checking a log", steps 10 and 11.
        """
        if named.topic == ANNOUNCED and named.claim != self._map_root():
            cause = "the map over the entries before it has another root"
            raise EntryBroken(position, stream, version, "data.map_root", cause)
        if named.topic == REANCHORED and named.claim != self._tree.root():
            cause = "the entries before it have another root under this hash"
            raise EntryBroken(position, stream, version, "data.root", cause)
        if named.topic == REAFFIRMED and named.claim != self._edge.root():
            cause = "these are not the entries that the officer vouched for"
            raise EntryBroken(position, stream, version, "data.root", cause)
        if named.subjects is not None:
            own = stream.encode()
            self._growth.move(position, named.topic, version, own, named.subjects, leaf)
            if len(self._growth) > HEADS_MAX:
                self._map_root()
        if named.sm3_leaf is not None:
            self._tree.extend((named.sm3_leaf,))
        if named.vouched:
            self._edge = self._edge.append(leaf)

    def _map_root(self) -> bytes:
        pages = PagedMap(self._pages.get)
        root = pages.update(self._growth.heads())
        self._pages |= pages.written
        self._growth = MapGrowth(self._head)
        return root

    def _head(self, key: bytes) -> Head | None:
        return PagedMap(self._pages.get).head(key)
