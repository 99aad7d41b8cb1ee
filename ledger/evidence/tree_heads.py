"""The tree head upon which an officer signs: so a signature fits the log that its maker was shown.

An event that an officer signs carries, in `data`, the size and the root that the log had when it
was prepared. Nobody can store it in another log of the same name, nor write the entries before it
anew, without that officer's key.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import NamedTuple

from ledger.evidence.canonical import Json, base64_text
from ledger.evidence.merkle import HASH_BYTES

TREE_HEAD = "tree_head"
"""The member of `data`; no event has a fact of its own under this name."""

_NAMED = b'"tree_head":'


class TreeHead(NamedTuple):
    """The log had `size` entries, and their tree this root (32 bytes; RFC 9162, section 4.9)."""

    size: int
    root: bytes

    def to_json(self) -> dict[str, Json]:
        return {"root": base64_text(self.root), "size": self.size}


class SignedUpon(NamedTuple):
    """The event at this position (stream and version) was signed upon this tree head."""

    position: int
    stream: str
    version: int
    head: TreeHead


def tree_head_of(data: Mapping[str, Json]) -> TreeHead | None:
    """Return the tree head that an event names; None if it names none.

    Raises:
        ValueError: What stands there is none in its one form.

    Source: FORMAT.md, "Payload".
    """
    if TREE_HEAD not in data:
        return None
    named = data[TREE_HEAD]
    try:
        size, root = named["size"], b64decode(named["root"], validate=True)
        if type(size) is int and size >= 0 and len(root) == HASH_BYTES:
            head = TreeHead(size, root)
            if head.to_json() == named:
                return head
    except (KeyError, TypeError, binascii.Error):
        pass
    raise ValueError("not a tree head")


def names_tree_head(payload: bytes) -> bool:
    """Say whether a payload, as canonical JSON, may name a tree head: most are spared a parser."""
    return _NAMED in payload
