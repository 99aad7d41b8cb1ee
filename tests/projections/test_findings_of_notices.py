"""Rules about public notices: recorded late, taken down over objections, upheld and paid."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.commands.disbursements import SignedSheet, record_signatures, withdraw_payment
from ledger.commands.notices import (
    Answering,
    Opening,
    Raising,
    answer_objection,
    close_notice,
    open_notice,
    raise_objection,
    withdraw_notice,
)
from ledger.domain.batch import batch_id
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.policy import Channel
from projections.findings.asked import Patience
from projections.findings.finding import Finding, Severity
from projections.findings.rules import findings
from projections.findings.versions import EARLIER
from projections.runner import catch_up
from tests.projections.test_findings import asked_of
from tests.world import SHEET_CLASS, Person, World, roster_row, signature

ONE, TWO, THREE = Person(1), Person(2), Person(3)
HUNG = date(2017, 3, 6)
LATER = date(2017, 4, 20)
BATCH = batch_id("B1")
NOTICE = notice_id(BATCH, 1)
PERIOD = Period(5, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")


@pytest.fixture
def world(world: World) -> World:
    """A signature sheet of two people, drafted."""
    world.receive("X01", 1_000_000)
    draft(world, "B1", ONE, TWO)
    return world


def draft(world: World, code: str, *people: Person) -> None:
    rows = [roster_row(number, each, 30_000, SHEET_CLASS) for number, each in enumerate(people, 1)]
    world.draft(code, *rows, channel=Channel.SIGNATURE_SHEET)


def put_up(
    world: World, code: str = "B1", day: date = HUNG, recorded: str = "", days: int = 5
) -> None:
    act = world.act("H-X01", day)
    if recorded:
        moment = recorded if "T" in recorded else f"{recorded}T08:00:00.000Z"
        act = replace(act, recorded_at=moment)
    order = Opening(batch_id(code), replace(PERIOD, days=days), "单位公告栏", "工会办公室")
    open_notice(world.ledger, act, order)


def found(world: World, rule: str, version: int = 0, day: date = LATER) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, day)
        told = EARLIER[rule][version - 1].find(asked) if version else findings(asked)
        return [each for each in told if each.rule == rule]


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ("2017-03-06", []),
        ("2017-03-05T23:00:00.000Z", []),  # by then it was the 6th in China
        ("2017-03-06T23:00:00.000Z", [(Severity.INFORMATION, "notice_late", 1)]),
        ("2017-03-08", [(Severity.INFORMATION, "notice_late", 2)]),
        ("2017-03-12", [(Severity.WARNING, "notice_over", 6)]),
    ],
)
def test_a_notice_that_was_recorded_after_it_hung_is_a_doubt(
    world: World, recorded: str, told: list[tuple[Severity, str, int]]
) -> None:
    put_up(world, recorded=recorded)

    late = found(world, "H4")
    assert [(each.severity, each.detail, each.days_late) for each in late] == told
    assert [(each.batch_id, each.count, each.amount_fen) for each in late] == [
        (BATCH, 2, 60_000)
    ] * len(told)
    assert found(world, "H4", 2) == []


def test_a_list_that_hung_for_fewer_days_than_the_policy_asks_is_a_doubt(world: World) -> None:
    put_up(world, days=4)
    end = date(2017, 3, 11)
    close_notice(world.ledger, world.act("H-X01", end), NOTICE)
    for step in (world.review, world.approve):
        step("B1", day=end)

    [short] = found(world, "K1")
    assert (short.detail, short.count, short.amount_fen) == ("too_short", 1, 60_000)
    assert (short.severity, short.since) == (Severity.WARNING, end.isoformat())
    assert found(world, "K1", 1) == []
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        for days in (4, 5):
            asked = replace(asked_of(world, model, LATER), patience=Patience(notice_days=days))
            assert len([each for each in findings(asked) if each.rule == "K1"]) == days - 4


def test_objections_to_what_was_taken_down_are_told_until_they_are_answered(world: World) -> None:
    put_up(world)
    object_to(world, 1)
    object_to(world, None)
    withdraw_notice(world.ledger, world.act("R-X01", HUNG), NOTICE, "名单有误")

    [down] = found(world, "K3")
    assert (down.detail, down.count, down.batch_id) == ("taken_down", 2, BATCH)
    answer(world, 1, upheld=False)
    assert [each.count for each in found(world, "K3")] == [1]
    answer(world, 2, upheld=False)
    assert found(world, "K3") == []


def test_whose_row_fell_and_who_is_paid_by_another_list_is_a_doubt(world: World) -> None:
    put_up(world)
    object_to(world, 1)
    answer(world, 1)
    assert found(world, "K4") == []
    draft(world, "B2", ONE, THREE)
    for code in ("B1", "B2"):
        world.review(code, day=HUNG)
        world.approve(code, day=HUNG)

    [again] = found(world, "K4")
    assert (again.severity, again.detail, again.amount_fen) == (
        Severity.WARNING,
        "listed_again",
        30_000,
    )
    assert (again.batch_id, again.payment_ids) == (batch_id("B2"), (world.payment_id(ONE),))
    signed = replace(signature(1, ONE.name), signed_at="2017-03-07T09:00:00+08:00")
    act = replace(world.act("R-X01", date(2017, 3, 8)), recorded_at="2017-03-08T08:00:00.000Z")
    record_signatures(world.ledger, act, SignedSheet("B2", "ef" * 32, [signed]))
    assert [each.severity for each in found(world, "K4")] == [Severity.ERROR]


def test_an_objection_upheld_about_no_row_is_a_doubt(world: World) -> None:
    put_up(world)
    object_to(world, None)
    answer(world, 1, no_row=True)

    [upheld] = found(world, "K4")
    assert (upheld.severity, upheld.detail, upheld.batch_id) == (Severity.WARNING, "no_row", BATCH)


def test_who_is_paid_though_an_objection_was_upheld_is_a_doubt(world: World) -> None:
    put_up(world)
    for step in (world.review, world.approve):
        step("B1", day=HUNG)
    object_to(world, 2)
    answer(world, 1)

    [paid] = found(world, "K4")
    assert (paid.severity, paid.detail) == (Severity.WARNING, "row_paid")
    assert paid.payment_ids == (world.payment_id(TWO),)
    withdraw_payment(world.ledger, world.act("A-X01", HUNG), world.payment_id(TWO), "异议成立")
    assert found(world, "K4") == []


def object_to(world: World, row: int | None) -> None:
    raising = Raising(NOTICE, row, "已经退休")
    raise_objection(world.ledger, world.act(day=HUNG), raising)


def answer(world: World, number: int, *, upheld: bool = True, no_row: bool = False) -> None:
    order = Answering(NOTICE, number, upheld, "经查", no_row=no_row)
    answer_objection(world.ledger, world.act("R-X01", HUNG), order)


def test_what_hung_before_the_ledger_was_begun_was_not_recorded_late(world: World) -> None:
    put_up(world, day=date(2017, 1, 12), recorded="2017-03-02")

    assert found(world, "H4") == []
