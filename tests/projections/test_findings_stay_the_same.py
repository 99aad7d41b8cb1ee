"""A finding is about the same thing however much is found later: its case is not lost."""

from dataclasses import replace
from datetime import date

import pytest

from api.doubted import case_subject, standing_of, subject_of, subjects_of
from ledger.commands import cases
from ledger.commands.disbursements import Reissue, reissue_payment
from ledger.domain.case import Extent, case_id
from ledger.domain.officer import Role
from ledger.domain.organisation import organisation_id
from projections.findings.asked import Patience
from projections.findings.finding import Finding
from tests.projections.test_findings_of_people import found, next_campaign, pay_in_summer
from tests.world import Person, World, failed, roster_row, settled

ONE, TWO, THREE = Person(1), Person(2), Person(3)
SUMMER = date(2017, 7, 2)
X01 = organisation_id("X01")


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 10_000_000)
    world.file(ONE, TWO, THREE)
    return world


def known_by(finding: Finding) -> object:
    return case_id(subject_of(finding))


def test_further_payments_and_returns_leave_the_years_cap_one_case(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 400_000), roster_row(2, TWO, 500_000))
    next_campaign(world, date(2017, 7, 1))
    low = Patience(yearly_maximum_fen=300_000)
    one = world.payment(ONE).person_id

    def of_one() -> Finding:
        [told] = [each for each in found(world, "B3", patience=low) if each.person_id == one]
        return told

    first = of_one()
    pay_in_summer(world, ONE, 350_000, SUMMER)
    more = of_one()
    assert (more.count, known_by(more)) == (2, known_by(first))
    world.answer("B1", failed(1, ONE, 400_000), settled(2, TWO, 500_000))
    left = of_one()
    assert (left.count, known_by(left)) == (1, known_by(first))


def test_a_card_and_a_person_paid_elsewhere_stay_one_case(world: World) -> None:
    both = [roster_row(number, each, 60_000) for number, each in enumerate((ONE, TWO), 1)]
    shared = [both[0], roster_row(2, TWO, 60_000, card_number=ONE.card)]
    world.pay("B1", *shared)
    [card] = found(world, "C3")
    world.pay("B2", roster_row(1, THREE, 60_000, card_number=ONE.card))
    [more] = found(world, "C3")
    assert (more.count, known_by(more)) == (3, known_by(card))
    paid = replace(settled(2, TWO, 60_000), account=ONE.card)
    world.answer("B1", failed(1, ONE, 60_000), paid)
    [fewer] = found(world, "C3")
    assert (fewer.count, known_by(fewer)) == (2, known_by(card))
    reissue_payment(
        world.ledger, world.act("A-X01"), Reissue(world.payment_id(ONE), "原卡", ONE.card)
    )
    assert known_by(found(world, "C3")[0]) == known_by(card)


def test_a_case_that_was_known_by_the_last_payment_is_still_its_findings(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000, card_number=ONE.card))
    [finding] = found(world, "C3")
    before = subjects_of(finding)[-1]
    assert before != subject_of(finding)
    extent = Extent(count=2, amount_fen=None, since=None)
    opening = cases.Opening(X01, before, "E", extent)
    world.appoint("J-C01", "C01", Role.AUDITOR)
    cases.open_case(world.ledger, world.act("J-C01"), opening)

    assert case_subject(world.ledger, finding) == before
    assert standing_of([finding], case_id(before)).count == 2
    assert standing_of([finding], case_id(subject_of(finding))).count == 2
