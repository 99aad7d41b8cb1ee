"""The bank formats there are, by the name that batches call them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ledger.files import bank_failures_xml, bank_netbank, bank_unionpay
from ledger.files.bank import BankReturn, InstructionFile, InstructionLine
from ledger.files.faults import refuse

BYTES_MAX = 100 * 1024 * 1024


class BankFormat(NamedTuple):
    read: Callable[[str, bytes], BankReturn]
    write: Callable[[str, Sequence[InstructionLine]], InstructionFile]


FORMATS: Mapping[str, BankFormat] = {
    module.FORMAT: BankFormat(module.read, module.write)
    for module in (bank_unionpay, bank_failures_xml, bank_netbank)
}


def read_return(bank_format: str, name: str, data: bytes) -> BankReturn:
    """Read what a bank sent back, in the format that the batch went out in.

    Raises:
        FileRefused: It cannot be read, is of another bank or batch, is cut off, or its control
            totals disagree with its lines.
    """
    if len(data) > BYTES_MAX:
        raise refuse(name, "file.too_large")
    return _format(bank_format, name).read(name, data)


def write_instruction(
    bank_format: str, batch_code: str, lines: Sequence[InstructionLine]
) -> InstructionFile:
    """Write a batch's payments for the bank.

    Raises:
        FileRefused: The format is not known, or the bank's charset lacks a character of a name.
    """
    return _format(bank_format, batch_code).write(batch_code, lines)


def _format(bank_format: str, name: str) -> BankFormat:
    if bank_format not in FORMATS:
        raise refuse(name, "bank_file.format_unknown")
    return FORMATS[bank_format]
