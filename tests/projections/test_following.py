"""Several processes follow one log: none builds the model anew because another was quicker."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select

from ledger.database import open_database
from ledger.store.feed import Recorded
from projections.runner import catch_up, open_model, rebuild
from projections.view import reading
from tests.world import World

OPENERS, FILES = 8, 20


class Quicker:
    """A log of which another process writes and reads on whenever somebody asks how long it is."""

    def __init__(self, world: World) -> None:
        self._world = world

    def size(self) -> int:
        size = self._world.ledger.size()
        self._world.receive("X01", 1)
        catch_up(self._world.ledger, self._world.home.read_models)
        return size

    def read(self, start: int, limit: int) -> Sequence[Recorded]:
        return self._world.ledger.read(start, limit)


def name_of(path: Path) -> tuple[str, int]:
    with open_model(path).asking() as model:
        row = model.execute(select(reading.c.model, reading.c.next_position)).one()
        return str(row[0]), int(row[1])


def test_a_model_that_another_process_read_on_meanwhile_is_not_built_anew(world: World) -> None:
    path = world.home.read_models
    catch_up(world.ledger, path)
    before, _ = name_of(path)

    for _ in range(3):
        catch_up(Quicker(world), path)

    assert name_of(path) == (before, world.ledger.size())


def test_a_model_that_knows_more_than_the_log_is_built_anew(world: World, tmp_path: Path) -> None:
    path = world.home.read_models
    catch_up(world.ledger, path)
    before, _ = name_of(path)
    other = World.at(tmp_path / "other")

    catch_up(other.ledger, path)

    after, size = name_of(path)
    assert (after != before, size) == (True, other.ledger.size())
    other.ledger.close()


def test_nobody_opens_the_file_while_another_takes_its_place(world: World) -> None:
    path = world.home.read_models
    model = catch_up(world.ledger, path)
    opened = threading.Event()

    def ask() -> None:
        name_of(path)
        opened.set()

    with model.nobody_opening():
        asking = Thread(target=ask)
        asking.start()
        assert not opened.wait(0.2)
    assert opened.wait(30)
    asking.join()


def test_whoever_asks_while_it_is_built_anew_again_and_again_sees_a_whole_model(
    world: World,
) -> None:
    path = world.home.read_models
    world.receive("X01", 100)
    catch_up(world.ledger, path)
    ended = threading.Event()
    seen: set[int] = set()

    def ask() -> None:
        while not ended.is_set():
            seen.add(name_of(path)[1])

    with ThreadPoolExecutor(2) as threads:
        asking = [threads.submit(ask) for _ in range(2)]
        for _ in range(5):
            rebuild(world.ledger, path)
        ended.set()
        for each in asking:
            each.result(30)

    assert seen == {world.ledger.size()}


@pytest.mark.parametrize("number", range(FILES))
def test_many_who_make_a_file_at_the_same_time_all_open_it(tmp_path: Path, number: int) -> None:
    path = tmp_path / f"{number}.sqlite"
    start = threading.Barrier(OPENERS)

    def open_() -> str:
        start.wait(30)
        connection = open_database(path)
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        connection.close()
        return str(mode)

    with ThreadPoolExecutor(OPENERS) as threads:
        opening = [threads.submit(open_) for _ in range(OPENERS)]
        assert {each.result(60) for each in opening} == {"wal"}
