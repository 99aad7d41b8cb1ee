"""All payments of a log against what was approved: in parts, up to where it was verified."""

from typing import Any

import pytest

from ledger.commands import paid_as_approved as holding
from ledger.commands.officers import NewOfficer, register_officer
from ledger.commands.paid_as_approved import UNKNOWN, PaidAsApproved, paid_as_approved
from ledger.domain.batch import batch_id
from ledger.domain.disbursement import Disbursement
from ledger.domain.values import Money
from ledger.evidence.vouching import RELIABLE, UNVOUCHED
from ledger.store.application import Work
from tests.packs.test_vouched_keys import APPROVER, POSTS, appoint
from tests.world import Person, World, failed, roster_row

pytestmark = pytest.mark.both_stores

ONE, TWO, THREE, FOUR = map(Person, range(1, 5))
AMOUNT = 80_000


@pytest.fixture
def paying(world: World) -> World:
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO, THREE, FOUR)
    world.pay("B1", *(roster_row(at, each, AMOUNT) for at, each in enumerate((ONE, TWO), 1)))
    world.pay("B2", *(roster_row(at, each, AMOUNT) for at, each in enumerate((THREE, FOUR), 1)))
    return world


def held(world: World, size: int | None = None) -> PaidAsApproved:
    events = world.check_log().events if size is None else size
    return paid_as_approved(world.home.log, events, world.home.founding_key_id())


def sent_again(world: World, person: Person, **said: Any) -> None:
    """Send a payment again as nobody approved, as whoever has the ledger's own key can."""

    def decide(work: Work) -> None:
        payment = work.get(Disbursement, world.payment_id(person))
        facts: dict[str, Any] = {
            "batch_id": payment.batch_id,
            "organisation_id": payment.organisation_id,
            "fund_id": payment.fund_id,
            "amount_fen": payment.amount,
            "parts": payment.parts,
            "payee": payment.payee,
            "card_index": payment.card_index,
            "reason": "-",
        }
        payment.trigger_event(Disbursement.Reissued, world.act(), **(facts | said))
        work.save(payment)

    world.ledger.perform(world.act(), "test.sent_again", None, decide)


def test_payments_are_read_in_parts(paying: World, monkeypatch: pytest.MonkeyPatch) -> None:
    paying.answer("B1", failed(1, ONE, AMOUNT), failed(2, TWO, AMOUNT))
    for each in (ONE, TWO):
        sent_again(paying, each)
    whole = held(paying)
    assert (whole.batches, whole.payments, whole.faulty) == (2, 4, 0)
    assert whole.attested == {UNVOUCHED: 2}, "keys that are theirs on the operator's word"

    for events, payments in ((1, 1), (4, 3), (5, 2)):
        monkeypatch.setattr(holding, "EVENTS_AT_ONCE", events)
        monkeypatch.setattr(holding, "PAYMENTS_AT_ONCE", payments)
        assert held(paying) == whole


def test_it_is_told_how_many_approvals_the_officers_signed_themselves(paying: World) -> None:
    paying.administer(POSTS)
    register_officer(paying.ledger, paying.act(), NewOfficer(APPROVER, "某某"))
    unsigned = held(paying)
    appoint(paying)
    paying.file(Person(5))
    paying.draft("B3", roster_row(1, Person(5), AMOUNT))
    paying.review("B3")
    paying.approve("B3", APPROVER)

    found = held(paying)

    assert unsigned.attested == {UNVOUCHED: 2}
    assert (found.payments, found.faulty) == (5, 0)
    assert found.attested == {RELIABLE: 1, UNVOUCHED: 2}


def test_what_was_not_verified_is_not_looked_at(paying: World) -> None:
    size = paying.check_log().events
    before = held(paying, size)
    sent_again(paying, ONE, amount_fen=Money(AMOUNT * 10))
    paying.file(Person(5))
    paying.pay("B3", roster_row(1, Person(5), AMOUNT))

    assert held(paying, size) == before
    assert held(paying).faulty == 1


def test_faults_are_counted_beyond_those_that_are_named(
    paying: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A payment that was sent twice is one, in batches at fault as in others."""
    for each in (ONE, THREE):
        sent_again(paying, each, amount_fen=Money(AMOUNT * 10))
        sent_again(paying, each, amount_fen=Money(AMOUNT * 10))
    monkeypatch.setattr(holding, "FAULTS_MAX", 1)

    found = held(paying)

    assert (found.batches, found.payments, found.faulty) == (2, 4, 2)
    assert [each.batch_id for each in found.faults] == [str(batch_id("B1"))]


def test_what_is_of_no_batch_is_at_fault(paying: World) -> None:
    sent_again(paying, ONE, batch_id=None)

    found = held(paying)

    [fault] = found.faults
    assert fault.batch_id == UNKNOWN
    assert str(paying.payment_id(ONE)) in fault.cause
    assert (found.batches, found.faulty) == (3, 1)
