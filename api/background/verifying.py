"""Verifies a log in a process of its own, out of everybody's way, and tells what it found.

It is asked in JSON and answers with lines of it: how far it is, and at last the verdict. The
process that serves is not slowed down, and is none the worse for whatever becomes of this one.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ledger.commands.continuing import Verified
from ledger.commands.verification import verify_log
from ledger.evidence.merkle import Edge
from ledger.postgresql import ADDRESS, Database

NICE = 15


class Before(msgspec.Struct, frozen=True):
    """What was verified before, as it is kept and handed over."""

    edge: bytes
    checkpoints: int
    key_positions: tuple[int, ...]

    def verified(self) -> Verified:
        return Verified(Edge.from_bytes(self.edge), self.checkpoints, self.key_positions)


class Task(msgspec.Struct, frozen=True):
    """Which log to verify, and from where on."""

    path: str
    """A file; or the address of a PostgreSQL database, which travels over a pipe alone."""
    origin: str
    founding_key_id: str
    whole: bool
    before: Before | None


class Doubted(msgspec.Struct, frozen=True):
    """What a key signed from `start` up to before `stop` proves nothing."""

    key_id: str
    start: int
    stop: int


class Told(msgspec.Struct, frozen=True):
    """How far it is: so many of so many entries, or what it found in the end."""

    done: int
    of: int
    found: "Found | None" = None


class Found(msgspec.Struct, frozen=True):
    """A verdict, as it is kept: `code` and what follows are None where everything holds."""

    events: int
    last_good_size: int
    code: str | None = None
    detail: str | None = None
    position: int | None = None
    affected: dict[str, str] = {}
    doubts: tuple[Doubted, ...] = ()
    before: Before | None = None


@contextmanager
def under_way(task: Task) -> Iterator["Verifying"]:
    """Hold a process that verifies; it ends with us."""
    # Nothing else of our environment: the ledger's key may stand in it.
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        (sys.executable, "-P", "-m", "api.background.verifying"),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield Verifying(process, task)
        finally:
            process.kill()


class Verifying:
    def __init__(self, process: "subprocess.Popen[bytes]", task: Task) -> None:
        self._process = process
        self._task = task

    def found(self, progress: Callable[[int, int], None]) -> Found | None:
        """Wait for the verdict; None if the process was ended, or came to grief."""
        assert self._process.stdin is not None  # noqa: S101 - as it was started
        assert self._process.stdout is not None  # noqa: S101 - as it was started
        try:
            self._process.stdin.write(msgspec.json.encode(self._task))
            self._process.stdin.close()
        except BrokenPipeError:
            return None
        for line in self._process.stdout:
            told = msgspec.json.decode(line, type=Told)
            if told.found is not None:
                return told.found
            progress(told.done, told.of)
        return None

    def end(self) -> None:
        self._process.kill()


def verify(task: Task, progress: Callable[[int, int], None]) -> Found:
    """Do a task, here and on one core."""
    verdict = verify_log(
        _log(task.path),
        task.origin,
        task.founding_key_id,
        progress=progress,
        processes=1,
        before=None if task.before is None else task.before.verified(),
        whole=task.whole,
    )
    broken, further = verdict.broken, verdict.verified
    return Found(
        verdict.events,
        verdict.last_good_size,
        None if broken is None else broken.code,
        None if broken is None else str(broken),
        verdict.position,
        verdict.affected,
        tuple(Doubted(each.key_id, each.start, each.stop) for each in verdict.doubts),
        None
        if further is None
        else Before(further.edge.to_bytes(), further.checkpoints, further.key_positions),
    )


def _log(path: str) -> Path | Database:
    return Database.at(path) if path.startswith(ADDRESS) else Path(path)


def main() -> None:
    os.nice(NICE)
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)

    def tell(told: Told) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()

    found = verify(task, lambda done, of: tell(Told(done, of)))
    tell(Told(found.events, found.events, found))


if __name__ == "__main__":
    main()
