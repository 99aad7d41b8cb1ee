"""A fiscal year that is opened while payments are on their way: they are opening surplus too."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ledger.anchoring.publications import announce
from ledger.commands.funds import open_fiscal_year
from ledger.domain.organisation import organisation_id
from ledger.evidence.figures import SURPLUS
from ledger.store.map_store import MapStore
from projections.followed_lots import consumption, followed_lots
from projections.runner import catch_up
from projections.surplus import burn_down
from tests.packs.packing import Packing, judged, judged_plainly
from tests.world import EARMARK, POLICY, Person, World, failed, pending, roster_row, settled

UNION = organisation_id("X01")
ONE, TWO, THREE = Person(1), Person(2), Person(3)
NEW_YEAR = date(2018, 1, 2)
Told = tuple[int, int, int, int]
"""Opening, consumed, in transit and in hand, in fen."""


@pytest.fixture
def paid(tmp_path: Path) -> Iterator[World]:
    """3,600 yuan, of which 1,800 arrived, 1,200 are on their way and 600 in hand."""
    world = World.at(tmp_path / "ledger").settle_in()
    world.receive("X01", 360_000)
    world.file(ONE, TWO, THREE)
    world.pay("B1", roster_row(1, ONE, 180_000), roster_row(2, TWO, 120_000))
    world.answer("B1", settled(1, ONE, 180_000), pending(2, TWO, 120_000), sha="01" * 32)
    yield world
    world.ledger.close()


def opened(world: World) -> int:
    act = world.act(day=NEW_YEAR)
    answer = open_fiscal_year(world.ledger, act, "X01", EARMARK, 2018, POLICY)
    return int(str(answer.result["opening_surplus_fen"]))


def told(world: World, tmp_path: Path) -> Told:
    """Return what the read model says, which both verifiers find by themselves."""
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        down = burn_down(model, [UNION], 2018)
        followed = consumption(followed_lots(model, 2018))
    found = down.surplus
    assert (followed.opening_fen, followed.consumed_fen) == (found.opening_fen, found.consumed_fen)
    assert down.burned[-1].remaining_fen == found.opening_fen - found.consumed_fen

    maps = MapStore(world.home.map)
    packing = Packing(world.home, world.ledger, maps, announce(world.ledger, maps, world.act()))
    pack = packing.make("organisation", "X01")
    data = packing.write("organisation", "X01")
    maps.close()
    assert judged(data, packing.rules) is None
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert status == 0, printed
    [figure] = [
        each
        for each in pack.figures
        if each.formula == SURPLUS and each.arguments == {"year": 2018}
    ]
    names = ("opening_fen", "consumed_fen", "in_transit_fen", "in_hand_fen")
    opening, consumed, in_transit, in_hand = (figure.value[name] for name in names)
    assert (opening, consumed, in_transit, in_hand) == (
        found.opening_fen,
        found.consumed_fen,
        found.consumed_in_transit_fen,
        found.unconsumed_fen,
    )
    return opening, consumed, in_transit, in_hand


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


def test_a_year_is_opened_though_all_of_the_money_is_on_its_way(
    paid: World, tmp_path: Path
) -> None:
    paid.pay("B2", roster_row(1, THREE, 60_000))

    assert opened(paid) == 0
    assert told(paid, tmp_path) == (180_000, 0, 180_000, 0)


def test_what_reached_people_before_is_nobody_s_surplus(paid: World, tmp_path: Path) -> None:
    paid.answer("B1", settled(1, ONE, 180_000), settled(2, TWO, 120_000), sha="02" * 32)
    paid.pay("B2", roster_row(1, THREE, 60_000))
    paid.answer("B2", settled(1, THREE, 60_000), sha="03" * 32)

    assert opened(paid) == 0
    assert told(paid, tmp_path) == (0, 0, 0, 0)
