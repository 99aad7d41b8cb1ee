"""Processes that write one log in PostgreSQL at once, beside one process and the library's own.

Each process has threads of its own, each thread a fund account of its own; every draw is a command
by itself, signed, in the tree and on the disk before it is answered. All in one run on one server.
"""

import multiprocessing
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from benchmarks.common import draw, line, open_account, open_ledger
from benchmarks.pages import percentile
from benchmarks.posting import stock_on_postgresql
from ledger.postgresql import Database
from ledger.store.home import Home
from tests.postgresql import running

SHAPES = ((1, 16), (2, 8), (4, 8))
"""Processes, and threads in each."""
FOR_S, WARM_S = 6.0, 1.0

FORKS = multiprocessing.get_context("forkserver")


def main() -> None:
    with running(settings=()) as server:  # as it is for keeps: it waits for the disk
        line("the library's own recorder, 16 threads, saves/s", stock_on_postgresql(server))
        alone = 0.0
        for processes, threads in SHAPES:
            with TemporaryDirectory() as folder:
                home = Home(Path(folder) / "data", named=server.fresh())
                home.create()
                times = written(home, processes, threads)
            rate = len(times) / FOR_S
            alone = alone or rate
            named = f"{processes} x {threads} threads"
            line(f"{named}, draws/s", rate)
            line(f"{named}, of the first", rate / alone)
            line(f"{named}, half within, ms", percentile(times, 50))
            line(f"{named}, 99 of 100 within, ms", percentile(times, 99))


def written(home: Home, processes: int, threads: int) -> list[float]:
    """Return how long each draw took that ended within the time, in milliseconds."""
    ledger = open_ledger(home)
    accounts = [[open_account(ledger) for _ in range(threads)] for _ in range(processes)]
    ledger.close()
    ready, told = FORKS.Barrier(processes), FORKS.SimpleQueue()
    writers = [
        FORKS.Process(target=write, args=(home.path, home.named, own, ready, told))
        for own in accounts
    ]
    for each in writers:
        each.start()
    times = [each for _ in writers for each in told.get()]
    for each in writers:
        each.join()
    return times


def write(
    path: Path, database: Database | None, accounts: Sequence[UUID], ready: object, told: object
) -> None:
    ledger = open_ledger(Home(path, named=database))
    times = list[float]()
    ready.wait()  # type: ignore[attr-defined]
    begin = time.perf_counter() + WARM_S

    def work(account: UUID) -> None:
        while (at := time.perf_counter()) < begin + FOR_S:
            draw(ledger, account, 1)
            if at >= begin:
                times.append((time.perf_counter() - at) * 1000)

    threads = [threading.Thread(target=work, args=(each,)) for each in accounts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    told.put(times)  # type: ignore[attr-defined]
    ledger.close()


if __name__ == "__main__":
    main()
