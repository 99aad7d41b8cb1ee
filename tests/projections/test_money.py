"""Whatever happens to money, the read models account for all of it, at every moment."""

import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.disbursement import Status
from ledger.domain.fund import FundAccount
from ledger.domain.remittance import State
from projections import runner
from projections.asked import Moment
from projections.balances import balances, lots_of, trial_balance
from projections.flows import appropriations, trace_back, trace_forward
from projections.journal import Account, lines_of
from projections.organisations import tree_on
from projections.runner import catch_up, compare, rebuild
from projections.surplus import surplus
from tests.projections.streams import YEAR, ListFeed, Money3, steps

slow_enough = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@given(steps)
@settings(deadline=None, max_examples=60)
def test_postings_sum_to_zero_and_no_account_goes_below_it(
    taken: list[tuple[str, int, int]],
) -> None:
    held: dict[object, int] = defaultdict(int)
    for event in Money3().take(taken).finish().log:
        for line in lines_of(event):
            held[line.from_account] -= line.amount_fen
            held[line.to_account] += line.amount_fen
            if line.from_account is not Account.SOURCE:
                place = (line.from_account, line.lot_id, line.disbursement_id)
                held[place[:2]] -= line.amount_fen
            held[line.to_account, line.lot_id] += line.amount_fen
        assert sum(held[account] for account in Account) == 0
    assert all(held[account] >= 0 for account in Account if account is not Account.SOURCE)


@given(steps, st.data())
@slow_enough
def test_the_read_model_says_what_the_aggregates_say(
    taken: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    world = Money3().take(taken).finish()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        rebuild(ListFeed(world.recorded, len(world.log)), path)
        with runner.open_model(path).asking() as model:
            in_hand: dict[object, int] = defaultdict(int)
            for each in balances(model):
                in_hand[each.fund_id] += each.in_hand_fen
            for fund in world.funds:
                assert in_hand[fund.id] == fund.balance
                left = {lot.lot_id: lot.in_hand_fen for lot in lots_of(model, fund.id)}
                assert left == {lot.lot_id: lot.remaining for lot in fund.lots.values()}
            for payment in world.payments:
                strands = trace_back(model, payment.id)
                assert sum(strand.amount_fen for strand in strands) == payment.amount
                assert all(strand.origin.parent_id is None for strand in strands)
                assert [s.steps[0].lot_id for s in strands] == [p.lot_id for p in payment.parts]
            for lot in appropriations(model):
                forward = trace_forward(model, lot.lot_id)
                assert forward is not None
                parts = (forward.in_hand_fen, forward.in_transit_fen, forward.paid_fen)
                assert sum(parts) + forward.remitted_fen == forward.received_fen == lot.amount_fen
            at = data.draw(st.integers(0, len(world.log) - 1))
            assert sum(trial_balance(model, Moment(at=at)).values()) == 0


@given(steps)
@slow_enough
def test_surplus_counts_what_reached_people_and_nothing_else(
    taken: list[tuple[str, int, int]],
) -> None:
    world = Money3().take(taken).finish()
    reached = sum(
        part.amount_fen
        for payment in world.payments
        if payment.status in (Status.SETTLED, Status.SIGNED)
        for part in payment.parts
        if part.vintage < YEAR
    )
    opening = sum(year.surplus for year in world.years)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        rebuild(ListFeed(world.recorded, len(world.log)), path)
        with runner.open_model(path).asking() as model:
            whole = surplus(model, tree_on(model).subtree(world.unions[0].id), YEAR)
            own = [surplus(model, [union.id], YEAR) for union in world.unions]

    assert whole.opening_fen == opening == sum(each.opening_fen for each in own)
    assert whole.paid_fen == whole.consumed_fen == reached
    # Each union's opening lots, followed wherever they went, are together the whole city's.
    assert sum(each.consumed_fen for each in own) == reached
    remitted = sum(
        part.amount_fen
        for remittance in world.remittances
        if remittance.state is not State.TAKEN_BACK
        for part in remittance.parts
        if part.vintage < YEAR
    )
    held = whole.in_hand_fen + whole.in_transit_fen
    assert whole.opening_fen == whole.paid_fen + held + remitted
    assert (whole.ratio is None) == (opening == 0)
    for each in own:
        assert each.ratio is None or 0 <= each.ratio <= 1


@given(steps, st.data())
@slow_enough
def test_however_it_was_read_the_read_model_is_the_same(
    taken: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    events = Money3().take(taken).finish().recorded
    cuts = data.draw(st.lists(st.integers(1, len(events)), max_size=4).map(sorted))
    with tempfile.TemporaryDirectory() as folder:
        live, anew = Path(folder) / "live.sqlite", Path(folder) / "anew.sqlite"
        for shown in (*cuts, len(events)):
            catch_up(ListFeed(events, shown), live)
        rebuild(ListFeed(events, len(events)), anew)

        assert compare(live, anew) == []


@given(steps, st.data())
@slow_enough
def test_a_figure_as_of_a_day_or_position_is_that_of_the_log_cut_there(
    taken: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    events = Money3().take(taken).finish().recorded
    at = data.draw(st.integers(0, len(events) - 1))
    day = events[at].event.happened_on
    with tempfile.TemporaryDirectory() as folder:
        whole, cut, early = (Path(folder) / f"{n}.sqlite" for n in ("whole", "cut", "early"))
        rebuild(ListFeed(events, len(events)), whole)
        rebuild(ListFeed(events, at + 1), cut)
        # Money may move on an earlier day than that on which its account was opened: that is there.
        until = [
            each
            for each in events
            if each.event.happened_on <= day or isinstance(each.event, FundAccount.Opened)
        ]
        rebuild(ListFeed(until, len(until)), early)
        with (
            runner.open_model(whole).asking() as model,
            runner.open_model(cut).asking() as then,
            runner.open_model(early).asking() as by_day,
        ):
            assert balances(model, Moment(at=at)) == balances(then)
            assert balances(model, Moment(as_of=day)) == balances(by_day)


def test_a_read_model_of_another_version_or_a_damaged_one_is_built_anew(tmp_path: Path) -> None:
    import sqlite3

    events = Money3().take([("receive", 3, 100)]).finish().recorded
    feed, path = ListFeed(events, len(events)), tmp_path / "read.sqlite"
    for harm in ("UPDATE reading SET schema_version = 0", "UPDATE reading SET next_position = 999"):
        catch_up(feed, path)
        with sqlite3.connect(path) as connection:
            connection.execute(harm)
            connection.execute("DELETE FROM lots")
        with catch_up(feed, path).asking() as model:
            assert len(appropriations(model)) == 1
    path.write_bytes(b"no database")

    with catch_up(feed, path).asking() as model:
        assert len(appropriations(model)) == 1


def test_a_reader_sees_a_rebuilt_model_without_being_told(tmp_path: Path) -> None:
    events = Money3().take([("receive", 3, 100), ("receive", 3, 50)]).finish().recorded
    path = tmp_path / "read.sqlite"
    reader = catch_up(ListFeed(events, len(events) - 1), path)
    with reader.asking() as model:
        before = len(appropriations(model))

    rebuild(ListFeed(events, len(events)), path)

    with reader.asking() as model:
        assert (before, len(appropriations(model))) == (1, 2)
