"""The event loop of one worker among several: it leaves some of those who come to the others."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakSet

WAIT_S = 0.001
"""For each line that it has, a worker looks so much later for another."""
WAIT_MAX_S = 0.02
LINES_FOR_ANOTHER = 4
"""For so many lines that it has, it lets one more in after it waited, of those who still do."""
REFUSED_WAIT_S = 1.0
"""Where no more files can be opened; asyncio's own waits as long."""

log = logging.getLogger("nuanzhang.serving")

MakeProtocol = Callable[[], asyncio.BaseProtocol]


class FairLoop(asyncio.SelectorEventLoop):
    """Listens as asyncio does, but for who gets a connection.

    Workers wait at one socket. The first to wake would take all who wait there, and since clients
    keep their lines, it would answer them for as long as they last, beside workers that idle.
    """

    async def create_server(  # type: ignore[override]  # of all its ways the one that is used
        self, make: MakeProtocol, *, sock: socket.socket, backlog: int, **_: Any
    ) -> asyncio.AbstractServer:
        sock.settimeout(0)
        sock.listen(backlog)
        return FairServer(self, sock, make)


class FairServer(asyncio.AbstractServer):
    """Takes a few connections at a time, and waits longer the more it has: others come first then.

    None of the workers needs to know of the others: one that stands still or is gone takes nothing.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, make: MakeProtocol
    ) -> None:
        self.sockets: Sequence[socket.socket] = (sock,)
        self._loop = loop
        self._make = make
        self._lines: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._taking = loop.create_task(self._take_on(sock))
        self._taking.add_done_callback(_require_stopped)

    async def _take_on(self, sock: socket.socket) -> None:
        while True:
            try:
                line, _ = await self._loop.sock_accept(sock)
                await self._begin(line)
                held = self._held()
                await asyncio.sleep(min(held * WAIT_S, WAIT_MAX_S))
                # Whoever still waits is let in several at a time: else a crowd would queue here
                # for seconds while nobody else takes it.
                with suppress(BlockingIOError):
                    for _ in range(held // LINES_FOR_ANOTHER):
                        line, _ = sock.accept()
                        line.setblocking(False)  # noqa: FBT003 - as the library names it
                        await self._begin(line)
            except OSError:
                await asyncio.sleep(REFUSED_WAIT_S)

    async def _begin(self, line: socket.socket) -> None:
        with suppress(OSError):  # gone again before it was begun
            transport, _ = await self._loop.connect_accepted_socket(self._make, line)
            self._lines.add(transport)

    def _held(self) -> int:
        return sum(not each.is_closing() for each in self._lines)

    async def start_serving(self) -> None:
        """It does from the first on."""

    async def serve_forever(self) -> None:
        await self.wait_closed()

    def is_serving(self) -> bool:
        return not self._taking.done()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def close(self) -> None:
        self._taking.cancel()
        # At once: its owner closes the socket next. Other processes hold it too, so the kernel
        # would go on waking us for whoever comes.
        for sock in self.sockets:
            self._loop.remove_reader(sock)

    async def wait_closed(self) -> None:
        await asyncio.wait([self._taking])


def _require_stopped(taking: asyncio.Task[None]) -> None:
    """Have a process end that takes nobody on any more: another takes its place.

    It would answer that it lives, and whoever comes would wait for good; nobody would be told why.
    """
    if not taking.cancelled() and (error := taking.exception()) is not None:
        log.critical("no more connections are taken: unexpected %s", type(error).__name__)
        os.kill(os.getpid(), signal.SIGTERM)
