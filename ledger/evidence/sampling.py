"""Samples that nobody steers: drawn from a list that was fixed before the seed was there.

Whole numbers and SHA-256 alone, as FORMAT.md has it: anybody draws the same again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from heapq import nsmallest
from typing import NamedTuple

FORMAT = "nuanzhang sample 1"
SIMPLE, STRATIFIED, MONETARY_UNIT = "simple", "stratified", "monetary_unit"

# Hashes of one kind are never taken for another: trees and maps begin theirs with 00 to 04.
_RANK, _START = b"\x05", b"\x06"


class Unit(NamedTuple):
    """A payment that may be drawn: where it was instructed, fen, and what it is told apart by."""

    position: int
    amount_fen: int
    stratum: str = ""


def universe_sha256(units: Iterable[Unit]) -> str:
    """Return the hash of a universe's text, hex."""
    digest = sha256()
    for unit in units:
        digest.update(line_of(unit))
    return digest.hexdigest()


def line_of(unit: Unit) -> bytes:
    """Return a payment's line in the text of its universe.

    Source: FORMAT.md, "Sample".
    """
    return f"{unit.position} {unit.amount_fen} {unit.stratum}\n".encode()


def seed_of(sample_id: str, root: bytes) -> bytes:
    """Return the seed of one sample under a checkpoint: no two samples share one.

    Args:
        sample_id: The stream of the sample's events, a UUID in lower case with hyphens.
        root: Root hash of the first checkpoint that was published after the plan, 32 bytes.
    """
    return sha256(f"{FORMAT}\n{sample_id}\n".encode() + root).digest()


def draw(method: str, size: int, units: Sequence[Unit], seed: bytes) -> list[int]:
    """Draw a sample; return the positions of the payments in it, rising.

    Args:
        method: `simple`, `stratified` or `monetary_unit`.
        size: How many payments; of `monetary_unit`, how many points of money. At most as many as
            there are payments, and at least as many as there are strata.
        units: The universe; positions differ, amounts are above zero.
        seed: As `seed_of` makes it.

    Source: FORMAT.md, "Sample".
    """
    if method == MONETARY_UNIT:
        return sorted(_struck(size, units, seed))
    strata: dict[str, list[int]] = defaultdict(list)
    for unit in units:
        strata[unit.stratum if method == STRATIFIED else ""].append(unit.position)
    shares = quotas({name: len(held) for name, held in strata.items()}, size)
    return sorted(
        position
        for name, held in strata.items()
        for position in nsmallest(shares[name], held, key=lambda each: rank(seed, each))
    )


def rank(seed: bytes, position: int) -> bytes:
    """Return what payments are ordered by under a seed."""
    return sha256(_RANK + seed + position.to_bytes(8, "big")).digest()


def quotas(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """Share a sample out among strata: one for each, the rest by what is left in each.

    What does not come out even goes to the largest remainders, of equal ones to the stratum whose
    name comes first by its bytes. No stratum is asked for more than it has.

    Args:
        counts: How many payments each stratum has, one at least.
        size: At least as many as there are strata, at most as many as there are payments.
    """
    rest, left = size - len(counts), sum(counts.values()) - len(counts)
    if left == 0:
        return dict(counts)
    shares = {name: 1 + rest * (count - 1) // left for name, count in counts.items()}
    order = sorted(counts, key=lambda name: (-(rest * (counts[name] - 1) % left), name.encode()))
    for name in order[: size - sum(shares.values())]:
        shares[name] += 1
    return shares


def _struck(size: int, units: Sequence[Unit], seed: bytes) -> set[int]:
    """Return the payments that points of money fall on, laid end to end in the order of ranks.

    The points are as far apart as the total has room for: a payment of at least that much is
    always struck, a smaller one as often as it is large. In the order of the log, lists of equal
    amounts would have a rhythm that points could fall in with.
    """
    total = sum(unit.amount_fen for unit in units)
    if total == 0:
        return set()
    start = int.from_bytes(sha256(_START + seed).digest(), "big") % total
    found, end, point = set(), 0, 0
    for unit in sorted(units, key=lambda each: rank(seed, each.position)):
        end += unit.amount_fen
        # Point number k lies at (k * total + start) / size, rounded down.
        while point < size and (point * total + start) // size < end:
            found.add(unit.position)
            point += 1
    return found
