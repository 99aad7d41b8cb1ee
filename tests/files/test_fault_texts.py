"""Every fault can be told in Chinese and in English, and tells where, never what stands there."""

import re

import pytest

from ledger.errors import Kind
from ledger.files.faults import TEXTS, Fault, FileRefused, refuse

CODE = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


@pytest.mark.parametrize("code", TEXTS)
def test_each_code_has_both_languages(code: str) -> None:
    chinese, english = TEXTS[code]

    assert CODE.fullmatch(code)
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert english.isascii() or "合计" in english
    assert len(english) > 10


def test_a_refusal_names_file_row_column_and_code() -> None:
    refusal = refuse("r.csv", "roster.total_mismatch", row=9, column="合计", detail="5 and 6")

    assert refusal.code == "roster.total_mismatch"
    assert refusal.kind is Kind.INVALID
    assert str(refusal).startswith("r.csv row 9 column 合计: roster.total_mismatch 合计与明细不符")
    assert str(refusal).endswith(": 5 and 6")


def test_a_refusal_carries_all_faults_and_shows_the_first_few() -> None:
    faults = [Fault("f", row, None, "amount.invalid") for row in range(1, 21)]

    refusal = FileRefused(*faults)

    assert list(refusal.faults) == faults
    assert "row 5:" in str(refusal)
    assert "row 6:" not in str(refusal)
