"""Strokes: what is no signature is told from what is one, and all of it can be read back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.strokes import (
    BOX_UNITS,
    DURATION_MS_MAX,
    POINTS_MAX,
    TEXT_BYTES_MAX,
    Point,
    SignatureEmpty,
    SignatureTooLong,
    StrokesUnreadable,
    from_text,
    measured,
    require_signature,
    to_svg,
    to_text,
)

Drawn = list[list[Point]]


def character(left: int = 200, top: int = 100, ms: int = 0, points: int = 12) -> Drawn:
    """Draw two crossing strokes."""
    steps = range(points)
    across = [Point(left + 10 * n, top + n, ms + 16 * n, 128) for n in steps]
    down = [Point(left + 50 + n, top - 40 + 10 * n, ms + 400 + 16 * n, 90) for n in steps]
    return [across, down]


def test_two_crossing_strokes_are_a_signature_in_figures() -> None:
    ink = measured(character())

    assert (ink.points, ink.long_side, ink.short_side, ink.duration_ms) == (24, 110, 110, 576)
    assert 220 < ink.length < 224
    require_signature(character())


@pytest.mark.parametrize(
    "drawn",
    [
        [],
        [[Point(500, 200, 0, 128)]],
        [[Point(500 + n % 3, 200 + n % 2, 30 * n, 128) for n in range(60)]],  # a smeared tap
        [[Point(100 + 20 * n, 200, 20 * n, 128) for n in range(40)]],  # a wipe
        [[point._replace(ms=0) for point in each] for each in character()],
        [each[:3] for each in character()],
    ],
    ids=["nothing", "dot", "tap", "line", "in no time", "a few points"],
)
def test_what_is_no_signature_is_refused(drawn: Drawn) -> None:
    with pytest.raises(SignatureEmpty):
        require_signature(drawn)


@pytest.mark.parametrize(
    "drawn",
    [
        [[Point(-1, 0, 0, 0)], *character()],
        [[Point(0, BOX_UNITS + 1, 0, 0)], *character()],
        [[Point(0, 0, 0, 256)], *character()],
        [[Point(0, 0, 9, 0)], *character()],
        [[Point(0, 0, -9, 0)], *character()],
        [[], *character()],
    ],
    ids=["left of the box", "below it", "pressed too hard", "backwards", "before", "no points"],
)
def test_what_no_screen_reports_is_refused(drawn: Drawn) -> None:
    with pytest.raises(StrokesUnreadable):
        require_signature(drawn)


@pytest.mark.parametrize(
    "drawn",
    [
        character(points=POINTS_MAX // 2 + 1),
        [[Point(0, 0, n, 0)] for n in range(201)],
        [*character(), [Point(0, 0, DURATION_MS_MAX + 1, 0)]],
        [[Point(n % 2 * BOX_UNITS, n % 2 * BOX_UNITS, 299 * n, 255) for n in range(POINTS_MAX)]],
    ],
    ids=["points", "strokes", "time", "text"],
)
def test_what_no_entry_of_the_log_holds_is_refused(drawn: Drawn) -> None:
    with pytest.raises(SignatureTooLong):
        require_signature(drawn)


steps = st.tuples(
    st.integers(0, BOX_UNITS), st.integers(0, BOX_UNITS), st.integers(0, 50), st.integers(0, 255)
)


@given(st.lists(st.lists(steps, min_size=1, max_size=20), min_size=1, max_size=10))
def test_text_gives_back_the_strokes_and_the_picture_holds_each(
    given_steps: list[list[tuple[int, int, int, int]]],
) -> None:
    ms = 0
    drawn: Drawn = []
    for stroke in given_steps:
        points = []
        for x, y, later, pressure in stroke:
            ms += later
            points.append(Point(x, y, ms, pressure))
        drawn.append(points)

    assert from_text(to_text(drawn)) == drawn
    assert len(re.findall("M", to_svg(drawn))) == len(drawn)


def test_the_picture_is_of_the_form_alone() -> None:
    again = [
        [p._replace(x=p.x + 9, y=p.y + 7, ms=p.ms * 2, pressure=0) for p in each]
        for each in character()
    ]

    assert to_svg(again) == to_svg(character())
    assert to_svg(character(points=13)) != to_svg(character())


def longest() -> Drawn:
    """Return strokes with as long a text as is taken, in far steps."""
    drawn: Drawn = [[]]
    while len(to_text(drawn)) < TEXT_BYTES_MAX - 20:
        n = len(drawn[0])
        drawn[0].append(Point(n % 2 * BOX_UNITS, n // 2 % 2 * BOX_UNITS, 299 * n, 255))
    return drawn
