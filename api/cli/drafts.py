"""Files that commands write: whole or not at all, and made before anything is done for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.database import disk_refusal
from ledger.errors import Kind, LedgerError

UNSAID = "the system does not say why"


class FileUnwritable(LedgerError):
    """The file that a command is to write cannot be made where it was told to."""

    code = "file.unwritable"
    kind = Kind.INVALID

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(f"{path} cannot be written: {cause}")


class FileUnusable(LedgerError):
    """A file or folder that a command was told of is not there, is another thing, or is closed."""

    code = "file.unusable"
    kind = Kind.INVALID

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(f"{path} cannot be used: {cause}")


def path_refusal(cause: OSError) -> LedgerError | None:
    """Return in our words what the system says against a path; None where it is of no path."""
    told = disk_refusal(cause)
    if told is None and cause.filename is not None:
        return FileUnusable(str(cause.filename), cause.strerror or UNSAID)
    return told


@contextmanager
def drafted(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """Hand out a file beside the one that is wanted; at the end it takes its place.

    It is made before anything else, so that nothing goes on record for a file that cannot be.

    Args:
        path: The file that is wanted.
        mode: Who may read it, less what the umask takes away.

    Raises:
        FileUnwritable: It cannot be made; what was there before stays.
        DiskFull, DiskReadOnly, DiskFailing: As they say; so it does.
    """
    with told_of(path):
        if not path.name or path.is_dir():
            raise FileUnwritable(path, "it is a folder")
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)  # what a crash left may be for others to read
        draft.touch(mode=mode)
    try:
        yield draft
        with told_of(path):
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Say in our words what the system says against writing a file."""
    try:
        yield
    except OSError as cause:
        raise disk_refusal(cause) or FileUnwritable(path, cause.strerror or UNSAID) from None


def require_folder_for(path: Path) -> None:
    """Check that the folder is there in which something is to be written.

    Raises:
        FileUnwritable: It is not.
    """
    if not path.parent.is_dir():
        raise FileUnwritable(path, "there is no such folder")
