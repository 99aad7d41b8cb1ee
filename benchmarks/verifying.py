"""Full verification against the machine's raw Ed25519 verifications, on all cores."""

import argparse
import os

from benchmarks.common import (
    ACT,
    draw,
    line,
    median,
    open_account,
    open_ledger,
    seconds,
    signatures_per_second,
    temporary_home,
)
from ledger.anchoring.publications import announce
from ledger.commands.verification import verify_log
from ledger.store.map_store import MapStore

ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--published", action="store_true", help="with a map to be checked too")
    events = parser.parse_args().events
    with temporary_home() as home:
        ledger = open_ledger(home)
        fund_id = open_account(ledger)
        for _ in range(events // 1000):
            draw(ledger, fund_id, 1000)
        if parser.parse_args().published:
            maps = MapStore(home.map)
            announce(ledger, maps, ACT)
            maps.close()
        size = ledger.size()
        ledger.close()
        key = home.founding_key_id()
        cores = os.cpu_count() or 1
        ratios = []
        for _ in range(ROUNDS):
            before = signatures_per_second()[1]
            spent = seconds(lambda: _verify(home.events, home.origin(), key))
            raw = (before + signatures_per_second()[1]) / 2
            ratios.append(size / spent / (cores * raw))
            line("raw Ed25519 verifications/s, one core", raw)
            line(f"events verified/s, {cores} cores, {size} events", size / spent)
        line("events verified, of cores x raw", median(ratios), 0.8)


def _verify(path, origin, key) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    verdict = verify_log(path, origin, key)
    assert verdict.holds, verdict


if __name__ == "__main__":
    main()
