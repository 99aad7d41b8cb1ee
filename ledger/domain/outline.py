"""The outline of a signature's picture: where its ink lies, as a hash that near-same ones share.

A difference hash (dHash), taken of the ink alone: its dots are set about their middle, turned level
and brought to one size before they are counted, so that another crop, scale, pen width, resolution
or a little turn changes few of its bits, where a hash of the whole picture would change with each.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import atan2, cos, exp, pi, sin, sqrt

from ledger.domain.bands import BAND_SIDES
from ledger.domain.strokes import Strokes

ACROSS, DOWN = 18, 12
"""Of cells; each is held against its right neighbour."""

SIDES = (ACROSS - 1) * DOWN // BAND_SIDES * BAND_SIDES
HASH_BYTES = -(-SIDES // 8)

REACH = 2.1
"""The cells cover so many standard deviations to each side of the middle."""

BLUR = 0.75
"""Of a cell: so far does a dot tell, that a line on a cell's edge does not jump."""

TURN_MAX = pi / 9
LONG_ENOUGH = 1.4
"""What is so much longer than high has a direction, and is turned level; a round one has none."""

ALIKE_MAX = 30
"""Of 198 bits. Measured: `benchmarks/README.md`."""

STEP_UNITS = 4.0

Dots = Sequence[tuple[float, float]]


def products(dots: Dots) -> list[float]:
    """Return how much more ink each cell has than its neighbour: what `bands` takes."""
    cells = _cells(_levelled(dots))
    found = [
        cells[row][column] - cells[row][column + 1]
        for row in range(DOWN)
        for column in range(ACROSS - 1)
    ]
    return found[:SIDES]


def hashed(values: Sequence[float]) -> bytes:
    """Return the sides as bytes."""
    number = 0
    for each in values:
        number = number << 1 | (each >= 0)
    return number.to_bytes(HASH_BYTES, "big")


def distance(one: bytes, other: bytes) -> int:
    """Return in how many bits two hashes differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def dots_of(strokes: Strokes) -> list[tuple[float, float]]:
    """Return dots along strokes, at equal steps."""
    found: list[tuple[float, float]] = []
    for stroke in strokes:
        for a, b in pairwise(stroke):
            length = sqrt((b.x - a.x) ** 2 + (b.y - a.y) ** 2)
            count = max(1, round(length / STEP_UNITS))
            found += [
                (a.x + (b.x - a.x) * at / count, a.y + (b.y - a.y) * at / count)
                for at in range(count)
            ]
    return found


def _levelled(dots: Dots) -> Dots:
    """Set dots about their middle, turn them level, and bring them to one size each way."""
    count = len(dots)
    left = sum(x for x, _ in dots) / count
    top = sum(y for _, y in dots) / count
    placed = [(x - left, y - top) for x, y in dots]
    wide = sum(x * x for x, _ in placed) / count
    high = sum(y * y for _, y in placed) / count
    both = sum(x * y for x, y in placed) / count
    turn = atan2(2 * both, wide - high) / 2
    if wide > high * LONG_ENOUGH**2 and abs(turn) <= TURN_MAX:
        c, s = cos(turn), sin(turn)
        placed = [(x * c + y * s, y * c - x * s) for x, y in placed]
        wide = sum(x * x for x, _ in placed) / count
        high = sum(y * y for _, y in placed) / count
    across, down = sqrt(wide) or 1.0, sqrt(high) or 1.0
    return [(x / across, y / down) for x, y in placed]


def _cells(dots: Dots) -> list[list[float]]:
    cells = [[0.0] * ACROSS for _ in range(DOWN)]
    for x, y in dots:
        column = (x + REACH) / (2 * REACH) * (ACROSS - 1)
        row = (y + REACH) / (2 * REACH) * (DOWN - 1)
        across = _spread(column, ACROSS)
        for at, much in _spread(row, DOWN):
            line = cells[at]
            for to, more in across:
                line[to] += much * more
    return cells


def _spread(place: float, count: int) -> list[tuple[int, float]]:
    """Return the cells that a place tells in, and how much."""
    nearest = round(place)
    return [
        (at, exp(-(((place - at) / BLUR) ** 2) / 2))
        for at in range(max(0, nearest - 2), min(count, nearest + 3))
    ]
