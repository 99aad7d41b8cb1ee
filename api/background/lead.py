"""Which of the processes that serve one ledger works in the background: one at a time."""

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from ledger.database import DISK_REFUSALS

RETRY_S = 1.0
"""How soon another process sees that the one that led has ended."""

OWNER_ONLY = 0o600

log = logging.getLogger(__name__)


class Lead:
    """A lock on a file: the kernel lets go of it when its process ends, however it ends.

    It is the process's own (POSIX record locks): neither threads nor what it starts hold it.
    """

    def __init__(self, path: Path, retry_s: float = RETRY_S) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
        self._retry_s = retry_s
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, begin: Callable[[], None]) -> None:
        """Begin at once where nobody else leads, or else as soon as nobody does any more.

        `begin` is called again where the disk kept it from beginning: it has started nothing then.
        """
        if self._taken(begin):
            return
        self._thread = threading.Thread(
            target=self._wait, args=(begin,), name="waiting to lead", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing from here on; what was begun goes on."""
        with self._lock:
            self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def give_up(self) -> None:
        """Let another process lead; what was begun here has ended."""
        os.close(self._file)

    def _wait(self, begin: Callable[[], None]) -> None:
        while not self._ending.wait(self._retry_s):
            if self._taken(begin):
                return

    def _taken(self, begin: Callable[[], None]) -> bool:
        with self._lock:
            if self._ending.is_set():
                return True
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            try:
                begin()
            except (sqlite3.Error, *DISK_REFUSALS) as error:
                # Else nobody worked: it could not begin, and would not let another one.
                fcntl.lockf(self._file, fcntl.LOCK_UN)
                log.error("cannot begin to lead: %s", type(error).__name__)  # noqa: TRY400 - the type alone
                return False
            return True
