"""Whether signatures of one hand are found alike, and those of different hands are not."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import handwriting
from ledger.domain.bands import bands, sought
from ledger.domain.strokes import Strokes
from tests.domain.test_strokes import character
from tests.hands import form_of, written

HANDS = 150


@pytest.fixture(scope="module")
def twice() -> list[tuple[Strokes, Strokes]]:
    """Signatures of many hands, each given twice."""
    forms = [form_of(f"name {number}", f"hand {number}") for number in range(HANDS)]
    return [
        (written(form, Random(number)), written(form, Random(1_000 + number)))
        for number, form in enumerate(forms)
    ]


def test_one_hand_is_found_again_and_others_are_not(twice: list[tuple[Strokes, Strokes]]) -> None:
    lines = [(handwriting.lined(one), handwriting.lined(again)) for one, again in twice]

    found = [handwriting.distance(one, again) <= handwriting.ALIKE_MAX for one, again in lines]
    others = [
        handwriting.distance(lines[at][0], lines[at - step][1]) <= handwriting.ALIKE_MAX
        for at in range(HANDS)
        for step in range(1, 8)
    ]

    assert sum(found) >= 0.95 * HANDS
    assert sum(others) == 0


def test_what_is_alike_shares_a_band_and_little_else_does(
    twice: list[tuple[Strokes, Strokes]],
) -> None:
    kept = [set(bands(handwriting.products(one))) for one, _ in twice]

    asked = [set(sought(handwriting.products(again))) for _, again in twice]

    assert sum(not kept[at].isdisjoint(asked[at]) for at in range(HANDS)) >= 0.95 * HANDS
    strangers = sum(
        not kept[one].isdisjoint(asked[other])
        for one in range(HANDS)
        for other in range(HANDS)
        if one != other
    )
    assert strangers <= 0.03 * HANDS * (HANDS - 1)


def test_place_size_and_speed_change_nothing() -> None:
    line = handwriting.lined(character())
    moved = [
        [point._replace(x=2 * point.x + 7, y=2 * point.y + 30, ms=3 * point.ms) for point in stroke]
        for stroke in character()
    ]

    assert handwriting.distance(line, handwriting.lined(moved)) <= 10
    assert handwriting.distance(line, line) == 0


@given(st.integers(0, 10_000))
def test_a_line_is_read_back_as_it_was_written(seed: int) -> None:
    line = handwriting.lined(written(form_of(str(seed)), Random(seed)))

    assert handwriting.line_of(handwriting.line_bytes(line)) == line
    assert len(line) == handwriting.LINE_POINTS
