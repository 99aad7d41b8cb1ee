"""Verifies a log in a process of its own, out of everybody's way, and tells what it found.

It is asked in JSON and answers with lines of it: how far it is, and at last the verdict. The
process that serves is not slowed down, and is none the worse for whatever becomes of this one.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ledger.commands.continuing import Verified
from ledger.commands.verification import verify_log
from ledger.errors import LedgerError
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
    """How far it is: so many of so many entries, or what it found in the end.

    `failed` says what kept it from finding anything: a refusal's code, or an error's type alone.
    """

    done: int
    of: int
    found: "Found | None" = None
    failed: str | None = None


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


class VerifierDied(Exception):
    """The process that verifies gave no verdict, and nobody had told it to end.

    Its message quotes no data: a code, the type of an error, or how the process ended.
    """


@contextmanager
def under_way(task: Task, environment: Mapping[str, str]) -> Iterator["Verifying"]:
    """Hold a process that verifies; it ends with us.

    Args:
        task: What it is to do.
        environment: By what it finds the log's database, beside what the task says.
    """
    # Nothing else of our environment: the ledger's key may stand in it.
    path = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        (sys.executable, "-P", "-m", "api.background.verifying"),
        env={**environment, **path},
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
        self._told_to_end = False

    def found(self, progress: Callable[[int, int], None]) -> Found | None:
        """Wait for the verdict; None if the process was told to end.

        Raises:
            VerifierDied: It came to grief.
        """
        assert self._process.stdin is not None  # noqa: S101 - as it was started
        assert self._process.stdout is not None  # noqa: S101 - as it was started
        try:
            self._process.stdin.write(msgspec.json.encode(self._task))
            self._process.stdin.close()
        except BrokenPipeError:
            self._require_told_to_end()
            return None
        for line in self._process.stdout:
            told = msgspec.json.decode(line, type=Told)
            if told.found is not None:
                return told.found
            if told.failed is not None:
                raise VerifierDied(told.failed)
            progress(told.done, told.of)
        self._require_told_to_end()
        return None

    def end(self) -> None:
        self._told_to_end = True
        self._process.kill()

    def _require_told_to_end(self) -> None:
        status = self._process.wait()
        if not self._told_to_end:
            ended = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise VerifierDied(ended)


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

    try:
        found = verify(task, lambda done, of: tell(Told(done, of)))
    except LedgerError as refusal:
        tell(Told(0, 0, failed=refusal.code))
    except (OSError, sqlite3.Error) as error:
        tell(Told(0, 0, failed=type(error).__name__))
    else:
        tell(Told(found.events, found.events, found))


if __name__ == "__main__":
    main()
