"""Rules about public notices: recorded late, taken down over objections, upheld and paid."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.commands.notices import Opening, open_notice
from ledger.domain.batch import batch_id
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.policy import Channel
from projections.findings.finding import Finding, Severity
from projections.findings.rules import findings
from projections.findings.versions import EARLIER
from projections.runner import catch_up
from tests.projections.test_findings import asked_of
from tests.world import SHEET_CLASS, Person, World, roster_row

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
        act = replace(act, recorded_at=f"{recorded}T08:00:00.000Z")
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


def test_what_hung_before_the_ledger_was_begun_was_not_recorded_late(world: World) -> None:
    put_up(world, day=date(2017, 1, 12), recorded="2017-03-02")

    assert found(world, "H4") == []
