"""Signatures that arrive at a ledger that has many: how long each is held against the others.

Prints are made up: each a handful of random strokes, so that they spread over the bands as
handwriting does; with `--same` all are one scribble, which is the worst that can arrive.
"""

import argparse
import random
import resource
import time
from hashlib import sha256
from uuid import UUID

from benchmarks.common import line, median, open_ledger, temporary_home
from ledger.commands.likeness import Trait, line_trait
from ledger.domain.bands import bands, sought
from ledger.domain.strokes import Point, Strokes
from ledger.store.application import Ledger
from ledger.vault.vault import Print

FLUSH_EVERY = 200
ARRIVALS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signatures", type=int, default=2_000)
    parser.add_argument("--same", action="store_true", help="all are one scribble")
    asked = parser.parse_args()
    with temporary_home() as home:
        arrivals = feed(open_ledger(home), asked.signatures, same=asked.same)
    line("signatures", asked.signatures)
    last = sorted(arrivals)
    line("ms an arrival, median", median(last))
    line("ms an arrival, p95", last[int(len(last) * 0.95)])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line("peak memory, MB", peak_mb)


def feed(ledger: Ledger, count: int, *, same: bool) -> list[float]:
    """Keep so many signatures, then hold some more against them; return the ms of each of these."""
    dice = random.Random(2017)
    once = scribbled(dice)
    for number in range(count):
        keep(ledger, number, line_trait(once if same else scribbled(dice)))
        if number % FLUSH_EVERY == FLUSH_EVERY - 1:
            ledger.vault.flush()
    ledger.vault.flush()
    found = []
    for number in range(count, count + ARRIVALS):
        trait = line_trait(once if same else scribbled(dice))
        start = time.perf_counter()
        for each in ledger.vault.prints_sharing(trait.kind, sought(trait.products)):
            trait.distance(trait.content, each.content)
        keep(ledger, number, trait)
        ledger.vault.flush()
        found.append(1_000 * (time.perf_counter() - start))
    return found


def keep(ledger: Ledger, number: int, trait: Trait) -> None:
    image = sha256(number.to_bytes(8, "big")).hexdigest()
    made = Print(UUID(int=number + 1), UUID(int=number + 1), image, trait.kind, trait.content)
    ledger.vault.keep_print(made, bands(trait.products))


def scribbled(dice: random.Random) -> Strokes:
    return [stroke(dice, 60 * at) for at in range(dice.randint(6, 12))]


def stroke(dice: random.Random, left: int) -> list[Point]:
    x, y = left + dice.randint(0, 200), dice.randint(0, 300)
    across, down = dice.randint(-12, 14), dice.randint(-12, 14)
    points: list[Point] = []
    for at in range(12):
        x, y = max(0, x + across + dice.randint(-3, 3)), max(0, y + down + dice.randint(-3, 3))
        points.append(Point(x, y, at * 10, 128))
    return points


if __name__ == "__main__":
    main()
