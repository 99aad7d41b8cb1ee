"""Cost per event from ten thousand to a million events, and the memory that it takes."""

import argparse
import resource

from benchmarks.common import draw, line, open_account, open_ledger, seconds, temporary_home
from benchmarks.projecting import pay
from ledger.commands.verification import verify_log
from ledger.store.application import Ledger
from projections.runner import rebuild

MEGABYTE = 1024
TIMED = 20_000
PAYMENT_EVENTS = 1001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    most = parser.parse_args().events
    with temporary_home() as home:
        ledger = open_ledger(home)
        fund_id = open_account(ledger)
        size = 10_000
        while size <= most:
            while ledger.size() < size:
                pay(ledger, fund_id)
            held = ledger.size()
            fresh = open_account(ledger)
            spent = seconds(lambda id_=fresh: _save(ledger, id_))  # type: ignore[misc]
            line(f"{held:>9,} events: saving in batches of 1,000, events/s", TIMED / spent)
            spent = seconds(lambda: rebuild(ledger, home.read_models))
            line(f"{held:>9,} events: rebuild, events/s", ledger.size() / spent)
            spent = seconds(lambda: verify_log(home.events, home.origin(), home.founding_key_id()))
            line(f"{held:>9,} events: verification, events/s", ledger.size() / spent)
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
            workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / MEGABYTE
            line(f"{held:>9,} events: peak memory, this process, MB", own)
            line(f"{held:>9,} events: peak memory, largest worker, MB", workers)
            size *= 10
        ledger.close()


def _save(ledger: Ledger, fund_id) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    for _ in range(TIMED // 1000):
        draw(ledger, fund_id, 1000)


if __name__ == "__main__":
    main()
