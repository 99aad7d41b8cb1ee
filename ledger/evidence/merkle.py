"""The Merkle tree of RFC 9162: leaves, roots, the growing edge, proofs and their checks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ledger.errors import Kind, LedgerError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
PATH_MAX = 64


class ProofBroken(LedgerError):
    """The path has the wrong length, or leads to another root."""

    code = "evidence.proof_broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"proof: {cause}")


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry of the log; the prefix 0 keeps it from being taken for a node.

    Source: RFC 9162, section 2.1.1.
    """
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees together; the prefix 1 keeps it from being taken for a leaf."""
    return sha256(b"\x01" + left + right).digest()


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, in order.

    Source: RFC 9162, section 2.1.1.
    """
    return Edge.empty().extend(leaves).root()


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: the roots of its complete subtrees, largest first.

    There is one for each bit that is set in the size, so a tree grows in O(log n) memory.
    """

    size: int
    peaks: tuple[bytes, ...]

    @classmethod
    def empty(cls) -> "Edge":
        return cls(0, ())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Edge":
        """Read what `to_bytes` wrote.

        Raises:
            ProofBroken: The number of peaks is not that of the size.
        """
        size, peaks = int.from_bytes(data[:8]), data[8:]
        if len(data) < 8 or len(peaks) != size.bit_count() * HASH_BYTES:  # noqa: PLR2004
            raise ProofBroken("edge of a wrong length")
        count = size.bit_count()
        return cls(size, tuple(peaks[i * HASH_BYTES : (i + 1) * HASH_BYTES] for i in range(count)))

    def to_bytes(self) -> bytes:
        """Write the size as 8 bytes, big end first, and then the peaks."""
        return self.size.to_bytes(8) + b"".join(self.peaks)

    def append(self, leaf: bytes) -> "Edge":
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> "Edge":
        """Return the edge of the tree with these leaf hashes added."""
        size, peaks = self.size, list(self.peaks)
        push, pop = peaks.append, peaks.pop
        for leaf in leaves:
            node, carry = leaf, size
            while carry & 1:
                node = sha256(b"\x01" + pop() + node).digest()
                carry >>= 1
            push(node)
            size += 1
        return Edge(size, tuple(peaks))

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            root = node_hash(peak, root)
        return root


Node = Callable[[int, int], bytes]
"""Level and index in, hash out: of the complete subtree over leaves index·2^level and on."""


def root_at(size: int, node: Node) -> bytes:
    """Return the root that the tree had when it had this many entries."""
    return _range_root(0, size, node) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """Return the sibling hashes of entry `index` in the tree of `size` entries, lowest first.

    Source: RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise ProofBroken(f"entry {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_range_root(middle, stop, node))
            stop = middle
        else:
            path.append(_range_root(start, middle, node))
            start = middle
    return path[::-1]


def consistency_path(size1: int, size2: int, node: Node) -> list[bytes]:
    """Return the hashes that show the tree of `size2` to begin with the tree of `size1`.

    Source: RFC 9162, section 2.1.4.1.
    """
    if not 0 < size1 <= size2:
        raise ProofBroken(f"a tree of {size2} does not begin with one of {size1}")
    path: list[bytes] = []
    start, stop, whole = 0, size2, True
    while size1 != stop:
        middle = start + _split(stop - start)
        if size1 <= middle:
            path.append(_range_root(middle, stop, node))
            stop = middle
        else:
            path.append(_range_root(start, middle, node))
            start, whole = middle, False
    if not whole:
        path.append(_range_root(start, stop, node))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that `leaf` is entry number `index` of the tree that `root` commits to.

    Args:
        leaf: Leaf hash, 32 bytes, as made by `leaf_hash`.
        index: Zero-based position of the entry.
        size: Number of entries in the tree; greater than `index`.
        path: Sibling hashes, lowest first; at most 64.
        root: Root hash from a checkpoint whose signature was verified already.

    Raises:
        ProofBroken: The path has the wrong length, or leads to another root.

    Source: RFC 9162, section 2.1.3.2 (the names fn and sn are the RFC's).
    """
    if not 0 <= index < size:
        raise ProofBroken(f"entry {index} is not in a tree of {size}")
    _require_hashes((leaf, root, *path))
    fn, sn, node = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            raise ProofBroken("the path is too long")
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofBroken("the path is too short")
    if node != root:
        raise ProofBroken("the path leads to another root")


def verify_consistency(  # noqa: C901 - one loop, step by step as the RFC has it
    size1: int, size2: int, root1: bytes, root2: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `size2` entries begins with the tree of `size1` entries.

    Args:
        size1: Number of entries of the earlier tree; of an empty one nothing can be shown.
        size2: Number of entries of the later tree.
        root1: Root of the earlier tree.
        root2: Root of the later tree.
        path: Hashes as `consistency_path` returns them.

    Raises:
        ProofBroken: The path has the wrong length, or leads to other roots.

    Source: RFC 9162, section 2.1.4.2 (the names fn, sn, fr and sr are the RFC's).
    """
    if not 0 < size1 <= size2:
        raise ProofBroken(f"a tree of {size2} does not begin with one of {size1}")
    if size1 == size2:
        if path or root1 != root2:
            raise ProofBroken("trees of one size need equal roots and no path")
        return
    _require_hashes((root1, root2, *path))
    hashes = [root1, *path] if size1 & (size1 - 1) == 0 else list(path)
    if not hashes:
        raise ProofBroken("the path is empty")
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    for node in hashes[1:]:
        if sn == 0:
            raise ProofBroken("the path is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(node, fr), node_hash(node, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, node)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofBroken("the path is too short")
    if fr != root1 or sr != root2:
        raise ProofBroken("the path leads to other roots")


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > PATH_MAX + 2 or any(len(each) != HASH_BYTES for each in hashes):
        raise ProofBroken("a hash of a wrong length, or too many")


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def _range_root(start: int, stop: int, node: Node) -> bytes:
    """Return the root over leaves `start` to `stop`, a range as proofs ask for them."""
    size = stop - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(size)
    return node_hash(_range_root(start, middle, node), _range_root(middle, stop, node))
