"""What the benchmarks share: a ledger in a folder of its own, medians, and how they are printed."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money
from ledger.evidence.keys import Ed25519Signer, verifier
from ledger.postgresql import Database
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, Work
from ledger.store.home import Home

RECORDED_AT = "2026-01-01T00:00:00.000Z"
TODAY = date(2026, 1, 1)
ACT = CommandAct("operator", TODAY, RECORDED_AT)
PLENTY = Money(10**14)
SEALED = Sealed(ciphertext="A" * 400, commitment="0" * 64)
SIGNED = 10_000


@contextmanager
def temporary_home(database: Database | None = None) -> Iterator[Home]:
    """Make a home in a temporary folder, on the disk that temporary files are on.

    With a database, the log is there.
    """
    folder = Path(tempfile.mkdtemp(prefix="nuanzhang-benchmark-"))
    try:
        home = Home(folder / "data", named=database)
        home.create()
        yield home
    finally:
        shutil.rmtree(folder)


def open_ledger(home: Home) -> Ledger:
    return home.open(RECORDED_AT, TODAY)


def open_account(ledger: Ledger) -> UUID:
    """Open a fund account with one lot that outlasts every benchmark."""
    fund_id = uuid4()

    def decide(work: Work) -> None:
        fund = FundAccount.open(ACT, fund_id, uuid4(), "送温暖")
        fund.receive(
            ACT,
            source="中央财政",
            document="财〔2026〕1号",
            vintage=2026,
            carried_into=None,
            amount=PLENTY,
        )
        work.save(fund)

    ledger.perform(ACT, "benchmark.open", None, decide)
    return fund_id


def draw(ledger: Ledger, fund_id: UUID, count: int) -> None:
    """Draw `count` times in one command, so that `count` events are saved in one transaction."""

    def decide(work: Work) -> None:
        fund = work.get(FundAccount, fund_id)
        for _ in range(count):
            fund.draw(ACT, disbursement_id=fund_id, batch_id=fund_id, amount=Money(100))
        work.save(fund)

    ledger.perform(ACT, "benchmark.draw", None, decide)


def instructed(fund: FundAccount, campaign_id: UUID, batch_id: UUID, number: int) -> Disbursement:
    """Draw on an account for a payment to somebody by card, and instruct it."""
    amount = Money(100)
    parts = fund.draw(ACT, disbursement_id=uuid4(), batch_id=batch_id, amount=amount)
    return Disbursement.instruct(
        ACT,
        campaign_id=campaign_id,
        batch_id=batch_id,
        number=number,
        organisation_id=fund.organisation_id,
        fund_id=fund.id,
        person_id=uuid4(),
        category="建档困难职工",
        channel="银行卡",
        amount=amount,
        parts=parts,
        payee=SEALED,
        card_index="0" * 64,
    )


def signatures_per_second() -> tuple[float, float]:
    """Sign and verify messages of an envelope's size, on one core, with nothing else."""
    signer = Ed25519Signer.generate()
    message = b"x" * 600
    signature = signer.sign(message)
    check = verifier(signer.public_key)

    def sign() -> None:
        for _ in range(SIGNED):
            signer.sign(message)

    def verify() -> None:
        for _ in range(SIGNED):
            check(signature, message)

    return SIGNED / seconds(sign), SIGNED / seconds(verify)


def seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def median(values: list[float]) -> float:
    return statistics.median(values)


def line(name: str, value: float, target: float | None = None) -> None:
    """Print a figure, and the target that it is held against."""
    against = (
        "" if target is None else f"   target {target:g}: {'met' if value >= target else 'MISSED'}"
    )
    print(f"{name:<58} {value:>12,.2f}{against}", flush=True)
