"""Our side of the comparison: payments instructed, signed one by one, in the tree, and proved."""

from collections.abc import Callable
from uuid import UUID, uuid4

from benchmarks.common import ACT, open_account, open_ledger, seconds
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money
from ledger.evidence.keys import Ed25519Signer, verifier
from ledger.store.application import Ledger, Work
from ledger.store.home import Home

EVENTS_A_PAYMENT = 2
"""What was drawn from which lots of the account, and the payment that was instructed."""

SIGNED = 10_000
SEALED = Sealed(ciphertext="A" * 400, commitment="0" * 64)


def pay(ledger: Ledger, fund_id: UUID, count: int) -> None:
    """Instruct so many payments from one account in one transaction."""
    batch_id, campaign_id = uuid4(), uuid4()

    def decide(work: Work) -> None:
        fund = work.get(FundAccount, fund_id)
        work.save(fund)
        for number in range(count):
            payment_id = uuid4()
            parts = fund.draw(ACT, disbursement_id=payment_id, batch_id=batch_id, amount=Money(100))
            payment = Disbursement.instruct(
                ACT,
                campaign_id=campaign_id,
                batch_id=batch_id,
                number=number,
                organisation_id=fund.organisation_id,
                fund_id=fund_id,
                person_id=uuid4(),
                category="建档困难职工",
                channel="银行卡",
                amount=Money(100),
                parts=parts,
                payee=SEALED,
                card_index="0" * 64,
            )
            work.save(payment)

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


def signatures() -> tuple[float, float]:
    """Return signatures and verifications a second of an envelope's size, on one core."""
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
