"""What summary reports count beside money: of the year's days, of the campaign, each list once."""

from datetime import date
from pathlib import Path

import pytest

from ledger.commands.cases import Charge, Opening, open_case
from ledger.commands.notices import Opening as PuttingUp
from ledger.commands.notices import Raising, close_notice, open_notice, raise_objection
from ledger.commands.notices import withdraw_notice as withdraw
from ledger.commands.samples import Plan, Universe, plan_sample
from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.case import Extent, Subject
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.officer import Role
from ledger.domain.organisation import organisation_id
from ledger.domain.sample import Method
from ledger.domain.values import Money
from ledger.evidence.sampling import Unit
from projections.asked import NOW, Moment
from projections.cases import Asked, case_list
from projections.runner import catch_up
from projections.summary import Whose, cases_counted, notices_counted, samples_counted
from tests.world import CAMPAIGN, Person, World, roster_row

UNION = organisation_id("X01")
OLD, NEW = date(2016, 12, 20), date(2017, 1, 12)
LAST = date(2016, 12, 31)
IN_2016 = Whose([UNION], None, since=date(2016, 1, 1)), Moment(LAST)
IN_2017 = Whose([UNION], None, since=date(2017, 1, 1)), Moment(date(2017, 12, 31))
OF_CAMPAIGN = Whose([UNION], campaign_id(CAMPAIGN), CAMPAIGN), NOW
ONE, TWO = Person(1), Person(2)
BATCH = batch_id("B1")


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World.at(tmp_path).settle_in()
    found.appoint("J-C01", "C01", Role.INSPECTOR, date(2016, 12, 1))
    return found


def put_up(world: World, day: date) -> None:
    period = Period(5, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")
    order = PuttingUp(BATCH, period, "单位公告栏", "工会办公室")
    open_notice(world.ledger, world.act("H-X01", day), order)


def test_a_list_that_was_put_up_again_counts_once(world: World) -> None:
    world.receive("X01", 500_000, 2016, date(2016, 12, 2))
    world.file(ONE, TWO)
    rows = roster_row(1, ONE, 60_000), roster_row(2, TWO, 70_000)
    world.draft("B1", *rows, day=OLD)
    put_up(world, OLD)
    objection = Raising(notice_id(BATCH, 1), 1, "第1行的人已经退休", "李四", "13800001234")
    raise_objection(world.ledger, world.act(day=OLD), objection)
    withdraw(world.ledger, world.act("R-X01", NEW), notice_id(BATCH, 1), "名单有误")
    put_up(world, NEW)
    close_notice(world.ledger, world.act("R-X01", date(2017, 1, 18)), notice_id(BATCH, 2))
    put_up(world, date(2017, 1, 20))

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        campaign, old, new = (notices_counted(model, *of) for of in (OF_CAMPAIGN, IN_2016, IN_2017))

    # Three were put up: one was withdrawn, of the other two the last counts.
    assert (campaign.opened, campaign.listed_count, campaign.listed_fen) == (1, 2, 130_000)
    assert (campaign.closed, campaign.withdrawn, campaign.raised) == (0, 1, 1)
    # As the old year ended, the first one hung.
    assert (old.opened, old.listed_fen, old.withdrawn, old.raised) == (1, 130_000, 0, 1)
    assert (new.opened, new.listed_fen, new.withdrawn, new.raised) == (1, 130_000, 1, 0)


def open_one(world: World, subject: Subject, day: date) -> None:
    extent = Extent(count=2, amount_fen=Money(80_000), since=day.isoformat())
    charge = Charge("J-C01", date(2017, 12, 31))
    order = Opening(UNION, subject, "W", extent, "核对退回", charge)
    open_case(world.ledger, world.act("J-C01", day), order)


def test_cases_count_in_the_year_in_which_they_were_opened_and_in_their_own_campaign(
    world: World,
) -> None:
    ours = campaign_id(CAMPAIGN)
    open_one(world, Subject(rule="F3", organisation_id=UNION), OLD)
    for rule in ("J3", "J4"):
        open_one(world, Subject(rule=rule, organisation_id=UNION, campaign_id=ours), NEW)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        for (whose, moment), opened in ((IN_2016, 1), (IN_2017, 2), (OF_CAMPAIGN, 2)):
            assert cases_counted(model, whose, moment).stages.total() == opened
            asked = Asked(
                [UNION], campaign_id=whose.campaign_id, since=whose.since, until=moment.as_of
            )
            assert len(case_list(model, asked)) == opened


def test_samples_count_in_the_year_in_which_they_were_planned(world: World) -> None:
    universe = Universe(world.ledger.size() - 1, [Unit(1, 100, "")])
    for day in (OLD, NEW, date(2017, 1, 13)):
        order = Plan(f"{day}", "X01", (), Method.SIMPLE, 1)
        plan_sample(world.ledger, world.act("J-C01", day), order, universe)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        planned = [samples_counted(model, *of).planned for of in (IN_2016, IN_2017, OF_CAMPAIGN)]
    assert planned == [1, 2, 3]
