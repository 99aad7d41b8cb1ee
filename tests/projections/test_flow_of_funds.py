"""Whatever happens to money, what flows into a place flows out of it, in any year, at any time."""

import tempfile
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ledger.domain.disbursement import Status
from ledger.domain.fund import FundAccount
from projections import runner
from projections.asked import Moment
from projections.figures import figures, total
from projections.flow_of_funds import Flow, Period, Stop, flow_of_funds
from projections.organisations import tree_on
from projections.runner import rebuild
from projections.surplus import surplus
from tests.projections.streams import YEAR, ListFeed, Money3, steps


def conserves(flow: Flow) -> None:
    for id_, stop in flow.stops.items():
        inwards = stop.came_in_fen + stop.came_down_fen
        outwards = stop.passed_on_fen + stop.remitted_fen + stop.paid_fen + stop.in_transit_fen
        assert inwards == outwards + stop.returned_fen + stop.in_hand_fen
        # As of a day there is less than nothing in hand where money left on an earlier day than
        # that on which it is said to have come.
        assert 0 <= stop.returned_fen <= max(0, stop.held_fen)
        given = sum(fen for (giver, _), fen in flow.passed.items() if giver == id_)
        got = sum(fen for (_, taker), fen in flow.passed.items() if taker == id_)
        assert (given, got) == (stop.passed_on_fen, stop.came_down_fen)


@given(steps, st.data())
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_what_flows_in_flows_out(taken: list[tuple[str, int, int]], data: st.DataObject) -> None:
    world = Money3().take(taken).finish()
    # Below, the flow of the year is held to figures of all time.
    assume(all(each.happened_on.year == YEAR for each in world.log))
    last = len(world.log) - 1
    at = data.draw(st.none() | st.integers(0, last))
    as_of = data.draw(st.none() | st.sampled_from([each.happened_on for each in world.log]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        rebuild(ListFeed(world.recorded, len(world.log)), path)
        with runner.open_model(path).asking() as model:
            ids = tree_on(model).subtree(world.unions[0].id)
            for moment in (Moment(), Moment(as_of, at)):
                for year in (None, YEAR, YEAR + 1):
                    conserves(flow_of_funds(model, ids, Period(year, moment)))
                    conserves(flow_of_funds(model, ids[1:], Period(year, moment), "送温暖"))
            flow = flow_of_funds(model, ids, Period(YEAR))
            summed = total(figures(model, ids).values())
            opening = surplus(model, ids, YEAR).opening_fen

    stops = flow.stops.values()
    assert sum(stop.came_in_fen for stop in stops) == summed.received_fen
    assert sum(stop.paid_fen for stop in stops) == summed.paid_fen
    assert sum(stop.remitted_fen for stop in stops) == summed.remitted_fen
    assert sum(stop.in_transit_fen for stop in stops) == summed.in_transit_fen
    assert sum(stop.held_fen for stop in stops) == summed.in_hand_fen
    old = [each.origin_id for each in flow.origins.values() if Period(YEAR).is_earlier(each)]
    came = [each for stop in stops for each in (stop.opening, stop.received)]
    assert opening == sum(each.get(origin, 0) for each in came for origin in old)
    for union, stop in flow.stops.items():
        back = sum(
            payment.amount
            for payment in world.payments
            if payment.organisation_id == union and payment.status is Status.RETURNED
        )
        assert stop.returned_fen == min(back, stop.held_fen)


@given(steps, st.data())
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_a_year_opens_with_what_the_one_before_closed(
    taken: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    world = Money3(day=date(YEAR - 1, 12, 28)).take(taken).finish()
    at = data.draw(st.none() | st.integers(0, len(world.log) - 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        rebuild(ListFeed(world.recorded, len(world.log)), path)
        with runner.open_model(path).asking() as model:
            ids = tree_on(model).subtree(world.unions[0].id)
            years = [
                flow_of_funds(model, ids, Period(year, Moment(None, at)))
                for year in range(YEAR - 1, YEAR + 2)
            ]

    for flow in years:
        conserves(flow)
    known = world.log if at is None else world.log[: at + 1]
    for year, before, after in zip((YEAR, YEAR + 1), years, years[1:], strict=False):
        carried = [
            each
            for each in known
            if isinstance(each, FundAccount.Received)
            and each.carried_into == each.happened_on.year == year
        ]
        for union in ids:
            closed = before.stops.get(union, Stop())
            entered = sum(each.amount_fen for each in carried if each.organisation_id == union)
            opening = sum(after.stops.get(union, Stop()).opening.values())
            assert opening == closed.held_fen + closed.in_transit_fen + entered
