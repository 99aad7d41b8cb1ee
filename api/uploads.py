"""Uploaded files: read whole, within bounds; their names are for messages alone."""

import re
from collections.abc import Sequence

from fastapi import UploadFile

from ledger.errors import Kind, LedgerError
from ledger.files.faults import Fault

UPLOAD_BYTES_MAX = 50 * 1024 * 1024
ROSTER_ROWS_MAX = 20_000
NAME_LENGTH_MAX = 100

_ODD = re.compile(r"[^\w.()（）-]+")


class RosterTooLong(LedgerError):
    """A longer list is drafted as a job, so that others need not wait for it."""

    code = "upload.roster_too_long"
    kind = Kind.INVALID

    def __init__(self, rows: int) -> None:
        super().__init__(
            f"the list has {rows} rows, {ROSTER_ROWS_MAX} at most while its clerk waits;"
            " hand it in as a job"
        )


class UploadTooLarge(LedgerError):
    """The file is larger than any roster or bank file."""

    code = "upload.too_large"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(f"a file holds at most {UPLOAD_BYTES_MAX // 1024 // 1024} MiB")


def whole(file: UploadFile) -> bytes:
    """Return what was uploaded.

    Raises:
        UploadTooLarge: It is more than UPLOAD_BYTES_MAX bytes.
    """
    data = file.file.read(UPLOAD_BYTES_MAX + 1)
    if len(data) > UPLOAD_BYTES_MAX:
        raise UploadTooLarge
    return data


def refused_rows(faults: Sequence[Fault]) -> list[dict[str, object]]:
    """Return rows that could not be read as those that do not stand are told."""
    return [{"line": fault.row or 0, "code": fault.code, "field": fault.column} for fault in faults]


def require_short(rows: int) -> None:
    """Check that a list may be drafted while its clerk waits.

    Raises:
        RosterTooLong: It is longer than ROSTER_ROWS_MAX.
    """
    if rows > ROSTER_ROWS_MAX:
        raise RosterTooLong(rows)


def filename_of(file: UploadFile) -> str:
    """Return the name by which messages call the file; it leads nowhere, and is never opened."""
    name = re.split(r"[/\\]", file.filename or "")[-1]
    return _ODD.sub("_", name)[-NAME_LENGTH_MAX:] or "file"
