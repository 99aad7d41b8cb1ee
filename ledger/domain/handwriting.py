"""How alike two drawn signatures are: their lines, made comparable, and a distance between them.

What is compared is what was drawn, not who drew it: one hand that writes two names leaves two
forms. It finds the same scribble for many people, a signature replayed with small changes, and one
name written twice by one hand.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import shake_256
from itertools import pairwise
from math import atan2, dist, exp, inf, sqrt, tau
from operator import mul

from ledger.domain.bands import BAND_SIDES
from ledger.domain.strokes import Point, Strokes

LINE_POINTS = 48
"""Four dense characters keep their turns at so many; comparing two takes half a millisecond."""

UNIT = 40
"""Root mean square distance from the middle, so that a coordinate fits a byte."""

COORDINATE_MAX = 127

WARP_POINTS = 5
"""So many points may one line run ahead of the other: hands hasten and linger by a tenth."""

ALIKE_MAX = 210
"""Thousandths of the size: what is nearer was drawn alike. Measured: `benchmarks/README.md`."""

# How signatures are found that may be alike, so that not every one is compared with every other.
ACROSS, DOWN, DIRECTIONS = 5, 3, 6
"""Where the pen went, and in which direction: shares of its way in so many cells."""
REACH = 1.9
"""The cells cover so many standard deviations to each side of the middle."""
SPREAD = 1.15
"""Of the bell over the cells that writing comes to on the whole, in standard deviations."""
PLANES = 12 * BAND_SIDES

Line = tuple[tuple[int, int], ...]
"""Points at equal steps along all strokes, about their middle, in `UNIT`."""


def lined(strokes: Strokes) -> Line:
    """Return a signature as a line that neither place, size nor speed changes."""
    points = _resampled([stroke for stroke in strokes if stroke])
    left = sum(x for x, _ in points) / LINE_POINTS
    top = sum(y for _, y in points) / LINE_POINTS
    size = sqrt(sum((x - left) ** 2 + (y - top) ** 2 for x, y in points) / LINE_POINTS) or 1.0
    return tuple((_whole((x - left) / size), _whole((y - top) / size)) for x, y in points)


def distance(one: Line, other: Line) -> int:
    """Return how far two lines are apart, in thousandths of their size; 0: they are the same.

    The mean distance of points that belong together, by dynamic time warping within a band.
    """
    best = [0.0] + [inf] * LINE_POINTS
    for row, here in enumerate(one, 1):
        first, last = max(1, row - WARP_POINTS), min(LINE_POINTS, row + WARP_POINTS)
        line = [inf] * (LINE_POINTS + 1)
        for column in range(first, last + 1):
            before = min(best[column - 1], best[column], line[column - 1])
            line[column] = before + dist(here, other[column - 1])
        best = line
    return round(best[LINE_POINTS] * 1000 / LINE_POINTS / UNIT)


def products(strokes: Strokes) -> list[float]:
    """Return on which side of fixed planes a signature lies, and how far: what `bands` takes.

    What is looked at is where the pen went in which direction, in few cells: turns that are a
    little elsewhere change little of it.
    """
    values = _peculiar(strokes)
    return [sum(map(mul, values, plane)) for plane in _planes()]


def line_bytes(line: Line) -> bytes:
    return bytes(value & 0xFF for point in line for value in point)


def line_of(content: bytes) -> Line:
    """Read a line back as `line_bytes` wrote it."""
    values = [value - 256 if value > COORDINATE_MAX else value for value in content]
    return tuple(zip(values[::2], values[1::2], strict=True))


def _resampled(strokes: Sequence[Sequence[Point]]) -> list[tuple[float, float]]:
    """Return points at equal steps of pen on paper; the ways through the air are left out."""
    steps = [pair for stroke in strokes for pair in pairwise(stroke)]
    lengths = [dist(a[:2], b[:2]) for a, b in steps]
    step = sum(lengths) / (LINE_POINTS - 1) if steps else 0.0
    found: list[tuple[float, float]] = []
    done = 0.0
    for (a, b), length in zip(steps, lengths, strict=True):
        while length and len(found) < LINE_POINTS and len(found) * step <= done + length:
            share = (len(found) * step - done) / length
            found.append((a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share))
        done += length
    last = strokes[-1][-1]
    # Sums of fractions may end a hair before the last point.
    return found + [(float(last.x), float(last.y))] * (LINE_POINTS - len(found))


def _peculiar(strokes: Strokes) -> list[float]:
    """Return where the pen went in which direction, less what all writing has in common."""
    shares = [sqrt(each) for each in _shares(strokes)]
    own = [sum(each**2 for each in shares[at::DIRECTIONS]) for at in range(DIRECTIONS)]
    usual = [sqrt(cell * direction) for cell in _bell() for direction in own]
    return [share - common for share, common in zip(shares, usual, strict=True)]


def _shares(strokes: Strokes) -> list[float]:
    """Return the share of the pen's way in each cell and direction; all of them come to 1."""
    steps = [
        ((a.x + b.x) / 2, (a.y + b.y) / 2, dist(a[:2], b[:2]), atan2(b.y - a.y, b.x - a.x))
        for stroke in strokes
        for a, b in pairwise(stroke)
        if a[:2] != b[:2]
    ]
    way = sum(length for _, _, length, _ in steps) or 1.0
    spans = []
    for axis in (0, 1):
        middle = sum(step[axis] * step[2] for step in steps) / way
        spread = sqrt(sum((step[axis] - middle) ** 2 * step[2] for step in steps) / way) or 1.0
        spans.append((middle, spread))
    shares = [0.0] * (ACROSS * DOWN * DIRECTIONS)
    for x, y, length, angle in steps:
        column, right = _cell((x - spans[0][0]) / spans[0][1], ACROSS)
        row, below = _cell((y - spans[1][0]) / spans[1][1], DOWN)
        turn = angle / tau % 1 * DIRECTIONS
        direction, further = int(turn) % DIRECTIONS, turn % 1
        # Between cells it is shared out, so that a hair's breadth changes little.
        for across, much in ((column, 1 - right), (column + 1, right)):
            for down, more in ((row, 1 - below), (row + 1, below)):
                at = (across * DOWN + down) * DIRECTIONS
                part = length / way * much * more
                shares[at + direction] += part * (1 - further)
                shares[at + (direction + 1) % DIRECTIONS] += part * further
    return shares


def _cell(deviations: float, count: int) -> tuple[int, float]:
    """Return the cell that holds a place, and how far on towards the next it lies."""
    place = (deviations + REACH) / (2 * REACH) * (count - 1)
    cell = max(0, min(count - 2, int(place)))
    return cell, max(0.0, min(1.0, place - cell))


@lru_cache(maxsize=1)
def _bell() -> list[float]:
    def height(at: int, count: int) -> float:
        return exp(-((REACH * (2 * at / (count - 1) - 1) / SPREAD) ** 2) / 2)

    heights = [height(i, ACROSS) * height(j, DOWN) for i in range(ACROSS) for j in range(DOWN)]
    return [each / sum(heights) for each in heights]


@lru_cache(maxsize=1)
def _planes() -> list[list[int]]:
    """Return planes that are always the same, and chosen by nobody: of steps up and down."""
    size, count = ACROSS * DOWN * DIRECTIONS, PLANES
    raw = shake_256(b"nuanzhang handwriting 1").digest(-(-size * count // 8))
    steps = [1 if byte >> shift & 1 else -1 for byte in raw for shift in range(8)]
    return [steps[at : at + size] for at in range(0, size * count, size)]


def _whole(value: float) -> int:
    return max(-COORDINATE_MAX, min(COORDINATE_MAX, round(value * UNIT)))
