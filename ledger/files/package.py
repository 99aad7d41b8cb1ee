"""Checks on an XLSX archive before a reader may unfold it: sizes, forbidden XML, sheet extents.

The reader lays a sheet out as a full rectangle, and copies a shared text into each cell that names
it. So a few kilobytes can ask for terabytes, in three ways: parts that unpack to too much, one cell
far out, one long text named by all cells. Each is counted here first.
"""

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

from ledger.files.faults import refuse

ENTRIES_MAX = 2_000
UNPACKED_BYTES_MAX = 400 * 1024 * 1024
RATIO_MAX = 200
RATIO_FREE_BYTES = 10 * 1024 * 1024
CELLS_MAX = 5_000_000
TEXT_BYTES_MAX = 2 * 1024 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FORBIDDEN = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_ROW_OR_CELL = re.compile(rb"<(?:[^\s<>/:]+:)?(row|c)(?![\w:.-])([^>]*)>")
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,7})([0-9]{0,9})["']""")
_SHARED_TEXT = re.compile(rb"<(?:[^\s<>/:]+:)?si\b")


def check_package(name: str, data: bytes) -> None:
    """Unpack every part once and count, since the sizes in an archive's index can lie.

    Raises:
        FileRefused: `file.not_workbook`, `file.truncated`, `file.archive_bomb`, `file.too_large`,
            `file.xml_forbidden`.
    """
    if not data.startswith(b"PK\x03\x04"):
        raise refuse(name, "file.not_workbook")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES_MAX:
                raise refuse(name, "file.archive_bomb")
            # Another kind of spreadsheet in the same wrapping would escape the counts below.
            if "xl/workbook.xml" not in archive.namelist() or "content.xml" in archive.namelist():
                raise refuse(name, "file.not_workbook")
            _check_entries(name, archive, entries, len(data))
    except zipfile.BadZipFile:
        raise refuse(name, "file.truncated") from None
    except (zlib.error, lzma.LZMAError, struct.error, EOFError, OSError):
        raise refuse(name, "file.not_workbook") from None
    except (ValueError, NotImplementedError, RuntimeError):  # encrypted, or by an unknown method
        raise refuse(name, "file.not_workbook") from None


def _check_entries(
    name: str, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], packed_bytes: int
) -> None:
    unpacked_bytes = 0
    extent = _Extent()
    for entry in entries:
        if entry.compress_type not in _METHODS:
            raise refuse(name, "file.not_workbook")
        extent.next_part()
        for chunk, whole_tags in _chunks(name, archive, entry):
            unpacked_bytes += len(chunk)
            if unpacked_bytes > UNPACKED_BYTES_MAX or (
                unpacked_bytes > RATIO_FREE_BYTES and unpacked_bytes > RATIO_MAX * packed_bytes
            ):
                raise refuse(name, "file.archive_bomb")
            if _FORBIDDEN.search(whole_tags):
                raise refuse(name, "file.xml_forbidden")
            extent.add(whole_tags)
            if extent.unclear:
                raise refuse(name, "file.not_workbook")
            if extent.too_wide:
                raise refuse(name, "file.too_large")
            if extent.cells * extent.text_bytes_longest > TEXT_BYTES_MAX:
                raise refuse(name, "file.archive_bomb")


def _chunks(
    name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo
) -> Iterator[tuple[bytes, bytes]]:
    """Yield a part in pieces, each also cut so that no tag is torn in two.

    Every part is looked at, whatever it is called: what is a sheet is decided inside the workbook.
    """
    begun = b""
    with archive.open(entry) as part:
        while chunk := part.read(CHUNK_BYTES):
            # Without its zero bytes, UTF-16 reads like ASCII here.
            window = begun + chunk.replace(b"\x00", b"")
            at = window.rfind(b"<")
            torn = at >= 0 and window.find(b">", at) < 0
            begun = window[at:] if torn else b""
            if len(begun) > CHUNK_BYTES:
                raise refuse(name, "file.not_workbook")
            yield chunk, window[:at] if torn else window
    if begun:
        yield b"", begun


class _Extent:
    """How far out a sheet's filled cells lie, how many there are, how long a shared text is."""

    def __init__(self) -> None:
        self.cells = 0
        self.text_bytes_longest = 0
        self.unclear = False
        self._text_bytes = 0
        self.next_part()

    def next_part(self) -> None:
        self._row = self._column = 0
        self._row_last = self._column_last = 0
        self._text_begun = False

    @property
    def too_wide(self) -> bool:
        return self._row_last * self._column_last > CELLS_MAX

    def add(self, xml: bytes) -> None:
        for tag, attributes in _ROW_OR_CELL.findall(xml):
            self.unclear |= _hides_a_bracket(attributes)
            place = _PLACE.search(attributes)
            letters, digits = place.groups() if place else (b"", b"")
            if tag == b"row":
                self._row = int(digits) if digits else self._row + 1
                self._column = 0
            else:
                self._column = _column_number(letters) if letters else self._column + 1
                self._row = int(digits) if digits else max(self._row, 1)
                if not attributes.endswith(b"/"):  # a cell that only has a colour is not laid out
                    self.cells += 1
                    self._row_last = max(self._row_last, self._row)
                    self._column_last = max(self._column_last, self._column)
        self._measure_texts(xml)

    def _measure_texts(self, xml: bytes) -> None:
        continued, *texts = _SHARED_TEXT.split(xml)
        if self._text_begun:
            self._text_bytes += len(continued)
        if texts:
            self._text_begun = True
            self._text_bytes = len(texts[-1])
        longest = max(map(len, texts), default=0)
        if self._text_begun:
            self.text_bytes_longest = max(self.text_bytes_longest, longest, self._text_bytes)


def _hides_a_bracket(attributes: bytes) -> bool:
    """Tell a tag with `>` inside a value: what follows it would not be seen. No writer does so."""
    double, single = attributes.count(b'"'), attributes.count(b"'")
    return double % 2 == 1 or single % 2 == 1 or (double > 0 and single > 0)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
