"""Files that a signed list names: what each comes to, whether it is whole, and who signed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path

import msgspec

from ledger.errors import LedgerError
from ledger.evidence.envelope import Envelope, pae
from ledger.evidence.keys import SERVICE, KeyHistory, KeyNotValid, SignatureBroken, verify


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file beside the list, and what its bytes come to."""

    name: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path, name: str = "") -> "File":
        return cls(name=name or path.name, size_bytes=path.stat().st_size, sha256=sha256_of(path))


def fault_of(folder: Path, file: File, *, hashed: bool = True) -> str | None:
    """Say what is wrong with a file, if anything is.

    Args:
        folder: Where the list stands.
        file: As the list has it.
        hashed: False to look at its length alone.
    """
    path = folder / file.name
    if not path.is_file():
        return "missing"
    size_bytes = path.stat().st_size
    if size_bytes != file.size_bytes:
        return f"{size_bytes} bytes instead of {file.size_bytes}"
    if hashed and (found := sha256_of(path)) != file.sha256:
        return f"SHA-256 is {found} instead of {file.sha256}"
    return None


def is_signed(envelope: Envelope, payload_type: str, keys: KeyHistory, position: int) -> bool:
    """Say whether a key of the ledger that was in force at a position signed a list."""
    for signature in envelope.signatures:
        try:
            record = keys.valid_at(signature.keyid, position)
            if record.owner == SERVICE:
                verify(record.public_key, pae(payload_type, envelope.payload), signature.sig)
                return True
        except (KeyNotValid, SignatureBroken):
            continue
    return False


def on_disk(path: Path) -> None:
    """Have a file, or the names in a folder, outlast a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def alone(lock: Path, refusal: LedgerError) -> Iterator[None]:
    """Be the only process that writes beside a lock file, or refuse."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal from None
        yield


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
