"""Fiscal years: surplus of earlier vintages, brought forward until the year is closed."""

from uuid import uuid4

import pytest

from ledger.domain.fiscal_year import (
    FiscalYear,
    VintageNotEarlier,
    YearClosed,
    YearImplausible,
    fiscal_year_id,
)
from ledger.domain.policy import SurplusTargets
from ledger.domain.values import Money
from tests.domain.acting import ACT, memory, only, replayed, settled
from tests.world import terms

UNION = uuid4()
TARGETS = terms().surplus


def year(targets: SurplusTargets = TARGETS) -> FiscalYear:
    return settled(FiscalYear.open(ACT, organisation_id=UNION, year=2017, targets=targets))


def bring(into: FiscalYear, vintage: int, amount: int) -> None:
    into.bring_forward(
        ACT,
        fund_id=uuid4(),
        lot_id=uuid4(),
        origin_id=uuid4(),
        vintage=vintage,
        amount=Money(amount),
    )


def test_a_year_opens_with_its_targets_and_nothing_brought_forward() -> None:
    opened = FiscalYear.open(ACT, organisation_id=UNION, year=2017, targets=TARGETS)

    event = only(opened, FiscalYear.Opened)
    assert (event.organisation_id, event.year, event.targets) == (UNION, 2017, TARGETS)
    assert (opened.id, opened.surplus) == (fiscal_year_id(UNION, 2017), 0)


def test_money_of_earlier_vintages_adds_up_to_the_opening_surplus() -> None:
    opened = year()
    fund, lot, origin = uuid4(), uuid4(), uuid4()
    opened.bring_forward(
        ACT, fund_id=fund, lot_id=lot, origin_id=origin, vintage=2015, amount=Money(70)
    )

    event = only(opened, FiscalYear.SurplusBroughtForward)
    assert (event.fund_id, event.lot_id, event.origin_id) == (fund, lot, origin)
    assert (event.vintage, event.amount_fen, event.year) == (2015, 70, 2017)
    bring(opened, 2016, 30)
    assert opened.surplus == 100
    assert lot in opened.lots


@pytest.mark.parametrize("vintage", [2017, 2018])
def test_money_of_the_year_itself_is_no_surplus(vintage: int) -> None:
    opened = year()

    with pytest.raises(VintageNotEarlier):
        bring(opened, vintage, 1)

    assert opened.collect_events() == []


def test_a_closed_year_takes_nothing_more() -> None:
    opened = year()
    opened.close(ACT)
    assert only(opened, FiscalYear.Closed).year == 2017

    with pytest.raises(YearClosed):
        bring(opened, 2016, 1)
    with pytest.raises(YearClosed):
        opened.close(ACT)

    assert (opened.collect_events(), opened.surplus) == ([], 0)


@pytest.mark.parametrize("number", [0, 1948, 2201, 20_177])
def test_a_year_that_is_a_typing_mistake_does_not_open(number: int) -> None:
    with pytest.raises(YearImplausible):
        FiscalYear.open(ACT, organisation_id=UNION, year=number, targets=TARGETS)


def test_a_replayed_year_is_the_one_that_was() -> None:
    opened = FiscalYear.open(ACT, organisation_id=UNION, year=2017, targets=TARGETS)
    bring(opened, 2015, 5)
    bring(opened, 2016, 6)
    opened.close(ACT)

    assert memory(replayed(opened.collect_events())) == memory(opened)
