"""The log is verified while it is served: what the light says, and what a restart knows of it."""

import math
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api import bootstrap
from api.background.integrity import Integrity, Light, Rhythm
from api.background.verdicts import Verdicts
from api.background.verifying import Task, VerifierDied, under_way
from tests.postgresql import OWNER, Server
from tests.world import World

RHYTHM = Rhythm(every_s=60, whole_every_s=3600)
NOW_S = 1_500_000_000


class Watch:
    """A world, and whoever watches over its log; time goes on by hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now_s = NOW_S
        self.runs_s = 0.0
        self.started: list[Integrity] = []
        self.integrity = self.begin()

    def task(self, path: str = "") -> Task:
        home = self.world.home
        return Task(
            path or str(home.events),
            "test.local/log",
            home.founding_key_id(),
            whole=True,
            before=None,
        )

    def begin(self, rhythm: Rhythm = RHYTHM, path: str = "") -> Integrity:
        home, task = self.world.home, self.task(path)
        made = Integrity(
            home.verdicts,
            task,
            self.size,
            lambda: self.now_s,
            rhythm,
            0.01,
            running_s=lambda: self.runs_s,
        )
        self.started.append(made)
        return made

    def size(self) -> int:
        return self.world.ledger.size()  # of the ledger that is open by then

    def end(self) -> None:
        for each in self.started:
            each.stop(10)

    def harm(self, statement: str) -> None:
        with closing(sqlite3.connect(self.world.home.events)) as connection:
            connection.execute(statement)
            connection.commit()


@pytest.fixture
def watch(world: World) -> Iterator[Watch]:
    world.receive("X01", 500_000)
    watch = Watch(world)
    yield watch
    watch.end()


def test_a_sound_log_says_up_to_where_and_when_it_was_verified(watch: Watch) -> None:
    assert watch.integrity.standing().light == Light.NEVER

    watch.integrity.verify_once(whole=True)
    size = watch.world.ledger.size()
    standing = watch.integrity.standing()
    assert (standing.light, standing.upto, standing.further) == (Light.SOUND, size, 0)

    watch.world.receive("X01", 100)
    assert watch.integrity.standing().further == 1
    run = watch.integrity.verify_once(whole=False)
    assert run is not None
    assert (run.whole, run.found.last_good_size) == (False, size + 1)


def test_an_old_verdict_says_that_it_is_stale(watch: Watch) -> None:
    watch.integrity.verify_once(whole=True)
    watch.now_s += RHYTHM.stale_after_s + 1
    assert watch.integrity.standing().light == Light.STALE

    watch.integrity.verify_once(whole=False)
    assert watch.integrity.standing().light == Light.SOUND
    # New entries alone are not enough for ever.
    watch.now_s += 2 * RHYTHM.whole_every_s
    watch.integrity.verify_once(whole=False)
    assert watch.integrity.standing().light == Light.STALE


def test_what_was_tampered_with_on_disk_turns_the_light_within_a_run(watch: Watch) -> None:
    watch.integrity.verify_once(whole=True)
    watch.harm("UPDATE log_events SET topic = 'fund.opened' WHERE position = 9")

    watch.integrity.verify_once(whole=True)

    standing = watch.integrity.standing()
    assert standing.light == Light.BROKEN
    assert standing.run is not None
    assert (standing.run.found.code, standing.run.found.position) == ("verify.entry_broken", 9)
    assert standing.upto <= 9


def test_a_log_that_was_cut_back_is_seen_by_the_verdict_before(watch: Watch) -> None:
    world = watch.world
    world.ledger.close()
    shutil.copy(world.home.events, world.home.path / "old.sqlite")
    world.reopen()
    size = world.ledger.size()
    world.receive("X01", 100)
    watch.integrity.verify_once(whole=True)
    world.ledger.close()
    for leftover in world.home.path.glob("events.sqlite-*"):
        leftover.unlink()
    (world.home.path / "old.sqlite").rename(world.home.events)
    world.home.high_water.unlink()
    world.reopen()

    run = watch.integrity.verify_once(whole=False)

    assert run is not None
    assert (run.found.code, run.found.position) == ("verify.cut_back", size)
    assert watch.integrity.standing().light == Light.BROKEN


def test_a_service_that_comes_back_goes_on_from_the_last_verdict(watch: Watch) -> None:
    watch.integrity.verify_once(whole=True)
    before = watch.integrity.standing()
    watch.now_s += 30

    again = watch.begin()

    assert again.standing().light == Light.SOUND
    assert (again.standing().upto, again.standing().age_s) == (before.upto, 30)
    run = again.verify_once(whole=False)
    assert run is not None
    assert not run.whole


def test_a_damaged_file_of_verdicts_costs_a_whole_run_and_nothing_else(watch: Watch) -> None:
    watch.integrity.verify_once(whole=True)
    watch.end()
    for leftover in watch.world.home.path.glob("verdicts.sqlite-*"):
        leftover.unlink()
    watch.world.home.verdicts.write_bytes(b"no database " * 100)

    again = watch.begin()

    assert again.standing().light == Light.NEVER
    run = again.verify_once(whole=False)
    assert run is not None
    assert (run.whole, run.holds) == (True, True)


def test_by_the_clock_and_on_request_it_verifies_by_itself(watch: Watch) -> None:
    watch.integrity.start()
    wait(lambda: watch.integrity.standing().light == Light.SOUND)
    watch.integrity.ask()
    assert watch.integrity.standing().running
    wait(lambda: not watch.integrity.standing().running)

    assert [run.whole for run in watch.integrity.latest(9)] == [True, True]


def test_a_clock_that_was_set_back_leaves_no_light_green_and_no_log_unverified(
    watch: Watch,
) -> None:
    watch.integrity.verify_once(whole=True)
    watch.now_s -= 2 * 3600
    assert watch.integrity.standing().light == Light.STALE
    assert watch.integrity.verified_age_s() == math.inf

    watch.integrity.start()
    wait(lambda: watch.integrity.standing().light == Light.SOUND)

    assert [run.whole for run in watch.integrity.latest(9)] == [True, True]
    assert watch.integrity.verified_age_s() == 0


def test_a_verdict_is_at_least_as_old_as_it_is_known_here(watch: Watch) -> None:
    watch.integrity.verify_once(whole=True)
    assert watch.integrity.standing().light == Light.SOUND

    # Meanwhile the clock was set back by as much.
    watch.runs_s += RHYTHM.stale_after_s + 1

    standing = watch.integrity.standing()
    assert (standing.light, standing.age_s) == (Light.STALE, RHYTHM.stale_after_s + 1)


def test_a_verifier_that_cannot_work_is_told_of_and_waited_for_longer_each_time(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = watch.world.home.path / "nowhere"
    fails = watch.begin(Rhythm(0), f"postgresql:///postgres?host={nowhere}&user={OWNER}")
    fails.ask()
    told = list[int]()

    for waited_s in (0, 0, 2, 2, 2):
        watch.runs_s += waited_s
        fails._verify_if_due()
        told.append(caplog.text.count("put off, database.unreachable"))

    assert told == [1, 1, 2, 2, 3]
    assert fails.standing().running, "whoever asked is still waited for"
    assert str(nowhere) not in caplog.text
    able = watch.begin(Rhythm(0))
    able.start()
    wait(lambda: not able.standing().running)
    assert [run.whole for run in able.latest(9)] == [True]


def test_whoever_asks_while_the_log_is_verified_has_it_verified_once_more(watch: Watch) -> None:
    verdicts = Verdicts(watch.world.home.verdicts)
    verdicts.ask()
    asked = verdicts.begin()
    verdicts.ask()
    verdicts.answered(asked)

    assert verdicts.under_way().asked
    verdicts.answered(verdicts.begin())
    assert not verdicts.under_way().asked
    verdicts.close()


def test_a_verifier_that_dies_is_told_from_one_that_was_told_to_end(watch: Watch) -> None:
    with under_way(watch.task(), {}) as died:
        died._process.kill()
        with pytest.raises(VerifierDied, match="signal 9"):
            died.found(lambda *_: None)
    with under_way(watch.task(), {}) as ended:
        ended.end()
        assert ended.found(lambda *_: None) is None


def test_a_verifier_finds_a_database_by_the_drivers_own_settings(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = postgresql.fresh()
    world = World.at(tmp_path, store).settle_in()
    size = world.ledger.size()
    world.ledger.close()
    monkeypatch.setenv("PGHOST", str(postgresql.folder))
    monkeypatch.setenv("NUANZHANG_SERVICE_KEY", "a secret")
    environment = bootstrap.driver_environment()
    task = Task(
        f"postgresql:///postgres?user={OWNER}&schema={store.schema}",
        world.ledger.origin,
        world.home.founding_key_id(),
        whole=True,
        before=None,
    )

    with under_way(task, environment) as verifying:
        found = verifying.found(lambda *_: None)

    assert "a secret" not in environment.values()
    assert found is not None
    assert (found.code, found.last_good_size) == (None, size)


def wait(until: Callable[[], bool]) -> None:
    moment = threading.Event()
    for _ in range(1500):
        if until():
            return
        moment.wait(0.02)
    raise AssertionError("it did not come")
