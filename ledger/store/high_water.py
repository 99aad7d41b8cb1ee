"""How far the log is known to have gone, kept beside it: one that is shorter is not gone on from.

A database that was put back to an earlier moment, or made anew, signs as well as the one that was
lost. Whoever went on from it would sign other events where there had been some already.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from ledger.errors import Kind, LedgerError
from ledger.evidence.merkle import Edge, Node, root_at

OWNER_ONLY = 0o600


class LogMissing(LedgerError):
    """The ledger was founded, and its log is empty or gone."""

    code = "log.missing"
    kind = Kind.BROKEN

    def __init__(self, known: int) -> None:
        super().__init__(
            f"the log is empty, and held {known} entries before; nothing was written. Put the"
            " database back, or a backup into a new folder"
        )


class LogShorter(LedgerError):
    """The log holds fewer entries than it did."""

    code = "log.shorter"
    kind = Kind.BROKEN

    def __init__(self, size: int, known: int) -> None:
        super().__init__(
            f"the log holds {size} entries, and held {known} before; nothing was written. Put back"
            f" what is missing, or accept the loss: nuanzhang backup accept-loss {size}"
        )


class LogReplaced(LedgerError):
    """The log holds other entries than it did."""

    code = "log.replaced"
    kind = Kind.BROKEN

    def __init__(self, known: int) -> None:
        super().__init__(
            f"the first {known} entries of the log are others than they were; nothing was written"
        )


class Mark(msgspec.Struct, frozen=True):
    """So many entries the log held, under this root (hexadecimal)."""

    size: int
    root: str

    @classmethod
    def of(cls, edge: Edge) -> Self:
        return cls(edge.size, edge.root().hex())


class HighWaterMark:
    """The file that says how far the log had gone; some commits may have come after it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.mark = Mark(0, "")
        with suppress(FileNotFoundError):
            self.mark = msgspec.json.decode(path.read_bytes(), type=Mark)

    def raise_to(self, edge: Edge) -> None:
        """Keep how far the log has gone, if that is further; a disk that is full lets it be."""
        if edge.size > self.mark.size:
            with suppress(OSError):
                self.put(Mark.of(edge))

    def put(self, mark: Mark) -> None:
        """Keep this mark, be it lower.

        Raises:
            OSError: The disk does not take it.
        """
        draft = self._path.with_name(f"{self._path.name}.new-{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(mark) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._path)
        self.mark = mark


def require_goes_on(mark: Mark, size: int, root: Callable[[], bytes], node: Node) -> None:
    """Check that a log goes on from what it is known to have held.

    Args:
        mark: What it held.
        size: How many entries it holds.
        root: Returns the root over them.
        node: Reads its tree.

    Raises:
        LogMissing, LogShorter, LogReplaced: As they say.
    """
    if mark.size and not size:
        raise LogMissing(mark.size)
    if size < mark.size:
        raise LogShorter(size, mark.size)
    if not mark.size:
        return
    held = root() if size == mark.size else root_at(mark.size, node)
    if held.hex() != mark.root:
        raise LogReplaced(mark.size)
