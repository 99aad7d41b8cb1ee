"""The strokes of a drawn signature: whether they are one at all, their text, and their picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import NamedTuple

from ledger.errors import Kind, LedgerError

BOX_UNITS = 1000
"""Width of the box that is signed in; all lengths are in such units, whatever the screen."""

PRESSURE_MAX = 255

STROKES_MAX = 200
POINTS_MAX = 2000
"""Four dense characters are some 50 strokes, and at 60 points a second some 1,200 points."""

TEXT_BYTES_MAX = 18_000
"""Sealed with its picture it fits an entry of the log (65,535 bytes), however long each step."""

DURATION_MS_MAX = 600_000
"""Nobody signs for ten minutes: what takes longer was left lying and taken up by somebody else."""

# What is no signature. A dot, a tap that smears and an accidental wipe stay below these; the
# shortest names (丁一: three strokes) stay above, written as small as a finger can.
POINTS_MIN = 8
"""Screens give 60 points a second or more: fewer are a touch of an eighth of a second."""
INK_UNITS_MIN = 150
"""All strokes together are as long as a seventh of the box is wide."""
LONG_SIDE_UNITS_MIN = 60
SHORT_SIDE_UNITS_MIN = 20
"""A dot has no size, and a single straight line is nobody's name."""
DURATION_MS_MIN = 300
"""No hand writes two characters in less; a program posts them in none."""

MARGIN_UNITS = 20
PEN_UNITS = 6


class Point(NamedTuple):
    """Where the pen was: box units, milliseconds since the first point, pressure to 255."""

    x: int
    y: int
    ms: int
    pressure: int


Strokes = Sequence[Sequence[Point]]


class SignatureEmpty(LedgerError):
    """What was drawn is no signature: nothing, a dot, a line, or drawn in no time."""

    code = "signature.empty"
    kind = Kind.INVALID

    def __init__(self, ink: "Ink") -> None:
        super().__init__(
            f"{ink.points} points, {ink.length} units long, {ink.long_side} by {ink.short_side},"
            f" in {ink.duration_ms} ms: at least {POINTS_MIN}, {INK_UNITS_MIN},"
            f" {LONG_SIDE_UNITS_MIN} by {SHORT_SIDE_UNITS_MIN}, {DURATION_MS_MIN}"
        )


class StrokesUnreadable(LedgerError):
    """Points lie outside of the box, or go back in time."""

    code = "signature.strokes_unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("strokes are points within the box, one after another in time")


class SignatureTooLong(LedgerError):
    """More was drawn than an entry of the log holds."""

    code = "signature.too_long"
    kind = Kind.INVALID

    def __init__(self, strokes: int, points: int) -> None:
        super().__init__(
            f"{strokes} strokes of {points} points, at most {STROKES_MAX} of {POINTS_MAX}"
            f" within {DURATION_MS_MAX // 1000} seconds"
        )


@dataclass(frozen=True, slots=True)
class Ink:
    """What was drawn, in figures."""

    points: int
    length: int
    long_side: int
    short_side: int
    duration_ms: int

    @property
    def is_signature(self) -> bool:
        return (
            self.points >= POINTS_MIN
            and self.length >= INK_UNITS_MIN
            and self.long_side >= LONG_SIDE_UNITS_MIN
            and self.short_side >= SHORT_SIDE_UNITS_MIN
            and self.duration_ms >= DURATION_MS_MIN
        )


def require_signature(strokes: Strokes) -> None:
    """Check that strokes can be kept, and that they are a signature.

    Raises:
        SignatureTooLong, StrokesUnreadable, SignatureEmpty: As they say.
    """
    points = list(_points(strokes))
    if len(strokes) > STROKES_MAX or len(points) > POINTS_MAX:
        raise SignatureTooLong(len(strokes), len(points))
    for point in points:
        if not (
            0 <= point.x <= BOX_UNITS
            and 0 <= point.y <= BOX_UNITS
            and 0 <= point.pressure <= PRESSURE_MAX
        ):
            raise StrokesUnreadable
    backwards = any(later.ms < earlier.ms for earlier, later in pairwise(points))
    if backwards or not all(strokes) or any(each.ms < 0 for each in points[:1]):
        raise StrokesUnreadable
    ink = measured(strokes)
    if ink.duration_ms > DURATION_MS_MAX or len(to_text(strokes)) > TEXT_BYTES_MAX:
        raise SignatureTooLong(len(strokes), len(points))
    if not ink.is_signature:
        raise SignatureEmpty(ink)


def measured(strokes: Strokes) -> Ink:
    """Return what was drawn in figures; of nothing all are 0."""
    points = list(_points(strokes))
    if not points:
        return Ink(0, 0, 0, 0, 0)
    width, height = (
        max(each[axis] for each in points) - min(each[axis] for each in points) for axis in (0, 1)
    )
    length = sum(
        hypot(later.x - earlier.x, later.y - earlier.y)
        for stroke in strokes
        for earlier, later in pairwise(stroke)
    )
    duration = points[-1].ms - points[0].ms
    return Ink(len(points), int(length), max(width, height), min(width, height), duration)


def to_text(strokes: Strokes) -> str:
    """Write strokes as text: `x y ms pressure` a point, the first whole, the others as steps.

    Points end at `;`, strokes at a line's end. Times go on from one stroke to the next.
    """
    lines, before = [], Point(0, 0, 0, 0)
    for stroke in strokes:
        steps = []
        for point in stroke:
            x, y, ms = (point[at] - before[at] for at in range(3))
            steps.append(f"{x} {y} {ms} {point.pressure}")
            before = point
        lines.append(";".join(steps))
    return "\n".join(lines)


def from_text(text: str) -> list[list[Point]]:
    """Read strokes back as `to_text` wrote them."""
    strokes, before = [], Point(0, 0, 0, 0)
    for line in text.split("\n"):
        stroke = []
        for step in line.split(";"):
            x, y, ms, pressure = map(int, step.split(" "))
            before = Point(before.x + x, before.y + y, before.ms + ms, pressure)
            stroke.append(before)
        strokes.append(stroke)
    return strokes


def to_svg(strokes: Strokes) -> str:
    """Draw strokes as a picture, made here so that no device's picture has to be trusted.

    It follows from their form alone, not from where in the box they stand or when they were drawn:
    the same form replayed at another time, or shifted, gives the same picture.
    """
    points = list(_points(strokes))
    left = min(each.x for each in points) - MARGIN_UNITS
    top = min(each.y for each in points) - MARGIN_UNITS
    width = max(each.x for each in points) - left + MARGIN_UNITS
    height = max(each.y for each in points) - top + MARGIN_UNITS
    paths = "".join(_path(stroke, left, top) for stroke in strokes if stroke)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<path d="{paths}" fill="none" stroke="#000" stroke-width="{PEN_UNITS}"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def _path(stroke: Sequence[Point], left: int, top: int) -> str:
    first = stroke[0]
    # A stroke of one point is drawn too: with round ends a line of no length is a dot.
    steps = [(b.x - a.x, b.y - a.y) for a, b in pairwise(stroke)] or [(0, 0)]
    return f"M{first.x - left} {first.y - top}l" + " ".join(f"{x} {y}" for x, y in steps)


def _points(strokes: Strokes) -> Iterator[Point]:
    for stroke in strokes:
        yield from stroke
