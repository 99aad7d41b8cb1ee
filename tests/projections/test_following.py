"""Several processes follow one log: none builds the model anew because another was quicker."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select

from ledger.database import open_database
from ledger.store.feed import Recorded
from projections.runner import (
    catch_up,
    compare,
    discard,
    open_model,
    put_in_place,
    rebuild,
)
from projections.view import LINES_KEPT, ReadModel, reading
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


def _line(model: ReadModel) -> int:
    """Use a line to a model; return what tells it from others that are open at the same time."""
    with model.asking() as connection:
        return id(connection.connection.driver_connection)


def _lines_open(path: Path) -> int:
    """Count this process's lines to a model, by the log beside it that each has open.

    Of the model itself SQLite keeps what was open for the next line, while there is another.
    """
    beside = path.with_name(path.name + "-wal")
    return [_led_to(each) for each in Path("/proc/self/fd").iterdir()].count(beside)


def _led_to(descriptor: Path) -> Path | None:
    try:
        return descriptor.readlink()
    except FileNotFoundError:  # the one by which the folder was read
        return None


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


def test_a_line_is_kept_from_question_to_question(world: World) -> None:
    model = catch_up(world.ledger, world.home.read_models)

    assert len({_line(model) for _ in range(5)}) == 1


@pytest.mark.parametrize("processes", [0, 1], ids=["by this process", "by another"])
def test_a_line_that_was_kept_leads_to_the_file_that_took_its_place(
    world: World, processes: int
) -> None:
    path = world.home.read_models
    before, _ = name_of(catch_up(world.ledger, path).path)
    line = _line(open_model(path))

    if processes:
        built = world.home.path / "elsewhere.sqlite"
        rebuild(world.ledger, built)
        built.rename(path)  # as it is seen by whoever did not build it
    else:
        rebuild(world.ledger, path)

    assert _line(open_model(path)) != line
    assert name_of(path)[0] != before


def test_a_model_whose_file_was_taken_away_under_a_kept_line_is_built_anew(world: World) -> None:
    path = world.home.read_models
    before, size = name_of(catch_up(world.ledger, path).path)
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()

    catch_up(world.ledger, path)

    after = name_of(path)
    assert (after[0] != before, after[1]) == (True, size)


def test_a_model_that_takes_another_s_place_knows_what_was_written_meanwhile(world: World) -> None:
    path = world.home.read_models
    before, _ = name_of(catch_up(world.ledger, path).path)
    built = path.with_name("compared.sqlite")
    rebuild(world.ledger, built)
    assert compare(built, path) == []
    world.receive("X01", 100)

    put_in_place(world.ledger, built, path)

    after = name_of(path)
    assert (after[0] != before, after[1]) == (True, world.ledger.size())
    assert list(path.parent.glob("compared.sqlite*")) == []


def test_nothing_is_left_of_a_model_that_is_discarded(world: World) -> None:
    built = world.home.read_models.with_name("compared.sqlite")
    rebuild(world.ledger, built)
    name_of(built)

    discard(built)

    assert list(built.parent.glob("compared.sqlite*")) == []


def test_a_process_keeps_no_more_lines_than_it_has_use_for(world: World) -> None:
    path = world.home.read_models
    model = catch_up(world.ledger, path)
    with ExitStack() as open_ones:
        for _ in range(3 * LINES_KEPT):
            open_ones.enter_context(model.asking())

    assert _lines_open(path) == LINES_KEPT


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
