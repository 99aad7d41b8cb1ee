"""Whether the log holds: verified again and again while the service is up, and told at any time."""

import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import msgspec

from api.background.verdicts import Run, Verdicts
from api.background.verifying import Task, VerifierDied, Verifying, under_way
from ledger.database import DISK_REFUSALS
from ledger.postgresql import DatabaseUnreachable

FIRST_AFTER_S = 5.0
"""Starting up is not slowed down by it."""
STALE_AFTER_RUNS = 3
STALE_AT_LEAST_S = 15 * 60
AHEAD_MAX_S = 60
"""Clocks are put right by a little now and then. A verdict from further ahead than this was given
before ours was set back, and nobody knows how long ago."""
BROKEN_AGAIN_S = 3600
LOOK_EVERY_S = 1.0
AGAIN_AFTER_S, AGAIN_AFTER_MAX_S = 2.0, 60.0
"""How long it waits after a run that gave no verdict: twice as long each time, up to a minute."""
SAY_EVERY_S = 0.25

log = logging.getLogger("nuanzhang.integrity")


class Light(StrEnum):
    """What is told first: it holds, nobody has looked lately, a key was lost, or it is broken."""

    SOUND = "sound"
    STALE = "stale"
    DOUBTED = "doubted"
    BROKEN = "broken"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often new entries are verified, and how often the whole log; 0: on request alone."""

    every_s: int = 0
    whole_every_s: int = 24 * 3600

    @property
    def stale_after_s(self) -> int:
        """How old a verdict may be."""
        return max(self.every_s * STALE_AFTER_RUNS, STALE_AT_LEAST_S)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the log at a moment, from the last run that came to its end.

    `upto` entries were found to hold; `run` is None where none ever ended, and `age_s` is how long
    ago it did; `done` of `total` entries are through where a run is under way.
    """

    light: Light
    upto: int
    entries: int
    run: Run | None
    whole_at_s: int | None
    age_s: int | None
    stale_after_s: int
    running: bool
    done: int
    total: int

    @property
    def further(self) -> int:
        """How many entries came since."""
        return max(0, self.entries - self.upto)


class Integrity:
    """Verifies by the clock and on request, in a thread that waits for a process that works.

    A run that was cut off is begun anew, and goes on from the last verdict: so a restart costs
    nothing but the time since.
    """

    def __init__(
        self,
        store: Path,
        task: Task,
        size: Callable[[], int],
        now_s: Callable[[], int],
        rhythm: Rhythm,
        first_after_s: float = FIRST_AFTER_S,
        running_s: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Verify a log.

        Args:
            store: Where verdicts are kept.
            task: Which log.
            size: Says how many entries it has.
            now_s: The moment, in seconds since 1970; somebody may set that clock.
            rhythm: How often.
            first_after_s: How long after the start.
            running_s: Seconds that no setting of a clock makes more or less.
            environment: What the process that verifies finds its log's database by.
        """
        self._verdicts = Verdicts(store)
        self._task = task
        self._size = size
        self._now_s = now_s
        self._rhythm = rhythm
        self._first_after_s = first_after_s
        self._running_s = running_s
        self._environment = environment
        self._failures = 0
        self._not_before = 0.0
        self._known_since: dict[bool, tuple[Run, float]] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._verifying: Verifying | None = None
        self._said_at = 0.0
        self._thread = threading.Thread(target=self._run, name="integrity", daemon=True)

    def start(self) -> None:
        """Verify by the clock from here on: one process of all that serve the ledger does."""
        self._verdicts.end()
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End what is under way: it is begun anew when the service is back."""
        self._stopping.set()
        self._wake.set()
        verifying = self._verifying
        if verifying is not None:
            verifying.end()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._verdicts.close()

    def ask(self) -> None:
        """Have the whole log verified now, or as soon as what is under way has ended."""
        self._verdicts.ask()
        self._wake.set()

    def standing(self) -> Standing:
        # In this order: a run that ends meanwhile is not told to have ended without its verdict.
        now = self._verdicts.under_way()
        run, whole = self._verdicts.last(), self._verdicts.last(whole=True)
        entries = self._size()
        return Standing(
            self._light(run, whole),
            0 if run is None else run.found.last_good_size,
            entries,
            run,
            None if whole is None else whole.ended_at_s,
            None if run is None else self._age_s(run),
            self._rhythm.stale_after_s,
            now.asked or now.busy,
            now.done,
            now.total,
        )

    def verified_age_s(self) -> float:
        """Return how long ago the last run ended; NaN where none ever did.

        It is infinite where nobody knows, since the clock was set back: it passes any bound then.
        """
        last = self._verdicts.last()
        if last is None:
            return math.nan
        return self._age_s(last) if self._is_dated(last) else math.inf

    def holds(self) -> float:
        """Return 1 where the last run found that the log holds, else 0; NaN where none ended."""
        last = self._verdicts.last()
        return math.nan if last is None else float(last.holds)

    def last(self) -> Run | None:
        """Return the last run that came to its end."""
        return self._verdicts.last()

    def latest(self, count: int) -> list[Run]:
        """Return the last runs, the latest first."""
        return self._verdicts.latest(count)

    def verify_once(self, *, whole: bool) -> Run | None:
        """Verify; return how it ended, or None if it was cut off.

        After a run that found the log broken nothing less than the whole of it will do.

        Raises:
            VerifierDied: The process that verifies came to grief.
        """
        before = self._verdicts.last(holding=True)
        task = Task(
            self._task.path,
            self._task.origin,
            self._task.founding_key_id,
            whole or before is None,
            None if before is None else before.found.before,
        )
        began = self._running_s()
        with under_way(task, self._environment) as verifying:
            self._verifying = verifying
            try:
                found = None if self._stopping.is_set() else verifying.found(self._advance)
            finally:
                self._verifying = None
        if found is None:
            return None
        run = Run(task.whole, self._now_s(), int((self._running_s() - began) * 1000), found)
        self._verdicts.add(run)
        return run

    def _light(self, run: Run | None, whole: Run | None) -> Light:
        if run is None or whole is None:
            return Light.NEVER
        if not run.holds:
            return Light.BROKEN
        if run.found.doubts:
            return Light.DOUBTED
        fresh = self._is_within(run, self._rhythm.stale_after_s)
        whole_fresh = self._is_within(whole, 2 * self._rhythm.whole_every_s)
        return Light.SOUND if fresh and whole_fresh else Light.STALE

    def _is_within(self, run: Run, seconds: int) -> bool:
        """Say whether a run ended no longer ago, as far as anybody knows."""
        return self._is_dated(run) and self._age_s(run) <= seconds

    def _is_dated(self, run: Run) -> bool:
        """Say whether the moment when a run ended can be true: it is not still to come."""
        return run.ended_at_s - self._now_s() <= AHEAD_MAX_S

    def _age_s(self, run: Run) -> int:
        """Return how long ago a run ended: as the clock says, and no less than it is known here."""
        now = self._running_s()
        known, since = self._known_since.get(run.whole, (None, now))
        if known != run:
            since = now
            self._known_since[run.whole] = run, now
        return max(self._now_s() - run.ended_at_s, int(now - since), 0)

    def _run(self) -> None:
        self._wake.wait(self._first_after_s)
        while not self._stopping.is_set():
            self._wake.clear()
            self._verify_if_due()
            if not self._stopping.is_set():
                # Another process may be asked, too.
                self._wake.wait(LOOK_EVERY_S)

    def _verify_if_due(self) -> None:
        try:
            if self._running_s() < self._not_before:
                return
            if not (self._verdicts.under_way().asked or self._is_due()):
                return
            whole = self._is_whole_due()
            asked = self._verdicts.begin()
            try:
                run = self.verify_once(whole=whole or asked > 0)
                if run is not None and asked:
                    self._verdicts.answered(asked)
            finally:
                self._verdicts.end()
            self._failures = 0
        except (
            OSError,
            sqlite3.Error,
            msgspec.MsgspecError,
            DatabaseUnreachable,
            VerifierDied,
            *DISK_REFUSALS,
        ) as error:
            # A full disk, or a database that is gone, must not end the thread: the verdict grows
            # old, and says so. The type alone: a message may quote data.
            told = str(error) if isinstance(error, VerifierDied) else type(error).__name__
            if isinstance(error, DatabaseUnreachable) or told == DatabaseUnreachable.code:
                log.warning("verification: put off, %s", DatabaseUnreachable.code)
            else:
                log.error("verification: unexpected %s", told)  # noqa: TRY400 - as said
            again_s = min(AGAIN_AFTER_S * 2 ** min(self._failures, 9), AGAIN_AFTER_MAX_S)
            self._failures += 1
            self._not_before = self._running_s() + again_s
            return
        if run is not None and not run.holds:
            log.error("the log does not hold: %s", run.found.code)

    def _advance(self, done: int, of: int) -> None:
        now = self._running_s()
        if done == of or now - self._said_at >= SAY_EVERY_S:
            self._said_at = now
            self._verdicts.advance(done, of)

    def _is_due(self) -> bool:
        if not self._rhythm.every_s:
            return False
        run, wait_s = self._verdicts.last(), self._rhythm.every_s
        if run is not None and not run.holds:
            wait_s = max(wait_s, BROKEN_AGAIN_S)
        return run is None or not self._is_within(run, wait_s - 1)

    def _is_whole_due(self) -> bool:
        last, whole = self._verdicts.last(), self._verdicts.last(whole=True)
        if last is None or whole is None or not last.holds:
            return True
        return not self._is_within(whole, self._rhythm.whole_every_s - 1)
