"""XLSX files opened with care: they are archives of XML, and both can be made to do harm."""

import io
from collections.abc import Iterator

import python_calamine

from ledger.files.faults import refuse
from ledger.files.package import check_package
from ledger.files.text import FILE_BYTES_MAX


def read_rows(name: str, data: bytes) -> list[tuple[int, list[object]]]:
    """Return the rows of the first sheet with the row numbers that a person sees.

    Cells are text, int, float, bool, date, time or None (empty).

    Raises:
        FileRefused: `file.not_workbook`, `file.truncated`, `file.archive_bomb`,
            `file.xml_forbidden`, `file.too_large`.
    """
    if len(data) > FILE_BYTES_MAX:
        raise refuse(name, "file.too_large")
    check_package(name, data)
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        sheet = book.get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, ValueError, IndexError, OSError):
        raise refuse(name, "file.not_workbook") from None
    except BaseException as panic:  # the reader is Rust: a panic is no Exception
        if type(panic).__name__ != "PanicException":
            raise
        raise refuse(name, "file.not_workbook") from None
    return [(number, [_cell(cell) for cell in row]) for number, row in enumerate(rows, 1)]


def each_row(name: str, data: bytes) -> Iterator[tuple[int, list[object]]]:
    """Yield the rows that `read_rows` returns, one at a time: a long list takes no more memory.

    Raises:
        FileRefused: As `read_rows` does.
    """
    if len(data) > FILE_BYTES_MAX:
        raise refuse(name, "file.too_large")
    check_package(name, data)
    try:
        sheet = python_calamine.load_workbook(io.BytesIO(data)).get_sheet_by_index(0)
        # Unlike the whole sheet, its rows begin at the first column that holds anything.
        before: list[object] = [None] * (0 if sheet.start is None else sheet.start[1])
        for number, row in enumerate(sheet.iter_rows(), 1):
            yield number, [*before, *map(_cell, row)]
    except (python_calamine.CalamineError, ValueError, IndexError, OSError):
        raise refuse(name, "file.not_workbook") from None
    except BaseException as panic:  # the reader is Rust: a panic is no Exception
        if type(panic).__name__ != "PanicException":
            raise
        raise refuse(name, "file.not_workbook") from None


def _cell(cell: object) -> object:
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**15:
        return int(cell)
    return cell
