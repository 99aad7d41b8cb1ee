"""What is refused of receipts, allocations, corrections and fiscal years."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from ledger.commands import funds
from ledger.domain.values import MONEY_MAX
from tests.commands.refusing import Attempt, nothing_more
from tests.world import DAY, EARMARK, POLICY, World


def receipt(world: World, day: date = DAY, **changes: object) -> Attempt:
    order = funds.FundReceipt("X01", EARMARK, "地方财政", "文", 2016, 100, 2017, POLICY)
    changed = replace(order, **changes)  # type: ignore[arg-type]
    return lambda: funds.receive_funds(world.ledger, world.act(day=day), changed)


def pass_down(world: World, staff: str, amount: int = 1, taker: str = "X01-01") -> Attempt:
    order = funds.Allocation("X01", taker, EARMARK, "文", amount)
    return lambda: funds.allocate(world.ledger, world.act(staff), order)


def put_right(
    world: World, version: int, difference: int, lot: UUID | None = None, day: date = DAY
) -> Attempt:
    def attempt() -> object:
        [known] = world.fund("X01").lots
        order = funds.ReceiptCorrection("X01", EARMARK, lot or known, version, difference, "少录")
        return funds.correct_receipt(world.ledger, world.act(day=day), order)

    return attempt


def open_year(world: World, union: str, year: int, policy: str = POLICY) -> Attempt:
    return lambda: funds.open_fiscal_year(world.ledger, world.act(), union, EARMARK, year, policy)


@pytest.mark.parametrize(
    ("code", "attempt"),
    [
        ("ledger.not_on_record", lambda w: receipt(w, organisation_code="X99")),
        ("ledger.not_on_record", lambda w: receipt(w, policy_code="none", carried_into=2018)),
        ("fiscal_year.implausible", lambda w: receipt(w, vintage=20_166)),
        ("fiscal_year.implausible", lambda w: receipt(w, carried_into=20_177)),
        ("fiscal_year.implausible", lambda w: receipt(w, date(1900, 1, 8))),
        ("fiscal_year.vintage_not_earlier", lambda w: receipt(w, vintage=2017)),
        ("amount.not_positive", lambda w: receipt(w, amount_fen=0)),
        ("amount.not_positive", lambda w: receipt(w, amount_fen=-1)),
        ("amount.too_large", lambda w: receipt(w, amount_fen=MONEY_MAX + 1)),
        ("amount.not_positive", lambda w: pass_down(w, "A-X01", 0)),
        ("amount.not_positive", lambda w: pass_down(w, "A-X01", -5)),
        ("amount.too_large", lambda w: pass_down(w, "A-X01", MONEY_MAX + 1)),
        ("ledger.not_on_record", lambda w: pass_down(w, "A-X01", taker="X99")),
        ("allocation.not_below", lambda w: pass_down(w, "A-X01", taker="X02")),
        ("duty.role_missing", lambda w: pass_down(w, "H-X01")),
        ("duty.role_missing", lambda w: pass_down(w, "A-X01-01")),
        ("duty.officer_required", lambda w: pass_down(w, "")),
        ("fund.lot_unknown", lambda w: put_right(w, 2, 5, uuid4())),
        ("fund.no_such_receipt", lambda w: put_right(w, 1, 5)),
        ("fund.no_such_receipt", lambda w: put_right(w, 99, 5)),
        ("fund.nothing_to_add", lambda w: put_right(w, 2, 0)),
        (
            "fund.corrected_before_receipt",
            lambda w: put_right(w, 2, 5, day=date(2017, 1, 1)),
        ),
        ("fund.insufficient", lambda w: put_right(w, 2, -1001)),
        ("amount.too_large", lambda w: put_right(w, 2, MONEY_MAX)),
        ("ledger.not_on_record", lambda w: open_year(w, "X99", 2018)),
        ("ledger.not_on_record", lambda w: open_year(w, "X02", 2018)),
        ("ledger.not_on_record", lambda w: open_year(w, "X01", 2018, "none")),
        ("fiscal_year.implausible", lambda w: open_year(w, "X01", 20_188)),
    ],
)
def test_money(world: World, code: str, attempt: Callable[[World], Attempt]) -> None:
    world.receive("X01", 1000)

    assert nothing_more(world, attempt(world)).code == code
    assert world.fund("X01").balance == 1000


def test_money_that_was_passed_down_is_no_receipt_of_who_got_it(world: World) -> None:
    world.receive("C01", 1000)
    world.allocate("C01", "X01", 400)

    assert nothing_more(world, put_right(world, 2, 5)).code == "fund.no_such_receipt"
