"""Rebuild of all projections over a log of campaigns, decoding included."""

import argparse
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
from ledger.store.application import Ledger, Work
from projections.runner import rebuild

ROUNDS = 3
PAYMENTS = 250


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
    events = parser.parse_args().events
    with temporary_home() as home:
        ledger = open_ledger(home)
        fund_id = open_account(ledger)
        while ledger.size() < events:
            pay(ledger, fund_id)
        size = ledger.size()
        rates = [size / seconds(lambda: rebuild(ledger, home.read_models)) for _ in range(ROUNDS)]
        line(f"rebuild of all projections, {size} events, events/s", median(rates), 40_000)
        ledger.close()


if __name__ == "__main__":
    main()
