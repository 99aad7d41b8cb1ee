"""A batch's pack holds only if it was paid as its approver signed: whom, how much, where to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.anchoring.publications import announce
from ledger.commands.disbursements import Reissue, reissue_payment
from ledger.commands.paid_as_approved import PaidAsApproved, paid_as_approved
from ledger.domain.batch import Batch, Row, batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.disbursement import Disbursement
from ledger.domain.officer import officer_id
from ledger.domain.policy import Channel
from ledger.domain.values import Money
from ledger.errors import LedgerError
from ledger.store.application import Work
from ledger.store.map_store import MapStore
from tests.packs.packing import Packing, judged, judged_plainly, write_unchecked
from tests.world import (
    CAMPAIGN,
    DAY,
    SHEET_CLASS,
    Person,
    World,
    failed,
    roster_row,
    settled,
    signature,
)

ONE, TWO, THREE = map(Person, range(1, 4))
AMOUNT = 120_000
ON_SHEET = 50_000


@pytest.fixture
def paying(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path / "ledger").settle_in()
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO, THREE)
    yield world
    world.ledger.close()


def packed(world: World, write: Callable[[Packing], bytes]) -> tuple[bytes, Packing]:
    maps = MapStore(world.home.map)
    packing = Packing(world.home, world.ledger, maps, announce(world.ledger, maps, world.act()))
    try:
        return write(packing), packing
    finally:
        maps.close()


def unchecked(world: World) -> Callable[[Packing], bytes]:
    return lambda packing: write_unchecked(packing.make("batch", "B1"), world.ledger.signer)


def assert_holds(world: World, tmp_path: Path) -> None:
    data, packing = packed(world, lambda packing: packing.write("batch", "B1"))
    assert judged(data, packing.rules) is None
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert status == 0, printed
    assert "payments are as approved" in printed
    held = whole(world)
    assert (held.faulty, held.faults, held.payments > 0) == (0, (), True)


def assert_found_out(world: World, tmp_path: Path, said: str) -> None:
    """Have both verifiers judge a pack that nobody checked when it was made."""
    data, packing = packed(world, unchecked(world))
    assert said in (judged(data, packing.rules) or "")
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert status == 1
    assert said in printed
    # So it is where the whole log is at hand, of which nothing else is at fault.
    assert world.check_log().holds
    held = whole(world)
    [fault] = held.faults
    assert held.faulty == 1
    assert fault.batch_id == str(batch_id("B1"))
    assert said in fault.cause


def whole(world: World) -> PaidAsApproved:
    """Hold all payments of the whole log against approvals."""
    size = world.check_log().events
    return paid_as_approved(world.home.log, size, world.home.founding_key_id())


def past_its_rules(world: World, decide: Callable[[Work], None], staff: str = "") -> None:
    """Sign what no rule lets through, as whoever has the ledger's own key can."""
    world.ledger.perform(world.act(staff), "test.past_its_rules", None, decide)


def row_of(world: World, code: str) -> Row:
    batch = world.ledger.load(Batch, batch_id(code))
    assert batch is not None
    return batch.rows[1]


def instructed(world: World, row: Row, number: int) -> Disbursement:
    """Return a payment out of B1, to whom a row has it."""
    batch = world.ledger.load(Batch, batch_id("B1"))
    assert batch is not None
    account = world.fund("X01")
    return Disbursement.instruct(
        world.act(),
        campaign_id=campaign_id(CAMPAIGN),
        batch_id=batch.id,
        number=number,
        organisation_id=batch.organisation_id,
        fund_id=account.id,
        person_id=row.person_id,
        category=row.category,
        channel=batch.channel,
        amount=row.amount,
        parts=tuple(account.choose(row.amount, DAY)),
        payee=row.payee,
        card_index=row.card_index,
    )


def test_what_was_paid_as_approved_holds(paying: World, tmp_path: Path) -> None:
    rows = (roster_row(1, ONE, AMOUNT), roster_row(2, TWO, AMOUNT), roster_row(3, THREE, 100))
    paying.pay("B1", *rows)  # the third asks for less than anybody gets
    paying.answer("B1", failed(1, ONE, AMOUNT), settled(2, TWO, AMOUNT))

    assert_holds(paying, tmp_path)


def test_sheets_that_were_certified_hold(paying: World, tmp_path: Path) -> None:
    row = roster_row(1, ONE, ON_SHEET, SHEET_CLASS)
    paying.pay("B1", row, channel=Channel.SIGNATURE_SHEET)
    paying.sign("B1", signature(1, ONE.name))

    assert_holds(paying, tmp_path)


def test_a_payment_that_no_approval_lists_is_found_out(paying: World, tmp_path: Path) -> None:
    paying.pay("B1", roster_row(1, ONE, AMOUNT))
    paying.draft("B2", roster_row(1, TWO, AMOUNT))
    past_its_rules(paying, lambda work: work.save(instructed(paying, row_of(paying, "B2"), 2)))

    assert_found_out(paying, tmp_path, "row 2 was not approved so")
    with pytest.raises(LedgerError, match="row 2 was not approved so"):
        packed(paying, lambda packing: packing.write("batch", "B1"))


def test_a_payment_of_a_batch_that_nobody_approved_is_found_out(
    paying: World, tmp_path: Path
) -> None:
    paying.draft("B1", roster_row(1, ONE, AMOUNT))
    paying.review("B1")
    past_its_rules(paying, lambda work: work.save(instructed(paying, row_of(paying, "B1"), 1)))

    assert_found_out(paying, tmp_path, "row 1 was not approved so")


def test_another_account_than_was_approved_is_found_out(paying: World, tmp_path: Path) -> None:
    paying.draft("B1", roster_row(1, ONE, AMOUNT))
    paying.review("B1")
    paying.draft("B2", roster_row(1, ONE, AMOUNT))  # the same person and amount, sealed anew

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id("B1"))
        batch.approve(paying.act("A-X01"), approved_by=officer_id("A-X01"))
        work.save(batch, instructed(paying, row_of(paying, "B2"), 1))

    past_its_rules(paying, decide, "A-X01")

    assert_found_out(paying, tmp_path, "row 1 was not approved so")


def test_rows_that_were_altered_before_the_approval_are_found_out(
    paying: World, tmp_path: Path
) -> None:
    paying.draft("B1", roster_row(1, ONE, AMOUNT))
    paying.review("B1")
    batch = paying.ledger.load(Batch, batch_id("B1"))
    assert batch is not None
    shown = {
        "accepted_total_fen": batch.total,
        "list_sha256": batch.list_sha256,
        "payees_sha256": batch.payees_sha256,
    }
    paying.draft("B2", roster_row(1, ONE, AMOUNT))
    other = row_of(paying, "B2")

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id("B1"))
        batch.trigger_event(
            Batch.RowAccepted,
            paying.act("A-X01"),
            number=1,
            line=3,
            person_id=other.person_id,
            category=other.category,
            amount_fen=other.amount,
            payee=other.payee,
            card_index=other.card_index,
        )
        # What the officer was shown, and signed.
        batch.trigger_event(
            Batch.Approved,
            paying.act("A-X01"),
            organisation_id=batch.organisation_id,
            campaign_id=batch.campaign_id,
            approved_by=officer_id("A-X01"),
            accepted_count=1,
            **shown,
        )
        work.save(batch, instructed(paying, other, 1))

    past_its_rules(paying, decide, "A-X01")

    assert_found_out(paying, tmp_path, "its rows are not those that were approved")


def test_what_is_sent_again_holds_on_another_card_and_not_with_another_amount(
    paying: World, tmp_path: Path
) -> None:
    paying.pay("B1", roster_row(1, ONE, AMOUNT))
    paying.answer("B1", failed(1, ONE, AMOUNT))
    reissue_payment(
        paying.ledger,
        paying.act("A-X01"),
        Reissue(paying.payment_id(ONE), "换卡", Person(9).card),
    )
    assert_holds(paying, tmp_path)

    past_its_rules(paying, lambda work: work.save(sent_again(paying, work, AMOUNT * 10)))
    assert_found_out(paying, tmp_path, "sent again as nobody approved")


def sent_again(world: World, work: Work, amount: int) -> Disbursement:
    payment = work.get(Disbursement, world.payment_id(ONE))
    payment.trigger_event(
        Disbursement.Reissued,
        world.act(),
        batch_id=payment.batch_id,
        organisation_id=payment.organisation_id,
        fund_id=payment.fund_id,
        amount_fen=Money(amount),
        parts=payment.parts,
        payee=payment.payee,
        card_index=payment.card_index,
        reason="-",
    )
    return payment


def test_a_correction_that_makes_it_signed_for_is_found_out(paying: World, tmp_path: Path) -> None:
    paying.pay("B1", roster_row(1, ONE, ON_SHEET, SHEET_CLASS), channel=Channel.SIGNATURE_SHEET)

    def decide(work: Work) -> None:
        payment = work.get(Disbursement, paying.payment_id(ONE))
        payment.trigger_event(
            Disbursement.Corrected,
            paying.act(),
            corrects_version=1,
            was="in_transit",
            now="signed",
            reason="-",
            organisation_id=payment.organisation_id,
            fund_id=payment.fund_id,
            amount_fen=payment.amount,
            parts=payment.parts,
        )
        work.save(payment)

    past_its_rules(paying, decide)

    assert_found_out(paying, tmp_path, "nobody certified row 1")


def test_a_signature_that_nobody_certified_is_found_out(paying: World, tmp_path: Path) -> None:
    paying.pay("B1", roster_row(1, ONE, ON_SHEET, SHEET_CLASS), channel=Channel.SIGNATURE_SHEET)

    def decide(work: Work) -> None:
        payment = work.get(Disbursement, paying.payment_id(ONE))
        payment.sign(
            paying.act(),
            own_name=True,
            signed_at="2017-01-10T09:00:00",
            image_sha256="ab" * 32,
            sheet_sha256="cd" * 32,
            witness_id=paying.payment(ONE).person_id,
        )
        work.save(payment)

    past_its_rules(paying, decide)

    assert_found_out(paying, tmp_path, "nobody certified row 1")
