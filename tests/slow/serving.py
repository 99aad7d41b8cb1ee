"""`nuanzhang serve`, started to be killed: by one process, or by two under one that watches them.

Where one process serves it is forked from one that has imported everything: importing takes longer
than it is left alive. What runs in it is the command itself.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import api.serving  # noqa: F401 - what is forked has it already
from api.cli.main import main
from ledger.store.home import Home
from tests.slow.forks import FORKS

ROOT = Path(__file__).parents[2]
STARTS_S = 120.0
VERIFY_EVERY_S = "2"
"""Verification in the background goes on all the time."""


class Service:
    """A service of one ledger that is started again after each death, each time at a new port."""

    def __init__(self, home: Home, workers: int = 1) -> None:
        self.home = home
        self.workers = workers
        self.log = home.path.parent / "service.log"
        self.port = 0
        self._command: subprocess.Popen[bytes] | None = None
        self._forked: BaseProcess | None = None
        self._pid = 0
        self._left: list[int] = []

    def start(self) -> None:
        """Start it, and do not wait until it answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        words = ["serve", "--port", str(port)]
        environment = {
            "NUANZHANG_HOME": str(self.home.path),
            "NUANZHANG_VERIFY_EVERY_S": VERIFY_EVERY_S,
            "NUANZHANG_VERIFY_WHOLE_EVERY_S": "30",
        }
        if self.workers == 1:
            forked = FORKS.Process(target=_serve, args=(words, environment, self.log))
            forked.start()
            assert forked.pid is not None
            self._forked, self._pid = forked, forked.pid
        else:
            with self.log.open("ab") as log:
                self._command = subprocess.Popen(
                    [sys.executable, "-m", "api.cli", *words, "--workers", str(self.workers)],
                    cwd=ROOT,
                    env={**os.environ, **environment},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._pid = self._command.pid
        self.port = port

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + STARTS_S
        while not self.answers():
            assert time.monotonic() < until, self.log.read_text()[-3000:]
            time.sleep(0.02)

    def answers(self) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=STARTS_S)
        try:
            line.request("GET", "/livez")
            return line.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    def processes(self) -> list[int]:
        """Return those that answer: itself, or its workers."""
        if self.workers == 1:
            return [self._pid]
        with suppress(FileNotFoundError):
            found = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
            return [int(each) for each in found if b"spawn_main" in _words(int(each))]
        return []

    def ended(self) -> bool:
        """Say whether it ended by itself."""
        if self._command is not None:
            return self._command.poll() is not None
        return self._forked is not None and not self._forked.is_alive()

    def kill(self, *, watching_alone: bool = False) -> None:
        """Kill all of it at once, or only the process that watches over its workers."""
        if self._command is not None:
            self._left.append(self._pid)
        with suppress(ProcessLookupError):
            if self._command is None or watching_alone:
                os.kill(self._pid, signal.SIGKILL)
            else:
                os.killpg(self._pid, signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """Let it end by itself."""
        os.kill(self._pid, signal.SIGTERM)
        self._reap()

    def end(self) -> None:
        """Kill what is still there, whatever happened."""
        if self._pid:
            self.kill()
        for each in self._left:
            with suppress(ProcessLookupError):
                os.killpg(each, signal.SIGKILL)

    def outlived(self) -> bool:
        """Say whether workers are left whose watching process was killed."""
        for each in self._left:
            with suppress(ProcessLookupError):
                os.killpg(each, 0)
                return True
        return False

    def _reap(self) -> None:
        if self._command is not None:
            self._command.wait(STARTS_S)
        else:
            assert self._forked is not None
            self._forked.join(STARTS_S)
        self._pid = 0


def _serve(words: list[str], environment: dict[str, str], log: Path) -> None:
    into = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(into, 1)
    os.dup2(into, 2)
    os.environ.update(environment)
    sys.argv = ["nuanzhang", *words]
    main()


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
