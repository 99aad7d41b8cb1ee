"""Workers that wait at one socket share those who come, and one that stands still takes nobody."""

import asyncio
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from api.edge import loop
from api.edge.loop import FairLoop

LINES, CROWD = 24, 90


class Counting(asyncio.Protocol):
    """Counts whom it is given, and tells each that it was."""

    def __init__(self, taken: list[asyncio.Transport]) -> None:
        self._taken = taken

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._taken.append(transport)
        transport.write(b"!")


class Worker:
    """A loop in a thread of its own that waits at a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.taken: list[asyncio.Transport] = []
        self._sock = sock.dup()
        self._begun, self._ended = Event(), asyncio.Event()

    def run(self) -> None:
        with asyncio.Runner(loop_factory=FairLoop) as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: Counting(self.taken), sock=self._sock, backlog=100
        )
        assert server.is_serving()
        self._begun.set()
        await self._ended.wait()
        server.close()
        await server.wait_closed()
        assert not server.is_serving()
        for each in self.taken:
            each.close()
        self._sock.close()

    def wait(self) -> None:
        assert self._begun.wait(30)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    def hold_up(self, for_s: float) -> None:
        self._loop.call_soon_threadsafe(time.sleep, for_s)


@pytest.fixture
def workers() -> Iterator[tuple[int, list[Worker]]]:
    with socket.create_server(("127.0.0.1", 0)) as sock, ThreadPoolExecutor(2) as threads:
        found = [Worker(sock) for _ in range(2)]
        running = [threads.submit(each.run) for each in found]
        for each in found:
            each.wait()
        yield sock.getsockname()[1], found
        for each in found:
            each.end()
        for ran in running:
            ran.result(30)


def come(lines: ExitStack, port: int) -> None:
    """Connect, and wait until one of the workers has taken it."""
    line = lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
    assert line.recv(1) == b"!"


def test_lines_that_are_kept_are_shared(workers: tuple[int, list[Worker]]) -> None:
    port, (one, other) = workers
    with ExitStack() as lines:
        for _ in range(LINES):
            come(lines, port)

        assert len(one.taken) + len(other.taken) == LINES
        assert min(len(one.taken), len(other.taken)) >= LINES / 4


def test_who_is_busy_is_not_waited_for(workers: tuple[int, list[Worker]]) -> None:
    port, (one, other) = workers
    one.hold_up(2)
    begin = time.monotonic()
    with ExitStack() as lines:
        come(lines, port)
        come(lines, port)

        assert time.monotonic() - begin < 2
        assert len(other.taken) == 2


def test_whoever_comes_while_no_file_can_be_opened_is_taken_later(
    workers: tuple[int, list[Worker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, found = workers
    accept: Callable[..., object] = FairLoop.sock_accept
    refused: list[bool] = []

    async def refuse_once(of: FairLoop, sock: socket.socket) -> object:
        if not refused:
            refused.append(True)
            raise OSError
        return await accept(of, sock)  # type: ignore[misc]

    monkeypatch.setattr(loop, "REFUSED_WAIT_S", 0.0)
    monkeypatch.setattr(FairLoop, "sock_accept", refuse_once)
    with ExitStack() as lines:
        for _ in range(4):
            come(lines, port)

    assert refused
    assert sum(len(each.taken) for each in found) == 4


def test_a_crowd_does_not_wait_for_its_turn_one_by_one(
    workers: tuple[int, list[Worker]],
) -> None:
    port, found = workers
    with ExitStack() as lines:
        for _ in range(2 * LINES):  # each worker looks for another every twenty milliseconds
            come(lines, port)
        begin = time.monotonic()
        crowd = [
            lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            for _ in range(CROWD)
        ]
        for each in crowd:
            assert each.recv(1) == b"!"

        assert time.monotonic() - begin < CROWD / len(found) * loop.WAIT_MAX_S / 2


class Counted(selectors.EpollSelector):
    """Counts how often its loop is woken."""

    woken = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.woken += 1
        return super().select(timeout)


def test_a_worker_that_stops_is_not_woken_for_whoever_comes() -> None:
    selector = Counted()

    async def stop(sock: socket.socket) -> int:
        own = sock.dup()
        server = await asyncio.get_running_loop().create_server(
            lambda: Counting([]), sock=own, backlog=10
        )
        await asyncio.sleep(0.01)
        server.close()
        own.close()  # others have it, too
        before = selector.woken
        with socket.create_connection(sock.getsockname()):
            await asyncio.sleep(0.1)
        return selector.woken - before

    with (
        socket.create_server(("127.0.0.1", 0)) as sock,
        asyncio.Runner(loop_factory=lambda: FairLoop(selector)) as runner,
    ):
        assert runner.run(stop(sock)) < 10


def test_one_that_takes_nobody_any_more_says_so_and_ends() -> None:
    broken = """
import asyncio, socket
from api.edge.loop import FairLoop

class Broken(FairLoop):
    async def sock_accept(self, sock):
        raise RuntimeError("what it says may quote data")

async def serve(loop):
    sock = socket.create_server(("127.0.0.1", 0))
    await loop.create_server(asyncio.Protocol, sock=sock, backlog=1)
    await asyncio.sleep(60)

loop = Broken()
loop.run_until_complete(serve(loop))
"""
    done = subprocess.run(
        [sys.executable, "-c", broken], timeout=30, check=False, capture_output=True, text=True
    )

    assert done.returncode == -signal.SIGTERM
    assert "no more connections are taken: unexpected RuntimeError" in done.stderr
    assert "quote" not in done.stderr
