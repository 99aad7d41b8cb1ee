"""Years' statistics: what is instructed before New Year and arrives after it is in one of them."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest

from api.callers import Reach
from api.known import Kept
from api.reporting import Reporting, Scope, reporting
from api.web.language import languages
from api.web.tables.made import Sources, made
from api.web.tables.report import Figure, Sort
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.files.bank import BankReturn, Lists, ReturnLine
from projections.exports.report import Weight
from projections.organisations import tree_on
from projections.runner import catch_up
from projections.statistics import Tally
from tests.world import Person, World, failed, roster_row, settled

ONE, TWO, THREE, FOUR = (Person(n) for n in range(1, 5))
OLD_YEAR, EVE = date(2016, 12, 30), date(2016, 12, 31)
NEW_YEAR, TODAY = date(2017, 1, 10), date(2018, 2, 1)
FEN = 80_000
T = TypeVar("T")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Of three payments instructed before New Year one arrived before it; a fourth came after."""
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000, 2016, date(2016, 12, 20))
    world.file(ONE, TWO, THREE, FOUR)
    rows = [roster_row(number, each, FEN) for number, each in enumerate((ONE, TWO, THREE), 1)]
    world.draft("PAY-1", *rows, day=OLD_YEAR)
    world.review("PAY-1", day=OLD_YEAR)
    world.approve("PAY-1", day=OLD_YEAR)
    answer(world, "PAY-1", EVE, settled(1, ONE, FEN))
    world.pay("PAY-2", roster_row(1, FOUR, FEN))
    yield world
    world.check_log()


def answer(world: World, code: str, day: date, *lines: ReturnLine) -> None:
    sha = f"{code}{day}{len(lines)}".encode().hex().ljust(64, "0")[:64]
    content = BankReturn("unionpay-df", code, Lists.SOME, lines, None, None, sha)
    receive_statement(world.ledger, world.act(day=day), ReturnFile(code, "r.txt", content))


def of_year(world: World, year: int) -> Tally:
    def told(of: Reporting, sources: Sources) -> Tally:
        return of.statistics(sources.model).beside(of.earlier(sources.model)).tally

    return asked(world, year, told)


def asked(world: World, year: int, tell: Callable[[Reporting, Sources], T]) -> T:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        reach = Reach(frozenset(tree_on(model).by_id), TODAY)
        of = reporting(model, world.ledger, reach, Scope(None, None, year))
        return tell(of, Sources(model, world.ledger, reach, Kept()))


def test_who_was_paid_after_new_year_is_counted_in_the_new_one(world: World) -> None:
    answer(world, "PAY-1", NEW_YEAR, settled(2, TWO, FEN), failed(3, THREE, FEN))
    answer(world, "PAY-2", NEW_YEAR, settled(1, FOUR, FEN))

    old, new = of_year(world, 2016), of_year(world, 2017)

    assert (old.count, old.paid_fen, old.in_transit_count) == (1, FEN, 2)
    assert (new.count, new.paid_fen, new.card_count) == (2, 2 * FEN, 2)
    assert (new.in_transit_count, new.returned_count, new.returned_fen) == (0, 1, FEN)
    assert of_year(world, 2018).paid_fen == 0


def test_what_came_back_after_new_year_is_taken_off_the_new_one(world: World) -> None:
    answer(world, "PAY-1", NEW_YEAR, settled(2, TWO, FEN), failed(1, ONE, FEN, "RETURNED"))

    old, new = of_year(world, 2016), of_year(world, 2017)

    assert (old.paid_fen, new.paid_fen) == (FEN, 0)
    assert (new.in_transit_count, new.returned_count) == (2, 1)


@pytest.mark.parametrize("sort", [Sort.STATISTICS, Sort.SUMMARY])
def test_each_table_has_it_on_a_row_of_its_own(world: World, sort: Sort) -> None:
    answer(world, "PAY-1", NEW_YEAR, settled(2, TWO, FEN), failed(3, THREE, FEN))
    answer(world, "PAY-2", NEW_YEAR, settled(1, FOUR, FEN))

    report = asked(
        world, 2017, lambda of, sources: made(sources, of, sort, languages()["zh"], "http://x/")
    )

    assert all(holds for _, holds in report.checks)
    names = {"by_category", "by_source", "by_union", "by_union_and_category_1", "by_campaign"}
    sections = [each for each in report.sections if each.name in names]
    assert len(sections) == (5 if sort is Sort.STATISTICS else 1)
    for section in sections:
        *_, before, total = section.lines
        assert (before.cells[0], total.weight) == ("上年下达、本年到账（或退回）", Weight.TOTAL)
        at = 1 if section.name == "by_source" else 2
        for line, fen in ((before, FEN), (total, 2 * FEN)):
            figure = line.cells[at]
            assert isinstance(figure, Figure)
            assert figure.value == fen, section.name
    assert "每笔只在到账的年度计一次" in sections[0].note
