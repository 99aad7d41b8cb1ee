"""Workbooks are opened with care: harmful and broken ones are refused before they unfold."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import openpyxl
import pytest

from ledger.files.faults import FileRefused
from ledger.files.package import RATIO_FREE_BYTES
from ledger.files.workbook import read_rows
from tests.files.samples import refused, xlsx_bytes

ENTITIES = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


def _changed(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Rewrite one part of a workbook."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, change(content) if name == part else content)
        if part not in source.namelist():
            target.writestr(part, change(b""))
    return changed.getvalue()


def _sheet(rows: bytes) -> bytes:
    """Make a workbook whose sheet holds these rows of XML."""
    start, end = b"<sheetData>", b"</sheetData>"

    def replace(xml: bytes) -> bytes:
        return xml[: xml.index(start) + len(start)] + rows + xml[xml.index(end) :]

    return _changed(xlsx_bytes([("x",)]), "xl/worksheets/sheet1.xml", replace)


def test_cells_keep_their_kinds_and_rows_the_numbers_that_a_person_sees() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["B3"] = " 文 "
    sheet["C3"] = 600
    sheet["D3"] = 600.5
    sheet["E3"] = datetime(2017, 1, 8)  # noqa: DTZ001 - spreadsheets know no time zone
    sheet["E3"].number_format = "yyyy-mm-dd"
    sheet["B7"] = "   "
    sheet["C7"] = 34010119780307001
    file = io.BytesIO()
    book.save(file)

    rows = dict(read_rows("w", file.getvalue()))

    assert rows[3] == [None, "文", 600, 600.5, date(2017, 1, 8)]
    assert rows[1] == [None] * 5
    assert rows[7][1] is None
    assert isinstance(rows[7][2], float)  # what it held beyond fifteen digits is gone
    assert max(rows) == 7


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"not a workbook", b"\xd0\xcf\x11\xe0" + bytes(600), "姓名,金额".encode()],
)
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    with refused("file.not_workbook"):
        read_rows("w", data)


def test_another_archive_and_another_kind_of_spreadsheet_are_no_workbooks() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "x")
    both = _changed(xlsx_bytes([("x",)]), "content.xml", lambda _: b"<x/>")

    for data in (other.getvalue(), both):
        with refused("file.not_workbook"):
            read_rows("w", data)


@pytest.mark.parametrize(
    "part",
    ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "[Content_Types].xml"],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_whatever_part_and_charset(part: str, charset: str) -> None:
    def with_entities(xml: bytes) -> bytes:
        return (ENTITIES + xml).decode().encode(charset)

    with refused("file.xml_forbidden"):
        read_rows("w", _changed(xlsx_bytes([("x",)]), part, with_entities))


def test_a_part_in_what_is_no_charset_is_refused() -> None:
    """Python has codecs that are none, and says so by an error of another kind (LookupError)."""

    def declared(xml: bytes) -> bytes:
        return b'<?xml version="1.0" encoding="ZLIB"?>' + xml.partition(b"?>")[2]

    with refused("file.not_workbook"):
        read_rows("w", _changed(xlsx_bytes([("x",)]), "xl/workbook.xml", declared))


def test_a_document_type_torn_between_two_reads_is_still_seen() -> None:
    for padding in range((1 << 20) - 12, (1 << 20) + 2):
        torn = b"<!--" + b" " * (padding - 7) + b"-->" + ENTITIES
        data = _changed(xlsx_bytes([("x",)]), "xl/styles.xml", torn.__add__)

        with refused("file.xml_forbidden"):
            read_rows("w", data)


def test_an_archive_that_unpacks_to_an_abnormal_size_is_refused() -> None:
    bomb = _changed(xlsx_bytes([("x",)]), "xl/media/a.bin", lambda _: bytes(RATIO_FREE_BYTES * 10))
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(3000):
            archive.writestr(f"{number}", b"")

    for data in (bomb, many.getvalue()):
        with refused("file.archive_bomb"):
            read_rows("w", data)


@pytest.mark.parametrize(
    "far",
    [
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b"<row r='1048576'><c r = 'XFD1048576' ><v>1</v></c></row>",
        b'<x:row r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>',
        b'<row r="1048576"><c><v>1</v></c><c r="ZZ9"><v>1</v></c></row>',
    ],
)
def test_a_single_cell_far_out_cannot_ask_for_a_sheet_of_terabytes(far: bytes) -> None:
    with refused("file.too_large"):
        read_rows("w", _sheet(b'<row r="1"><c r="A1"><v>1</v></c></row>' + far))


@pytest.mark.parametrize("attributes", [b'a=">" r="XFD999"', b"""a='"' b=">" r="XFD999" """])
def test_a_place_behind_a_bracket_is_seen(attributes: bytes) -> None:
    with refused("file.too_large"):
        read_rows("w", _sheet(b'<row r="999"><c ' + attributes + b"><v>1</v></c></row>"))


@pytest.mark.parametrize("place", ["H39999999999909", "AAAA1", "A", "1", "$A$1", "A0x1", "XFE1"])
def test_a_place_that_two_readers_may_understand_differently_is_refused(place: str) -> None:
    with refused("file.not_workbook"):
        read_rows("w", _sheet(f'<row r="1"><c r="{place}"><v>1</v></c></row>'.encode()))


def test_a_sheet_under_a_name_that_is_not_looked_into_is_refused() -> None:
    relations = "xl/_rels/workbook.xml.rels"
    moved = _changed(
        xlsx_bytes([("x",)]),
        relations,
        lambda xml: xml.replace(b"worksheets/sheet1.xml", b"media/sheet1.png"),
    )

    with refused("file.not_workbook"):
        read_rows("w", _changed(moved, "xl/media/sheet1.png", lambda _: b"<worksheet/>"))


def test_a_part_that_stands_twice_is_refused() -> None:
    twice = _changed(xlsx_bytes([("x",)]), "xl\\Workbook.xml", lambda _: b"<workbook/>")

    with refused("file.not_workbook"):
        read_rows("w", twice)


def test_one_long_text_in_very_many_cells_is_refused() -> None:
    texts = b"<sst><si><t>" + b"x" * 30_000 + b"</t></si></sst>"
    cells = (b"<row>" + b'<c t="s"><v>0</v></c>' * 10_000 + b"</row>") * 10
    data = _changed(_sheet(cells), "xl/sharedStrings.xml", lambda _: texts)

    with refused("file.archive_bomb"):
        read_rows("w", data)


def test_columns_that_are_only_coloured_to_the_last_row_do_no_harm() -> None:
    rows = (
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="0"/></row>'
    )

    assert read_rows("w", _sheet(rows)) == [(1, [1])]


def test_a_workbook_cut_off_or_changed_anywhere_is_read_or_refused_with_a_code() -> None:
    data = xlsx_bytes([("姓名", "金额"), ("张试验", 600)])

    for length in range(0, len(data), 41):
        with pytest.raises(FileRefused):
            read_rows("w", data[:length])
