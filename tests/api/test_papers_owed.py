"""Who owes a paper: one answer on the page, over /v1 and among the findings, whenever asked."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import structs

from api.callers import Reach
from api.known import Kept
from api.owed import Question, due, papers
from api.v1.filings import list_filings
from ledger.commands import policies
from ledger.commands.filings import HandingIn, hand_in
from ledger.domain.campaign import campaign_id
from ledger.domain.policy import Deadline
from projections.asked import NOW, Moment
from projections.organisations import tree_on
from projections.papers_owed import SIGNATURE_SHEETS
from projections.runner import catch_up
from tests.world import CAMPAIGN, Person, World, roster_row, terms

ONE, TWO = Person(1), Person(2)
SHEETS, REPORT = SIGNATURE_SHEETS[-1], "总结"
TODAY = date(2019, 1, 1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """X01 listed people by card, X02 on a sheet, each by the day; X09 was founded a year later."""
    world = World.at(tmp_path).settle_in()
    asked = tuple(
        Deadline(source="方案", confidence="certain", name=name, due_on=date(2017, 2, 5))
        for name in (SHEETS, REPORT)
    )
    day = date(2016, 12, 2)
    proposed = structs.replace(terms(day), deadlines=asked)
    policies.adopt_policy(world.ledger, world.act("A-C01", day), proposed)
    world.receive("X02", 1_000_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 80_000))
    world.sheet("S1", TWO, union="X02")
    world.register("X09", "C01", day=date(2018, 5, 1))
    yield world
    world.check_log()


def owed(world: World, moment: Moment = NOW, *, every: bool = False) -> set[tuple[str, str]]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        reach = Reach(frozenset(tree_on(model).by_id), TODAY)
        asked = due(model, world.ledger, reach, Question(every=every, moment=moment))
        assert sum(each.asked for each in papers(asked.asked)) == len(asked.asked)
        return {(each.organisation.code, each.deadline.name) for each in asked.listed}


def test_only_those_who_took_part_owe_papers_and_every_answer_says_so(world: World) -> None:
    asked = {("X02", SHEETS), *((code, REPORT) for code in ("C01", "X01", "X02"))}

    assert owed(world) == asked
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        tree = tree_on(model)
        reach = Reach(frozenset(tree.by_id), TODAY)
        over = list_filings(campaign_id(CAMPAIGN), model, NOW, reach, world.ledger)
        found = Kept().known(model, world.ledger, NOW, TODAY).findings
    code_of: dict[UUID | None, str] = {
        None: "",
        **{id_: each.code for id_, each in tree.by_id.items()},
    }
    assert {(code_of[each.organisation_id], each.name) for each in over.missing} == asked
    late = [each for each in found if each.rule == "D5"]
    assert {(code_of[each.organisation_id], each.detail) for each in late} == asked


def test_who_hands_in_unasked_is_listed_as_having_done_so(world: World) -> None:
    act = world.act("H-X02", date(2017, 2, 1))
    hand_in(world.ledger, act, HandingIn(CAMPAIGN, "X02", SHEETS, "ab" * 32))
    act = world.act("H-X01", date(2017, 2, 1))
    hand_in(world.ledger, act, HandingIn(CAMPAIGN, "X01", SHEETS, "cd" * 32))

    assert ("X01", SHEETS) in owed(world, every=True)
    assert SHEETS not in {name for _, name in owed(world)}
