"""Verification goes on from where it was before, and sees when the log is no longer the same."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.commands import log_ranges, verification
from ledger.commands.continuing import Verified
from ledger.commands.verification import Verdict, verify_log
from tests.world import Person, World, roster_row, settled

ONE, TWO = Person(1), Person(2)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 60_000))
    return world


def verify(world: World, before: Verified | None = None, *, whole: bool = True) -> Verdict:
    key = world.home.founding_key_id()
    return verify_log(
        world.home.events, world.ledger.origin, key, processes=1, before=before, whole=whole
    )


def verified(world: World) -> Verified:
    verdict = verify(world)
    assert verdict.holds
    assert verdict.verified is not None
    assert verdict.verified.size == verdict.events == world.ledger.size()
    return verdict.verified


def harm(world: World, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(world.home.events)) as connection:
        connection.execute(statement, values)
        connection.commit()


@pytest.mark.parametrize("chunk", [7, 4096])
def test_what_came_since_is_verified_to_the_same_end(
    world: World, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    for module in (log_ranges, verification):
        monkeypatch.setattr(module, "CHUNK_EVENTS", chunk)
    before = verified(world)
    for amount in range(100, 160):  # more entries than a tile holds
        for _ in range(6):
            world.receive("X01", amount)
    world.answer("B1", settled(1, ONE, 80_000), settled(2, TWO, 60_000))

    further = verify(world, before, whole=False)

    assert further.holds, further.broken
    assert further.verified == verified(world)
    again = verify(world, further.verified, whole=False)
    assert again.verified == further.verified


def test_a_forged_new_entry_is_found_and_an_old_one_by_the_whole_run(world: World) -> None:
    before = verified(world)
    world.receive("X01", 100)
    size = world.ledger.size()
    harm(
        world,
        "UPDATE log_events SET topic = 'fund.opened' WHERE position IN (?, ?)",
        before.size - 2,
        size - 1,
    )

    further, whole = verify(world, before, whole=False), verify(world, before)

    assert (further.position, further.last_good_size) == (size - 1, before.size)
    assert whole.position == before.size - 2


def test_a_log_that_was_cut_back_is_told_from_one_that_is_short(world: World) -> None:
    old = verified(world)
    world.ledger.close()
    shutil.copy(world.home.events, world.home.events.with_suffix(".old"))
    world.reopen()
    world.receive("X01", 100)
    before = verified(world)
    world.ledger.close()
    for leftover in world.home.path.glob("events.sqlite-*"):
        leftover.unlink()
    world.home.events.with_suffix(".old").rename(world.home.events)

    for whole in (False, True):
        verdict = verify(world, before, whole=whole)
        assert verdict.broken is not None
        assert (verdict.broken.code, verdict.position) == ("verify.cut_back", old.size)

    # And grown again, soundly signed: it is another log than the one that was verified.
    world.home.high_water.unlink()
    world.reopen()
    while world.ledger.size() <= before.size:
        world.receive("X01", 77)
    for whole in (False, True):
        verdict = verify(world, before, whole=whole)
        assert verdict.broken is not None
        assert verdict.broken.code == "verify.rewritten"
        assert verdict.last_good_size == 0
    assert verify(world).holds


def test_a_version_left_out_of_an_old_stream_is_seen(world: World) -> None:
    before = verified(world)
    world.receive("X01", 100)
    position = world.ledger.size() - 1
    harm(
        world,
        "UPDATE log_events SET originator_version = originator_version + 1 WHERE position = ?",
        position,
    )

    assert verify(world, before, whole=False).position == position


def test_a_log_in_use_is_verified_up_to_where_it_stood(world: World) -> None:
    written: list[int] = []

    def write(done: int, _: int) -> None:
        if not written:
            world.receive("X01", 100)
            written.append(done)

    size = world.ledger.size()
    key = world.home.founding_key_id()
    verdict = verify_log(world.home.events, world.ledger.origin, key, progress=write, processes=1)

    assert written
    assert verdict.holds, verdict.broken
    assert verdict.events == size < world.ledger.size()
