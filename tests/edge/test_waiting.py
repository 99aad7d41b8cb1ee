"""A service that begins before what it rests on: it waits, says for what, and ends when told to."""

import errno
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, cast
from weakref import ref

import pytest

from api import serving as service
from api import waiting
from api.serving import Supervisor, config_of
from api.waiting import as_soon_as_there
from ledger.database import DiskFull
from ledger.postgresql import Database, DatabaseUnreachable, NotMigrated
from ledger.store.home import Home
from tests.postgresql import KEEPS_WHAT_IS_COMMITTED, OWNER, running
from tests.world import DAY, RECORDED_AT, World

ENDS_WITHIN_S = 10


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOKED_EVERY_S", 0)


def test_it_waits_for_all_that_passes_and_says_once_for_what(
    capsys: pytest.CaptureFixture[str],
) -> None:
    away: list[Exception] = [
        DatabaseUnreachable(),
        DatabaseUnreachable(),
        DiskFull(),
        OSError(errno.EROFS, "chmod"),
    ]
    closed = list[str]()

    def begin(opening: ExitStack) -> str:
        opening.callback(closed.append, "closed")
        if away:
            raise away.pop(0)
        return "begun"

    with as_soon_as_there(begin) as begun:
        assert begun == "begun"
        assert len(closed) == 4, "what was opened in vain is closed again"

    assert len(closed) == 5
    said = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert said == [
        "nuanzhang waits until it can begin; database.unreachable",
        "nuanzhang waits until it can begin; disk.full",
        "nuanzhang waits until it can begin; disk.read_only",
        "nuanzhang what it waited for is there",
    ]


def test_what_was_opened_in_vain_is_not_held_while_it_waits() -> None:
    class Opened:
        """What the frame holds in which it was opened."""

    before = list["ref[Opened]"]()

    def begin(_: ExitStack) -> None:
        held = Opened()
        if not before:
            before.append(ref(held))
            raise DatabaseUnreachable
        assert before[0]() is None

    with as_soon_as_there(begin):
        assert before


def test_a_ledger_whose_database_is_away_leaves_no_file_open(tmp_path: Path) -> None:
    made = World.at(tmp_path)
    made.ledger.close()
    identity = made.home.identity
    identity.write_bytes(identity.read_bytes().replace(b'"sqlite"', b'"postgresql"'))
    away = Database.at(f"postgresql:///postgres?host={tmp_path}&user={OWNER}")
    home = Home(made.home.path, named=away)

    with pytest.raises(DatabaseUnreachable) as refused:
        home.open(RECORDED_AT, DAY)

    # Its frames hold what was opened for as long as somebody keeps it.
    assert refused.tb is not None
    assert not [each for each in files_open() if each.is_relative_to(home.path)]


def files_open() -> list[Path]:
    found = list[Path]()
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one by which the folder is read
            found.append(each.readlink())
    return found


@pytest.mark.parametrize("cause", [NotMigrated(None, 1), FileNotFoundError(2, "gone")])
def test_what_waiting_does_not_change_is_told_at_once(cause: Exception) -> None:
    def begin(_: ExitStack) -> None:
        raise cause

    with pytest.raises(type(cause)), as_soon_as_there(begin):
        pass


@contextmanager
def serving(home: Path, workers: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--workers", str(workers)],
        env={"NUANZHANG_HOME": str(home), "NUANZHANG_VERIFY_EVERY_S": "0", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def test_one_that_begins_before_its_database_waits_and_ends_when_it_is_told_to(
    tmp_path: Path,
) -> None:
    with running(KEEPS_WHAT_IS_COMMITTED) as server:
        world = World.at(tmp_path, server.fresh()).settle_in()
        world.ledger.close()
        server.kill()

        with serving(world.home.path, 2) as told_to_end:
            assert "database.unreachable" in line_of(told_to_end)
            began = time.monotonic()
            told_to_end.send_signal(signal.SIGTERM)
            assert told_to_end.wait(60) == 0
            assert time.monotonic() - began < ENDS_WITHIN_S

        with serving(world.home.path, 1) as waits:
            assert "database.unreachable" in line_of(waits)
            server.start()
            assert "is there" in line_of(waits)
            assert waits.stdout is not None
            assert "http://127.0.0.1" in waits.stdout.readline()


def test_a_worker_that_was_told_to_end_while_it_was_imported_waits_for_nothing() -> None:
    waiting_worker = """
import signal
import uvicorn
from api import serving
from ledger.postgresql import DatabaseUnreachable

def begin(_):
    raise DatabaseUnreachable

server = uvicorn.Server(uvicorn.Config("none:none"))
with server.capture_signals():
    signal.raise_signal(signal.SIGTERM)
    assert server.should_exit
    serving._begun(begin)
"""
    done = subprocess.run([sys.executable, "-c", waiting_worker], timeout=120, check=False)

    assert done.returncode == 0


class Begins:
    """A worker as whoever watches over it sees it: it lives, and answers after a while."""

    def __init__(self) -> None:
        self.child_conn, self.other_end = Pipe()
        self.ready = False
        self.told_to_end = self.ended = False

    def is_alive(self, timeout: float) -> bool:
        return timeout > 0

    def is_ready(self, timeout: float) -> bool:
        return self.ready and timeout > 0

    def terminate(self) -> None:
        self.told_to_end = True

    def join(self) -> None:
        self.ended = self.told_to_end


def test_the_address_is_told_once_a_worker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    told, workers = list[str](), [Begins(), Begins()]
    supervisor = Supervisor(config_of("none:none"), [], lambda: told.append("listens"))
    supervisor.processes = cast("list[Any]", workers)

    supervisor.keep_subprocess_alive()
    assert told == []
    workers[1].ready = True
    for _ in range(2):
        supervisor.keep_subprocess_alive()

    assert told == ["listens"]


@pytest.mark.parametrize(
    "failure", [BrokenPipeError(), UnicodeEncodeError("ascii", "暖账", 0, 2, "not in range")]
)
def test_where_nobody_can_be_told_the_address_it_is_served_all_the_same(
    failure: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def announce() -> None:
        raise failure

    answers = Begins()
    answers.ready = True
    supervisor = Supervisor(config_of("none:none"), [], announce)
    workers: list[Any] = [answers]
    supervisor.processes = workers

    for _ in range(2):
        supervisor.keep_subprocess_alive()

    assert [each.getMessage() for each in caplog.records] == [
        f"where it listens could not be told: {type(failure).__name__}"
    ]


def test_no_worker_serves_on_when_whoever_watches_over_them_comes_to_grief(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers = [Begins(), Begins()]

    class ComesToGrief(Supervisor):
        def init_processes(self) -> None:
            self.processes: list[Any] = [*workers]

        def keep_subprocess_alive(self) -> None:
            raise BlockingIOError(errno.EAGAIN, "fork")

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(service, "Supervisor", ComesToGrief)

    with socket.socket() as sock, pytest.raises(BlockingIOError):
        service._supervise("none:none", 2, sock, lambda _: None, lambda: None)

    assert [each.ended for each in workers] == [True, True]
