"""A bank return that was taken back never was: no rule, sum, list or sample counts it."""

from datetime import date
from functools import partial

import pytest

from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.commands.disbursements import correct_outcome, withdraw_payment
from ledger.domain.batch import batch_id
from ledger.domain.disbursement import PaymentObjected
from ledger.domain.organisation import organisation_id
from projections.asked import NOW, Moment
from projections.explanation.checked import Outcome
from projections.facets import facet
from projections.findings.versions import EARLIER
from projections.movements import Kind
from projections.runner import catch_up
from projections.summary import Whose, returned
from projections.turnover import Asked, Ever, every_movement, every_payment, sums
from tests.commands.banking import BEGINS, LATER, Bank, entry, statement
from tests.objecting import uphold
from tests.projections.test_explanations import explained
from tests.projections.test_explanations import of as checked
from tests.projections.test_findings import asked_of, found, of
from tests.world import Person, World, roster_row, settled

X01 = organisation_id("X01")
ONE, TWO = Person(1), Person(2)
BOOKED, TODAY = date(2017, 2, 3), date(2017, 3, 1)
BACK = Asked(kinds=frozenset({Kind.RETURN}))


@pytest.fixture
def mistaken(world: World) -> World:
    """ONE's payment had arrived, and a credit of 800 that is somebody else's is taken for it."""
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000))
    world.answer("B1", settled(1, ONE, 80_000), settled(2, TWO, 70_000))
    take_for(world, ONE)
    return world


def take_for(world: World, person: Person) -> None:
    bank = Bank(world)
    bank.keep()
    bank.take(statement(BEGINS, date(2017, 2, 5), 0, entry(BOOKED, 80_000)))
    bank.come_back(bank.lines[0], person, reason="NAME_MISMATCH")


def take_back(world: World, person: Person = ONE) -> None:
    payment = world.payment(person)
    act = world.act("A-X01", LATER)
    version, _ = payment.outcomes[-1]
    correct_outcome(world.ledger, act, payment.id, version, "款是别人的")


def test_its_findings_go_and_earlier_versions_keep_them(mistaken: World) -> None:
    for rule in ("C2", "J3", "G5"):
        assert of(rule, found(mistaken, TODAY)) == [(X01, 1, 80_000)]
    known = Moment(at=mistaken.ledger.size() - 1)
    take_back(mistaken)

    for rule in ("C2", "J3", "G5"):
        assert of(rule, found(mistaken, TODAY)) == []
        assert checked(explained(mistaken, ONE, TODAY), rule).outcome is Outcome.HELD
    with catch_up(mistaken.ledger, mistaken.home.read_models).asking() as model:
        asked = asked_of(mistaken, model, TODAY)
        for rule in ("C2", "J3"):
            [before] = EARLIER[rule][-1].find(asked)
            assert (before.count, before.amount_fen) == (1, 80_000)
    assert of("J3", found(mistaken, TODAY, known)) == [(X01, 1, 80_000)]


def test_nothing_counts_it_as_come_back(mistaken: World) -> None:
    stood = Moment(date(2017, 2, 9))
    take_back(mistaken)

    with catch_up(mistaken.ledger, mistaken.home.read_models).asking() as model:
        whose = Whose([X01], None)
        ever = Asked(kinds=frozenset({Kind.PAYMENT}), ever=Ever.RETURNED)
        reason = Asked(kinds=frozenset({Kind.PAYMENT}), reason="NAME_MISMATCH")
        for moment, counted in ((NOW, 0), (stood, 1)):
            assert sum(each.count for each in returned(model, whose, moment).values()) == counted
            assert len(list(every_movement(model, BACK, moment))) == counted
            assert sum(each.count for each in sums(model, BACK, moment)) == counted
            assert len(facet(model, BACK, "reason", moment)) == counted
            for asked in (ever, reason):
                assert len(list(every_payment(model, asked, moment))) == counted
            assert len(facet(model, ever, "ever", moment)) == counted
        [row] = every_movement(model, Asked(kinds=frozenset({Kind.CORRECTION})))
        assert (row.disbursement_id, row.amount_fen) == (mistaken.payment_id(ONE), 80_000)


def test_an_objection_stops_a_payment_whose_return_is_taken_back_after_it(world: World) -> None:
    world.receive("X01", 1_000_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 80_000))
    take_for(world, ONE)
    acts = partial(world.act, day=LATER)
    assert uphold(world.ledger, acts, batch_id("B1"), 1).result["payment"] == "not_paid"
    assert not world.payment(ONE).is_stopped

    take_back(world)

    assert world.payment(ONE).is_stopped
    with pytest.raises(PaymentObjected):
        export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    world.check_log()


def test_what_is_withdrawn_after_a_mistaken_return_was_never_paid_again(world: World) -> None:
    world.receive("X01", 1_000_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 80_000))
    take_for(world, ONE)
    take_back(world)
    withdraw_payment(world.ledger, world.act("A-X01", LATER), world.payment_id(ONE), "未送银行")

    assert of("G5", found(world, TODAY)) == []
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [before] = EARLIER["G5"][-1].find(asked_of(world, model, TODAY))
    assert (before.detail, before.count) == ("withdrawn_again", 1)
