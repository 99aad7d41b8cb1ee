"""A load that is killed at any moment leaves a whole log, loses nothing, and can be finished."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from ledger.store.home import Home
from tests.slow.excerpt import SCENARIO
from tests.slow.failures import saying

pytestmark = pytest.mark.slow

SEEDS = range(10)
KILLS_PER_SEED = 5
LOAD = ("-m", "api.cli", "load", str(SCENARIO), "--json")
ACKNOWLEDGING_LOAD = ("-m", "tests.slow.acknowledging_load", str(SCENARIO))
ROOT = Path(__file__).parents[2]
BIRTH_S = 0.06
"""How long the first files of a home take to be made, generously."""


@dataclass(frozen=True, slots=True)
class Undisturbed:
    report: object
    topics: list[str]
    duration_s: float


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    home = Home(tmp_path_factory.mktemp("undisturbed") / "home")
    start = time.monotonic()
    done = run(home, LOAD)
    duration_s = time.monotonic() - start
    assert done.returncode == 0, done.stderr
    return Undisturbed(json.loads(done.stdout), topics(home), duration_s)


def test_the_undisturbed_load_is_the_expected_one(undisturbed: Undisturbed) -> None:
    assert undisturbed.report == json.loads((SCENARIO / "expected.json").read_text())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_load_killed_again_and_again_loses_nothing_and_comes_out_the_same(
    tmp_path: Path, undisturbed: Undisturbed, seed: int
) -> None:
    random = Random(f"kill {seed}")
    home = Home(tmp_path / "home-0")
    acknowledged: dict[int, str] = {}
    kills = homes = 0
    while kills < KILLS_PER_SEED:
        command = random.choice((LOAD, ACKNOWLEDGING_LOAD))
        newborn = not home.path.exists() and random.random() < 0.5
        delay_s = random.uniform(0, BIRTH_S if newborn else undisturbed.duration_s)
        with saying(f"seed {seed}, kill {kills}, {command[1]} after {delay_s:.3f} s"):
            killed, said = kill(home, command, delay_s, from_birth=newborn)
            acknowledged |= said
            assert_whole(home, acknowledged)
            kills += killed
            if not killed:
                assert_the_same(home, undisturbed)
                homes += 1
                home, acknowledged = Home(tmp_path / f"home-{homes}"), {}
    with saying(f"seed {seed}, finished"):
        assert_the_same(home, undisturbed)
        assert_whole(home, acknowledged)


def assert_whole(home: Home, acknowledged: dict[int, str]) -> None:
    """Verification is clean, and the log begins with what was acknowledged."""
    verified = run(home, ("-m", "api.cli", "verify"))
    if not home.exists():
        assert verified.stderr.startswith("home.missing")
        assert not acknowledged
        return
    assert verified.returncode == 0, verified.stdout + verified.stderr
    with closing(sqlite3.connect(home.events)) as connection:
        notes = dict(connection.execute("SELECT size, note FROM log_checkpoints"))
    # A checkpoint commits to every event before it, and verification has just said so.
    assert acknowledged.items() <= notes.items()


def assert_the_same(home: Home, undisturbed: Undisturbed) -> None:
    done = run(home, LOAD)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == undisturbed.report
    assert topics(home) == undisturbed.topics


def kill(
    home: Home, command: Sequence[str], delay_s: float, *, from_birth: bool
) -> tuple[bool, dict[int, str]]:
    """Start a command and kill it; return whether it was still running, and what it acknowledged.

    Args:
        home: Where it works.
        command: What to run.
        delay_s: How long it is left alone, from its start,
        from_birth: or from the moment when the home appears.
    """
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        while from_birth and not home.path.exists() and process.poll() is None:
            time.sleep(0.001)
        try:
            said, _ = process.communicate(timeout=delay_s)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
    if command is not ACKNOWLEDGING_LOAD:
        return process.returncode < 0, {}
    # The last line may have been cut off.
    lines = said[: said.rfind("\n") + 1].splitlines()
    return process.returncode < 0, {size: note for size, note in map(json.loads, lines) if size}


def run(home: Home, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )


def environment(home: Home) -> dict[str, str]:
    return {**os.environ, "NUANZHANG_HOME": str(home.path), "PYTHONUTF8": "1"}


def topics(home: Home) -> list[str]:
    with closing(sqlite3.connect(home.events)) as connection:
        return [
            topic
            for (topic,) in connection.execute("SELECT topic FROM log_events ORDER BY position")
        ]
