"""Checks on an XLSX archive before a reader may unfold it: sizes, forbidden XML, sheet extents.

The reader lays a sheet out as a full rectangle, and copies a shared text into each cell that names
it. So a few kilobytes can ask for terabytes, in three ways: parts that unpack to too much, one cell
far out, one long text named by all cells. Each is counted here first, by a strict parser: what is
not well-formed two parsers may read differently, so it is refused.
"""

import io
import struct
import zipfile
import zlib
from functools import lru_cache
from xml.parsers import expat

from ledger.files.faults import refuse
from ledger.files.text import COMPOUND

ENTRIES_MAX = 2_000
UNPACKED_BYTES_MAX = 400 * 1024 * 1024
RATIO_MAX = 200
RATIO_FREE_BYTES = 10 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
ROWS_MAX = 1_048_576
COLUMNS_MAX = 16_384
CELLS_MAX = 5_000_000
SPARSE_CELLS_FREE = 500_000
CELLS_A_FILLED_ONE_MAX = 20
"""A sheet of millions of places has some in use: two cells far apart would cost as much memory."""
COPIED_CHARACTERS_MAX = 1_000_000_000

WORKBOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
OTHER_KIND = "content.xml"

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_XML_NAMES = (".xml", ".rels")
_DIGITS, _DIGITS_MAX, _LETTERS_MAX = "0123456789", 8, 3


def check_package(name: str, data: bytes) -> None:
    """Unpack every part once and count, since the sizes in an archive's index can lie.

    Raises:
        FileRefused: `file.not_workbook`, `file.old_workbook`, `file.truncated`,
            `file.archive_bomb`, `file.too_large`, `file.xml_forbidden`.
    """
    if data.startswith(COMPOUND):
        raise refuse(name, "file.old_workbook")
    if not data.startswith(b"PK\x03\x04"):
        raise refuse(name, "file.not_workbook")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES_MAX:
                raise refuse(name, "file.archive_bomb")
            names = {entry.filename.lower().replace("\\", "/") for entry in entries}
            # Another kind of spreadsheet in the same wrapping, or a part that stands twice, might
            # be read in place of the one that is checked below.
            twice = len(names) != len(entries)
            if twice or OTHER_KIND in names or not {WORKBOOK, RELATIONS} <= names:
                raise refuse(name, "file.not_workbook")
            _Package(name, len(data)).check(archive, entries)
    except zipfile.BadZipFile:
        raise refuse(name, "file.truncated") from None
    except (zlib.error, struct.error, EOFError, OSError, expat.ExpatError):
        raise refuse(name, "file.not_workbook") from None
    except LookupError:  # a part says that it is written in a charset that there is not
        raise refuse(name, "file.not_workbook") from None
    except (ValueError, NotImplementedError, RuntimeError):  # encrypted, or by an unknown method
        raise refuse(name, "file.not_workbook") from None


class _Package:
    """What all parts of one workbook come to together."""

    def __init__(self, name: str, packed_bytes: int) -> None:
        self._name = name
        self._packed_bytes = packed_bytes
        self._unpacked_bytes = 0
        self._cells = 0
        self._text_longest = 0
        self._sheets: set[str] = set()
        self._unchecked: set[str] = set()

    def check(self, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
        for entry in entries:
            if entry.compress_type not in _METHODS:
                raise refuse(self._name, "file.not_workbook")
            self._check_part(archive, entry)
        # A sheet is whatever the workbook calls one: it must be among the parts that were read.
        if self._sheets & self._unchecked:
            raise refuse(self._name, "file.not_workbook")

    def _check_part(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        is_xml = entry.filename.lower().endswith(_XML_NAMES)
        part = _Part(self._name) if is_xml else None
        with archive.open(entry) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                self._count(len(chunk))
                if part is not None:
                    part.feed(chunk)
        if part is not None:
            part.feed(b"", last=True)
            part.require_dense()
            self._cells += part.cells
            self._text_longest = max(self._text_longest, part.text_longest)
            self._sheets |= part.sheets
            if entry.filename.lower() == RELATIONS:
                self._unchecked |= part.related_otherwise
        if self._cells * self._text_longest > COPIED_CHARACTERS_MAX:
            raise refuse(self._name, "file.archive_bomb")

    def _count(self, unpacked_bytes: int) -> None:
        self._unpacked_bytes += unpacked_bytes
        free = self._unpacked_bytes <= RATIO_FREE_BYTES
        if self._unpacked_bytes > UNPACKED_BYTES_MAX or not (
            free or self._unpacked_bytes <= RATIO_MAX * self._packed_bytes
        ):
            raise refuse(self._name, "file.archive_bomb")


class _Part:
    """One part read strictly: how far out its cells lie, how many, how long a shared text is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.sheets: set[str] = set()
        self.related_otherwise: set[str] = set()
        self.cells = 0
        self.text_longest = 0
        self._row = self._column = 0
        self._row_last = self._column_last = 0
        self._text = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._forbid

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        self._parser.Parse(chunk, last)

    def require_dense(self) -> None:
        """Check that a large sheet is not all but empty."""
        places = self._row_last * self._column_last
        if places > max(SPARSE_CELLS_FREE, CELLS_A_FILLED_ONE_MAX * self.cells):
            raise refuse(self._name, "file.too_large")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        kind = tag.rpartition(":")[2] if ":" in tag else tag
        if kind == "c":
            self._begin_cell(attributes.get("r"))
        elif kind in {"v", "is"}:
            self._fill_cell()
        elif kind == "row":
            self._begin_row(attributes.get("r"))
        elif kind == "si":
            self._text = 0
            self._parser.CharacterDataHandler = self._characters
            self._parser.EndElementHandler = self._end
        elif kind == "sst":
            self._begin_texts(attributes)
        elif kind == "sheet":
            self.sheets.update(attributes.values())
        elif kind == "Relationship" and not attributes.get("Target", "").lower().endswith(".xml"):
            self.related_otherwise.add(attributes.get("Id", ""))

    def _end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "si":
            self.text_longest = max(self.text_longest, self._text)
            self._parser.CharacterDataHandler = None
            self._parser.EndElementHandler = None

    def _characters(self, text: str) -> None:
        self._text += len(text)

    def _forbid(self, *_: object) -> None:
        raise refuse(self._name, "file.xml_forbidden")

    def _begin_texts(self, attributes: dict[str, str]) -> None:
        """Check how many shared texts are said to follow: the reader makes room for all of them.

        It ends the whole process where there is not so much.
        """
        for name in ("count", "uniqueCount"):
            said = attributes.get(name, "0")
            if len(said) >= _DIGITS_MAX or not said.isdecimal() or int(said) > CELLS_MAX:
                raise refuse(self._name, "file.not_workbook")

    def _begin_row(self, number: str | None) -> None:
        if number is None:
            self._row += 1
        elif len(number) < _DIGITS_MAX and number.isdecimal() and 0 < int(number) <= ROWS_MAX:
            self._row = int(number)
        else:
            raise refuse(self._name, "file.not_workbook")
        self._column = 0

    def _begin_cell(self, place: str | None) -> None:
        if place is None:
            self._column += 1
        else:
            letters = place.rstrip(_DIGITS)
            digits = place[len(letters) :]
            named = len(letters) <= _LETTERS_MAX and 0 < len(digits) < _DIGITS_MAX
            self._column = _column_number(letters) if named else 0
            if not self._column:
                raise refuse(self._name, "file.not_workbook")
            self._row = int(digits)
        if self._row > ROWS_MAX or self._column > COLUMNS_MAX:
            raise refuse(self._name, "file.not_workbook")

    def _fill_cell(self) -> None:
        """Count a cell that holds something; one that only has a colour is not laid out."""
        self.cells += 1
        if self._row <= self._row_last and self._column <= self._column_last:
            return
        self._row_last = max(self._row_last, self._row)
        self._column_last = max(self._column_last, self._column)
        if self._row_last * self._column_last > CELLS_MAX:
            raise refuse(self._name, "file.too_large")


@lru_cache(maxsize=1024)
def _column_number(letters: str) -> int:
    """Return which column letters name, from 1 on; 0 where they are none."""
    if not letters.isascii() or not letters.isalpha():
        return 0
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
