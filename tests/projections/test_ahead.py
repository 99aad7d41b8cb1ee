"""Rows that other processes make are those that this one would make."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import partial
from multiprocessing import active_children, get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from ledger.postgresql_session import connect
from ledger.store.feed import Stored, StoredFeed
from ledger.store.home import Home
from ledger.store.mapper import EventUnreadable
from ledger.store.postgresql_recorder import lay_out_log
from ledger.store.stored_log import StoredLog
from projections import ahead
from projections.runner import compare, rebuild
from projections.view import RUN_POSITIONS
from tests.postgresql import Server

RUN_EVENTS = RUN_POSITIONS
BLOCK_POSITIONS = 500


@pytest.fixture
def log(campaign_2017: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a campaign's log, which is read in many runs."""
    monkeypatch.setattr(ahead, "BATCH_EVENTS_MAX", RUN_EVENTS)
    path = tmp_path / "log.sqlite"
    with (
        closing(sqlite3.connect(campaign_2017.events)) as source,
        closing(sqlite3.connect(path)) as target,
    ):
        source.backup(target)
    return path


@pytest.mark.parametrize("processes", [1, 2])
def test_a_read_model_is_the_same_whoever_makes_its_rows(
    log: Path, tmp_path: Path, processes: int
) -> None:
    here, there = tmp_path / "here.sqlite", tmp_path / "there.sqlite"
    with closing(StoredLog(log)) as feed:
        told: list[int] = []
        rebuild(feed, here, block_positions=BLOCK_POSITIONS, processes=0)
        rebuild(
            feed,
            there,
            lambda read, _: told.append(read),
            block_positions=BLOCK_POSITIONS,
            processes=processes,
        )
        size = feed.size()

    assert compare(here, there) == []
    assert size > 3 * processes * RUN_EVENTS, "runs had to wait for one another"
    assert told == [*range(RUN_EVENTS, size, RUN_EVENTS), size]


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("UPDATE log_events SET state = ? WHERE position = ?", (b"{}", 2 * RUN_EVENTS + 5)),
        ("UPDATE log_events SET topic = ? WHERE position = ?", ("fund.lent", RUN_EVENTS)),
    ],
)
def test_an_event_that_cannot_be_read_is_refused_as_ever_and_the_model_stays(
    log: Path, tmp_path: Path, statement: str, values: tuple[object, ...]
) -> None:
    live = tmp_path / "live.sqlite"
    with closing(StoredLog(log)) as feed:
        rebuild(feed, live)
    before = live.read_bytes()
    with closing(sqlite3.connect(log)) as database:
        database.execute(statement, values)
        database.commit()

    with closing(StoredLog(log)) as feed:
        for processes in (0, 2):
            with pytest.raises(EventUnreadable):
                rebuild(feed, live, processes=processes)

    assert live.read_bytes() == before


def test_who_makes_rows_reads_the_log_in_postgresql_over_a_line_of_its_own(
    log: Path, tmp_path: Path, postgresql: Server
) -> None:
    here, there = tmp_path / "here.sqlite", tmp_path / "there.sqlite"
    database = postgresql.fresh()
    lay_out_log(database)
    with closing(connect(database)) as session, closing(sqlite3.connect(log)) as source:
        session.copy("log_events", iter(source.execute("SELECT * FROM log_events")))

    with closing(StoredLog(log)) as feed:
        rebuild(feed, here, processes=0)
    with closing(ReadElsewhere(database)) as feed:
        rebuild(feed, there, processes=2)

    assert compare(here, there) == []


class ReadElsewhere(StoredLog):
    """A log that this process does not read."""

    def stored(self, start: int, limit: int) -> Stored:
        raise AssertionError(f"{limit} events are read here, from {start} on")


class OpensForNobody(StoredLog):
    """A log that other processes cannot open."""

    def elsewhere(self) -> Callable[[], StoredFeed]:
        return partial(StoredLog, Path("/nowhere/log.sqlite"))


def test_what_others_cannot_read_is_made_here(log: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.sqlite", tmp_path / "there.sqlite"
    with closing(OpensForNobody(log)) as feed:
        rebuild(feed, here, processes=0)
        rebuild(feed, there, processes=2)

    assert compare(here, there) == []


@pytest.mark.parametrize("later_s", [0.0, 0.003, 0.03])
def test_what_others_were_killed_over_is_made_here(
    log: Path, tmp_path: Path, later_s: float
) -> None:
    here, there = tmp_path / "here.sqlite", tmp_path / "there.sqlite"
    killed: list[int] = []

    def kill(read: int, _size: int) -> None:
        if read != 2 * RUN_EVENTS:
            return
        time.sleep(later_s)  # in the middle of a run, or of its answer
        for each in active_children():
            each.kill()
            killed.append(read)

    with closing(StoredLog(log)) as feed:
        rebuild(feed, here, block_positions=BLOCK_POSITIONS, processes=0)
        rebuild(feed, there, kill, block_positions=BLOCK_POSITIONS, processes=2)

    assert killed
    assert compare(here, there) == []


def _stuck(log: Path, path: Path, begun: Event) -> None:
    """Build a model with others' help, and come no further than its first rows."""

    def wait(_read: int, _size: int) -> None:
        begun.set()
        time.sleep(600)

    with closing(StoredLog(log)) as feed:
        rebuild(feed, path, wait, processes=2)


def test_who_makes_rows_for_a_process_that_was_killed_ends_and_holds_no_lock(
    log: Path, tmp_path: Path
) -> None:
    live = tmp_path / "live.sqlite"
    context = get_context("spawn")
    begun = context.Event()
    building = context.Process(target=_stuck, args=(log, live, begun))
    building.start()
    assert begun.wait(60)

    building.kill()
    building.join()

    with live.with_suffix(".lock").open("ab") as lock:
        for _ in range(100):
            try:
                flock(lock, LOCK_EX | LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.1)
        else:
            pytest.fail("the lock is held by somebody yet")
