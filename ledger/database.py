"""Opens SQLite files, all in one way; what a disk refuses; and what one reads through."""

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from ledger.errors import Kind, LedgerError

BUSY_TIMEOUT_S = 60.0
BUSY_LOOKED_EVERY_S = 0.005
BUSY_RETRY_AFTER_S = 5
DISK_RETRY_AFTER_S = 60
"""Somebody has to see to a disk: it makes no sense to ask again at once."""


class DiskFull(LedgerError):
    """There is no room left to write it down."""

    code = "disk.full"
    kind = Kind.UNREACHABLE
    retry_after_s = DISK_RETRY_AFTER_S

    def __init__(self) -> None:
        super().__init__(
            "the disk is full, and it could not be written down; when there is room, ask again,"
            " with the same key if it wrote"
        )


class DiskReadOnly(LedgerError):
    """The disk, or the file, may only be read."""

    code = "disk.read_only"
    kind = Kind.UNREACHABLE
    retry_after_s = DISK_RETRY_AFTER_S

    def __init__(self) -> None:
        super().__init__("the disk may only be read, and nothing was written")


class DiskFailing(LedgerError):
    """The disk did not do what it was asked."""

    code = "disk.failing"
    kind = Kind.UNREACHABLE
    retry_after_s = DISK_RETRY_AFTER_S

    def __init__(self) -> None:
        super().__init__(
            "the disk answers with errors; see to it before anything else is written,"
            " then ask again, with the same key if it wrote"
        )


class FileBusy(LedgerError):
    """Another process has the file, and has had it for as long as anybody waits."""

    code = "disk.busy"
    kind = Kind.UNREACHABLE
    retry_after_s = BUSY_RETRY_AFTER_S

    def __init__(self) -> None:
        super().__init__(
            "another process is writing to the same file, and has been for long;"
            " ask again, with the same key if it wrote"
        )


class DatabaseUnreadable(LedgerError):
    """The database file itself is damaged or is not one of ours."""

    code = "store.unreadable"
    kind = Kind.BROKEN

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")


BY_SQLITE = {
    sqlite3.SQLITE_BUSY: FileBusy,
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_READONLY: DiskReadOnly,
    sqlite3.SQLITE_IOERR: DiskFailing,
}
BY_ERRNO = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EROFS: DiskReadOnly,
    errno.EIO: DiskFailing,
}

DISK_REFUSALS = (DiskFull, DiskReadOnly, DiskFailing, FileBusy)

TDone = TypeVar("TDone")


def disk_refusal(cause: OSError | sqlite3.Error) -> LedgerError | None:
    """Return what a disk refused, in our words; None where it is something else."""
    if isinstance(cause, OSError):
        found = BY_ERRNO.get(cause.errno or 0)
    else:
        # The low byte is the kind; the rest says which of it.
        found = BY_SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    return None if found is None else found()


class Cursor(sqlite3.Cursor):
    """Says what the disk refused in our words; all else as the library does."""

    connection: "Connection"

    def execute(self, *arguments: Any) -> Any:
        return _told(self.connection, super().execute, *arguments)

    def executemany(self, *arguments: Any) -> Any:
        return _told(self.connection, super().executemany, *arguments)

    def executescript(self, *arguments: Any) -> Any:
        return _told(self.connection, super().executescript, *arguments)


class Connection(sqlite3.Connection):
    """Whatever is done over it goes through a cursor of ours."""

    def __init__(self, database: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(database, *arguments, **named)
        self.path = Path(database)
        self._file = _file_at(self.path)

    def leads_to_its_path(self) -> bool:
        """Say whether the file that was opened is still the one that has its path."""
        return self._file is not None and _file_at(self.path) == self._file

    def cursor(self, factory: Any = Cursor) -> Any:
        return super().cursor(factory)

    def commit(self) -> None:
        _told(self, super().commit)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return cast("sqlite3.Cursor", self.cursor().execute(*arguments))

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        return cast("sqlite3.Cursor", self.cursor().executemany(*arguments))

    def executescript(self, *arguments: Any) -> sqlite3.Cursor:
        return cast("sqlite3.Cursor", self.cursor().executescript(*arguments))


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_read_only(path: Path) -> bool:
    """Say whether the disk that a file is on may only be read."""
    return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)


def _told(connection: Connection, act: Callable[..., TDone], *arguments: Any) -> TDone:
    try:
        return act(*arguments)
    except sqlite3.OperationalError as cause:
        refusal = disk_refusal(cause)
        # A write-ahead log needs files beside it, which SQLite says no more of than that.
        if cause.sqlite_errorcode == sqlite3.SQLITE_CANTOPEN and is_read_only(connection.path):
            refusal = DiskReadOnly()
        if refusal is None:
            raise
        raise refusal from None


def open_database(path: Path, *, synchronous: str = "FULL") -> Connection:
    """Open a file, or make it: write-ahead log, transactions begun by hand, threads let in.

    Args:
        path: The file.
        synchronous: `FULL`: what is acknowledged is on the disk, not on its way there. `NORMAL` is
            for what can be built anew.

    Raises:
        sqlite3.DatabaseError: The file is no database, or is damaged.
        DiskFull, DiskReadOnly, DiskFailing: There is none yet, and none can be made.
        FileBusy: Somebody has had it for BUSY_TIMEOUT_S.
    """
    connection = sqlite3.connect(
        path,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        factory=Connection,
    )
    write_ahead(connection)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection


def open_tables(path: Path, schema: str, *, synchronous: str = "FULL") -> Connection:
    """Open a file, or make it, with its tables; arguments as `open_database`.

    Raises:
        DatabaseUnreadable: The file is no database, or is damaged.
        DiskFull, DiskReadOnly, DiskFailing, FileBusy: As `open_database`.
    """
    connection = None
    try:
        connection = open_database(path, synchronous=synchronous)
        connection.executescript(schema)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as cause:
        # The latter when SQLite's own message quotes what it stumbled over.
        if connection is not None:
            connection.close()
        raise DatabaseUnreadable(path.name, str(cause)) from None
    return connection


def delete_database(path: Path) -> None:
    """Delete a database, and what SQLite keeps beside it; the database first."""
    for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        each.unlink(missing_ok=True)


def write_ahead(connection: Connection) -> None:
    """Have a file written ahead of, also where others make it at the same time.

    SQLite waits for others in everything but this: who turns a new file over is not waited for.

    Raises:
        FileBusy: Somebody has had it for BUSY_TIMEOUT_S.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            with closing(connection.execute("PRAGMA journal_mode = WAL")):
                return
        except FileBusy:
            if time.monotonic() > deadline:
                raise
        time.sleep(BUSY_LOOKED_EVERY_S)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold a transaction that writes: all that is done in it stands, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # On a full disk SQLite may have ended it by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class Found(Protocol):
    """Rows, one after the other or all at once."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Reader(Protocol):
    """A connection, SQLite's or PostgreSQL's. In statements question marks stand for values."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Found: ...

    def close(self) -> None: ...
