"""Money in whole fen, ratios rounded down, ids that follow from natural keys."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.values import (
    MONEY_MAX,
    WHOLE_BP,
    AmountNotPositive,
    AmountTooLarge,
    Money,
    floor_basis_points,
    is_fiscal_year,
    require_positive,
    require_writable,
    stable_id,
    yuan_text,
)


@given(st.integers(-(10**17), 10**17))
def test_yuan_say_exactly_what_fen_say(fen: int) -> None:
    text = yuan_text(Money(fen))

    whole, decimals = text.lstrip("-").split(".")
    assert len(decimals) == 2
    assert int(whole + decimals) == abs(fen)
    assert text.startswith("-") == (fen < 0)


@given(st.integers(0, 10**15), st.integers(1, 10**15))
def test_a_target_is_never_met_by_rounding(part: int, whole: int) -> None:
    ratio = Fraction(part, whole)

    points = floor_basis_points(ratio)

    assert Fraction(points, WHOLE_BP) <= ratio < Fraction(points + 1, WHOLE_BP)


@pytest.mark.parametrize("fen", [1, MONEY_MAX])
def test_the_bounds_themselves_can_move(fen: int) -> None:
    require_positive(Money(fen))


def test_nothing_less_and_nothing_larger_moves() -> None:
    for fen in (0, -1, -MONEY_MAX - 1):
        with pytest.raises(AmountNotPositive):
            require_positive(Money(fen))
    with pytest.raises(AmountTooLarge):
        require_positive(Money(MONEY_MAX + 1))


@pytest.mark.parametrize("fen", [MONEY_MAX + 1, -MONEY_MAX - 1])
def test_what_no_reader_of_json_would_keep_is_not_written(fen: int) -> None:
    with pytest.raises(AmountTooLarge) as refused:
        require_writable(Money(fen))

    assert yuan_text(Money(fen)) in str(refused.value)
    assert yuan_text(MONEY_MAX) in str(refused.value)


words = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x1f")), max_size=3)


@given(words, words)
def test_ids_follow_from_the_key_and_differ_with_it(one: list[str], other: list[str]) -> None:
    assert (stable_id("k", *one) == stable_id("k", *other)) == (one == other)
    assert stable_id("k", *one) != stable_id("l", *one)


@pytest.mark.parametrize(("year", "plausible"), [(1948, False), (1949, True), (2200, True)])
def test_a_year_outside_living_memory_is_a_typing_mistake(year: int, *, plausible: bool) -> None:
    assert is_fiscal_year(year) is plausible
    assert not is_fiscal_year(20177)
