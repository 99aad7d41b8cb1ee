"""Synthetic hands: each writes names in its own way, and no two of its signatures are the same."""

import math
from itertools import pairwise
from random import Random

from ledger.domain.strokes import Point

Form = list[list[tuple[float, float]]]
"""Strokes of a signature as their turning points, in units of the box."""


def form_of(name: str, hand: str = "") -> Form:
    """Return how a hand means to write a name: characters of two to seven strokes, side by side.

    The name gives each character its strokes; the hand pushes each turn about, and leans.
    """
    named, own = Random(f"name {name}"), Random(f"hand {hand} {name}")
    lean = own.uniform(-0.25, 0.25) if hand else 0.0
    strokes: Form = []
    for place in range(named.choice((2, 3, 3, 3, 4))):
        left = 60 + place * 220
        for _ in range(named.randint(2, 7)):
            x, y = named.uniform(0, 160), named.uniform(0, 200)
            turns = [(x, y)]
            for _ in range(named.choice((1, 1, 2, 3))):
                turn = named.choice((0, 45, 90, 135, 180, 270)) + named.uniform(-20, 20)
                length = named.uniform(40, 150)
                x = min(200, max(0, x + length * math.cos(math.radians(turn))))
                y = min(240, max(0, y + length * math.sin(math.radians(turn))))
                turns.append((x, y))
            if hand:
                turns = [(x + own.gauss(0, 28), y + own.gauss(0, 28)) for x, y in turns]
            strokes.append([(left + x - lean * y, 100 + y) for x, y in turns])
    return strokes


def written(form: Form, times: Random, care: float = 1.0) -> list[list[Point]]:
    """Write a form once: larger or smaller, tilted, stretched, each turn a little elsewhere.

    Args:
        form: What is meant.
        times: Where the differences between two times come from.
        care: 1.0 is what people do from one signature to the next; 0.2 a replay with noise.
    """
    size = 1 + times.gauss(0, 0.12) * care
    wide = size * (1 + times.gauss(0, 0.06) * care)
    tilt = math.radians(times.gauss(0, 2.5) * care)
    across, down = times.uniform(-30, 30), times.uniform(-30, 30)
    ms, strokes = 0, []
    every = times.choice((8, 11, 16))
    for turns in form:
        meant = [(x + times.gauss(0, 9) * care, y + times.gauss(0, 9) * care) for x, y in turns]
        stroke = []
        for (x0, y0), (x1, y1) in pairwise(meant):
            steps = max(2, round(math.dist((x0, y0), (x1, y1)) / (every * 1.2)))
            bulge = times.gauss(0, 0.06) * care
            for step in range(steps + 1):
                share = (1 - math.cos(math.pi * step / steps)) / 2
                off = bulge * math.sin(math.pi * share)
                x = x0 + (x1 - x0) * share - (y1 - y0) * off + times.gauss(0, 1.2)
                y = y0 + (y1 - y0) * share + (x1 - x0) * off + times.gauss(0, 1.2)
                turned = (
                    x * wide * math.cos(tilt) - y * size * math.sin(tilt) + across,
                    x * wide * math.sin(tilt) + y * size * math.cos(tilt) + down,
                )
                stroke.append(Point(_within(turned[0]), _within(turned[1]), ms, 120))
                ms += every
        strokes.append(stroke)
        ms += times.randint(60, 200)
    return strokes


def _within(value: float) -> int:
    return max(0, min(1000, round(value)))
