"""One process of several works in the background; whoever cannot begin lets another one."""

import threading
from pathlib import Path

from api.background.lead import Lead
from ledger.database import DiskFull


def test_whoever_a_full_disk_keeps_from_beginning_tries_again(tmp_path: Path) -> None:
    lead, begun, tries = Lead(tmp_path / "lead", retry_s=0.01), threading.Event(), list[int]()

    def begin() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise DiskFull
        begun.set()

    lead.start(begin)

    assert begun.wait(10)
    lead.stop()
    lead.give_up()
