"""Reads a file as it would be read, and tells all that is wrong with it; nothing is written."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ledger.errors import Kind, LedgerError
from ledger.files.archive import read_archive
from ledger.files.banks import FORMATS, read_return
from ledger.files.faults import Fault, FileRefused, refuse
from ledger.files.identity import id_fault
from ledger.files.roster import FIELD_NAMES, Roster, read_roster
from ledger.files.signatures import read_signatures

KINDS = ("roster", "archive", "signatures", *FORMATS)
REQUIRED = ("姓名", "身份证号码", "金额")


class KindUnknown(LedgerError):
    """There is no such kind of file."""

    code = "file.kind_unknown"
    kind = Kind.INVALID

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} is none of {', '.join(KINDS)}")


@dataclass(frozen=True, slots=True)
class Checked:
    rows: int
    faults: tuple[Fault, ...]


def check_file(kind: str, path: Path) -> Checked:
    """Read a file; a refusal of the whole file is told like any other fault.

    Raises:
        KindUnknown: No such kind of file.
        FileRefused: `file.missing`.
    """
    if kind not in KINDS:
        raise KindUnknown(kind)
    if not path.is_file():
        raise refuse(path.name, "file.missing")
    data = path.read_bytes()
    try:
        if kind == "roster":
            roster = read_roster(path.name, data)
            return Checked(len(roster.rows), tuple(_roster_faults(path.name, roster)))
        if kind == "archive":
            archive = read_archive(path.name, data)
            return Checked(len(archive.rows), archive.faults)
        if kind == "signatures":
            return Checked(len(read_signatures(path.name, data).rows), ())
        return Checked(len(read_return(kind, path.name, data).lines), ())
    except FileRefused as refusal:
        return Checked(0, tuple(refusal.faults))


def _roster_faults(name: str, roster: Roster) -> list[Fault]:
    """Return what shows in the file alone; what the policy and the archive say comes later."""
    faults = []
    for row in roster.rows:
        column, code = None, None
        missing = next((field for field in REQUIRED if field not in row.given), None)
        if missing is not None:
            column, code = missing, "field.missing"
        elif not row.id_is_text:
            column, code = FIELD_NAMES["id_number"], "id.not_text"
        elif id_fault(row.id_number, date.max):
            column, code = FIELD_NAMES["id_number"], "id.invalid"
        elif not row.card_is_text:
            column, code = FIELD_NAMES["card_number"], "card.not_text"
        elif row.amount_fen is None or row.amount_fen <= 0:
            column, code = FIELD_NAMES["amount"], "amount.invalid"
        if code is not None:
            faults.append(Fault(name, row.line, column, code))
    return faults
