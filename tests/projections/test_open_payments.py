"""What has not reached anybody, kept up while the log grows, and old money lot by lot."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.commands.funds import open_fiscal_year
from ledger.domain.disbursement import Status
from ledger.domain.organisation import organisation_id
from projections import runner
from projections.asked import Moment
from projections.followed_lots import consumption, followed_lots
from projections.open_payments import OPEN, OpenPayments, first_unanswered, open_payments
from projections.organisations import tree_on
from projections.runner import catch_up, rebuild
from projections.surplus import surplus
from tests.projections.streams import YEAR, ListFeed, Money3, steps
from tests.world import EARMARK, POLICY, World

few = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])


@given(steps, st.data())
@few
def test_what_is_kept_is_what_is_open_however_the_log_grew(
    taken: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    world = Money3().take(taken).finish()
    cuts = data.draw(st.lists(st.integers(1, len(world.recorded)), max_size=3).map(sorted))
    kept = OpenPayments()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        for shown in (*cuts, len(world.recorded)):
            with catch_up(ListFeed(world.recorded, shown), path).asking() as model:
                assert kept.now(model) == open_payments(model)
                assert open_payments(model, Moment(at=shown - 1)) == open_payments(model)
        with runner.open_model(path).asking() as model:
            found = open_payments(model)
        # A log that was put back is read anew.
        rebuild(ListFeed(world.recorded, 1), path)
        with runner.open_model(path).asking() as model:
            assert kept.now(model) == open_payments(model)

    still = [each for each in world.payments if each.status in OPEN]
    assert sum(each.count for each in found) == len(still)
    assert sum(each.amount_fen for each in found) == sum(each.amount for each in still)
    [channel] = {each.channel for each in found} or {""}
    waiting = {each.organisation_id for each in found if each.status == Status.IN_TRANSIT}
    assert first_unanswered(found, channel).keys() == waiting


@given(steps, st.integers(1, 40), st.data())
@few
def test_what_was_open_follows_from_what_is_open_at_every_moment(
    taken: list[tuple[str, int, int]], block_positions: int, data: st.DataObject
) -> None:
    world = Money3().take(taken).finish()
    days = sorted({event.happened_on for _, event in world.recorded})
    moments = st.builds(
        Moment,
        st.none() | st.sampled_from(days),
        st.none() | st.integers(0, len(world.recorded) - 1),
    )
    kept = OpenPayments()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        for shown in (len(world.recorded) // 2 + 1, len(world.recorded)):
            feed = ListFeed(world.recorded, shown)
            with catch_up(feed, path, block_positions=block_positions).asking() as model:
                for moment in data.draw(st.lists(moments, max_size=6)):
                    assert kept.at(model, moment) == open_payments(model, moment)


@given(steps)
@few
def test_old_money_lot_by_lot_comes_to_the_surplus(taken: list[tuple[str, int, int]]) -> None:
    world = Money3().take(taken).finish()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.sqlite"
        rebuild(ListFeed(world.recorded, len(world.log)), path)
        with runner.open_model(path).asking() as model:
            followed = followed_lots(model, YEAR)
            tree = tree_on(model)
            for union in world.unions:
                for ids in ([union.id], tree.subtree(union.id)):
                    of = consumption(each for each in followed if each.owner_id in ids)
                    found = surplus(model, ids, YEAR)
                    assert of.opening_fen == found.opening_fen
                    assert of.consumed_fen == found.consumed_fen
                    assert of.ratio_basis_points == found.ratio_basis_points


def test_old_money_that_was_passed_on_and_opened_once_more_counts_once(world: World) -> None:
    city, union = organisation_id("C01"), organisation_id("X01")
    world.receive("C01", 100_000, vintage=2015)
    world.allocate("C01", "X01", 40_000)
    open_fiscal_year(world.ledger, world.act(), "X01", EARMARK, 2017, POLICY)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        both = surplus(model, [city, union], 2017)
        alone = surplus(model, [union], 2017)
        followed = followed_lots(model, 2017)

    assert (both.opening_fen, alone.opening_fen) == (100_000, 40_000)
    assert consumption(followed).opening_fen == 100_000
    assert consumption(each for each in followed if each.owner_id == union).opening_fen == 40_000
