"""A demo ledger: marked as such for good, by its name and by a file in its folder."""

import secrets
from pathlib import Path

import msgspec

from api.folder import Folder
from ledger.domain.officer import OBSERVERS
from ledger.errors import Kind, LedgerError
from ledger.store.home import Home, HomeUnreadable, write_once

ORIGIN = "demo.nuanzhang.local"


class NotADemoLedger(LedgerError):
    """The folder holds a real ledger, which is not turned into a demo."""

    code = "demo.real_ledger"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("this home holds a ledger that is no demo; nothing was touched")


class NotAnOffice(LedgerError):
    """The folder holds a demo, which anybody may look into: no office begins its work there."""

    code = "demo.not_an_office"
    kind = Kind.CONFLICT

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} holds a demo, which anybody may look into; choose another folder for an"
            " office (NUANZHANG_HOME)"
        )


class NoInspector(LedgerError):
    """The campaign names nobody whom visitors could be."""

    code = "demo.no_inspector"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(f"officers.csv names nobody who is one of {', '.join(sorted(OBSERVERS))}")


class Demo(msgspec.Struct):
    """What marks a ledger as a demo."""

    inspector: str


def make_demo(home: Home, folder: Folder) -> None:
    """Make the home of a demo ledger; one that is there is left as it is.

    Raises:
        NotADemoLedger: The home holds a real ledger.
        NoInspector: The campaign has no observer.
    """
    if home.demo.exists():
        return
    if home.exists():
        raise NotADemoLedger
    # The last post is the inspector's where there are both: they follow money, auditors add it up.
    observers = sorted(
        (row for row in folder.officers if row.role in OBSERVERS), key=lambda row: row.role
    )
    if not observers:
        raise NoInspector
    home.create(f"{ORIGIN}/{secrets.token_hex(4)}")
    write_once(home.demo, msgspec.json.encode(Demo(observers[-1].staff_number)) + b"\n")


def require_no_demo(home: Home) -> None:
    """Check that an office may begin its work in a home.

    Raises:
        NotAnOffice: It holds a demo.
    """
    if home.demo.exists():
        raise NotAnOffice(home.path)


def inspector_of(home: Home) -> str | None:
    """Return the staff number of the inspector whom anybody may be, on a demo ledger."""
    if not home.demo.exists():
        return None
    try:
        return msgspec.json.decode(home.demo.read_bytes(), type=Demo).inspector
    except msgspec.MsgspecError:
        raise HomeUnreadable(home.demo) from None
