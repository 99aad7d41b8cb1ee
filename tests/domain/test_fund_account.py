"""A fund account: money is neither made nor lost, and the oldest goes first."""

from contextlib import suppress
from datetime import date
from itertools import accumulate
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.aggregate import Act, Event
from ledger.domain.fund import (
    CorrectedBeforeReceipt,
    FundAccount,
    FundInsufficient,
    LotUnknown,
    NoSuchReceipt,
    NothingToAdd,
)
from ledger.domain.lots import Part
from ledger.domain.values import MONEY_MAX, AmountNotPositive, AmountTooLarge, Money

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


def test_a_receipt_says_where_it_came_from_and_which_years_surplus_it_is() -> None:
    fund = account()
    fund.collect_events()

    lot_id = fund.receive(
        ACT,
        source="中央财政",
        document="财〔2015〕9号",
        vintage=2015,
        carried_into=2017,
        amount=Money(70),
    )

    [received] = fund.collect_events()
    assert isinstance(received, FundAccount.Received)
    assert (received.lot_id, received.source, received.document) == (
        lot_id,
        "中央财政",
        "财〔2015〕9号",
    )
    assert (received.vintage, received.carried_into, received.amount_fen) == (2015, 2017, 70)


def test_an_allocation_stands_in_both_accounts_with_the_same_pieces() -> None:
    giver, taker = account((2015, 50), (2016, 30)), account(union=OTHER)
    giver.collect_events()
    taker.collect_events()

    giver.allocate(ACT, allocation_id=OTHER, to=taker, document="拨1号", amount=Money(60))

    [given_], [taken] = giver.collect_events(), taker.collect_events()
    assert isinstance(given_, FundAccount.Allocated)
    assert isinstance(taken, FundAccount.AllocationReceived)
    assert given_.allocation_id == taken.allocation_id == OTHER
    assert (given_.to_fund_id, taken.from_fund_id) == (taker.id, giver.id)
    assert (given_.to_organisation_id, taken.from_organisation_id) == (OTHER, UNION)
    pieces = [(part.lot_id, part.amount_fen) for part in given_.parts]
    assert pieces == [(lot.parent_id, lot.amount_fen) for lot in taken.lots]
    assert given_.COMMITS


def test_too_much_is_not_passed_on_and_leaves_no_event_in_either_account() -> None:
    giver, taker = account((2015, 50)), account(union=OTHER)
    giver.collect_events()
    taker.collect_events()

    with pytest.raises(FundInsufficient):
        giver.allocate(ACT, allocation_id=OTHER, to=taker, document="文", amount=Money(51))

    assert giver.collect_events() == taker.collect_events() == []


def put_right(fund: FundAccount, lot: UUID, version: int, difference: int) -> None:
    fund.correct_receipt(
        ACT, lot_id=lot, corrects_version=version, difference=Money(difference), reason="少录"
    )


def test_a_corrected_receipt_counts_for_the_same_year_as_the_receipt() -> None:
    fund = account()
    lot = fund.receive(
        ACT, source="中央财政", document="文", vintage=2015, carried_into=2017, amount=Money(70)
    )
    fund.collect_events()

    put_right(fund, lot, 2, 30)

    [corrected] = fund.collect_events()
    assert isinstance(corrected, FundAccount.ReceiptCorrected)
    assert (corrected.corrects_version, corrected.difference_fen) == (2, 30)
    assert (corrected.vintage, corrected.carried_into) == (2015, 2017)
    assert fund.balance == 100


def test_only_what_recorded_that_very_receipt_is_corrected() -> None:
    fund, below = account((2015, 50), (2016, 30)), account(union=OTHER)
    first, second = list(fund.lots)
    fund.allocate(ACT, allocation_id=OTHER, to=below, document="文", amount=Money(10))
    [passed_on] = below.lots
    put_right(fund, first, 2, 5)
    fund.collect_events()
    below.collect_events()

    for version in (0, 1, 3, 4, 6):  # not of this lot, or of nothing
        with pytest.raises(NoSuchReceipt):
            put_right(fund, first, version, 5)
    with pytest.raises(NoSuchReceipt):
        put_right(below, passed_on, 2, 5)
    with pytest.raises(LotUnknown):
        put_right(below, second, 3, 5)
    with pytest.raises(NothingToAdd):
        put_right(fund, first, 2, 0)
    with pytest.raises(FundInsufficient):
        put_right(fund, first, 2, -46)
    with pytest.raises(AmountTooLarge):
        put_right(fund, first, 2, MONEY_MAX)

    assert fund.collect_events() == below.collect_events() == []


@given(st.lists(st.integers(-500, 500).filter(bool), max_size=12), st.data())
def test_corrections_of_corrections_add_up(differences: list[int], data: st.DataObject) -> None:
    fund = account((2015, 300))
    [lot] = fund.lots
    entries, expected = [2], 300
    for difference in differences:
        version = data.draw(st.sampled_from(entries))
        if expected + difference < 0:
            with pytest.raises(FundInsufficient):
                put_right(fund, lot, version, difference)
            continue
        put_right(fund, lot, version, difference)
        expected += difference
        entries.append(fund.version)

    assert fund.balance == fund.lots[lot].remaining == expected
    assert [each.lot_id for each in fund.live] == ([lot] if expected else [])
    again = replayed(fund.collect_events())
    assert standing(again) == standing(fund)
    assert again.lots[lot].receipts == tuple(entries)


def test_what_came_back_comes_in_front_of_younger_money() -> None:
    fund = account((2015, 50), (2016, 30), (2017, 10))
    oldest = draw(fund, 80)
    assert [lot.vintage for lot in fund.live] == [2017]

    fund.restore(ACT, disbursement_id=uuid4(), parts=oldest)

    assert [lot.vintage for lot in fund.live] == [2015, 2016, 2017]


def on(day: date) -> Act:
    return Act("operator", day, "2017-03-01T00:00:00.000Z")


def test_a_draw_entered_late_takes_only_what_had_come_in_by_its_day() -> None:
    fund = account((2017, 100))
    earlier = fund.draw(
        on(date(2017, 1, 5)), disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(100)
    )
    fund.restore(on(date(2017, 1, 20)), disbursement_id=uuid4(), parts=earlier)
    fund.draw(on(date(2017, 1, 22)), disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(70))
    fund.receive(
        on(date(2017, 2, 10)),
        source="地方财政",
        document="文",
        vintage=2017,
        carried_into=None,
        amount=Money(500),
    )
    fund.collect_events()

    def drawn(day: date, amount: int) -> tuple[Part, ...]:
        return fund.draw(on(day), disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(amount))

    for day in (date(2017, 1, 21), date(2017, 1, 22), date(2017, 2, 9)):
        with pytest.raises(FundInsufficient, match="enough from 2017-02-10 on"):
            drawn(day, 31)
    # All of it was with people then, whatever came back after.
    with pytest.raises(FundInsufficient, match=r"has 0\.00 on 2017-01-06"):
        drawn(date(2017, 1, 6), 1)
    with pytest.raises(FundInsufficient) as never:
        drawn(date(2017, 2, 10), 531)
    assert "enough" not in str(never.value)
    assert fund.collect_events() == []

    first, later = fund.lots
    assert [part.lot_id for part in drawn(date(2017, 1, 21), 30)] == [first]
    assert [part.lot_id for part in drawn(date(2017, 2, 10), 500)] == [later]


def test_a_receipt_is_not_put_right_by_more_than_stood_in_it_on_that_day() -> None:
    fund = account((2017, 100))
    [lot] = fund.lots
    parts = fund.draw(
        on(date(2017, 1, 5)), disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(60)
    )
    fund.restore(on(date(2017, 1, 20)), disbursement_id=uuid4(), parts=parts)

    def taken_off(day: date, amount: int) -> None:
        fund.correct_receipt(
            on(day), lot_id=lot, corrects_version=2, difference=Money(-amount), reason="多录"
        )

    with pytest.raises(FundInsufficient, match="enough from 2017-01-20 on"):
        taken_off(date(2017, 1, 6), 41)
    with pytest.raises(CorrectedBeforeReceipt):
        taken_off(date(2017, 1, 1), 1)
    taken_off(date(2017, 1, 6), 40)
    taken_off(date(2017, 1, 20), 60)

    assert fund.balance == 0


moves = st.lists(
    st.tuples(
        st.sampled_from(["receive", "draw", "restore", "correct"]),
        st.integers(1, 28),
        st.integers(1, 300),
    ),
    max_size=40,
)


@given(moves)
def test_in_whatever_order_it_is_entered_no_lot_holds_less_than_nothing_on_any_day(
    taken: list[tuple[str, int, int]],
) -> None:
    fund = account((2017, 100))
    drawn: list[tuple[int, tuple[Part, ...]]] = []
    for what, day, amount in taken:
        act = on(date(2017, 1, day))
        if what == "receive":
            fund.receive(
                act,
                source="地方财政",
                document="文",
                vintage=2010 + amount % 8,
                carried_into=None,
                amount=Money(amount),
            )
        elif what == "restore" and drawn:
            since, parts = drawn.pop()
            later = on(date(2017, 1, max(since, day)))
            fund.restore(later, disbursement_id=uuid4(), parts=parts)
        elif what == "draw":
            try:
                parts = fund.draw(
                    act, disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(amount)
                )
            except FundInsufficient:
                continue
            drawn.append((day, parts))
        elif what == "correct":
            lot = next(iter(fund.lots))
            with suppress(FundInsufficient, CorrectedBeforeReceipt):
                fund.correct_receipt(
                    act, lot_id=lot, corrects_version=2, difference=Money(-amount), reason="多录"
                )

    for each in fund.lots.values():
        assert sum(each.moved) == each.remaining
        assert each.days == sorted(set(each.days))
        assert min(accumulate(each.moved)) >= 0
