"""Synthetic files and people for the tests of this folder."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl
import pytest

from ledger.files.faults import FileRefused

SCENARIO = Path(__file__).parent.parent / "data" / "scenario-2017"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

TITLES = ("序号", "姓名", "身份证号码", "联系电话", "类别", "困难原因", "银行卡号", "金额(元)")


def id_number(first17: str) -> str:
    """Complete an ID number by its check digit."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, WEIGHTS, strict=True))
    return first17 + "10X98765432"[total % 11]


ID = id_number("34010119780307001")


def card(number: int) -> str:
    return f"62999{number:014d}"


def csv_bytes(rows: Iterable[Sequence[object]], charset: str = "gb18030") -> bytes:
    text = "".join(",".join(map(str, row)) + "\r\n" for row in rows)
    return text.encode(charset)


def xlsx_bytes(rows: Iterable[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def roster_rows(
    *people: Sequence[object], total: object = None, title: str = "某工会慰问金花名册"
) -> list[Sequence[object]]:
    """Lay out a roster: title, header, people (as TITLES, without 序号), 合计."""
    summed = sum(float(str(person[-1])) for person in people) if total is None else total
    numbered = [(number, *person) for number, person in enumerate(people, 1)]
    return [
        (title, *[""] * (len(TITLES) - 1)),
        TITLES,
        *numbered,
        ("合计", *[""] * (len(TITLES) - 2), summed),
    ]


def person(
    name: str = "张试验",
    id_number: object = ID,
    card_number: object = card(1),
    amount: object = "600.00",
    phone: object = "13800000001",
) -> tuple[object, ...]:
    return (name, id_number, phone, "一线职工", "", card_number, amount)


def refused(code: str) -> "pytest.RaisesExc[FileRefused]":
    """Expect the refusal of a file by this public code."""
    return pytest.RaisesExc(FileRefused, check=lambda refusal: refusal.code == code)
