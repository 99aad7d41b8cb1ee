"""Finds what pages keep before anybody waits for it: at the start, and again on each new day."""

import gc
import logging
import threading
from collections.abc import Callable
from datetime import date

from sqlalchemy.exc import SQLAlchemyError

from api.known import Kept
from ledger.errors import LedgerError
from ledger.store.application import Ledger
from ledger.store.home import Home
from projections.asked import NOW
from projections.runner import catch_up

LOOK_EVERY_S = 30.0
"""How soon a new day is seen."""

log = logging.getLogger("nuanzhang.warming")


def find_known(kept: Kept, home: Home, ledger: Ledger, today: date) -> None:
    """Find what pages keep; whoever asks meanwhile waits for the same, and it is found but once.

    The collector then leaves all of it alone: of a million payments it has a third of a second to
    go through, each time in somebody's request.
    """
    gc.unfreeze()
    with catch_up(ledger, home.read_models).asking() as connection:
        kept.known(connection, ledger, NOW, today)
    gc.collect()
    gc.freeze()


class Warming:
    """Calls `find` with the day it is, in a thread of its own, whenever that is another one.

    Every rule asks of the day, so on a new one none of what was found before can be told again.
    """

    def __init__(
        self,
        find: Callable[[date], object],
        today: Callable[[], date],
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._find = find
        self._today = today
        self._look_every_s = look_every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Begin nothing more; return whether what was under way ended in time."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        found_for: date | None = None
        while not self._stopping.is_set():
            today = self._today()
            if today != found_for:
                try:
                    self._find(today)
                except (SQLAlchemyError, LedgerError, OSError) as error:
                    # Whoever asks is told; here it is tried again. The type alone: a message may
                    # quote data.
                    log.error("warming: unexpected %s", type(error).__name__)  # noqa: TRY400
                else:
                    found_for = today
            self._stopping.wait(self._look_every_s)
