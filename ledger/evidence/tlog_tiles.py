"""The log as C2SP tlog-tiles: what its files are called, and how entries are bundled.

Source: C2SP tlog-tiles. A tile holds 256 hashes of one level (0 are leaf hashes; each hash of a
higher level is the root over a full tile below); a bundle holds the entries of a tile of level 0.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.errors import Kind, LedgerError

TILE_WIDTH = 256
TILE_HEIGHT = 8
LEVELS_MAX = 63
ENTRY_BYTES_MAX = 2**16 - 1
"""The length of an entry stands in two bytes."""

# Six thousands before the last are more tiles than any log has.
_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
_LENGTH_BYTES = 2


class TilePathUnknown(LedgerError):
    """No tile or bundle is called so."""

    code = "tiles.path_unknown"
    kind = Kind.ABSENT

    def __init__(self) -> None:
        super().__init__("no tile or entry bundle is called so")


class BundleBroken(LedgerError):
    """The bundle ends within an entry."""

    code = "tiles.bundle_broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"entry bundle: {cause}")


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of hashes, or with `level` None a bundle of entries; narrower than 256 at the edge."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def start(self) -> int:
        """The number of its first hash (or entry) within its level."""
        return self.index * TILE_WIDTH

    @property
    def stop(self) -> int:
        return self.start + self.width

    def is_within(self, size: int) -> bool:
        """Say whether a tree of this many entries has all that the tile holds."""
        return self.stop << TILE_HEIGHT * (self.level or 0) <= size

    def path(self) -> str:
        """Return its path, e.g. `tile/0/x001/x234/067.p/5`."""
        groups = f"{self.index:03d}"
        if len(groups) % 3:
            groups = groups.zfill(len(groups) + 3 - len(groups) % 3)
        parts = [groups[at : at + 3] for at in range(0, len(groups), 3)]
        number = "/".join([*("x" + part for part in parts[:-1]), parts[-1]])
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{number}{partial}"

    @classmethod
    def from_path(cls, path: str) -> "Tile":
        """Read a path, of which each tile has just one.

        Raises:
            TilePathUnknown: It is none.
        """
        found = _PATH.fullmatch(path) if path.isascii() else None
        if found is None:
            raise TilePathUnknown
        level, number, width = found.groups()
        tile = cls(
            None if level == "entries" else int(level),
            int(number.replace("/", "").replace("x", "")),
            TILE_WIDTH if width is None else int(width),
        )
        if (tile.level or 0) > LEVELS_MAX or tile.width > TILE_WIDTH or tile.path() != path:
            raise TilePathUnknown
        return tile


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles and bundles that a tree of this size has, and one of size `since` had not.

    Full ones, and where a level ends within a tile, the partial one. Bundles come first, then the
    levels from the lowest up.
    """
    if size == since:
        return
    level: int | None = None
    while True:
        height = TILE_HEIGHT * (level or 0)
        hashes, before = size >> height, since >> height
        if not hashes:
            return
        for index in range(before // TILE_WIDTH, hashes // TILE_WIDTH):
            yield Tile(level, index)
        if hashes % TILE_WIDTH and hashes != before:
            yield Tile(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH)
        level = 0 if level is None else level + 1


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries one after the other, each after its length in two bytes, big end first.

    Raises:
        BundleBroken: One of them is longer than two bytes can say.
    """
    if any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise BundleBroken(f"an entry of more than {ENTRY_BYTES_MAX} bytes")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES) + entry for entry in entries)


def read_bundle(data: bytes) -> list[bytes]:
    """Read what `write_bundle` wrote.

    Raises:
        BundleBroken: It ends within an entry.
    """
    return list(iter_bundle(data))


def iter_bundle(data: bytes) -> Iterator[bytes]:
    """Yield the entries of a bundle up to where it cannot be read; see `read_bundle`."""
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + _LENGTH_BYTES])
        at += _LENGTH_BYTES
        if at + length > len(data):
            raise BundleBroken("it ends within an entry")
        yield data[at : at + length]
        at += length
