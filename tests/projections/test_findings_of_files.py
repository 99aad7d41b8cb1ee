"""Payments held against the archive: on file by then, not any more, and paid beside a file."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest

from ledger.commands import batches, policies, recipients
from ledger.commands.disbursements import Reissue, reissue_payment
from ledger.domain.policy import CategoryRule, Channel
from projections.asked import NOW, Moment
from projections.explanation.checked import Outcome
from projections.findings.finding import Finding, Severity
from projections.findings.rules import findings
from projections.findings.versions import EARLIER
from projections.runner import catch_up
from tests.commands.test_outside_lists import said
from tests.projections.test_findings import asked_of
from tests.projections.test_findings_of_people import enter, next_campaign, pay_in_summer
from tests.world import (
    EARMARK,
    MODEL_CLASS,
    SHEET_CLASS,
    Person,
    World,
    failed,
    filed,
    roster,
    roster_row,
    terms,
)

ONE, TWO, THREE, FOUR, FIVE = map(Person, range(1, 6))
TODAY = date(2017, 3, 1)
STRICKEN, IN_NEED, LOW_PAID = "意外致困职工(未建档)", "暂时困难职工", "低收入职工"


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 10_000_000)
    return world


def found(world: World, rule: str, moment: Moment = NOW) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        every = findings(asked_of(world, model, TODAY, moment))
        return [each for each in every if each.rule == rule]


def as_it_was(world: World, rule: str, version: int = 1) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        return list(EARLIER[rule][version - 1].find(asked_of(world, model, TODAY)))


def close(world: World, person: Person, day: date) -> None:
    row = replace(filed(person), closed_on=day)
    recipients.enter_archive(world.ledger, world.act(day=TODAY), [row])


def pay_by_sheet(world: World, code: str, person: Person, category: str) -> None:
    world.pay(code, roster_row(1, person, 45_000, category), channel=Channel.SIGNATURE_SHEET)


def test_a_file_that_was_closed_before_the_payment_is_told_when_it_is_entered(
    world: World,
) -> None:
    world.file(ONE, TWO, THREE)
    world.pay("B1", *(roster_row(n, each, 80_000) for n, each in enumerate((ONE, TWO), 1)))
    pay_by_sheet(world, "S1", THREE, SHEET_CLASS)
    assert found(world, "A2") == []
    before = Moment(at=world.ledger.size() - 1)
    close(world, ONE, date(2016, 12, 25))
    close(world, TWO, date(2017, 1, 11))
    close(world, THREE, date(2016, 12, 25))

    [left] = found(world, "A2")
    assert (left.severity, left.count, left.amount_fen) == (Severity.ERROR, 1, 80_000)
    assert left.payment_ids == (world.payment_id(ONE),)
    outcomes = [said(world, each, "A2").outcome for each in (ONE, TWO, THREE)]
    assert outcomes == [Outcome.BROKEN, Outcome.HELD, Outcome.NOT_ASKED]
    assert found(world, "A1") == found(world, "A2", before) == as_it_was(world, "A2") == []


def test_paid_again_after_the_file_was_closed_is_told(world: World) -> None:
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", failed(1, ONE, 80_000))
    close(world, ONE, date(2017, 1, 20))
    assert found(world, "A2") == []
    order = Reissue(world.payment_id(ONE), "原卡")
    reissue_payment(world.ledger, world.act("A-X01", date(2017, 2, 15)), order)

    assert [each.count for each in found(world, "A2")] == [1]
    broken = said(world, ONE, "A2")
    assert broken.outcome is Outcome.BROKEN
    assert dict(broken.facts) == {
        "closed_on": "2017-01-20",
        "paid_on": "2017-01-10",
        "paid_again_on": "2017-02-15",
    }


def test_a_file_that_was_opened_anew_is_a_live_one(world: World) -> None:
    world.file(ONE)
    enter(world, ONE, "ANEW", "X01", date(2017, 1, 1), ONE.card)
    world.pay("B1", roster_row(1, ONE, 80_000))
    close(world, ONE, date(2016, 12, 25))

    assert found(world, "A2") == []
    assert said(world, ONE, "A2").outcome is Outcome.HELD


def test_a_file_entered_after_a_refusal_and_dated_before_it_is_told(world: World) -> None:
    world.draft("B0", *(roster_row(n, each, 80_000) for n, each in enumerate((ONE, TWO), 1)))
    assert [each.detail for each in found(world, "A1")] == ["archive.not_on_file"]
    later = date(2017, 1, 12)
    world.file(ONE, THREE)
    enter(world, TWO, "NEW", "X01", later, TWO.card)
    rows = [roster_row(n, each, 80_000) for n, each in enumerate((ONE, TWO, THREE), 1)]
    world.draft("B1", *rows, day=later)
    world.review("B1", day=later)
    world.approve("B1", day=later)

    told = [each for each in found(world, "A1") if each.detail == "filed_after_refusal"]
    assert [(each.severity, each.payment_ids) for each in told] == [
        (Severity.INFORMATION, (world.payment_id(ONE),))
    ]
    assert [each.detail for each in as_it_was(world, "A1")] == ["archive.not_on_file"]
    grounds = [said(world, each, "A1").grounds for each in (ONE, TWO, THREE)]
    assert [[each.code for each in several] for several in grounds] == [
        ["archive.not_on_file"],
        [],
        [],
    ]
    assert said(world, ONE, "A1").outcome is Outcome.HELD


def test_who_is_on_file_and_was_paid_by_sheet_in_another_class_in_need_is_a_doubt(
    world: World,
) -> None:
    policy = terms()
    [kept] = [each for each in policy.categories if each.name == SHEET_CLASS]
    others = [named(kept, each) for each in (STRICKEN, IN_NEED, LOW_PAID, "困难劳模遗属")]
    more = msgspec.structs.replace(policy, categories=(*policy.categories, *others))
    policies.adopt_policy(world.ledger, world.act("A-C01"), more)
    world.file(ONE, TWO, THREE, FIVE)
    pay_by_sheet(world, "S1", ONE, STRICKEN)
    pay_by_sheet(world, "S2", TWO, IN_NEED)
    pay_by_sheet(world, "S3", THREE, SHEET_CLASS)
    pay_by_sheet(world, "S4", FOUR, STRICKEN)
    pay_by_sheet(world, "S5", FIVE, LOW_PAID)
    assert said(world, FOUR, "C1").outcome is Outcome.NOT_ASKED
    world.file(FOUR)

    told = {each.detail: (each.severity, set(each.payment_ids)) for each in found(world, "C1")}
    assert told == {
        "named_unfiled": (Severity.WARNING, {world.payment_id(ONE)}),
        "beside_file": (
            Severity.INFORMATION,
            {world.payment_id(TWO), world.payment_id(FIVE)},
        ),
    }
    outcomes = [said(world, each, "C1").outcome for each in (ONE, TWO, FIVE, THREE, FOUR)]
    assert outcomes == [Outcome.BROKEN] * 3 + [Outcome.NOT_ASKED] * 2
    assert as_it_was(world, "C1") == []
    before = {each.payment_ids for each in as_it_was(world, "C1", 2)}
    assert before == {(world.payment_id(ONE),), (world.payment_id(TWO),)}


def named(rule: CategoryRule, name: str) -> CategoryRule:
    return msgspec.structs.replace(rule, name=name)


def test_where_no_class_is_paid_to_the_card_alone_nobody_is_doubted(world: World) -> None:
    policy = terms()
    open_ = [
        msgspec.structs.replace(each, channel=Channel.SIGNATURE_SHEET)
        for each in policy.categories
        if each.name != MODEL_CLASS
    ]
    [kept] = [each for each in open_ if each.name == SHEET_CLASS]
    other = msgspec.structs.replace(policy, categories=(*open_, named(kept, STRICKEN)))
    policies.adopt_policy(world.ledger, world.act("A-C01"), other)
    world.file(ONE)
    pay_by_sheet(world, "S1", ONE, STRICKEN)

    assert found(world, "C1") == []
    assert said(world, ONE, "C1").outcome is Outcome.NOT_ASKED


def test_one_file_is_paid_twice_to_those_alone_whom_both_lists_paid(world: World) -> None:
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, THREE, 60_000))
    world.file(THREE)
    world.pay("B2", roster_row(1, ONE, 60_000), roster_row(2, THREE, 60_000))
    assert found(world, "E4") == [], "what was refused the first time"
    assert [each.count for each in as_it_was(world, "E4")] == [2]
    next_campaign(world, date(2017, 2, 1))
    pay_in_summer(world, TWO, 60_000, date(2017, 2, 2))
    again = date(2017, 2, 3)
    rows = (roster_row(1, ONE, 70_000), roster_row(2, TWO, 60_000))
    order = batches.Draft(
        "AGAIN",
        "2017-summer",
        "X01",
        EARMARK,
        Channel.BANK_CARD,
        "unionpay-df",
        "H-X01",
        roster(*rows),
    )
    batches.draft_batch(world.ledger, world.act("H-X01", again), order)
    world.review("AGAIN", day=again)
    world.approve("AGAIN", day=again)

    [twice] = found(world, "E4")
    assert (twice.severity, twice.count, twice.amount_fen) == (Severity.ERROR, 1, 70_000)
    assert twice.since == again.isoformat()
    assert said(world, ONE, "E4").outcome is Outcome.HELD, "the first of the two"
    world.answer("B1", failed(1, ONE, 60_000))
    assert found(world, "E4") == [], "the first came back"
