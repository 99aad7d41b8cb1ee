"""The verifiable map in pages, so that it grows and proves at the cost of a few pages.

A page holds what begins with some bytes of the key: up to 256 entries themselves or, beyond that,
the 256 halves of halves that the next byte tells apart, each with a page of its own below.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from itertools import groupby

from ledger.evidence.merkle import HASH_BYTES
from ledger.evidence.verifiable_map import (
    EMPTY,
    HEAD_BYTES,
    Head,
    MapProof,
    key_bit,
    map_leaf,
    map_node,
)

ENTRIES_MAX = 256
CHILDREN = 256
PAGE_BITS = 8

Read = Callable[[bytes], bytes | None]
"""Takes the first bytes of the keys that a page holds; returns the page, or None."""

Node = tuple[int, bytes]
"""How many entries stand below (0, 1, or 2 for more), and the hash over them."""

_ENTRIES, _BRANCHES = b"\x00", b"\x01"
_ENTRY_BYTES = HASH_BYTES + HEAD_BYTES
_BRANCH_BYTES = 1 + HASH_BYTES
_NONE: Node = (0, EMPTY)
_MANY = 2

Entry = tuple[bytes, bytes]
"""A key, and its head in bytes."""


class PagedMap:
    """A map read page by page; `written` gathers the pages that changed."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.written: dict[bytes, bytes] = {}

    def page(self, prefix: bytes) -> bytes | None:
        changed = self.written.get(prefix)
        return self._read(prefix) if changed is None else changed

    def root(self) -> bytes:
        """Return the root of the map as it is now."""
        page = self.page(b"")
        return EMPTY if page is None else _node_of(page, 0)[1]

    def head(self, key: bytes) -> Head | None:
        """Return the head of a key."""
        entries, _ = self._place(key)
        at = bisect_left(entries, (key, b""))
        found = at < len(entries) and entries[at][0] == key
        return Head.from_bytes(entries[at][1]) if found else None

    def update(self, heads: Mapping[bytes, Head]) -> bytes:
        """Put new heads in the place of old ones; return the new root."""
        entries = [(key, heads[key].to_bytes()) for key in sorted(heads)]
        if entries:
            self._put(b"", entries)
        return self.root()

    def prove(self, key: bytes) -> MapProof:
        """Return the proof of what the map says of a key."""
        siblings: list[bytes] = []
        prefix = b""
        while (page := self.page(prefix)) is not None and page[:1] == _BRANCHES:
            levels = _levels(page)
            for depth in range(PAGE_BITS):
                at = key[len(prefix)] >> (PAGE_BITS - depth)
                if levels[depth][at][0] != _MANY:
                    return self._ended(key, prefix, depth, siblings)
                below = key[len(prefix)] >> (PAGE_BITS - 1 - depth)
                siblings.append(levels[depth + 1][below ^ 1][1])
            prefix = key[: len(prefix) + 1]
        entries = _entries(page) if page is not None else []
        return _prove_among(key, entries, len(prefix) * PAGE_BITS, siblings)

    def _ended(self, key: bytes, prefix: bytes, depth: int, siblings: list[bytes]) -> MapProof:
        """Return the proof where one entry, or none, is left within a page of branches."""
        bits = len(prefix) * PAGE_BITS + depth
        first = key[len(prefix)] >> (PAGE_BITS - depth) << (PAGE_BITS - depth)
        for byte in range(first, first + (1 << (PAGE_BITS - depth))):
            page = self.page(prefix + bytes([byte]))
            if page is not None:
                return _prove_among(key, _entries(page), bits, siblings)
        return MapProof(None, None, tuple(siblings))

    def _place(self, key: bytes) -> tuple[list[Entry], bytes]:
        prefix = b""
        while (page := self.page(prefix)) is not None and page[:1] == _BRANCHES:
            prefix = key[: len(prefix) + 1]
        return (_entries(page) if page is not None else []), prefix

    def _put(self, prefix: bytes, entries: list[Entry]) -> Node:
        page = self.page(prefix)
        if page is None or page[:1] == _ENTRIES:
            if page is not None:
                entries = sorted((dict(_entries(page)) | dict(entries)).items())
            if len(entries) <= ENTRIES_MAX:
                self.written[prefix] = _ENTRIES + b"".join(key + head for key, head in entries)
                return _subtree(entries, 0, len(entries), len(prefix) * PAGE_BITS)
            page = _BRANCHES + (bytes([0]) + EMPTY) * CHILDREN
        branches = bytearray(page)
        for byte, below in groupby(entries, key=lambda entry: entry[0][len(prefix)]):
            count, node = self._put(prefix + bytes([byte]), list(below))
            at = 1 + byte * _BRANCH_BYTES
            branches[at : at + _BRANCH_BYTES] = bytes([count]) + node
        self.written[prefix] = bytes(branches)
        return _node_of(self.written[prefix], len(prefix) * PAGE_BITS)


def _node_of(page: bytes, bits: int) -> Node:
    if page[:1] == _ENTRIES:
        entries = _entries(page)
        return _subtree(entries, 0, len(entries), bits)
    return _levels(page)[0][0]


def _levels(page: bytes) -> list[list[Node]]:
    """Return the nodes of a page of branches, level by level, from its one root down."""
    nodes: list[Node] = [
        (page[at], page[at + 1 : at + _BRANCH_BYTES]) for at in range(1, len(page), _BRANCH_BYTES)
    ]
    levels = [nodes]
    while len(nodes) > 1:
        nodes = [_joined(nodes[at], nodes[at + 1]) for at in range(0, len(nodes), 2)]
        levels.append(nodes)
    return levels[::-1]


def _joined(left: Node, right: Node) -> Node:
    """Return the node over two halves; a single entry moves up, as far as it is alone."""
    if left[0] + right[0] < _MANY:
        return left if left[0] else right
    return _MANY, map_node(left[1], right[1])


def _subtree(entries: list[Entry], start: int, stop: int, bit: int) -> Node:
    """Return the node over a range of entries that agree in the bits before this one."""
    if stop - start <= 1:
        return _single(entries[start]) if stop > start else _NONE
    middle = _middle(entries, start, stop, bit)
    left = _subtree(entries, start, middle, bit + 1)
    right = _subtree(entries, middle, stop, bit + 1)
    return _MANY, map_node(left[1], right[1])


def _middle(entries: list[Entry], start: int, stop: int, bit: int) -> int:
    """Return where the entries begin whose key has this bit set."""
    while start < stop:
        between = (start + stop) // 2
        if key_bit(entries[between][0], bit):
            stop = between
        else:
            start = between + 1
    return start


def _single(entry: Entry) -> Node:
    return 1, map_leaf(entry[0], Head.from_bytes(entry[1]))


def _prove_among(key: bytes, entries: list[Entry], bit: int, siblings: list[bytes]) -> MapProof:
    start, stop = 0, len(entries)
    siblings = list(siblings)
    while stop - start > 1:
        middle = _middle(entries, start, stop, bit)
        if key_bit(key, bit):
            siblings.append(_subtree(entries, start, middle, bit + 1)[1])
            start = middle
        else:
            siblings.append(_subtree(entries, middle, stop, bit + 1)[1])
            stop = middle
        bit += 1
    if start == stop:
        return MapProof(None, None, tuple(siblings))
    found, head = entries[start]
    if found == key:
        return MapProof(Head.from_bytes(head), None, tuple(siblings))
    return MapProof(None, (found, Head.from_bytes(head)), tuple(siblings))


def _entries(page: bytes) -> list[Entry]:
    return [
        (page[at : at + HASH_BYTES], page[at + HASH_BYTES : at + _ENTRY_BYTES])
        for at in range(1, len(page), _ENTRY_BYTES)
    ]
