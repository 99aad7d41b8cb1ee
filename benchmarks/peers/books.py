"""The same payments as a plain-text journal, balanced by programs made for that, and by ours."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.common import median, open_account, open_ledger, seconds, temporary_home
from benchmarks.peers.ours import pay
from projections.balances import balances
from projections.runner import catch_up

PAYMENTS = 20_000
AT_ONCE = 5_000
ROUNDS = 5


def spent(payments: int) -> dict[str, float]:
    """Return how many seconds each takes for the balances of all accounts.

    The programs read their file each time, which is how they work; ours asks its projection.
    """
    with temporary_home() as home:
        ledger = open_ledger(home)
        fund_id = open_account(ledger)
        for _ in range(payments // AT_ONCE):
            pay(ledger, fund_id, AT_ONCE)
        model = catch_up(ledger, home.read_models)

        def ask() -> None:
            with model.asking() as connection:
                balances(connection)

        found = {"Nuanzhang, projection": _median(ask)}
        ledger.close()
        journal = home.path / "books.journal"
        journal.write_text("".join(_entry(number) for number in range(payments)))
        for program in ("hledger", "ledger"):
            found[program] = _median(partial(_balance, program, journal))
    return found


def _entry(number: int) -> str:
    return f"2026-01-01 payment {number}\n    fund  CNY -1.00\n    transit  CNY 1.00\n\n"


def _balance(program: str, journal: Path) -> None:
    subprocess.run([program, "-f", str(journal), "balance"], check=True, capture_output=True)


def _median(act: Callable[[], object]) -> float:
    return median([seconds(act) for _ in range(ROUNDS)])
