"""The same tree under another hash, so that an old log outlives the hash that it was made with.

An event `log.reanchored` tells the root over all entries before it, computed with SM3 in place of
SHA-256. Should SHA-256 ever give way, these entries are still held by that root.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping

from ledger.evidence.canonical import Json, parse_canonical
from ledger.evidence.merkle import HASH_BYTES
from ledger.evidence.sm2 import sm3

REANCHORED = "log.reanchored"
SM3 = "sm3"
EMPTY_ROOT = sm3()


def sm3_leaf(entry: bytes) -> bytes:
    """Hash an entry as `merkle.leaf_hash` does, with SM3."""
    return sm3(b"\x00", entry)


class Sm3Tree:
    """The right edge of the tree under SM3; it grows entry by entry."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def extend(self, leaves: Iterable[bytes]) -> None:
        for leaf in leaves:
            node, carry = leaf, self.size
            while carry & 1:
                node = sm3(b"\x01", self._peaks.pop(), node)
                carry >>= 1
            self._peaks.append(node)
            self.size += 1

    def root(self) -> bytes:
        """Return the root over the entries so far (RFC 9162, section 2.1.1, with SM3)."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            root = sm3(b"\x01", peak, root)
        return root


def reanchored_root(payload: bytes, position: int) -> bytes | None:
    """Return the root that a re-anchoring's payload tells; None if it tells none that is sound."""
    data = parse_canonical(payload)["data"]
    size, named = data.get("size"), data.get("hash_algorithm")
    sound = type(size) is int and size == position and named == SM3
    return _root(data) if sound else None


def reaffirmed_root(payload: bytes) -> bytes | None:
    """Return the root that a reaffirmation's payload tells; None if it tells none."""
    return _root(parse_canonical(payload)["data"])


def _root(data: Mapping[str, Json]) -> bytes | None:
    try:
        root = b64decode(data["root"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None
    return root if len(root) == HASH_BYTES else None
