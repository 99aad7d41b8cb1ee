"""Codes on sheets: read back as they were printed, and made by nobody else."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.sheet_codes import CODE_LENGTH, code_text, read_code

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
BATCH = UUID("0f0e0d0c-0b0a-5909-8807-060504030201")


@given(st.uuids(), st.integers(0, 2**16 - 1), st.integers(0, 255), st.integers(0, 2**24 - 1))
def test_a_code_says_which_row_of_which_page_of_which_batch(
    batch: UUID, page: int, place: int, number: int
) -> None:
    text = code_text(KEY, batch, page, place, number)

    code = read_code(KEY, text)

    assert len(text) == CODE_LENGTH
    assert code is not None
    assert (code.page, code.place, code.number) == (page, place, number)
    assert code.is_of(batch)
    assert not code.is_of(UUID(int=batch.int ^ 1 << 127))
    assert read_code(OTHER_KEY, text) is None


@pytest.mark.parametrize("at", range(CODE_LENGTH - 1))
def test_an_altered_code_is_none_of_ours(at: int) -> None:
    text = code_text(KEY, BATCH, 1, 0, 7)
    other = "A" if text[at] != "A" else "B"

    assert read_code(KEY, text[:at] + other + text[at + 1 :]) is None


@pytest.mark.parametrize("text", ["", "https://elsewhere.example", "1" * CODE_LENGTH, "é" * 37])
def test_what_others_print_is_none_of_ours(text: str) -> None:
    assert read_code(KEY, text) is None
