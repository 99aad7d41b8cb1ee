"""Masks show enough to recognise a person one knows, and too little to use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.vault.masking import mask_card, mask_id, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "shown"),
    [("张试三", "张*三"), ("张三", "张*"), ("张", "张*"), ("", "*"), ("阿依·古丽", "阿***丽")],
)
def test_a_name_shows_its_ends_at_most(name: str, shown: str) -> None:
    assert mask_name(name) == shown


def test_numbers_show_their_ends() -> None:
    assert mask_id("34010119900307001X") == "3401**********001X"
    assert mask_card("6299900000001234567") == "**** 4567"
    assert mask_phone("13800001234") == "138****1234"


@given(st.text("0123456789X", max_size=30))
def test_a_mask_never_shows_a_number_that_is_too_short_to_hide_in(number: str) -> None:
    for mask, shown_max in ((mask_id, 8), (mask_phone, 7), (mask_card, 4)):
        shown = sum(character not in "* " for character in mask(number))

        assert shown <= shown_max
        assert shown < max(len(number), 1)
