"""What one answer costs while the log grows: balances, a trace, proofs, pages.

A city's ledger is made of each size, in folders that are kept, and asked over HTTP by this process.
Writes a table, a picture and the figures into a folder; `make compare` installs what draws.
"""

import argparse
import http.client
import json
import os
import platform
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from api import bootstrap
from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.callers import COOKIE
from benchmarks.city import INSPECTOR
from benchmarks.compare import OTHERS, PYTHON
from benchmarks.pages import city, get, percentile, served
from ledger.domain.officer import officer_id
from ledger.store.application import Ledger
from projections.disbursements import disbursement_list
from projections.runner import catch_up

PAYMENTS = (2_000, 20_000, 200_000)
"""A payment leaves about five events."""
ROUNDS = 40
DAY = date(2017, 1, 20)

Ask = Callable[[], str]
"""Returns what is asked for next: each time something else of the same kind."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, nargs="*", default=list(PAYMENTS))
    parser.add_argument("--folder", type=Path, default=Path("benchmark-cities"))
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    asked = parser.parse_args()
    found: dict[str, dict[int, float]] = {}
    for payments in asked.payments:
        for name, events, spent in measured(asked.folder / f"p{payments}", payments):
            found.setdefault(name, {})[events] = percentile(spent, 50)
            print(
                f"{events:>11,} events: {name:<34} p50 {percentile(spent, 50):>7.1f} ms"
                f"  p95 {percentile(spent, 95):>7.1f} ms",
                flush=True,
            )
    asked.results.mkdir(parents=True, exist_ok=True)
    (asked.results / "reading.md").write_text("".join(page(found)), encoding="utf-8")
    figures = asked.results / "reading.json"
    figures.write_text(json.dumps(found), encoding="utf-8")
    drawing = [str(PYTHON), str(OTHERS / "curves.py"), str(figures), str(asked.results)]
    subprocess.run(drawing, check=True)


def measured(folder: Path, payments: int) -> Iterator[tuple[str, int, list[float]]]:
    """Yield what was asked, of how many events, and what each answer took, in milliseconds."""
    home = city(folder, payments)
    with bootstrap.opened(home) as ledger:
        asks = questions(ledger, list(_payments(ledger, home.read_models)))
        door = Door(home.access, RelyingParty("localhost", "http://localhost"))
        secret = door.sessions.open(officer_id(INSPECTOR), "benchmark", bootstrap.now_s())
        door.close()
        events = ledger.size()
        with served(home) as port:
            for name, ask in asks.items():
                spent = []
                for number in range(ROUNDS + 2):
                    path = ask()
                    start = time.perf_counter()
                    status, _ = get(port, path, f"{COOKIE}={secret}")
                    # What is compiled or kept at the first time is no answer's own cost.
                    if number > 1:
                        spent.append((time.perf_counter() - start) * 1000)
                    if status != http.client.OK:
                        raise SystemExit(f"{path}: {status}")
                yield name, events, spent


def questions(ledger: Ledger, payments: list[str]) -> Mapping[str, Ask]:
    """Return what is asked; chance is the same each time."""
    chance, size = random.Random(1), ledger.size()

    def payment() -> str:
        return chance.choice(payments)

    return {
        "balances of all accounts": lambda: "/v1/balances",
        "balances as of a day": lambda: f"/v1/balances?{urlencode({'as_of': DAY.isoformat()})}",
        "balances as known at a position": lambda: f"/v1/balances?at={chance.randrange(size)}",
        "trace of a payment": lambda: f"/trace/payments/{payment()}",
        "history of a payment": lambda: f"/v1/disbursements/{payment()}",
        "entry with its proof": lambda: f"/v1/log/entries/{chance.randrange(size)}",
        "page of payments returned": lambda: "/ledger?status=returned",
        "page of payments from an amount": lambda: f"/ledger?least={chance.randrange(1000, 3000)}",
    }


def _payments(ledger: Ledger, path: Path) -> Iterator[str]:
    """Yield ids of payments from all over the log."""
    with catch_up(ledger, path).asking() as connection:
        for after in range(0, ledger.size(), max(1, ledger.size() // 50)):
            for each in disbursement_list(connection, after=after, limit=1):
                yield str(each.disbursement_id)


def page(found: Mapping[str, Mapping[int, float]]) -> Iterator[str]:
    """Yield the results as Markdown."""
    sizes = sorted({size for each in found.values() for size in each})
    yield "# What one answer costs while the log grows\n\n![answers](reading.svg)\n\n"
    yield f"Milliseconds at the median, over HTTP; Python {platform.python_version()},"
    yield f" {os.cpu_count()} cores. Made by `python -m benchmarks.reading`.\n\n"
    yield f"| asked | {' | '.join(f'{size:,} events' for size in sizes)} |\n"
    yield f"|---|{'---:|' * len(sizes)}\n"
    for name, of in found.items():
        yield f"| {name} | {' | '.join(f'{of[size]:.1f}' for size in sizes)} |\n"


if __name__ == "__main__":
    main()
