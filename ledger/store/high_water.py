"""How far the log is known to have gone, kept beside it: one that is shorter is not gone on from.

A database that was put back to an earlier moment, or made anew, signs as well as the one that was
lost. Whoever went on from it would sign other events where there had been some already.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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


class LogNotBegun(LedgerError):
    """The log is empty, and nothing says that it is a new one."""

    code = "log.not_begun"
    kind = Kind.BROKEN

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the log is empty, and {name}, which a new ledger has, is not there; nothing was"
            " written. Put the database back, or a backup into a new folder"
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
            f"the first {known} entries of the log are others than they were; nothing was written."
            " Compare it with what witnesses hold; nuanzhang backup accept-loss SIZE goes on"
        )


class MarkUnreadable(LedgerError):
    """What says how far the log had gone is damaged."""

    code = "log.mark_unreadable"
    kind = Kind.BROKEN

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} cannot be read, so nobody knows how far the log had gone; nothing was written."
            " Compare the log with what witnesses hold; nuanzhang backup accept-loss SIZE goes on"
        )


class Mark(msgspec.Struct, frozen=True):
    """So many entries the log held, under this root (hexadecimal; empty for none)."""

    size: int
    root: str

    @classmethod
    def of(cls, edge: Edge) -> Self:
        return cls(edge.size, edge.root().hex())


NOTHING = Mark(0, "")
"""The mark of a new ledger, whose log may be begun."""


class HighWaterMark:
    """The file that says how far the log had gone; some commits may have come after it.

    Several processes raise it, each by what it saw.
    """

    def __init__(self, path: Path) -> None:
        """Read the mark; without a file nothing is known of a log that holds something.

        Raises:
            MarkUnreadable: The file is damaged.
        """
        self._path = path
        self.mark = self.read()

    def require_begins(self) -> None:
        """Check that an empty log is a new one: its mark is of nothing, and was put there.

        Raises:
            LogNotBegun: There is no mark, as after a log was lost with all that told of it.
        """
        if not self._path.exists():
            raise LogNotBegun(self._path.name)

    def read(self) -> Mark:
        """Return the mark as it stands, which another process may have raised.

        Raises:
            MarkUnreadable: The file is damaged.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Mark)
        except FileNotFoundError:
            return NOTHING
        except msgspec.MsgspecError:
            raise MarkUnreadable(self._path.name) from None

    def raise_to(self, edge: Edge, *, again: bool = False) -> None:
        """Keep how far the log has gone, if that is further; a disk that is full lets it be.

        Args:
            edge: How far it has gone.
            again: Whether to look at the file though it was as far when this process saw it last.
        """
        if edge.size <= self.mark.size and not again:
            return
        # What was committed is answered, whatever became of the file; who opens the log says it.
        with suppress(OSError, MarkUnreadable), self._alone():
            self.mark = self.read()
            if edge.size > self.mark.size:
                self.put(Mark.of(edge))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from raising it meanwhile: the lower of two would stay."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def put(self, mark: Mark) -> None:
        """Keep this mark, be it lower.

        Raises:
            OSError: The disk does not take it.
        """
        put_mark(self._path, mark)
        self.mark = mark


def put_mark(path: Path, mark: Mark) -> None:
    """Write a mark whole or not at all, in place of what is there.

    Raises:
        OSError: The disk does not take it.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        owner = path.parent.stat()
        with os.fdopen(descriptor, "wb") as file:
            # A command that somebody else runs leaves it to whoever serves the ledger.
            with suppress(PermissionError):
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write(msgspec.json.encode(mark) + b"\n")
            file.flush()
            os.fsync(descriptor)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


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
