"""A restore drill: a backup is put back, verified, read and compared, and nothing of it is left."""

import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from api.control_totals import control_totals
from ledger.backups.manifest import Manifest
from ledger.backups.restoring import Restored, Restoring, restore
from ledger.backups.segments import Progress
from ledger.commands.held_checkpoint import (
    CheckpointBeyond,
    read_checkpoint,
    require_held,
)
from ledger.commands.verification import Verdict, verify_log
from ledger.errors import Kind, LedgerError
from ledger.evidence.merkle import root_at
from ledger.postgresql import DatabaseUnreachable
from ledger.store.home import DatabaseNotNamed, Home
from ledger.store.mapper import event_of
from ledger.store.stored_log import StoredLog, connect
from ledger.store.tiles import node_reader
from projections.runner import rebuild


class TotalsDiffer(LedgerError):
    """Read models of the restored log come to other figures than the service had."""

    code = "backup.totals_differ"
    kind = Kind.BROKEN

    def __init__(self, named: Mapping[str, tuple[object, object]]) -> None:
        said = "; ".join(f"{name}: {had}, now {has}" for name, (had, has) in named.items())
        super().__init__(f"control totals differ: {said}")


class LiveLogDiffers(LedgerError):
    """The ledger in use does not go on from the backup: one of them was written anew."""

    code = "backup.live_differs"
    kind = Kind.BROKEN

    def __init__(self, size: int, live: int) -> None:
        super().__init__(f"the live log, of {live}, does not go on from the {size} in the backup")


@dataclass(frozen=True, slots=True)
class Lost:
    """What would be lost if the live log were gone now: events, and seconds between the last two.

    Seconds are by the moments of recording that the events themselves name.
    """

    events: int
    seconds: float


@dataclass(slots=True)
class Drilled:
    """What a drill found; it went well where `faults` is empty."""

    manifest: Manifest
    restored: Restored
    verdict: Verdict
    checkpoint_size: int | None = None
    by_way_of_live: bool = False
    """Whether the checkpoint is later than the backup, and the live log holds both."""
    totals: dict[str, int | str] = field(default_factory=dict)
    lost: Lost | None = None
    """None where the ledger is not at hand."""
    took_s: dict[str, float] = field(default_factory=dict)
    faults: list[LedgerError] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """From nothing to a ledger that answers."""
        return sum(self.took_s.values())


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill is to use.

    `checkpoint`: a signed note that somebody else kept. `live`: the ledger in use, if at hand.
    `scratch`: where there is room for a whole ledger; None for the system's place for such.
    """

    how: Restoring
    checkpoint: Path | None = None
    live: Home | None = None
    scratch: Path | None = None
    progress: Progress | None = None


def drill(folder: Path, order: Drill) -> Drilled:
    """Put a backup back into a folder that is gone afterwards, and see what it is worth.

    Raises:
        LedgerError: The backup does not even come back, or the checkpoint is no such file.
    """
    note = None if order.checkpoint is None else read_checkpoint(order.checkpoint)[1]
    with tempfile.TemporaryDirectory(prefix="nuanzhang-drill-", dir=order.scratch) as scratch:
        home = Home(Path(scratch) / "ledger")
        watch = _Watch()
        how = replace(order.how, for_a_moment=True)
        restored = restore(folder, home.path, how, order.progress)
        watch.lap("restore")
        manifest = restored.manifest
        founding = order.how.founding_key_id or manifest.founding_key_id
        verdict = verify_log(home.events, manifest.origin, founding, progress=order.progress)
        watch.lap("verify")
        found = Drilled(manifest, restored, verdict, took_s=watch.took_s)
        if restored.unsigned is not None:
            found.faults.append(restored.unsigned)
        if verdict.broken is not None:
            found.faults.append(verdict.broken)
            return found
        if note is not None:
            _hold_against(found, home, founding, note, order.live)
        watch.lap("checkpoint")
        _read(found, home, order.progress)
        watch.lap("rebuild")
    if order.live is not None:
        # Gone, or not to be reached: that is what backups are for, and no fault of this one.
        with suppress(sqlite3.Error, DatabaseUnreachable, DatabaseNotNamed):
            _compare_with_live(found, order.live)
    return found


def _hold_against(found: Drilled, home: Home, founding: str, note: str, live: Home | None) -> None:
    """Hold the restored log against a checkpoint; one that is later, the live log has to hold."""
    origin = found.manifest.origin
    try:
        try:
            found.checkpoint_size = require_held(home.events, origin, founding, note).size
        except CheckpointBeyond:
            if live is None:
                raise
            found.checkpoint_size = require_held(live.log, origin, founding, note).size
            found.by_way_of_live = True
    except LedgerError as fault:
        found.faults.append(fault)


def _read(found: Drilled, home: Home, progress: Progress | None) -> None:
    with closing(StoredLog(home.events)) as log:
        model = rebuild(log, home.read_models, progress)
    with model.asking() as connection:
        found.totals = control_totals(connection, found.manifest.size)
    model.engine.dispose()
    before = found.manifest.totals
    named = {
        name: (before.get(name), found.totals.get(name))
        for name in sorted(before.keys() | found.totals.keys())
        if before.get(name) != found.totals.get(name)
    }
    if named:
        found.faults.append(TotalsDiffer(named))


def _compare_with_live(found: Drilled, live: Home) -> None:
    size = found.manifest.size
    with closing(connect(live.log)) as connection:
        connection.execute("BEGIN")
        (last,) = connection.execute("SELECT max(position) FROM log_events").fetchone()
        held = 0 if last is None else int(last) + 1
        if held < size or root_at(size, node_reader(connection)) != found.manifest.tree.root():
            found.faults.append(LiveLogDiffers(size, held))
            return
        moments = []
        for position in (size - 1, held - 1):
            topic, state = connection.execute(
                "SELECT topic, state FROM log_events WHERE position = ?", (position,)
            ).fetchone()
            moments.append(datetime.fromisoformat(event_of(topic, state).recorded_at))
    found.lost = Lost(held - size, (moments[1] - moments[0]).total_seconds())


class _Watch:
    def __init__(self) -> None:
        self.took_s: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.took_s[name] = round(now - self._since, 3)
        self._since = now
