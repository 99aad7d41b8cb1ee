"""What is summed up by block comes to what is counted one by one, at every position and day."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from projections import runner
from projections.asked import NOW, Moment
from projections.balances import balances, lots_of, trial_balance
from projections.disbursements import (
    EVERY,
    Question,
    categories,
    disbursement_list,
    status_totals,
)
from projections.figures import figures
from projections.flows import appropriations, trace_forward
from projections.runner import catch_up, compare, rebuild
from projections.surplus import burn_down
from tests.projections import plain
from tests.projections.streams import YEAR, ListFeed, Money3, steps

often_enough = settings(
    deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow]
)
NEVER_FULL = 10**6


@contextmanager
def model_of(world: Money3, block_positions: int) -> Iterator[Connection]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        rebuild(ListFeed(world.recorded, len(world.log)), path, block_positions=block_positions)
        with runner.open_model(path).asking() as model:
            yield model


def moments(world: Money3) -> st.SearchStrategy[Moment]:
    days = sorted({event.happened_on for event in world.log})
    around = [days[0] - timedelta(days=1), *days]
    return st.builds(
        Moment,
        st.none() | st.sampled_from(around),
        st.none() | st.integers(0, len(world.log) + 1),
    )


def questions(world: Money3) -> st.SearchStrategy[Question]:
    ids = [union.id for union in world.unions]
    days = sorted({event.happened_on for event in world.log})
    amounts = [None, 0, 499, 500, 501, *(payment.amount for payment in world.payments)]
    return st.builds(
        Question,
        organisation_ids=st.none() | st.lists(st.sampled_from(ids), max_size=3),
        batch_id=st.sampled_from([None, None, world.batches[0].id]),
        category=st.sampled_from([None, None, "一线职工", "无此类别"]),
        status=st.sampled_from([None, "in_transit", "settled", "signed", "returned"]),
        since=st.none() | st.sampled_from(days),
        until=st.none() | st.sampled_from(days),
        least_fen=st.sampled_from(amounts),
        most_fen=st.sampled_from(amounts),
    )


@given(steps, st.integers(1, 9), st.data())
@often_enough
def test_money_adds_up_the_same_by_blocks_and_line_by_line(
    taken: list[tuple[str, int, int]], block_positions: int, data: st.DataObject
) -> None:
    world = Money3().take(taken).finish()
    ids = [union.id for union in world.unions]
    with model_of(world, block_positions) as fast, model_of(world, NEVER_FULL) as slow:
        for moment in (NOW, *data.draw(st.lists(moments(world), min_size=2, max_size=3))):
            assert balances(fast, moment) == balances(slow, moment)
            assert trial_balance(fast, moment) == trial_balance(slow, moment)
            for some in (ids, ids[:1], ids[1:]):
                assert figures(fast, some, moment) == figures(slow, some, moment)
                assert burn_down(fast, some, YEAR, moment) == burn_down(slow, some, YEAR, moment)
            for lot in appropriations(fast):
                whole = trace_forward(fast, lot.lot_id, moment)
                assert whole == trace_forward(slow, lot.lot_id, moment)
                if whole is not None:
                    paid = sum(payment.paid_fen for payment in whole.payments)
                    assert (paid, whole.next_after) == (whole.paid_fen, None)
            for fund in world.funds:
                assert lots_of(fast, fund.id, moment) == lots_of(slow, fund.id, moment)


@given(steps, st.integers(1, 9), st.data())
@often_enough
def test_payments_add_up_to_what_is_counted_with_a_pencil(
    taken: list[tuple[str, int, int]], block_positions: int, data: st.DataObject
) -> None:
    world = Money3().take(taken).finish()
    with model_of(world, block_positions) as model:
        any_question = st.tuples(questions(world), moments(world))
        drawn = data.draw(st.lists(any_question, min_size=3, max_size=8))
        for asked, moment in ((EVERY, NOW), *drawn):
            found = plain.standing(world.recorded, asked, moment)
            summed = status_totals(model, asked, moment)
            assert {each.status: (each.count, each.total_fen) for each in summed} == plain.totals(
                found
            )
            listed = disbursement_list(model, moment, asked=asked)
            assert [(each.disbursement_id, each.status) for each in listed] == [
                (first.originator_id, status) for first, status in found
            ]


@given(steps, st.integers(1, 9), st.data())
@often_enough
def test_pages_of_payments_are_the_list_cut_in_pieces(
    taken: list[tuple[str, int, int]], block_positions: int, data: st.DataObject
) -> None:
    world = Money3().take(taken).finish()
    with model_of(world, block_positions) as model:
        asked, moment = data.draw(questions(world)), data.draw(moments(world))
        whole = disbursement_list(model, moment, asked=asked)
        paged, after = [], -1
        while page := disbursement_list(model, moment, asked=asked, after=after, limit=2):
            paged += page
            after = page[-1].position
        assert paged == whole

        upto = data.draw(st.integers(-1, len(world.log)))
        before = [each for each in whole if each.position <= upto]
        counted = status_totals(model, asked, moment, upto=upto)
        assert sum(each.count for each in counted) == len(before)
        assert sum(each.total_fen for each in counted) == sum(each.amount_fen for each in before)
        assert categories(model) == sorted(
            {each.category for each in disbursement_list(model, NOW)}
        )


@given(steps, st.integers(1, 9), st.data())
@often_enough
def test_sums_are_the_same_however_the_log_was_read(
    taken: list[tuple[str, int, int]], block_positions: int, data: st.DataObject
) -> None:
    events = Money3().take(taken).finish().recorded
    cuts = data.draw(st.lists(st.integers(1, len(events)), max_size=6).map(sorted))
    with tempfile.TemporaryDirectory() as folder:
        live, anew = Path(folder) / "live.sqlite", Path(folder) / "anew.sqlite"
        for shown in (*cuts, len(events)):
            catch_up(ListFeed(events, shown), live, block_positions=block_positions)
        rebuild(ListFeed(events, len(events)), anew, block_positions=block_positions)

        assert compare(live, anew) == []
