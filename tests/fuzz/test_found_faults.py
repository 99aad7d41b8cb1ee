"""What changed files once broke, each said as small as it goes."""

import contextlib
import io
import logging
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from ledger.files.account_statements import read_account_statement
from ledger.files.banks import read_return
from ledger.files.faults import FileRefused
from ledger.files.workbook import read_rows
from ledger.packs import verify_pack
from ledger.packs.file import NAMES, PackUnreadable, read_pack
from tests.files.golden import FOLDER
from tests.files.sample_statements import MT940
from tests.files.samples import refused, xlsx_bytes


def part_changed(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """Return a workbook with something else in one of its parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as was, zipfile.ZipFile(written, "w") as archive:
        for name in was.namelist():
            content = was.read(name)
            archive.writestr(name, content.replace(old, new) if name == part else content)
    return written.getvalue()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/*.txt")), ids=lambda path: path.parent.name)
@pytest.mark.parametrize("line", [b"|\n", b"^\n", b"|\r\n", b",\n", b"\n"])
def test_a_line_of_nothing_is_refused_wherever_it_stands(path: Path, line: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)

    for at in range(len(lines) + 1):
        data = b"".join([*lines[:at], line, *lines[at:]])
        for bank_format in ("netbank-txt", path.parent.name):
            with contextlib.suppress(FileRefused):
                assert read_return(bank_format, "f", data).lines


def test_a_workbook_in_a_charset_that_there_is_not_is_refused() -> None:
    data = part_changed(xlsx_bytes([("姓名",)]), "xl/workbook.xml", b"<workbook", b"<workbook")
    odd = b'<?xml version="1.0" encoding="UTF-0"?><workbook'
    data = part_changed(data, "xl/workbook.xml", b"<workbook", odd)

    with refused("file.not_workbook"):
        read_rows("f", data)


@pytest.mark.parametrize("said", [b"2147483648", b"9999999", b"-1", b"x"])
def test_a_workbook_that_promises_more_texts_than_there_is_memory_is_refused(said: bytes) -> None:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        book.add_worksheet().write_string(0, 0, "姓名")
    texts, promise = "xl/sharedStrings.xml", b'uniqueCount="1"'
    assert promise in zipfile.ZipFile(written).read(texts)
    data = part_changed(written.getvalue(), texts, promise, b'uniqueCount="%b"' % said)

    with refused("file.not_workbook"):
        read_rows("f", data)


def test_a_workbook_of_two_cells_far_apart_takes_no_memory() -> None:
    rows: list[tuple[object, ...]] = [("序号",), *[()] * 40_000, (*[None] * 100, "1")]

    with refused("file.too_large"):
        read_rows("f", xlsx_bytes(rows))


def test_a_long_list_with_many_empty_columns_is_read() -> None:
    rows = [(number, *[None] * 8, "1") for number in range(2_000)]

    assert len(read_rows("f", xlsx_bytes(rows))) == 2_000


def test_a_statement_that_cannot_be_read_is_not_written_to_the_log() -> None:
    data = MT940.replace("C170109", "X170109").encode()
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    logging.getLogger().addHandler(handler)

    with refused("bank_file.line_invalid"):
        read_account_statement("mt940", "f", data)

    logging.getLogger().removeHandler(handler)
    assert logged.getvalue() == ""


def test_a_pack_whose_parts_do_not_unpack_is_refused_by_both_verifiers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(NAMES):
            archive.writestr(name, b"{}" * 500)
    data = bytearray(written.getvalue())
    at = 30 + len(min(NAMES))
    data[at : at + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "pack.zip").write_bytes(data)

    with pytest.raises(PackUnreadable):
        read_pack(bytes(data))
    assert verify_pack.main(str(tmp_path / "pack.zip")) == 1
    assert "BROKEN" in capsys.readouterr().out
