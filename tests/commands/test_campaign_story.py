"""What people do in a campaign, through the commands, on a real ledger."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest
from msgspec import structs

from ledger.commands import batches, funds, organisations, policies, recipients
from ledger.domain.batch import BatchEmpty, WrongStage
from ledger.domain.disbursement import Status
from ledger.domain.organisation import OrganisationInCircle
from ledger.domain.policy import Channel
from ledger.errors import LedgerError
from ledger.store.application import IdempotencyKeyReused
from tests.world import (
    DAY,
    EARMARK,
    MODEL_CLASS,
    SHEET_CLASS,
    Person,
    World,
    failed,
    roster_row,
    settled,
    terms,
)

pytestmark = pytest.mark.both_stores

ONE, TWO, THREE = Person(1), Person(2), Person(3)


def refusals(world: World) -> list[str]:
    return [t for t in world.types() if t in ("refusal.recorded", "batch.refused")]


def test_money_reaches_people_by_card_and_comes_back_to_its_lots(world: World) -> None:
    world.receive("X01", 100_000, vintage=2015)
    world.receive("X01", 200_000)
    world.file(ONE, TWO)

    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 60_000))
    assert world.fund("X01").balance == 160_000
    answer = world.answer("B1", settled(1, ONE, 80_000), failed(2, TWO, 60_000))

    assert answer.result["settled"] == answer.result["returned"] == 1
    assert world.payment(ONE).status is Status.SETTLED
    assert world.payment(TWO).status is Status.RETURNED
    assert [lot.remaining for lot in world.fund("X01").live] == [20_000, 200_000]
    world.check_log()


def test_money_passed_down_keeps_its_vintage_and_source(world: World) -> None:
    world.receive("C01", 100_000, vintage=2015)
    world.receive("C01", 100_000)

    world.allocate("C01", "X01", 150_000)

    lots = world.fund("X01").live
    assert [(lot.vintage, lot.remaining) for lot in lots] == [(2015, 100_000), (2017, 50_000)]
    assert {lot.source for lot in lots} == {"地方财政"}
    world.check_log()


def test_passing_on_more_than_there_is_is_put_on_record_and_moves_nothing(world: World) -> None:
    world.receive("C01", 100_000)

    answer = world.allocate("C01", "X01", 100_001)

    assert answer.refusal_code == "fund.insufficient"
    assert world.fund("C01").balance == 100_000
    assert refusals(world) == ["refusal.recorded"]
    world.check_log()


def test_money_is_not_passed_up_or_across(world: World) -> None:
    world.receive("X01", 100_000)

    for taker in ("C01", "X02", "X01"):
        with pytest.raises(funds.NotBelow):
            world.allocate("X01", taker, 1)


def test_an_organisation_that_moved_gets_its_money_from_its_new_parent(world: World) -> None:
    world.receive("X02", 100_000)
    move = organisations.Move("X01-01", "X02", "区划调整")
    organisations.move_organisation(world.ledger, world.act(day=date(2017, 1, 5)), move)

    world.allocate("X02", "X01-01", 50_000)

    with pytest.raises(funds.NotBelow):
        world.allocate("X01", "X01-01", 1)


def test_an_organisation_cannot_be_put_below_itself(world: World) -> None:
    with pytest.raises(OrganisationInCircle):
        organisations.move_organisation(
            world.ledger, world.act(), organisations.Move("C01", "X01-01", "误")
        )


@pytest.mark.parametrize(
    ("reviewer", "approver"), [("H-X01", "A-X01"), ("R-X01", "H-X01"), ("R-X01", "R-X01")]
)
def test_two_parts_in_one_batch_are_refused_and_put_on_record(
    world: World, reviewer: str, approver: str
) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))

    answer = world.review("B1", reviewer)
    if answer.refusal_code is None:
        answer = world.approve("B1", approver)

    assert answer.refusal_code == "duty.same_person"
    assert refusals(world) == ["batch.refused"]
    assert world.fund("X01").balance == 100_000
    world.check_log()


def test_an_attempt_that_was_refused_does_not_end_the_batch(world: World) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")
    assert world.approve("B1", "R-X01").refusal_code == "duty.same_person"

    assert world.approve("B1").refusal_code is None
    assert world.payment(ONE).status is Status.IN_TRANSIT


def test_nobody_approves_for_a_union_where_they_hold_no_office(world: World) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")

    assert world.approve("B1", "A-X02").refusal_code == "duty.role_missing"
    assert world.approve("B1", "A-C01").refusal_code is None  # stands above


def test_too_little_money_refuses_the_batch_as_a_whole(world: World) -> None:
    world.receive("X01", 100_000)
    world.file(ONE, TWO)

    answer = world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))

    assert answer.refusal_code == "fund.insufficient"
    assert world.fund("X01").balance == 100_000
    assert "disbursement.instructed" not in world.types()


def test_each_row_is_refused_with_the_first_rule_it_breaks(world: World) -> None:
    world.file(ONE)
    world.file(TWO, closed_on=DAY)
    world.file(THREE, income=500_000)
    rows = [
        roster_row(1, ONE, 60_000, given=frozenset({"姓名"})),
        roster_row(2, ONE, 60_000, id_number="", id_is_text=False),
        roster_row(3, ONE, 60_000, id_number="340101197001010011"),
        roster_row(4, ONE, 60_000, card_number="", card_is_text=False),
        roster_row(5, ONE, 60_000, category="无此类别"),
        roster_row(6, Person(9), 60_000),
        roster_row(7, TWO, 60_000),
        roster_row(8, THREE, 90_000, category=MODEL_CLASS),
        roster_row(9, ONE, 59_999),
        roster_row(10, Person(8), 50_001, category=SHEET_CLASS),
        roster_row(11, ONE, 60_000),
        roster_row(12, ONE, 60_000),
    ]

    answer = world.draft("B1", *rows)

    assert [(row["number"], row["code"]) for row in answer.result["refused"]] == [
        (1, "field.missing"),
        (2, "id.not_text"),
        (3, "id.invalid"),
        (4, "card.not_text"),
        (5, "category.not_in_policy"),
        (6, "archive.not_on_file"),
        (7, "archive.closed"),
        (8, "model_worker.income_above_line"),
        (9, "amount.below_minimum"),
        (10, "amount.above_maximum"),
        (12, "person.duplicate_in_campaign"),
    ]
    assert answer.result["accepted"] == 1


def test_who_must_be_paid_by_card_is_not_paid_by_sheet(world: World) -> None:
    world.file(ONE)

    answer = world.draft("B1", roster_row(1, ONE, 60_000), channel=Channel.SIGNATURE_SHEET)

    assert answer.result["refused"][0]["code"] == "channel.card_required"


def test_a_person_is_paid_once_in_a_campaign_whichever_batch_comes_first(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.draft("B2", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    world.review("B1")
    world.review("B2")
    world.approve("B2")

    with pytest.raises(LedgerError) as refused:
        world.approve("B1")

    assert refused.value.code == "batch.empty"
    assert world.fund("X01").balance == 380_000


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"channel": Channel.BANK_CARD}, "channel.card_required"),
        ({"name": "一线工人"}, "category.not_in_policy"),
    ],
)
def test_a_sheet_of_before_a_policy_changed_is_judged_by_what_is_in_force_now(
    world: World, rule: dict[str, object], code: str
) -> None:
    world.receive("X01", 500_000)
    row = roster_row(1, ONE, 30_000, SHEET_CLASS)
    world.draft("S1", row, channel=Channel.SIGNATURE_SHEET)
    world.review("S1")
    read = terms(DAY)
    *others, sheets = read.categories
    other = structs.replace(read, categories=(*others, structs.replace(sheets, **rule)))
    policies.adopt_policy(world.ledger, world.act("A-C01"), other)

    with pytest.raises(BatchEmpty, match=f"{code}: 1$"):
        world.approve("S1")

    assert world.fund("X01").balance == 500_000


def test_a_row_that_no_longer_stands_on_the_day_of_approval_is_withdrawn(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    world.review("B1")
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipients.close_file(world.ledger, world.act(), person, "DA1", "脱困")

    answer = world.approve("B1")

    assert answer.result["withdrawn"] == [{"number": 1, "code": "archive.closed"}]
    assert answer.result["paid"] == 1
    world.check_log()


def test_a_batch_is_approved_once(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))

    with pytest.raises(WrongStage):
        world.approve("B1")


def test_the_same_key_answers_again_and_writes_nothing(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")
    first = world.approve("B1", key="approve B1")
    size = world.ledger.size()

    again = world.approve("B1", key="approve B1")

    assert again == msgspec.structs.replace(first, replayed=True)
    assert world.ledger.size() == size
    with pytest.raises(IdempotencyKeyReused):
        world.approve("B2", key="approve B1")


def test_a_refusal_is_replayed_as_the_refusal_it_was(world: World) -> None:
    order = funds.Allocation("C01", "X01", EARMARK, "文", 1)
    act = world.act("A-C01", key="k")
    first = funds.allocate(world.ledger, act, order)
    world.receive("C01", 100)

    again = funds.allocate(world.ledger, act, order)

    assert (first.refusal_code, again.refusal_code) == ("fund.insufficient", "fund.insufficient")
    assert again.replayed


def test_a_dry_run_takes_the_same_path_and_stores_nothing(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")
    size, keys = world.ledger.size(), world.person_keys()
    act = replace(world.act("A-X01"), dry_run=True)

    answer = batches.approve_batch(world.ledger, act, batches.Step("B1", "A-X01"))

    assert answer.dry_run
    assert answer.result["paid"] == 1
    assert world.ledger.size() == size
    assert world.person_keys() == keys
    assert world.fund("X01").balance == 500_000
    assert world.approve("B1").result["paid"] == 1
