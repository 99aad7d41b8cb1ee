"""Rebuild of all projections over a log of campaigns, in SQLite and in PostgreSQL.

Reading the log and decoding its events are included. The read model is an SQLite file either way.
"""

import argparse
import resource
import time
from uuid import UUID, uuid4

from benchmarks.common import (
    ACT,
    instructed,
    line,
    median,
    open_account,
    open_ledger,
    seconds,
    temporary_home,
)
from ledger.domain.fund import FundAccount
from ledger.domain.statement import Statement
from ledger.domain.values import Money
from ledger.postgresql import Database
from ledger.store.application import Ledger, Work
from ledger.store.home import POSTGRESQL, SQLITE
from projections.runner import rebuild
from tests.postgresql import running

ROUNDS = 3
PAYMENTS = 250
BOTH = "both"
SQLITE_RATE_MIN, POSTGRESQL_RATE_MIN = 60_000, 40_000


def pay(ledger: Ledger, fund_id: UUID) -> None:
    """Pay a batch of people by card, and take in the bank's answer: four events a payment."""
    batch_id, campaign_id = uuid4(), uuid4()

    def decide(work: Work) -> None:
        fund = work.get(FundAccount, fund_id)
        work.save(fund)
        statement = Statement.receive(
            ACT,
            batch_id=batch_id,
            bank_format="unionpay-df",
            file_sha256="0" * 64,
            line_count=PAYMENTS,
            settled_count=PAYMENTS,
            settled_total=Money(PAYMENTS * 100),
            returned_count=0,
            returned_total=Money(0),
            unresolved_count=0,
        )
        for number in range(PAYMENTS):
            payment = instructed(fund, campaign_id, batch_id, number)
            payment.settle(ACT, statement_id=statement.id)
            statement.match_line(
                ACT,
                batch_id=batch_id,
                number=number,
                line=number + 3,
                disbursement_id=payment.id,
                outcome="settled",
                reason=None,
                raw_code="00",
                amount=Money(100),
            )
            work.save(payment)
        work.save(statement)

    ledger.perform(ACT, "benchmark.pay", None, decide)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL, BOTH), default=BOTH)
    asked = parser.parse_args()
    if asked.database != POSTGRESQL:
        measured("SQLite", None, asked.events, asked.rounds, SQLITE_RATE_MIN)
    if asked.database != SQLITE:
        with running() as server:
            measured("PostgreSQL", server.fresh(), asked.events, asked.rounds, POSTGRESQL_RATE_MIN)


def measured(
    name: str, database: Database | None, events: int, rounds: int, rate_min: float
) -> None:
    """Make a log of so many events, and build its read model so often.

    Processor time is of this process, which writes, and of those that make rows; not the server's.
    """
    with temporary_home(database) as home:
        ledger = open_ledger(home)
        fund_id = open_account(ledger)
        while ledger.size() < events:
            pay(ledger, fund_id)
        size = ledger.size()
        writer, makers = time.process_time(), of_children()
        rates = [size / seconds(lambda: rebuild(ledger, home.read_models)) for _ in range(rounds)]
        per_event_us = 1e6 / (size * rounds)
        what = f"{name}, {size} events: rebuild of all projections"
        line(f"{what}, events/s", median(rates), rate_min)
        line(f"{what}, writer, us/event", (time.process_time() - writer) * per_event_us)
        line(f"{what}, others, us/event", (of_children() - makers) * per_event_us)
        ledger.close()


def of_children() -> float:
    """Return the processor time of processes that this one began and that have ended, in s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
