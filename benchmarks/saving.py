"""Saving signed, tree-covered events against the library's stock aggregates saving unsigned ones.

Rounds of both alternate, so that whatever else the machine does falls on both.
"""

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import JSONTranscoder, Transcoding

from benchmarks.common import (
    RECORDED_AT,
    TODAY,
    draw,
    line,
    median,
    open_account,
    open_ledger,
    seconds,
    temporary_home,
)
from ledger.domain.fund import FundAccount

SIZES = ((1, 300), (100, 30), (1_000, 10), (10_000, 3))
ROUNDS = 5
WRITERS = (4, 8, 16)
DRAWS = 1_600


class StockAccount(Aggregate):
    """Our fund account by the library's own means: the same facts, in its own `@event` events."""

    def __init__(self, organisation_id: UUID, earmark: str) -> None:
        self.organisation_id = organisation_id
        self.earmark = earmark
        self.lots = {uuid4(): 10**14}

    def pay(self, actor: UUID, happened_on: date, disbursement_id: UUID, amount_fen: int) -> None:
        """Choose the lots and record the draw, as ours does."""
        parts = []
        open_amount = amount_fen
        for lot_id, remaining in self.lots.items():
            taken = min(open_amount, remaining)
            parts.append(
                {"lot_id": lot_id, "origin_id": lot_id, "vintage": 2026, "amount_fen": taken}
            )
            open_amount -= taken
            if not open_amount:
                break
        self.draw(
            actor,
            happened_on,
            RECORDED_AT,
            self.organisation_id,
            disbursement_id,
            disbursement_id,
            amount_fen,
            parts,
        )

    @event("Drawn")
    def draw(
        self,
        actor: UUID,  # noqa: ARG002 - recorded, as in ours
        happened_on: date,  # noqa: ARG002
        recorded_at: str,  # noqa: ARG002
        organisation_id: UUID,  # noqa: ARG002
        disbursement_id: UUID,  # noqa: ARG002
        batch_id: UUID,  # noqa: ARG002
        amount_fen: int,  # noqa: ARG002
        parts: list[dict[str, Any]],
    ) -> None:
        for part in parts:
            self.lots[part["lot_id"]] -= part["amount_fen"]


class DateAsText(Transcoding):
    """The library writes datetimes; of dates it has to be told, in the way its manual shows."""

    type = date
    name = "date"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


class StockApplication(Application[UUID]):
    def register_transcodings(self, transcoder: JSONTranscoder) -> None:
        super().register_transcodings(transcoder)
        transcoder.register(DateAsText())


def stock_draw(application: Application[UUID], account_id: UUID, count: int) -> None:
    account: StockAccount = application.repository.get(account_id)
    for _ in range(count):
        account.pay(account_id, TODAY, account_id, 100)
    application.save(account)


def repeated(times: int, act: Callable[..., None], *arguments: object) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            act(*arguments)

    return run


def main() -> None:
    with temporary_home() as home:
        ledger = open_ledger(home)
        application = StockApplication(
            {
                "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                "SQLITE_DBNAME": str(Path(home.path) / "stock.sqlite"),
                "AGGREGATE_CACHE_MAXSIZE": "100",
                "AGGREGATE_CACHE_FASTFORWARD": "n",
                "DEEPCOPY_FROM_AGGREGATE_CACHE": "n",
            }
        )
        for size, repeats in SIZES:
            ours, stock = [], []
            for _ in range(ROUNDS):
                # A new account each round: neither side is to pay for a long stream.
                fund_id = open_account(ledger)
                account = StockAccount(uuid4(), "送温暖")
                application.save(account)
                stock.append(seconds(repeated(repeats, stock_draw, application, account.id, size)))
                ours.append(seconds(repeated(repeats, draw, ledger, fund_id, size)))
            ratio = median([s / o for s, o in zip(stock, ours, strict=True)])
            events = size * repeats
            line(f"stock, unsigned, {size} a transaction, events/s", events / median(stock))
            line(
                f"ours, signed and in the tree, {size} a transaction, events/s",
                events / median(ours),
            )
            target = {1: 0.8, 1_000: 0.9, 10_000: 0.9}.get(size)
            line(f"ratio at {size} a transaction", ratio, target)
        ledger.close()
    several_writers()


def several_writers() -> None:
    """Let threads draw from one account, each draw a command of its own, against one thread."""
    with temporary_home() as home:
        ledger = open_ledger(home)
        for writers in WRITERS:
            ratios = []
            for _ in range(ROUNDS):
                fund_id = open_account(ledger)
                alone = seconds(repeated(DRAWS, draw, ledger, fund_id, 1))
                threads = [
                    threading.Thread(target=repeated(DRAWS // writers, draw, ledger, fund_id, 1))
                    for _ in range(writers)
                ]

                def together(threads: list[threading.Thread] = threads) -> None:
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()

                ratios.append(alone / seconds(together))
                fund = ledger.load(FundAccount, fund_id)
                assert fund is not None
                assert fund.balance == 10**14 - 100 * 2 * DRAWS
            line(
                f"{writers} writers on one account, of the single writer's rate",
                median(ratios),
                1.0,
            )
        ledger.close()


if __name__ == "__main__":
    main()
