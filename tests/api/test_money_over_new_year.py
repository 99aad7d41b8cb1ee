"""Years' money: what came in is income once, and a year opens with what the one before closed."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from uuid import UUID

import pytest

from api.callers import Reach
from api.known import Kept
from api.reporting import Scope, reporting
from api.web.formats import yuan
from api.web.language import languages
from api.web.tables.made import Sources, made
from api.web.tables.report import Figure, Line, Sort
from ledger.commands.funds import (
    Allocation,
    FundReceipt,
    ReceiptCorrection,
    allocate,
    correct_receipt,
    receive_funds,
)
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.domain.organisation import organisation_id
from ledger.files.bank import BankReturn, Lists, ReturnLine
from projections.organisations import tree_on
from projections.runner import catch_up
from projections.vouchers import chart_of, month_balances
from tests.api.service import Service, service_at
from tests.world import EARMARK, Person, World, failed, roster_row, settled

ONE, TWO, THREE = (Person(n) for n in range(1, 4))
EARLY, EVE, LATER = date(2016, 12, 20), date(2016, 12, 31), date(2017, 2, 1)
OLD = "拨〔2016〕9号"
FEN = 80_000
READER = "J-C01"
AT_HAND = {"101", "102", "103"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Money of each year comes in the other, is passed on, paid, sent back and corrected."""
    with service_at(tmp_path_factory.mktemp("years"), unlimited=True) as service:
        world = service.world
        early = world.receive("C01", 1_000_000, 2017, EARLY)
        world.receive("C01", 300_000, 2016, date(2017, 1, 2))  # what the first load carries in
        late = FundReceipt("C01", EARMARK, "地方财政", OLD, 2016, 500_000)
        receive_funds(world.ledger, world.act(day=LATER), late)
        pass_on(world, 600_000, EARLY)
        pass_on(world, 150_000, LATER)
        world.file(ONE, TWO, THREE)
        rows = [roster_row(number, each, FEN) for number, each in enumerate((ONE, TWO, THREE), 1)]
        world.draft("PAY-1", *rows, day=EVE)
        world.review("PAY-1", day=EVE)
        world.approve("PAY-1", day=EVE)
        answer(world, EVE, settled(1, ONE, FEN))
        answer(world, LATER, settled(2, TWO, FEN), failed(1, ONE, FEN, "RETURNED"))
        wrong = ReceiptCorrection(
            "C01", EARMARK, UUID(str(early.result["lot_id"])), 2, -100_000, "多记"
        )
        correct_receipt(world.ledger, world.act("A-C01", LATER), wrong)
        yield service
        world.check_log()


def pass_on(world: World, amount: int, day: date) -> None:
    order = Allocation("C01", "X01", EARMARK, f"下拨 {day}", amount)
    allocate(world.ledger, world.act("A-C01", day), order)


def answer(world: World, day: date, *lines: ReturnLine) -> None:
    sha = f"{day}{len(lines)}".encode().hex().ljust(64, "0")[:64]
    content = BankReturn("unionpay-df", "PAY-1", Lists.SOME, lines, None, None, sha)
    receive_statement(world.ledger, world.act(day=day), ReturnFile("PAY-1", "r.txt", content))


def test_what_came_before_its_year_is_income_of_the_year_in_which_it_came(
    service: Service,
) -> None:
    old, new = (
        service.get(READER, "/v1/reports/yearly", year=year)["total"] for year in (2016, 2017)
    )

    assert (old["opening_fen"], old["received_fen"]) == ({}, {"地方财政": 1_000_000})
    assert (old["closing_fen"], old["received_earlier_fen"]) == (1_000_000 - FEN, 0)
    # What was left, what was carried in, and not what came in later of a year before.
    assert new["opening_fen"] == {"地方财政": 1_000_000 - FEN + 300_000}
    assert new["received_fen"] == {"地方财政": 500_000 - 100_000}
    assert new["received_earlier_fen"] == 500_000
    assert new["paid_fen"] == 0  # one more was paid, and one came back


def test_a_year_opens_with_what_the_one_before_closed(service: Service) -> None:
    years = [service.get(READER, "/v1/reports/yearly", year=year) for year in range(2015, 2020)]
    carried = {(2017, str(organisation_id("C01"))): 300_000, (2017, None): 300_000}

    for before, after in pairwise(years):
        closed = {
            each["organisation_id"]: each["closing_fen"]
            for each in (*before["items"], before["total"])
        }
        for line in (*after["items"], after["total"]):
            opening, place = sum(line["opening_fen"].values()), line["organisation_id"]
            assert opening == closed[place] + carried.get((after["year"], place), 0)
            came = opening + sum(line["received_fen"].values()) + line["came_down_fen"]
            assert came == line["passed_on_fen"] + line["paid_fen"] + line["closing_fen"]


def test_a_year_opens_as_the_package_for_inspectors_does(service: Service) -> None:
    told = {
        each["organisation_id"]: sum(each["opening_fen"].values())
        for each in service.get(READER, "/v1/reports/yearly", year=2017)["items"]
    }
    world = service.world
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        for code, carried in (("C01", 300_000), ("X01", 0)):
            id_ = organisation_id(code)
            january = sum(
                each.opening_fen
                for each in month_balances(model, chart_of(model), [id_], 2017)
                if each.month == 1 and each.of.account.code in AT_HAND
            )
            assert told[str(id_)] == january + carried > 0


@pytest.mark.parametrize("year", [2016, 2017, 2018])
def test_figures_of_money_that_came_lead_to_lists_that_add_up_to_them(
    service: Service, year: int
) -> None:
    lines = list(table(service.world, year))
    names = [str(line.cells[0]) for line in lines]

    assert ("其中：以前年度资金本年到账" in names) is (year == 2017)
    seen = 0
    for line in lines:
        for figure in line.cells:
            if isinstance(figure, Figure) and (figure.behind or "").startswith("/flow/receipts"):
                page = service.browser(READER).get(figure.behind or "").text
                found = re.search(r"合计 (-?¥[\d,.]+)", page)
                assert found is not None
                assert found[1] == yuan(figure.value), (line.cells[0], figure.behind)
                seen += 1
    assert seen > 5


def table(world: World, year: int, sort: Sort = Sort.YEAR) -> Iterator[Line]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        reach = Reach(frozenset(tree_on(model).by_id), date(2018, 2, 1))
        of = reporting(model, world.ledger, reach, Scope(None, None, year))
        sources = Sources(model, world.ledger, reach, Kept())
        report = made(sources, of, sort, languages()["zh"], "http://x/")
    assert all(holds for _, holds in report.checks)
    for section in report.sections:
        yield from section.lines


def test_a_years_summary_counts_what_came_back_and_waited_in_that_year(service: Service) -> None:
    old, new = (service.get(READER, "/v1/reports/summary", year=year) for year in (2016, 2017))

    assert old["returned"] == []
    assert [(each["count"], each["amount_fen"]) for each in new["returned"]] == [(1, FEN)]
    waiting, seen = {}, 0
    for year in (2016, 2017):
        for line in table(service.world, year, Sort.SUMMARY):
            *_, count, fen = line.cells
            if not (isinstance(count, Figure) and isinstance(fen, Figure)) or len(line.cells) > 3:
                continue
            behind = fen.behind or ""
            if behind.startswith("/ledger"):
                page = service.browser(READER).get(behind).text
                told = yuan(fen.value) in page if fen.value else "data-row" not in page
                assert told, (line.cells[0], behind)
                seen += 1
            if "status=in_transit" in behind:
                waiting[year] = count.value, fen.value
    assert seen > 8
    assert waiting == {2016: (2, 2 * FEN), 2017: (1, FEN)}


def test_a_years_summary_counts_the_doubts_that_stood_at_its_end(service: Service) -> None:
    counts = []
    for year, day in ((2016, "2016-12-31"), (2017, "2017-03-01")):
        told = service.get(READER, "/v1/reports/summary", year=year)["findings"]
        stood = service.get(READER, "/v1/findings", as_of=day)["items"]
        counts.append(sum(told.values()))
        assert counts[-1] == sum(each["organisation_id"] is not None for each in stood)
    assert counts[0] < counts[1]
