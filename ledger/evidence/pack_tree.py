"""The tree over a log of which only some entries are at hand, and hashes over the others."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise

from ledger.evidence.canonical import NotCanonical, parse_canonical
from ledger.evidence.envelope import EnvelopeBroken, payload_of
from ledger.evidence.merkle import EMPTY_ROOT, Edge, leaf_hash, node_hash
from ledger.evidence.pack import PackBroken
from ledger.evidence.tree_heads import SignedUpon, names_tree_head, tree_head_of

Place = tuple[int, int]
"""Level and index of a complete subtree: over index × 2^level to (index + 1) × 2^level - 1."""


def breaks_in(entries: Collection[int], signed: Iterable[SignedUpon], size: int) -> list[int]:
    """Return where no hash that stands for several entries may reach across, rising.

    Before and behind each entry at hand, and where the log ended that an officer signed upon: so
    all of these roots can be computed, too.

    Args:
        entries: Positions of the entries at hand.
        signed: What is signed upon in them.
        size: Of the log; the last break.
    """
    breaks = {0, size, *entries, *(each + 1 for each in entries)}
    breaks.update(each.head.size for each in signed)
    return sorted(each for each in breaks if each <= size)


def places_between(start: int, stop: int) -> Iterator[Place]:
    """Yield the largest complete subtrees over a range, from the left to the right."""
    at = start
    while at < stop:
        level = (stop - at).bit_length() - 1
        if at:
            level = min(level, (at & -at).bit_length() - 1)
        yield level, at >> level
        at += 1 << level


def signed_in(entries: Mapping[int, bytes]) -> list[SignedUpon]:
    """Return upon which tree heads entries were signed, by their envelopes, in the log's order.

    Raises:
        PackBroken: One cannot be read.
    """
    found = []
    for position in sorted(entries):
        try:
            payload = payload_of(entries[position])
            if not names_tree_head(payload):
                continue
            event = parse_canonical(payload)
            head = tree_head_of(event["data"])
            if head is not None:
                found.append(SignedUpon(position, event["stream"], event["version"], head))
        except (EnvelopeBroken, NotCanonical, KeyError, TypeError, ValueError, AttributeError):
            raise PackBroken(f"the entry at position {position} is no event") from None
    return found


class PackTree:
    """Hashes a pack's entries and the hashes that it gives together."""

    def __init__(
        self, entries: Mapping[int, bytes], nodes: Mapping[Place, bytes], size: int
    ) -> None:
        """Take the tree of a log of `size` entries.

        Raises:
            PackBroken: An entry cannot be read.
        """
        self.signed = signed_in(entries)
        self._entries = entries
        self._nodes = nodes
        self._breaks = breaks_in(entries, self.signed, size)

    def roots(self, sizes: Iterable[int]) -> dict[int, bytes]:
        """Return the root that the tree had at each of these sizes, but for those it cannot show.

        A hash proves something only if the way to the last root leads through it. So the root at a
        size is shown only if no hash reaches across it.

        Raises:
            PackBroken: A hash is missing.
        """
        wanted = set(sizes)
        found = {0: EMPTY_ROOT} if 0 in wanted else {}
        peaks: list[bytes] = []
        for start, stop in pairwise(self._breaks):
            for level, index in places_between(start, stop):
                node, carry = self._hash(level, index), index
                while carry & 1:
                    node = node_hash(peaks.pop(), node)
                    carry >>= 1
                peaks.append(node)
            if stop in wanted:
                found[stop] = Edge(stop, tuple(peaks)).root()
        return found

    def _hash(self, level: int, index: int) -> bytes:
        entry = None if level else self._entries.get(index)
        node = self._nodes.get((level, index)) if entry is None else leaf_hash(entry)
        if node is None:
            first, last = index << level, (index + 1 << level) - 1
            raise PackBroken(f"the tree hash over entries {first} to {last} is missing")
        return node
