"""Signature files: who signed the sheet, when, and under whose eyes."""

import re
from dataclasses import dataclass, field
from hashlib import sha256

from ledger.files.amounts import moment, whole_number
from ledger.files.faults import Fault, FileRefused
from ledger.files.text import CsvRow, code_text, person_name, read_csv

COLUMNS = ("序号", "签字姓名", "签字时间", "签字影像SHA256", "经办人")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """A signature on the sheet; the signer's name is as signed, whoever's it is."""

    line: int
    number: int
    signer_name: str = field(repr=False)
    signed_at: str
    image_sha256: str
    witness: str


@dataclass(frozen=True, slots=True)
class SignatureFile:
    rows: tuple[SignatureRow, ...]
    sha256: str


def read_signatures(name: str, data: bytes) -> SignatureFile:
    """Read a signature file, UTF-8 or GB18030.

    Raises:
        FileRefused: With every row at fault. A row that is not there has not been signed for, so a
            file with a broken row is not taken in part.
    """
    rows: list[SignatureRow] = []
    faults: list[Fault] = []
    seen: set[int] = set()
    for cells in read_csv(name, data, COLUMNS):
        row = _row(name, cells)
        if isinstance(row, Fault):
            faults.append(row)
        elif row.number in seen:
            faults.append(Fault(name, row.line, "序号", "number.duplicate"))
        else:
            seen.add(row.number)
            rows.append(row)
    if faults:
        raise FileRefused(*faults)
    return SignatureFile(tuple(rows), sha256(data).hexdigest())


def _row(name: str, cells: CsvRow) -> SignatureRow | Fault:
    for column in COLUMNS:
        if not cells[column]:
            return Fault(name, cells.line, column, "field.missing")
    number = whole_number(cells["序号"])
    if number is None:
        return Fault(name, cells.line, "序号", "number.invalid")
    signed_at = moment(cells["签字时间"])
    if signed_at is None:
        return Fault(name, cells.line, "签字时间", "time.invalid")
    image = cells["签字影像SHA256"].lower()
    if not _SHA256.fullmatch(image):
        return Fault(name, cells.line, "签字影像SHA256", "sha256.invalid")
    return SignatureRow(
        cells.line,
        number,
        person_name(cells["签字姓名"]),
        signed_at.isoformat(),
        image,
        code_text(cells["经办人"]),
    )
