"""The published log as plain files: any web server or USB stick can carry them.

Source: C2SP tlog-tiles. What is true if we crash: tiles and bundles come first, each whole under
its name or not there; they are on the disk before the checkpoint takes the place of the last one.
So no published checkpoint ever covers what cannot be read. A run that was cut off leaves files that
the next one writes again.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.anchoring.publications import Published
from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.note import NoteBroken, split_note
from ledger.evidence.tlog_tiles import TILE_WIDTH, Tile, tiles_of, write_bundle
from ledger.store.application import Ledger
from ledger.store.recorder import LogRecorder

CHECKPOINT = "checkpoint"
README = "README.txt"
DRAFT = ".new"
FILE_MODE, FOLDER_MODE = 0o644, 0o755

Progress = Callable[[int, int], None]
"""Told how many entries were written, and of how many."""


class PublicationDiffers(LedgerError):
    """The folder holds something that this log does not go on from; nothing was touched."""

    code = "publication.differs"
    kind = Kind.CONFLICT

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(f"{path.name or path}: {cause}; nothing was touched")


@dataclass(frozen=True, slots=True)
class Written:
    """What a publication has written: how far it came from and to, and how many files."""

    size_before: int
    size: int
    files: int


def write_static_log(
    ledger: Ledger,
    published: Published,
    note: str,
    folder: Path,
    progress: Progress | None = None,
) -> Written:
    """Write a published checkpoint into a folder, with all that it covers.

    Args:
        ledger: The log.
        published: The checkpoint.
        note: Its note, with the cosignatures that it has by now.
        folder: Made if there is none; else it must hold an earlier publication of this log.
        progress: Told how far it is.

    Raises:
        PublicationDiffers: It holds other things, another log, or another history of this one.
    """
    before = _size_before(ledger, published, folder)
    _make_folder(folder)
    writing = _Writing(folder)
    writing.write(README, README_TEXT.format(origin=ledger.origin).encode())
    for tile in tiles_of(published.size, before):
        writing.write(tile.path(), tile_bytes(ledger.log, tile))
        if tile.level is None and progress is not None:
            progress(min(tile.stop, published.size), published.size)
    writing.settle()
    # From here on everything under the new checkpoint can be read.
    writing.write(CHECKPOINT, note.encode())
    writing.settle()
    _drop_outgrown(folder, before, published.size)
    return Written(before, published.size, writing.files)


def tile_bytes(log: LogRecorder, tile: Tile) -> bytes:
    """Return a tile's hashes, or a bundle's entries, that the log is known to have."""
    if tile.level is not None:
        return b"".join(log.select_hashes(tile.level, tile.start, tile.stop))
    rows = log.select_states(tile.start, tile.width)
    return write_bundle([state for _, _, state in rows])


def _size_before(ledger: Ledger, published: Published, folder: Path) -> int:
    """Return the size of what the folder holds already."""
    path = folder / CHECKPOINT
    if not path.exists():
        names = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
        if folder.exists() and not names <= {"tile", README, README + DRAFT, CHECKPOINT + DRAFT}:
            raise PublicationDiffers(folder, "it holds other things than a published log")
        return 0
    try:
        body, _ = split_note(path.read_text(encoding="utf-8"))
        held = Checkpoint.from_body(body)
    except (NoteBroken, UnicodeDecodeError):
        raise PublicationDiffers(folder, "its checkpoint cannot be read") from None
    if held.origin != ledger.origin:
        raise PublicationDiffers(folder, f"it holds the log {held.origin}, not {ledger.origin}")
    if held.size > published.size:
        cause = f"it holds {held.size} entries, more than the {published.size} to be published"
        raise PublicationDiffers(folder, cause)
    if ledger.log.root_at(held.size) != held.root:
        raise PublicationDiffers(folder, f"its first {held.size} entries are not those of this log")
    return held.size


class _Writing:
    """Writes files whole, and makes sure that they are on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._touched: set[Path] = set()
        self.files = 0

    def write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        if path.parent not in self._touched:
            _make_folder(path.parent)
        draft = path.with_name(path.name + DRAFT)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, FILE_MODE)  # for a web server to read, whatever the umask is
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
        self._touched.add(path.parent)
        self.files += 1

    def settle(self) -> None:
        """Put the names on the disk as well, of every folder that was touched and those above."""
        folders = {above for each in self._touched for above in (each, *each.parents)}
        for folder in folders:
            if folder == self._folder or folder.is_relative_to(self._folder):
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        self._touched.clear()


def _make_folder(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        each.chmod(FOLDER_MODE)


def _drop_outgrown(folder: Path, before: int, size: int) -> None:
    """Take away partial tiles of the last size that are full by now; others are kept.

    Whoever still reads under the last checkpoint finds the full one (tlog-tiles, "Partial Tiles").
    """
    if not before:
        return
    for tile in tiles_of(before):
        if tile.width < TILE_WIDTH and Tile(tile.level, tile.index).is_within(size):
            partial = folder / tile.path()
            partial.unlink(missing_ok=True)
            if partial.parent.is_dir() and not any(partial.parent.iterdir()):
                partial.parent.rmdir()


README_TEXT = """\
送温暖资金账本的公开日志 {origin}
==========================================

这里是账本全部事件的公开记录，格式为 C2SP tlog-tiles，可以放在任何网站或 U 盘上。
事件中的个人信息均已加密封存，这里看不到任何人的姓名、证件号、电话或银行卡号。

checkpoint       检查点：日志名称、事件数、默克尔树根，以及账本与见证人的签名
tile/entries/…   事件本身（每个都有签名），每 256 个一捆
tile/0/… 等      默克尔树的哈希，每 256 个一块

怎样核验：nuanzhang verify-publication 目录 --key 创始密钥编号
也可用任何支持 C2SP tlog-tiles 的工具（如 Go 的 golang.org/x/mod/sumdb/tlog）。
“创始密钥编号”请通过其他途径取得，不要取自本目录所在的服务器。
请保留您见过的 checkpoint：日志只能增长，任何删改都会与它矛盾。

This is the public log of a relief-fund ledger, as C2SP tlog-tiles. Personal data stands in its
events only sealed. Check it with the command above, or with any tool that reads tlog-tiles. Get
the founding key id from elsewhere. Keep the checkpoints you have seen: a log can only grow, and
whatever is taken out or altered contradicts them.
"""
