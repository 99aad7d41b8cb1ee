"""The province key among a ledger's other keys, for its owner alone, in its newest edition."""

import os
from pathlib import Path

from ledger.errors import Kind, LedgerError
from ledger.store.home import DRAFT, OWNER_ONLY_FILE, Home
from ledger.vault.province_key import ProvinceKey


class ProvinceKeyMissing(LedgerError):
    """No province key was taken in here."""

    code = "province_key.missing"
    kind = Kind.ABSENT

    def __init__(self) -> None:
        super().__init__("there is no province key here; `nuanzhang province take-key` takes one")


class ProvinceKeyOlder(LedgerError):
    """A key is replaced by one of a later edition, never by an earlier or by another of its own."""

    code = "province_key.older"
    kind = Kind.CONFLICT

    def __init__(self, held: str, got: str) -> None:
        super().__init__(f"province key {held} is held; {got} is of no later edition")


class KeyFileTaken(LedgerError):
    """Something stands under this name already, which is left alone."""

    code = "province_key.file_taken"
    kind = Kind.CONFLICT

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is there already; nothing was written")


def take_province_key(home: Home, key: ProvinceKey) -> None:
    """Keep a key in place of the one before. The same one again changes nothing.

    Raises:
        HomeMissing: There is no ledger here.
        ProvinceKeyOlder: It is of no later edition than what is held.
    """
    home.origin()
    path = _path(home)
    if path.exists():
        held = ProvinceKey.from_text(path.read_bytes())
        if held == key:
            return
        if held.edition >= key.edition:
            raise ProvinceKeyOlder(held.name, key.name)
    draft = path.with_name(path.name + DRAFT)
    draft.unlink(missing_ok=True)
    write_new(draft, key.text())
    draft.replace(path)


def held_province_key(home: Home) -> ProvinceKey:
    """Return the key that was taken in last.

    Raises:
        ProvinceKeyMissing, ProvinceKeyUnreadable: As they say.
    """
    try:
        return ProvinceKey.from_text(_path(home).read_bytes())
    except FileNotFoundError:
        raise ProvinceKeyMissing from None


def write_new(path: Path, content: bytes) -> None:
    """Write a key file that was not there, for its owner alone.

    Raises:
        KeyFileTaken: It was.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    except FileExistsError:
        raise KeyFileTaken(path) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _path(home: Home) -> Path:
    return home.keys / "province.key"
