"""A case from doubt to closing: who may take each step, and what came back as money."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from ledger.commands import cases
from ledger.commands.cases import (
    Charge,
    Demand,
    Opening,
    Recovery,
    Report,
    Verdict,
    WritingOff,
)
from ledger.commands.funds import close_fiscal_year, open_fiscal_year
from ledger.domain.case import Extent, Stage, Subject, case_id
from ledger.domain.officer import Role
from ledger.domain.organisation import organisation_id
from ledger.domain.values import Money
from ledger.evidence.figures import SURPLUS
from ledger.store.application import Answer
from projections.cases import Asked, CaseView, case_list, count_cases
from projections.findings.money import behind
from projections.flow_of_funds import Period
from projections.followed_lots import consumption, followed_lots, surplus_targets
from projections.runner import catch_up
from projections.surplus import burn_down, surplus
from projections.year import year_of
from tests.commands.refusing import nothing_more
from tests.packs.test_surplus_under_way import figures as packed_figures
from tests.projections.test_findings import asked_of
from tests.world import DAY, EARMARK, POLICY, World

UNION = organisation_id("X01")
SUBJECT = Subject(rule="J3", organisation_id=UNION)
CASE = case_id(SUBJECT)
EXTENT = Extent(count=2, amount_fen=Money(80_000), since="2017-01-20")
DUE = date(2017, 12, 31)
OPENED, LINE = date(2017, 1, 2), date(2017, 12, 31)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World.at(tmp_path).settle_in()
    found.appoint("J-C01", "C01", Role.INSPECTOR, date(2016, 12, 1))
    found.appoint("K-X01", "X01", Role.CASHIER, date(2016, 12, 1))
    found.receive("X01", 500_000)
    yield found
    found.ledger.close()


def opened(world: World) -> Answer:
    order = Opening(UNION, SUBJECT, "W", EXTENT, "核对退回", Charge("J-C01", DUE))
    return cases.open_case(world.ledger, world.act("J-C01", key="open"), order)


def demanded(world: World, fen: int = 80_000) -> Answer:
    opened(world)
    cases.confirm_case(world.ledger, world.act("J-C01"), CASE, "付错了人")
    order = Demand(CASE, "追回并改正", Charge("A-X01", DUE), fen)
    return cases.demand_rectification(world.ledger, world.act("J-C01"), order)


def rectified(world: World, staff: str = "A-X01") -> Answer:
    order = Report(CASE, "已改正", ("ab" * 32,))
    return cases.report_rectified(world.ledger, world.act(staff), order)


def recovered(world: World, fen: int, code: str = "X01") -> Answer:
    order = Recovery(CASE, code, EARMARK, "收〔2017〕9号", 2017, fen)
    return cases.recover(world.ledger, world.act("K-X01"), order)


def closed(world: World, staff: str = "J-C01") -> Answer:
    return cases.close_case(world.ledger, world.act(staff), Verdict(CASE, "核对无误"))


def written_off(world: World, staff: str, fen: int) -> Answer:
    order = WritingOff(CASE, fen, "本人去世，无法追回")
    return cases.write_off(world.ledger, world.act(staff), order)


def view(world: World) -> CaseView:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [found] = case_list(model, Asked())
        return found


def test_a_case_goes_from_doubt_to_closing_and_its_money_comes_back(world: World) -> None:
    demanded(world)
    assert opened(world).replayed
    before = world.fund("X01").balance
    recovered(world, 50_000)
    assert world.fund("X01").balance == before + 50_000
    assert rectified(world).refusal_code is None

    # Of 800 yuan 500 came back: it cannot be closed, nor by whoever had put it right.
    assert closed(world).refusal_code == "case.recovery_open"
    assert written_off(world, "A-X01", 30_000).refusal_code == "case.same_person"
    assert closed(world, "A-X01").refusal_code == "case.same_person"
    assert written_off(world, "A-C01", 30_000).refusal_code is None
    assert closed(world).refusal_code is None

    shown = view(world)
    assert (shown.case_id, shown.stage, shown.live) == (CASE, Stage.CLOSED, False)
    assert (shown.demanded_fen, shown.recovered_fen, shown.written_off_fen) == (
        80_000,
        50_000,
        30_000,
    )
    assert (shown.open_fen, shown.settled_count, shown.subject) == (0, 0, SUBJECT)
    assert [each.step for each in shown.steps] == [
        "opened",
        "assigned",
        "confirmed",
        "demanded",
        "recovered",
        "rectified",
        "written_off",
        "closed",
    ]
    assert shown.steps[5].documents == ("ab" * 32,)
    assert world.types().count("refusal.recorded") == 3
    again = Verdict(CASE, "又出现", EXTENT)
    cases.reopen_case(world.ledger, world.act("J-C01"), again)
    assert (view(world).stage, view(world).rectified_by) == (Stage.OPENED, None)
    world.check_log()


def test_old_money_that_came_back_is_old_surplus_again(world: World, tmp_path: Path) -> None:
    """Of every year that is open after its vintage, to the fen; and not once more when reopened."""
    world.receive("X01", 90_001, vintage=2015)
    for year in (2017, 2018):
        act = world.act(day=date(year, 1, 3))
        open_fiscal_year(world.ledger, act, "X01", EARMARK, year, POLICY)
    open_fiscal_year(world.ledger, world.act(day=date(2018, 1, 3)), "X01", EARMARK, 2016, POLICY)
    close_fiscal_year(world.ledger, world.act(day=date(2018, 1, 4)), "X01", 2016)
    demanded(world)
    act = world.act("K-X01", day=date(2018, 2, 1))

    cases.recover(world.ledger, act, Recovery(CASE, "X01", EARMARK, "收〔2018〕9号", 2015, 50_007))

    open_fiscal_year(world.ledger, world.act(day=date(2018, 2, 2)), "X01", EARMARK, 2018, POLICY)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = {year: surplus(model, [UNION], year) for year in (2016, 2017, 2018)}
        line = year_of(model, [UNION], Period(2018)).line([UNION])
    assert {year: each.opening_fen for year, each in asked.items()} == {
        2016: 90_001,  # closed before
        2017: 90_001 + 50_007,
        2018: 590_001 + 50_007,
    }
    for year, each in asked.items():
        packed = packed_figures(world, tmp_path, "organisation", "X01", SURPLUS, year=year)
        assert packed["opening_fen"] == packed["in_hand_fen"] == each.opening_fen
    # Under a source of its own, so that no authority seems to have given it twice.
    assert line.received["追回款项"] == line.earlier_fen == 50_007
    assert line.balances


def test_old_money_that_came_back_before_a_year_and_is_entered_in_it_is_on_its_clock(
    world: World, tmp_path: Path
) -> None:
    """Half of it is asked for by the end of the year in which it is entered, all of it within two.

    It came on 20 December and is entered in March, when the new year had long been opened.
    """
    world.receive("X01", 90_001, vintage=2015)
    open_fiscal_year(world.ledger, world.act(day=OPENED), "X01", EARMARK, 2017, POLICY)
    demanded(world)
    order = Recovery(CASE, "X01", EARMARK, "收〔2016〕9号", 2015, 50_007)

    cases.recover(world.ledger, world.act("K-X01", day=date(2016, 12, 20)), order)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        found = surplus(model, [UNION], 2017)
        burned = burn_down(model, [UNION], 2017).burned
        asked = surplus_targets(model, 2017)[UNION]
        followed = consumption(followed_lots(model, 2017))
        told = [
            (each.detail, each.amount_fen, each.since)
            for day in (LINE, date(2018, 12, 31), date(2019, 1, 1))
            for each in behind(asked_of(world, model, day), 2017, {UNION: asked})
        ]
    whole = 90_001 + 50_007
    assert (found.opening_fen, found.in_hand_fen, followed.opening_fen) == (whole, whole, whole)
    assert [each.day for each in burned] == [OPENED.isoformat()], "not before the year was opened"
    assert asked.pace(2017, followed, OPENED, LINE).may_remain_fen == whole // 2
    assert asked.pace(2017, followed, OPENED, date(2018, 1, 1)).may_remain_fen == 0
    assert told == [
        ("forecast", whole - whole // 2, LINE.isoformat()),
        ("forecast", whole, "2018-12-31"),
        ("missed", whole, "2018-12-31"),
    ]
    packed = packed_figures(world, tmp_path, "organisation", "X01", SURPLUS, year=2017)
    assert packed["opening_fen"] == whole
    size = world.ledger.size()
    open_fiscal_year(world.ledger, world.act(), "X01", EARMARK, 2017, POLICY)
    assert world.ledger.size() == size, "nothing was left to bring forward"


def test_what_is_late_and_what_nobody_has_is_counted(world: World) -> None:
    opened(world)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert count_cases(model, [UNION], DUE).overdue == 0
        late = count_cases(model, [UNION], date(2018, 1, 1))
    assert (late.live, late.unowned, late.overdue) == (1, 0, 1)
    assert view(world).days_late(date(2018, 1, 2)) == 2
    cases.confirm_case(world.ledger, world.act("J-C01"), CASE, "属实")
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        counted = count_cases(model, [UNION], date(2018, 1, 1))
    assert (counted.live, counted.unowned, counted.overdue) == (1, 1, 0)


def test_whoever_was_not_asked_reports_nothing_and_it_is_on_record(world: World) -> None:
    demanded(world)
    assert rectified(world, "R-X01").refusal_code == "case.not_owner"
    assert view(world).stage == Stage.RECTIFYING


def test_what_cannot_be_leaves_nothing(world: World) -> None:
    ledger, inspector = world.ledger, world.act("J-C01")
    demanded(world)

    def code(attempt: object) -> str:
        return nothing_more(world, attempt).code  # type: ignore[arg-type]

    def asked(staff: str, due: date, fen: int, text: str = "改正") -> object:
        order = Demand(CASE, text, Charge(staff, due), fen)
        return lambda: cases.demand_rectification(ledger, inspector, order)

    assert code(lambda: recovered(world, 80_001)) == "case.more_than_demanded"
    assert code(lambda: recovered(world, 0)) == "amount.not_positive"
    assert code(lambda: closed(world)) == "case.not_at_stage"
    recovered(world, 10_000)
    assert code(asked("A-X01", DUE, 9_999)) == "case.demand_below"
    assert code(asked("A-X02", DUE, 80_000)) == "case.owner_not_there"
    assert code(asked("J-C01", DUE, 80_000)) == "case.owner_not_there"
    assert code(asked("A-X01", DAY.replace(day=1), 80_000)) == "case.due_day_passed"
    assert code(asked("A-X01", DUE, 80_000, " ")) == "case.text_empty"
    assert code(asked("A-X01", DUE, 80_000, "联系 13912345678")) == "case.personal_data"
    order = Opening(UNION, SUBJECT, "W", EXTENT)
    assert code(lambda: cases.open_case(ledger, inspector, order)) == "case.opened_already"


def test_the_id_of_a_case_follows_from_what_it_is_about_alone() -> None:
    assert UUID("00000000-0000-0000-0000-000000000000") != CASE
    assert case_id(Subject(rule="J3", organisation_id=UNION)) == CASE
    assert case_id(Subject(rule="J3", organisation_id=UNION, year=2017)) != CASE
