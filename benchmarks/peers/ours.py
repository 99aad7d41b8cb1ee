"""Our side of the comparison: payments instructed, signed one by one, in the tree, and proved."""

from collections.abc import Callable
from uuid import UUID, uuid4

from benchmarks.common import ACT, instructed, open_account, open_ledger, seconds
from ledger.domain.fund import FundAccount
from ledger.store.application import Ledger, Work
from ledger.store.home import Home

EVENTS_A_PAYMENT = 2
"""What was drawn from which lots of the account, and the payment that was instructed."""


def pay(ledger: Ledger, fund_id: UUID, count: int) -> None:
    """Instruct so many payments from one account in one transaction."""
    batch_id, campaign_id = uuid4(), uuid4()

    def decide(work: Work) -> None:
        fund = work.get(FundAccount, fund_id)
        work.save(fund)
        for number in range(count):
            work.save(instructed(fund, campaign_id, batch_id, number))

    ledger.perform(ACT, "benchmark.pay", None, decide)


def rates(home: Home, alone: int, together: int, at_once: int) -> dict[str, float]:
    """Return payments a second: one a transaction, and `at_once` of them in each."""
    ledger = open_ledger(home)
    try:
        fund_id = open_account(ledger)

        def one_by_one(count: int) -> Callable[[], None]:
            def run() -> None:
                for _ in range(count):
                    pay(ledger, fund_id, 1)

            return run

        def many() -> None:
            for _ in range(together // at_once):
                pay(ledger, fund_id, at_once)

        one_by_one(20)()
        return {
            "alone": alone / seconds(one_by_one(alone)),
            "together": together / seconds(many),
        }
    finally:
        ledger.close()
