"""Text files as people have them: charset, CSV with headers, harmless spellings."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

from ledger.files.faults import refuse

FILE_BYTES_MAX = 200 * 1024 * 1024
COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")
"""How an .xls begins, and an .xlsx under a password: [MS-CFB], section 2.2."""

_MIDDLE_DOTS = dict.fromkeys(map(ord, "·•・．‧∙⋅･᛫●⸱"), "·")
_DOT_IN_NAME = re.compile(r"(?<=[\u3400-\u9fff])\.(?=[\u3400-\u9fff])")
_HAN_ALONE = re.compile(r"[\u4e00-\u9fff]+")
"""None of these is written otherwise by NFC."""
_SPACES = re.compile(r"\s+")
_SPACE_OF_LAYOUT = re.compile(r"(?<![A-Za-z.]) | (?![A-Za-z])")


def decode(name: str, data: bytes) -> str:
    """Read bytes as UTF-8 (with or without its mark), else as GB18030.

    Bytes that are valid in both are UTF-8: GB18030 text practically never is valid UTF-8. The
    library's guess is asked only where neither fits, to name UTF-16 files that Excel writes.

    Raises:
        FileRefused: `file.not_text`, `file.old_workbook`, `file.too_large`.
    """
    if len(data) > FILE_BYTES_MAX:
        raise refuse(name, "file.too_large")
    if data.startswith(COMPOUND):
        raise refuse(name, "file.old_workbook")
    for charset in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(charset)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    best = from_bytes(data[:65536]).best()
    if best is not None and best.encoding.startswith("utf_16"):
        try:
            return data.decode(best.encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            pass
    raise refuse(name, "file.not_text")


@dataclass(frozen=True, slots=True, repr=False)
class CsvRow:
    """A row by column name; `line` is where a person finds it in the file."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_csv(
    name: str, data: bytes, columns: Sequence[str], if_there: Sequence[str] = ()
) -> Iterator[CsvRow]:
    """Read a CSV file whose first line names the columns; further columns are carried along.

    Args:
        name: What messages call the file.
        data: The file.
        columns: Those that it must have.
        if_there: Those that it may have; empty, where it does not.

    Raises:
        FileRefused: Not text, or one of `columns` is missing, or one of either there twice.
    """
    rows = csv_rows(name, data)
    header: list[str] | None = None
    for line, cells in rows:
        if header is None:
            header = [heading(cell) for cell in cells]
            for column in (*columns, *if_there):
                if heading(column) not in header and column in columns:
                    raise refuse(name, "file.column_missing", row=line, column=column)
                if header.count(heading(column)) > 1:
                    raise refuse(name, "file.column_twice", row=line, column=column)
            continue
        if any(cells):
            require_no_excess(name, line, cells, len(header))
            named = dict(zip(header, cells, strict=False))
            asked = (*columns, *if_there)
            yield CsvRow(line, {column: named.get(heading(column), "") for column in asked})
    if header is None:
        raise refuse(name, "file.column_missing", column=columns[0])


def csv_rows(name: str, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line it starts on; cells lose outer white space, and format marks.

    Raises:
        FileRefused: Not text, cut off in its last line, or with a quotation mark that is not
            closed and so would swallow the rows below it.
    """
    text = decode(name, data)
    if not text.endswith("\n"):
        raise refuse(name, "file.truncated")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise refuse(name, "file.quotes_unbalanced", row=line) from None
        yield line, [_without_invisible(cell).strip() for cell in cells]
        line = reader.line_num + 1


def require_no_excess(name: str, line: int, cells: Sequence[object], width: int) -> None:
    """Refuse a row wider than its header: `1,234.50` without quotes would be read as one yuan.

    Raises:
        FileRefused: `file.cells_excess`.
    """
    if len(cells) > width:
        raise refuse(name, "file.cells_excess", row=line)


def require_line_end(name: str, data: bytes, code: str) -> None:
    """Refuse a file that does not end its last line: its last bytes may be missing.

    Raises:
        FileRefused: With the code given.
    """
    if not data.endswith(b"\n"):
        raise refuse(name, code)


def heading(text: str) -> str:
    """Reduce a column's title to what matters: width, brackets and spaces do not."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text))


def category(text: str) -> str:
    """Reduce a category's name for comparison, so that （未建档） and (未建档) are one."""
    return heading(text)


def code_text(text: str) -> str:
    """Write the code of a union, an officer or a batch plainly: width and spaces do not matter."""
    return text if text.isascii() and " " not in text else heading(text)


def number_text(text: str) -> str:
    """Write an ID, card or phone number plainly: ASCII digits, capital X, no spaces or dashes."""
    if text.isascii() and text.isalnum():
        return text.upper()
    plain = unicodedata.normalize("NFKC", _without_invisible(text))
    return _SPACES.sub("", plain).upper().replace("-", "")


def person_name(text: str) -> str:
    """Write a name plainly, without changing its characters: NFC, one kind of middle dot.

    NFKC would replace characters that people really have in their names. White space goes, as in
    `张　三`; between the words of a Latin name one space stays.
    """
    if _HAN_ALONE.fullmatch(text):
        return text
    dotted = _DOT_IN_NAME.sub("·", _without_invisible(text).translate(_MIDDLE_DOTS))
    spaced = _SPACES.sub(" ", dotted.strip())
    plain = unicodedata.normalize("NFC", _SPACE_OF_LAYOUT.sub("", spaced))
    # What layout kept apart may belong together, such as a letter and its accent.
    return plain if plain == text else person_name(plain)


def _without_invisible(text: str) -> str:
    """Drop format characters, such as the direction marks that come along with copied numbers."""
    if text.isprintable():
        return text
    return "".join(each for each in text if unicodedata.category(each) != "Cf")
