"""Signature files: who signed, whoever it was, and nothing taken from a broken file."""

import pytest

from ledger.files.faults import FileRefused
from ledger.files.signatures import COLUMNS, read_signatures
from tests.files.samples import csv_bytes, refused

IMAGE = "ab" * 32
ROW = ("1", "张试验", "2017-01-23T09:00:00+08:00", IMAGE, "S0005")


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030"])
def test_signatures_read_from_either_charset(charset: str) -> None:
    (row,) = read_signatures("s", csv_bytes([COLUMNS, ROW], charset)).rows

    assert (row.line, row.number, row.signer_name) == (2, 1, "张试验")
    assert (row.signed_at, row.image_sha256, row.witness) == (ROW[2], IMAGE, "S0005")
    assert "张试验" not in repr(row)


@pytest.mark.parametrize("signer", ["李试验", "李试验(代)", "李试验代签"])
def test_who_signed_for_another_is_kept_as_written(signer: str) -> None:
    (row,) = read_signatures("s", csv_bytes([COLUMNS, (ROW[0], signer, *ROW[2:])])).rows

    assert row.signer_name == signer


def test_every_row_at_fault_is_told() -> None:
    rows = [
        COLUMNS,
        ROW,
        ROW,
        ("x", *ROW[1:]),
        ("2", "", *ROW[2:]),
        ("3", "张试验", "昨天", *ROW[3:]),
        ("4", *ROW[1:3], "ab" * 31, ROW[4]),
        ("5", *ROW[1:3], "zz" * 32, ROW[4]),
    ]

    with pytest.raises(FileRefused) as refusal:
        read_signatures("s", csv_bytes(rows))

    assert [(each.row, each.column, each.code) for each in refusal.value.faults] == [
        (3, "序号", "number.duplicate"),
        (4, "序号", "number.invalid"),
        (5, "签字姓名", "field.missing"),
        (6, "签字时间", "time.invalid"),
        (7, "签字影像SHA256", "sha256.invalid"),
        (8, "签字影像SHA256", "sha256.invalid"),
    ]
    assert "张试验" not in str(refusal.value)


def test_a_file_cut_off_inside_its_last_line_is_refused() -> None:
    data = csv_bytes([COLUMNS, ROW])

    for length in range(len(data) - len(",S0005\r\n"), len(data)):
        with refused("file.truncated"):
            read_signatures("s", data[:length])
