"""A fiscal year that is opened while payments are on their way: they are opening surplus too."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from ledger.anchoring.publications import announce
from ledger.commands.disbursements import (
    Reissue,
    correct_outcome,
    reissue_payment,
    withdraw_payment,
)
from ledger.commands.funds import (
    FundReceipt,
    ReceiptCorrection,
    correct_receipt,
    open_fiscal_year,
    receive_funds,
)
from ledger.domain.organisation import organisation_id
from ledger.evidence.figures import FUND_BALANCE, PAYMENT, SURPLUS, SURPLUS_1
from ledger.packs import contents
from ledger.store.map_store import MapStore
from projections.asked import Moment
from projections.followed_lots import consumption, followed_lots
from projections.runner import catch_up
from projections.surplus import burn_down, surplus
from tests.commands.banking import BEGINS, LATER, Bank, entry, statement
from tests.packs.packing import Packing, judged, judged_plainly
from tests.world import DAY, EARMARK, POLICY, Person, World, failed, pending, roster_row, settled

UNION = organisation_id("X01")
ONE, TWO, THREE, FOUR = map(Person, range(1, 5))
NEW_YEAR = date(2018, 1, 2)
Told = tuple[int, int, int, int]
"""Opening, consumed, in transit and in hand, in fen."""


@pytest.fixture
def paid(tmp_path: Path) -> Iterator[World]:
    """3,600 yuan, of which 1,800 arrived, 1,200 are on their way and 600 in hand."""
    world = World.at(tmp_path / "ledger").settle_in()
    world.receive("X01", 360_000)
    world.file(ONE, TWO, THREE, FOUR)
    world.pay("B1", roster_row(1, ONE, 180_000), roster_row(2, TWO, 120_000))
    world.answer("B1", settled(1, ONE, 180_000), pending(2, TWO, 120_000), sha="01" * 32)
    yield world
    world.ledger.close()


def opened(world: World) -> int:
    act = world.act(day=NEW_YEAR)
    answer = open_fiscal_year(world.ledger, act, "X01", EARMARK, 2018, POLICY)
    return int(str(answer.result["opening_surplus_fen"]))


def all_arrives(world: World) -> None:
    world.answer("B1", settled(1, ONE, 180_000), settled(2, TWO, 120_000), sha="02" * 32)
    world.pay("B2", roster_row(1, THREE, 60_000))
    world.answer("B2", settled(1, THREE, 60_000), sha="03" * 32)


def told(world: World, tmp_path: Path) -> Told:
    """Return what the read model says, which both verifiers find by themselves."""
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        down = burn_down(model, [UNION], 2018)
        followed = consumption(followed_lots(model, 2018))
    found = down.surplus
    assert (followed.opening_fen, followed.consumed_fen) == (found.opening_fen, found.consumed_fen)
    assert down.burned[-1].remaining_fen == found.opening_fen - found.consumed_fen

    packed = packed_by(world, tmp_path, SURPLUS)
    assert packed == (
        found.opening_fen,
        found.consumed_fen,
        found.consumed_in_transit_fen,
        found.unconsumed_fen,
    )
    return packed


def packed_by(world: World, tmp_path: Path, formula: str) -> Told:
    """Return what a pack says of the year by a formula."""
    value = figures(world, tmp_path, "organisation", "X01", formula, year=2018)
    names = ("opening_fen", "consumed_fen", "in_transit_fen", "in_hand_fen")
    opening, consumed, in_transit, in_hand = (value[name] for name in names)
    return opening, consumed, in_transit, in_hand


def figures(
    world: World, tmp_path: Path, kind: str, name: str, formula: str, **arguments: int
) -> Any:
    """Return what a pack says by a formula, which both verifiers find by themselves."""
    maps = MapStore(world.home.map)
    packing = Packing(world.home, world.ledger, maps, announce(world.ledger, maps, world.act()))
    pack = packing.make(kind, name)
    data = packing.write(kind, name)
    maps.close()
    assert judged(data, packing.rules) is None
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert status == 0, printed
    [value] = [
        each.value
        for each in pack.figures
        if each.formula == formula and each.arguments == arguments
    ]
    return value


def test_targets_that_are_set_later_are_those_of_the_year(paid: World, tmp_path: Path) -> None:
    order = FundReceipt("X01", EARMARK, "地方财政", "拨〔2016〕9号", 2016, 5_000, 2018)
    receive_funds(paid.ledger, paid.act(day=NEW_YEAR), order)
    asked = figures(paid, tmp_path, "organisation", "X01", SURPLUS, year=2018)
    assert (asked["first_year_minimum_bp"], asked["all_within_years"]) == (None, None)

    opened(paid)

    set_at = paid.types().index("fiscal_year.targets_set")
    asked = figures(paid, tmp_path, "organisation", "X01", SURPLUS, year=2018)
    assert (asked["first_year_minimum_bp"], asked["all_within_years"]) == (5_000, 2)
    assert asked["targets_position"] == set_at
    with catch_up(paid.ledger, paid.home.read_models).asking() as model:
        found = surplus(model, [UNION], 2018)
    assert (found.first_year_minimum_bp, found.all_within_years) == (5_000, 2)


def test_what_is_on_its_way_is_opening_surplus_until_it_arrives(
    paid: World, tmp_path: Path
) -> None:
    assert opened(paid) == 60_000
    assert told(paid, tmp_path) == (180_000, 0, 120_000, 60_000)

    paid.answer("B1", settled(1, ONE, 180_000), settled(2, TWO, 120_000), sha="02" * 32)

    assert told(paid, tmp_path) == (180_000, 120_000, 0, 60_000)


def test_what_comes_back_is_in_hand_again_and_counts_once(paid: World, tmp_path: Path) -> None:
    opened(paid)

    paid.answer("B1", settled(1, ONE, 180_000), failed(2, TWO, 120_000), sha="02" * 32)
    assert told(paid, tmp_path) == (180_000, 0, 0, 180_000)

    paid.pay("B2", roster_row(1, THREE, 150_000))
    paid.answer("B2", settled(1, THREE, 150_000), sha="03" * 32)
    assert told(paid, tmp_path) == (180_000, 150_000, 0, 30_000)


def test_what_is_withdrawn_is_in_hand_again_and_verifiers_find_it_so(
    paid: World, tmp_path: Path
) -> None:
    paid.pay("B2", roster_row(1, THREE, 60_000))
    assert opened(paid) == 0
    assert told(paid, tmp_path) == (180_000, 0, 180_000, 0)

    withdraw_payment(paid.ledger, paid.act(), paid.payment_id(THREE), "本人已调离")

    assert told(paid, tmp_path) == (180_000, 0, 120_000, 60_000)
    assert figures(paid, tmp_path, "payment", str(paid.payment_id(THREE)), "payment/1") == {
        "status": "withdrawn",
        "amount_fen": 60_000,
        "paid_fen": 0,
        "times_returned": 0,
    }
    of_batch = figures(paid, tmp_path, "batch", "B2", "batch/1")
    counts = [of_batch[name] for name in ("payments", "returned_fen", "in_transit")]
    assert counts == [1, 60_000, 0]


def test_a_year_is_opened_though_all_of_the_money_is_on_its_way(
    paid: World, tmp_path: Path
) -> None:
    paid.pay("B2", roster_row(1, THREE, 60_000))

    assert opened(paid) == 0
    assert told(paid, tmp_path) == (180_000, 0, 180_000, 0)


def test_what_reached_people_before_is_nobody_s_surplus(paid: World, tmp_path: Path) -> None:
    all_arrives(paid)

    assert opened(paid) == 0
    assert told(paid, tmp_path) == (0, 0, 0, 0)


def test_what_had_reached_people_and_comes_back_is_added(paid: World, tmp_path: Path) -> None:
    all_arrives(paid)
    opened(paid)

    paid.answer("B1", failed(1, ONE, 180_000), settled(2, TWO, 120_000), sha="04" * 32)
    assert told(paid, tmp_path) == (180_000, 0, 0, 180_000)
    assert opened(paid) == 0, "it is followed already"

    paid.pay("B3", roster_row(1, FOUR, 100_000))
    paid.answer("B3", settled(1, FOUR, 100_000), sha="05" * 32)
    assert told(paid, tmp_path) == (180_000, 100_000, 0, 80_000)


def test_what_came_back_and_is_paid_again_to_the_same_is_as_though_it_had_stayed(
    paid: World, tmp_path: Path
) -> None:
    paid.answer("B1", settled(1, ONE, 180_000), settled(2, TWO, 120_000), sha="02" * 32)
    assert opened(paid) == 60_000

    paid.answer("B1", failed(1, ONE, 180_000), settled(2, TWO, 120_000), sha="04" * 32)
    assert told(paid, tmp_path) == (240_000, 0, 0, 240_000)

    reissue_payment(paid.ledger, paid.act(), Reissue(paid.payment_id(ONE), "再付"))
    assert told(paid, tmp_path) == (240_000, 0, 180_000, 60_000)
    paid.answer("B1", settled(1, ONE, 180_000), sha="05" * 32)
    assert told(paid, tmp_path) == (60_000, 0, 0, 60_000)


def test_an_outcome_put_right_across_the_opening_is_followed(paid: World, tmp_path: Path) -> None:
    assert opened(paid) == 60_000
    id_, version = paid.payment_id(ONE), paid.payment(ONE).version

    correct_outcome(paid.ledger, paid.act(), id_, version, "误记")
    assert told(paid, tmp_path) == (360_000, 0, 300_000, 60_000)

    correct_outcome(paid.ledger, paid.act(), id_, version + 1, "更正有误")
    assert told(paid, tmp_path) == (180_000, 0, 120_000, 60_000)


def test_a_return_by_mistake_that_is_taken_back_leaves_all_as_it_was(
    paid: World, tmp_path: Path
) -> None:
    assert opened(paid) == 60_000
    before = told(paid, tmp_path)
    bank = Bank(paid)
    bank.keep()
    bank.take(statement(BEGINS, LATER, 0, entry(LATER, 180_000)))
    bank.come_back(bank.lines[0], ONE)
    assert told(paid, tmp_path) == (360_000, 0, 120_000, 240_000)

    payment = paid.payment(ONE)
    act = paid.act("A-X01", LATER)
    correct_outcome(paid.ledger, act, payment.id, payment.version, "款是别人的")

    assert told(paid, tmp_path) == before
    figures(paid, tmp_path, "payment", str(payment.id), PAYMENT)
    figures(paid, tmp_path, "fund", f"X01/{EARMARK}", FUND_BALANCE)


def test_what_came_back_is_looked_for_by_few_lines(paid: World) -> None:
    """Whatever a lot's lines are: by those that left people, and by each payment's own."""
    opened(paid)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    with catch_up(paid.ledger, paid.home.read_models).asking() as model:

        def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
            if "journal_lines.from_account = 'recipient'" in statement:
                asked.append((statement, parameters))

        event.listen(model, "before_cursor_execute", note)
        surplus(model, [UNION], 2018)
        followed_lots(model, 2018)
        event.remove(model, "before_cursor_execute", note)
        plans = [
            " ".join(str(row[-1]) for row in model.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", of))
            for sql, of in asked
        ]

    assert len(plans) == 4
    for plan in plans:
        assert "journal_lines USING INDEX journal_from_people (lot_id=? AND position>?" in plan
        assert "earlier USING INDEX journal_by_disbursement (disbursement_id=? AND" in plan


def test_a_receipt_put_right_after_the_opening_is_part_of_it(paid: World, tmp_path: Path) -> None:
    fund = paid.fund("X01")
    [lot] = fund.lots.values()
    opened(paid)

    more = ReceiptCorrection("X01", EARMARK, lot.lot_id, lot.receipts[0], 50_000, "少录")
    correct_receipt(paid.ledger, paid.act(day=NEW_YEAR), more)

    assert told(paid, tmp_path) == (230_000, 0, 120_000, 110_000)


def test_as_of_a_day_what_was_on_its_way_stands_as_at_the_opening(paid: World) -> None:
    """An opening that is dated back: the days of what came before it do not matter to it."""
    act = paid.act(day=DAY - timedelta(days=1))
    open_fiscal_year(paid.ledger, act, "X01", EARMARK, 2018, POLICY)

    with catch_up(paid.ledger, paid.home.read_models).asking() as model:
        found = surplus(model, [UNION], 2018, Moment(as_of=DAY - timedelta(days=1)))
        followed = consumption(followed_lots(model, 2018, Moment(as_of=DAY - timedelta(days=1))))

    assert (found.opening_fen, found.consumed_fen, found.consumed_in_transit_fen) == (
        180_000,
        0,
        120_000,
    )
    assert followed.opening_fen == 180_000


def test_packs_made_under_the_formula_before_still_hold(
    paid: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(paid)
    paid.answer("B1", settled(1, ONE, 180_000), settled(2, TWO, 120_000), sha="02" * 32)
    monkeypatch.setattr(contents, "SURPLUS", SURPLUS_1)

    assert packed_by(paid, tmp_path, SURPLUS_1) == (60_000, 120_000, -120_000, 60_000)
