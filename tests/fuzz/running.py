"""Gives a reader changed files for a while: it may refuse with a code, not crash, hang or swell."""

import gc
import math
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import mutated
from tests.fuzz.targets import Target

PIECE = 200
"""Files between two looks at the clock and at the memory."""
WARM = 100
CHANCE_BYTES = 8
LEFT_MB = 48
"""So much more than when it was warm may the process still hold at the end: caches of libraries."""


class TookTooLong(AssertionError):
    """The processor worked on one file for longer than any file is worth."""


def glance(target: Target, files: int) -> Counter[str]:
    """Give a reader so few changed files that memory says nothing; always the same ones."""
    came: Counter[str] = Counter()
    _piece(target, 0, files, came, math.inf)
    return came


def fuzz(target: Target, seconds: float, begin: int = 0) -> Counter[str]:
    """Give a reader changed files for so long.

    Args:
        target: The reader.
        seconds: How long. At least one piece is read.
        begin: What chance begins from; the same files come again.

    Returns:
        How many were read (`""`), and refused by each code.

    Raises:
        AssertionError: It hangs or swells.
        Exception: It raised what is no refusal, as it raised it.
    """
    came: Counter[str] = Counter()
    _piece(target, begin, WARM, came, time.monotonic() + seconds)
    gc.collect()
    warm = _resident_mb()
    _forget_peak()
    until = time.monotonic() + seconds
    number = begin
    while time.monotonic() < until:
        number += 1
        _piece(target, number, PIECE, came, until)
        peak = _peak_mb() - warm
        assert peak <= target.most_mb, f"{target.name} took {peak:.0f} MB in piece {number}"
    gc.collect()
    left = _resident_mb() - warm
    assert left <= LEFT_MB, f"{target.name} still holds {left:.0f} MB after {came.total()} files"
    return came


def _piece(target: Target, number: int, files: int, came: Counter[str], until: float) -> None:
    seeds = _seeds(target)

    @seed(number)
    @settings(
        max_examples=files,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=st.binary(min_size=CHANCE_BYTES, max_size=CHANCE_BYTES))
    def read(drawn: bytes) -> None:
        # Chance of its own: how deep Python may go differs with who calls, and so what is drawn.
        chance = Random(number.to_bytes(4) + drawn)
        data = mutated(chance, chance.choice(seeds), target.shape, seeds)
        # Once the time is over within a piece of slow files, the others are made and not read.
        if time.monotonic() < until:
            came[_code(target, data)] += 1

    read()


@cache
def _seeds(target: Target) -> list[bytes]:
    return list(target.seeds())


def _code(target: Target, data: bytes) -> str:
    try:
        with _limited(target):
            target.read(data)
    except target.refusals as refusal:
        return str(getattr(refusal, "code", type(refusal).__name__))
    return ""


@contextmanager
def _limited(target: Target) -> Iterator[None]:
    """Interrupt what takes too much of the processor's time; waiting for others does not count."""

    def stop(*_: object) -> None:
        raise TookTooLong(f"{target.name}: more than {target.cpu_s:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, target.cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _resident_mb() -> float:
    return _status("VmRSS:")


def _peak_mb() -> float:
    return _status("VmHWM:")


def _status(field: str) -> float:
    line = next(
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith(field)
    )
    return int(line.split()[1]) / 1024


def _forget_peak() -> None:
    """Have the kernel count the most memory anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")
