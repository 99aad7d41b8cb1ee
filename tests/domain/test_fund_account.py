"""A fund account: money is neither made nor lost, and the oldest goes first."""

from datetime import date
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.aggregate import Act, Event
from ledger.domain.fund import (
    AmountNotPositive,
    AmountTooLarge,
    FundAccount,
    FundInsufficient,
)
from ledger.domain.lots import Part
from ledger.domain.values import MONEY_MAX, Money

ACT = Act("operator", date(2017, 1, 2), "2017-01-02T00:00:00.000Z")
UNION, OTHER = uuid4(), uuid4()


def account(*receipts: tuple[int, int], union: UUID = UNION) -> FundAccount:
    fund = FundAccount.open(ACT, uuid5(union, "fund"), union, "送温暖")
    for vintage, amount in receipts:
        receive(fund, vintage, amount)
    return fund


def receive(fund: FundAccount, vintage: int, amount: int) -> None:
    fund.receive(
        ACT,
        source="地方财政",
        document="文",
        vintage=vintage,
        carried_into=None,
        amount=Money(amount),
    )


def draw(fund: FundAccount, amount: int) -> tuple[Part, ...]:
    return fund.draw(ACT, disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(amount))


def replayed(events: list[Event]) -> FundAccount:
    fund = None
    for event in events:
        fund = event.mutate(fund)
    assert isinstance(fund, FundAccount)
    return fund


def standing(fund: FundAccount) -> dict[UUID, int]:
    return {lot.lot_id: lot.remaining for lot in fund.lots.values()}


def test_a_draw_takes_the_oldest_vintage_first_then_what_came_in_first() -> None:
    fund = account((2017, 100), (2015, 50), (2016, 30), (2015, 20))

    parts = draw(fund, 90)

    assert [(part.vintage, part.amount_fen) for part in parts] == [
        (2015, 50),
        (2015, 20),
        (2016, 20),
    ]


def test_the_event_says_which_lots_were_drawn_from() -> None:
    fund = account((2015, 50), (2016, 30))
    fund.collect_events()

    parts = draw(fund, 60)

    [drawn] = fund.collect_events()
    assert isinstance(drawn, FundAccount.Drawn)
    assert (drawn.parts, drawn.amount_fen, drawn.actor) == (parts, 60, "operator")


def test_what_is_not_there_cannot_be_drawn_and_leaves_no_event() -> None:
    fund = account((2015, 50))
    fund.collect_events()

    with pytest.raises(FundInsufficient):
        draw(fund, 51)

    assert fund.collect_events() == []
    assert fund.balance == 50


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [(0, AmountNotPositive), (-5, AmountNotPositive), (MONEY_MAX + 1, AmountTooLarge)],
)
def test_money_moves_in_sound_amounts(amount: int, refusal: type[Exception]) -> None:
    fund = account((2017, 100))

    with pytest.raises(refusal):
        receive(fund, 2017, amount)


def test_a_returned_payment_goes_back_to_the_very_lots() -> None:
    fund = account((2015, 50), (2016, 30))
    before = standing(fund)
    parts = draw(fund, 60)
    draw(fund, 20)

    fund.restore(ACT, disbursement_id=uuid4(), parts=parts)

    assert draw(fund, 60) == parts
    assert sum(before.values()) == 80


amounts = st.integers(1, 10**12)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.integers(2012, 2017), amounts),
        st.tuples(st.just("draw"), st.just(0), amounts),
        st.tuples(st.just("restore"), st.integers(0, 50), st.just(1)),
        st.tuples(st.just("allocate"), st.just(0), amounts),
    ),
    max_size=40,
)


@given(steps)
def test_money_is_conserved_draws_are_oldest_first_and_replay_equals_live(
    taken: list[tuple[str, int, int]],
) -> None:
    fund, other = account(), account(union=OTHER)
    received = passed = 0
    outstanding: list[tuple[Part, ...]] = []
    for what, number, amount in taken:
        if what == "receive":
            receive(fund, number, amount)
            received += amount
        elif what == "restore" and outstanding:
            parts = outstanding.pop(number % len(outstanding))
            fund.restore(ACT, disbursement_id=uuid4(), parts=parts)
        elif what in ("draw", "allocate") and amount <= fund.balance:
            oldest = min(lot.vintage for lot in fund.live)
            if what == "draw":
                outstanding.append(draw(fund, amount))
                assert outstanding[-1][0].vintage == oldest
            else:
                fund.allocate(
                    ACT, allocation_id=uuid4(), to=other, document="文", amount=Money(amount)
                )
                passed += amount
        drawn = sum(part.amount_fen for parts in outstanding for part in parts)
        assert fund.balance == received - passed - drawn == sum(standing(fund).values())
        assert other.balance == passed == sum(standing(other).values())
        assert all(lot.remaining > 0 for lot in fund.live)
        assert fund.live == sorted(fund.live)
    again = replayed(fund.collect_events())
    assert standing(again) == standing(fund)
    assert [lot.lot_id for lot in again.live] == [lot.lot_id for lot in fund.live]


@given(st.lists(st.tuples(st.integers(2012, 2017), amounts), min_size=1, max_size=10), st.data())
def test_passed_on_money_keeps_origin_source_and_vintage(
    receipts: list[tuple[int, int]], data: st.DataObject
) -> None:
    giver, taker = account(*receipts), account(union=OTHER)
    amount = data.draw(st.integers(1, giver.balance))

    giver.allocate(ACT, allocation_id=uuid4(), to=taker, document="文", amount=Money(amount))

    for lot in taker.lots.values():
        origin = giver.lots[lot.origin_id]
        assert (lot.vintage, lot.source, lot.document) == (
            origin.vintage,
            origin.source,
            origin.document,
        )
    assert taker.balance == amount
