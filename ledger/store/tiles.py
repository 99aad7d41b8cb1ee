"""The Merkle tree as it is stored: full tiles of 256 hashes, and the edge that still grows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ledger.database import Reader
from ledger.evidence.merkle import HASH_BYTES, Edge, leaf_hash, node_hash, root_hash
from ledger.evidence.tlog_tiles import TILE_HEIGHT, TILE_WIDTH

NODES_KEPT = 50_000
"""Some 10 MB."""
LEAVES_KEPT_AT_ONCE = 1_000
"""Of more, added by one commit, hardly each is asked for."""

Tile = tuple[int, int, bytes, bytes]
"""Level, number within the level, 256 hashes, and the root over them."""


@dataclass(slots=True)
class GrowingTree:
    """The tree in the writer's memory: its edge, and the hashes of the tiles not yet full."""

    edge: Edge
    partial: list[list[bytes]] = field(default_factory=lambda: [[]])

    @property
    def size(self) -> int:
        return self.edge.size

    def extended(self, leaves: Sequence[bytes]) -> "tuple[GrowingTree, list[Tile]]":
        """Return the tree with the leaves added, and the tiles that became full."""
        partial = [list(hashes) for hashes in self.partial]
        tiles: list[Tile] = []
        before = self.edge.size
        at = 0
        while at < len(leaves):
            room = TILE_WIDTH - len(partial[0])
            partial[0].extend(leaves[at : at + room])
            at += room
            if len(partial[0]) == TILE_WIDTH:
                _close_tile(partial, tiles, 0, (before + at) // TILE_WIDTH - 1)
        return GrowingTree(self.edge.extend(leaves), partial), tiles


def _close_tile(partial: list[list[bytes]], tiles: list[Tile], level: int, number: int) -> None:
    hashes = partial[level]
    root = root_hash(hashes)
    tiles.append((level, number, b"".join(hashes), root))
    partial[level] = []
    if level + 1 == len(partial):
        partial.append([])
    partial[level + 1].append(root)
    if len(partial[level + 1]) == TILE_WIDTH:
        _close_tile(partial, tiles, level + 1, number // TILE_WIDTH)


def load_tree(connection: Reader, edge: Edge) -> GrowingTree:
    """Read back what the writer keeps in memory: at most 255 hashes a level."""
    partial = []
    level = 0
    while level == 0 or edge.size >> (TILE_HEIGHT * level):
        full = (edge.size >> (TILE_HEIGHT * level)) // TILE_WIDTH * TILE_WIDTH
        partial.append(tile_hashes(connection, level, full, edge.size >> (TILE_HEIGHT * level)))
        level += 1
    return GrowingTree(edge, partial)


class Nodes:
    """Hashes of complete subtrees that were appended or read: they never change.

    So the proof of what was just written costs no query. Threads share it; it is forgotten when it
    is full, and where the database may have lost what it held.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], bytes] = {}

    def append(self, first: int, leaves: Sequence[bytes]) -> None:
        """Keep the leaves that a commit added from `first` on; of a large one nothing."""
        if len(leaves) <= LEAVES_KEPT_AT_ONCE:
            self._keep(0, first, leaves)

    def forget(self) -> None:
        self._kept.clear()

    def read(self, connection: Reader, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree, as `node_reader` does."""
        found = self._at_hand(level, index)
        if found is None:
            height = level % TILE_HEIGHT
            hashes = _hashes_under(connection, level, index)
            found = root_hash(hashes)
            if len(hashes) == 1 << height:  # else it is not complete yet
                self._keep(level - height, index << height, hashes)
                self._kept[level, index] = found
        return found

    def _at_hand(self, level: int, index: int) -> bytes | None:
        found = self._kept.get((level, index))
        if found is not None or not level % TILE_HEIGHT:
            return found
        left = self._at_hand(level - 1, 2 * index)
        right = None if left is None else self._at_hand(level - 1, 2 * index + 1)
        if left is None or right is None:
            return None
        found = self._kept[level, index] = node_hash(left, right)
        return found

    def _keep(self, level: int, first: int, hashes: Sequence[bytes]) -> None:
        if len(self._kept) > NODES_KEPT:
            self._kept.clear()
        self._kept.update(((level, index), each) for index, each in enumerate(hashes, first))


def node_reader(connection: Reader) -> Callable[[int, int], bytes]:
    """Return a function that reads the hash of a complete subtree, for proofs.

    The subtree of level `l` and index `i` covers leaves i·2^l up to (i+1)·2^l. It costs one tile
    (or, at the growing edge, up to 255 rows), however large the log is.
    """

    def node(level: int, index: int) -> bytes:
        return root_hash(_hashes_under(connection, level, index))

    return node


def _hashes_under(connection: Reader, level: int, index: int) -> list[bytes]:
    """Return the hashes of a complete subtree at the height of the tile that holds it."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    first = index << height
    return tile_hashes(connection, tile_level, first, first + (1 << height))


def tile_hashes(connection: Reader, level: int, start: int, stop: int) -> list[bytes]:
    """Return hashes number `start` to `stop` of a tile level; they lie within one tile."""
    if start >= stop:
        return []
    number, offset = divmod(start, TILE_WIDTH)
    row = connection.execute(
        "SELECT hashes FROM log_tiles WHERE level = ? AND number = ?", (level, number)
    ).fetchone()
    if row is not None:
        hashes: bytes = row[0]
        return [
            hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES]
            for at in range(offset, offset + stop - start)
        ]
    if level == 0:
        return [
            leaf_hash(state)
            for (state,) in connection.execute(
                "SELECT state FROM log_events WHERE position >= ? AND position < ?"
                " ORDER BY position",
                (start, stop),
            )
        ]
    return [
        root
        for (root,) in connection.execute(
            "SELECT root FROM log_tiles WHERE level = ? AND number >= ? AND number < ?"
            " ORDER BY number",
            (level - 1, start, stop),
        )
    ]
