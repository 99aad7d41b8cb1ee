"""The bank formats that batches go out in and are answered in, by their names."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256

from ledger.files.bank import BankReturn, InstructionFile, InstructionLine
from ledger.files.bank_formats import grid, tree
from ledger.files.bank_formats.answers import bank_return
from ledger.files.bank_formats.shelf import templates
from ledger.files.bank_formats.template import In, Template, XmlIn
from ledger.files.bank_formats.writing import write
from ledger.files.faults import refuse

BYTES_MAX = 100 * 1024 * 1024
_HEAD_BYTES = 2000

FORMATS: Mapping[str, Template] = {
    name: template for name, template in templates().items() if template.out or template.returns
}


def read_return(
    bank_format: str, name: str, data: bytes, batch_code: str | None = None
) -> BankReturn:
    """Read what a bank sent back, in the format that the batch went out in.

    Args:
        bank_format: The format.
        name: What messages call the file.
        data: The file.
        batch_code: The batch it is taken in for; a notification of all that was booked on the
            account (camt.054) is read as far as it is about this one.

    Raises:
        FileRefused: It cannot be read, is of another bank or batch, is cut off, or its control
            totals disagree with its lines.
    """
    if len(data) > BYTES_MAX:
        raise refuse(name, "file.too_large")
    template = _template(bank_format, name)
    layout = _layout(template, name, data)
    if isinstance(layout, XmlIn):
        answer = tree.read(layout, name, data)
    else:
        answer = grid.read(layout, name, data)
    return bank_return(template, layout, name, answer, sha256(data).hexdigest(), batch_code)


def write_instruction(
    bank_format: str,
    batch_code: str,
    lines: Sequence[InstructionLine],
    payer: Mapping[str, str] | None = None,
    day: date = date.min,
    file_number: int = 1,
) -> InstructionFile:
    """Write a batch's payments for the bank, as the file of that number.

    Raises:
        FileRefused: The format is not known or not written, or rows hold what it cannot.
    """
    template = _template(bank_format, batch_code)
    return write(template, batch_code, lines, payer or {}, day, file_number)


def rows_max(bank_format: str) -> int:
    """Return how many rows the bank takes in one file; 0 where it does not say."""
    template = FORMATS.get(bank_format)
    return template.rows_max if template else 0


def require_known(bank_format: str) -> Template:
    """Return a format.

    Raises:
        FileRefused: There is none of that name.
    """
    return _template(bank_format, bank_format)


def _template(bank_format: str, name: str) -> Template:
    if bank_format not in FORMATS:
        raise refuse(name, "bank_file.format_unknown")
    return FORMATS[bank_format]


def _layout(template: Template, name: str, data: bytes) -> In:
    """Choose among a bank's files the kind that this is; another bank's file is called that.

    One that is of no kind we know is read as the first, to say what is wrong with it.
    """
    if not template.returns:
        raise refuse(name, "bank_file.not_read")
    head = data[:_HEAD_BYTES].decode("gb18030", "replace").lstrip("\ufeff \r\n")
    own = [each for each in template.returns if re.search(each.looks, head)]
    others = (each.looks for other in FORMATS.values() for each in other.returns)
    is_xml = head.startswith("<")
    read_as_xml = any(isinstance(each, XmlIn) for each in template.returns)
    if not own and ((is_xml and not read_as_xml) or any(re.search(each, head) for each in others)):
        raise refuse(name, "bank_file.other_format")
    return (own or template.returns)[0]
