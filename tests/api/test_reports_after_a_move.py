"""A union is moved: closed years stay who they were of, and a printed address finds the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from api.callers import Reach
from api.journal_file import journal_lines
from api.known import Kept
from api.owed import Question, due
from api.reporting import Scope, reporting
from api.v1.disbursements import question, show_totals
from ledger.commands.organisations import Move, move_organisation
from ledger.commands.policies import CampaignOpening, open_campaign
from ledger.domain.organisation import organisation_id
from projections.asked import NOW, Moment
from projections.exports.plain_text import Dialect
from projections.organisations import tree_on
from projections.runner import catch_up
from tests.api.service import service_at
from tests.world import CAMPAIGN, POLICY, Person, World, roster_row, settled

ONE = Person(1)
FEN = 80_000
MOVED, TODAY = date(2018, 1, 15), date(2018, 2, 1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """X01 paid one person in 2017, for itself and C01; X02 nobody."""
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    world.file(ONE)
    world.pay("PAY-1", roster_row(1, ONE, FEN))
    world.answer("PAY-1", settled(1, ONE, FEN))
    yield world
    world.check_log()


def move(world: World) -> None:
    move_organisation(world.ledger, world.act(day=MOVED), Move("X01", "X02", "合并"))


def paid(world: World, scope: Scope) -> int:
    """Return what a report says that reached people; its year's account says the same."""
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        reach = Reach(frozenset(tree_on(model).by_id), TODAY)
        of = reporting(model, world.ledger, reach, scope)
        found = of.statistics(model).tally.paid_fen
        assert of.of_year(model).line(of.ids).paid_fen == found
        return found


def asked_over_http(world: World, moment: Moment) -> int:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        reach = Reach(frozenset(tree_on(model).by_id), TODAY)
        asked = question(model, reach, moment, organisation="X02")
        return show_totals(model, moment, asked, world.ledger).total_fen


def test_a_closed_year_stays_with_whom_it_was_of(world: World) -> None:
    move(world)

    assert paid(world, Scope("X01", None, 2017)) == FEN
    assert paid(world, Scope("X02", None, 2017)) == 0
    assert paid(world, Scope("X02", None, 2017, Moment(as_of=TODAY))) == 0


@pytest.mark.parametrize("scope", [Scope("X02", CAMPAIGN), Scope("X02", None, 2018)])
def test_a_printed_address_finds_the_same_after_a_move(world: World, scope: Scope) -> None:
    printed = Moment(at=world.ledger.size() - 1)
    before = unions_of(world, replace(scope, moment=printed))

    move(world)

    assert unions_of(world, replace(scope, moment=printed)) == before == {"X02"}
    assert unions_of(world, scope) == {"X01", "X01-01", "X02"}


def unions_of(world: World, scope: Scope) -> set[str]:
    """Return the unions that a report is of."""
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        reach = Reach(frozenset(tree_on(model).by_id), TODAY)
        of = reporting(model, world.ledger, reach, scope)
        return {of.tree.by_id[id_].code for id_ in of.ids}


def test_deadlines_and_lists_are_held_to_their_address_too(world: World) -> None:
    printed = Moment(at=world.ledger.size() - 1)

    def owed(moment: Moment) -> tuple[set[str], set[str]]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            reach = Reach(frozenset(tree_on(model).by_id), TODAY)
            found = due(model, world.ledger, reach, Question("X02", moment=moment))
            return {each.code for each in found.places}, {each.code for each in found.campaigns}

    before, listed = owed(printed), asked_over_http(world, printed)
    move(world)
    opened = CampaignOpening("2018", "两节", MOVED, TODAY, 2018, POLICY)
    open_campaign(world.ledger, world.act(day=MOVED), opened)

    assert owed(printed) == before == ({"X02"}, {CAMPAIGN})
    assert owed(NOW) == ({"X01", "X01-01", "X02"}, {CAMPAIGN, "2018"})
    assert asked_over_http(world, printed) == listed == 0
    assert asked_over_http(world, NOW) == FEN


def test_pages_and_files_are_held_to_their_address_too(tmp_path: Path) -> None:
    """Overview, flow, lots, the surplus over HTTP, what is known of doubts, and the journal."""
    with service_at(tmp_path) as service:
        world = service.world
        world.receive("X01", 1_234_567)
        printed = world.ledger.size() - 1
        move(world)
        world.register("X03", "C01", MOVED)
        came = world.receive("X03", 100, 2018, MOVED)

        def shown(path: str, **asked: int) -> bool:
            answer = service.browser("U-C01").get(path, params=dict(asked, organisation="X02"))
            assert answer.status_code == 200, answer.text
            return "12,345.67" in answer.text

        for path in ("/overview", "/flow?year=0"):
            assert (shown(path), shown(path, at=printed)) == (True, False), path
        union = f"/v1/organisations/{organisation_id('X02')}/surplus"
        in_hand = [
            service.get("U-C01", union, year=2018, **asked)["in_hand_fen"]
            for asked in ({}, {"at": printed})
        ]
        assert in_hand == [1_234_567, 0]
        lot = f"/trace/lots/{came.result['lot_id']}"
        statuses = [
            service.browser("U-C01").get(lot, params=asked).status_code
            for asked in ({}, {"at": printed})
        ]
        assert statuses == [200, 404]
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            under = {NOW: {"X02", "X01", "X01-01"}, Moment(at=printed): {"X02"}}
            for moment, below in under.items():
                tree = Kept().known(model, world.ledger, moment, TODAY).tree
                ids = tree.subtree(organisation_id("X02"))
                assert {tree.by_id[each].code for each in ids} == below
                lines = journal_lines(world.ledger, model, Dialect.BEANCOUNT, moment)
                assert (b"X03" in b"".join(lines)) == (moment.at is None)
