"""Bands: short texts of which things that are alike share one, so that not all are compared."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

BAND_SIDES = 18
NEAR_SIDES = 7
"""So many of a band's sides are tried the other way too, one and two at a time: the nearest."""


def bands(products: Sequence[float]) -> list[str]:
    """Return the bands of something, said by how far on which side of fixed planes it lies."""
    return [
        _text(number, [each >= 0 for each in band]) for number, band in enumerate(_parted(products))
    ]


def sought(products: Sequence[float]) -> list[str]:
    """Return the bands of what it may be alike: its own, and those nearest to them."""
    return [
        _text(number, [side ^ (at in turned) for at, side in enumerate(sides)])
        for number, band in enumerate(_parted(products))
        for sides in [[each >= 0 for each in band]]
        for near in [_nearest(band)]
        for turned in ((), *combinations(near, 1), *combinations(near, 2))
    ]


def _nearest(band: Sequence[float]) -> list[int]:
    return sorted(range(len(band)), key=[abs(each) for each in band].__getitem__)[:NEAR_SIDES]


def _parted(products: Sequence[float]) -> Iterator[Sequence[float]]:
    for at in range(0, len(products), BAND_SIDES):
        yield products[at : at + BAND_SIDES]


def _text(number: int, sides: Iterable[bool]) -> str:
    return f"{number} " + "".join("1" if side else "0" for side in sides)
