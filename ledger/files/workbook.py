"""XLSX files opened with care: they are archives of XML, and both can be made to do harm."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

import python_calamine

from ledger.files.faults import refuse

ENTRIES_MAX = 2_000
UNPACKED_BYTES_MAX = 400 * 1024 * 1024
RATIO_MAX = 200
RATIO_FREE_BYTES = 10 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
TAIL_BYTES = 16

_FORBIDDEN = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def read_rows(name: str, data: bytes) -> list[tuple[int, list[object]]]:
    """Return the rows of the first sheet with the row numbers that a person sees.

    Cells are text, int, float, bool, date, time or None (empty).

    Raises:
        FileRefused: `file.not_workbook`, `file.truncated`, `file.archive_bomb`,
            `file.xml_forbidden`, `file.too_large`.
    """
    _check_archive(name, data)
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


def _cell(cell: object) -> object:
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**15:
        return int(cell)
    return cell


def _check_archive(name: str, data: bytes) -> None:
    """Unpack every part once, counting, before the reader may: sizes in the index can lie."""
    if not data.startswith(b"PK\x03\x04"):
        raise refuse(name, "file.not_workbook")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES_MAX:
                raise refuse(name, "file.archive_bomb")
            unpacked = 0
            for entry in entries:
                for chunk in _chunks(archive, entry, name):
                    unpacked += len(chunk)
                    if unpacked > UNPACKED_BYTES_MAX or (
                        unpacked > RATIO_FREE_BYTES and unpacked > RATIO_MAX * len(data)
                    ):
                        raise refuse(name, "file.archive_bomb")
    except zipfile.BadZipFile:
        raise refuse(name, "file.truncated") from None
    except (zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        raise refuse(name, "file.not_workbook") from None


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """Yield a part in pieces, refusing document types and entities in XML of any charset."""
    is_xml = entry.filename.lower().endswith((".xml", ".rels", ".vml"))
    tail = b""
    with archive.open(entry) as part:
        while chunk := part.read(CHUNK_BYTES):
            if is_xml:
                # Without its zero bytes, UTF-16 reads like ASCII here.
                window = (tail + chunk).replace(b"\x00", b"")
                if _FORBIDDEN.search(window):
                    raise refuse(name, "file.xml_forbidden")
                tail = (tail + chunk)[-2 * TAIL_BYTES :]
            yield chunk
