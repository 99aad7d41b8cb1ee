"""Publications of a real ledger: what each map says, and that it agrees with the log."""

from base64 import b64decode
from pathlib import Path

import pytest

from ledger.anchoring.publications import (
    NeverPublished,
    all_published,
    announce,
    latest,
    prove_head,
    published_at,
    receipt_under,
    require_latest,
)
from ledger.domain.fund import fund_id
from ledger.domain.organisation import organisation_id
from ledger.evidence.canonical import base64_text
from ledger.evidence.envelope import payload_of
from ledger.evidence.map_growth import MapGrowth
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.proofs import verify_receipt
from ledger.evidence.verifiable_map import (
    THE_LOG,
    EventsLeftOut,
    map_root,
    subject_key,
    verify_all_events,
    verify_head,
)
from ledger.store.application import Ledger
from ledger.store.map_store import MapStore
from tests.world import EARMARK, World


def map_of(ledger: Ledger, size: int) -> str:
    """Make the map of the first entries from scratch."""
    growth = MapGrowth(lambda _: None)
    for position, version, topic, envelope in ledger.log.select_entries(0, size):
        growth.add(position, topic, version, payload_of(envelope), leaf_hash(envelope))
    return base64_text(map_root(growth.heads().items()))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.at(tmp_path).settle_in()


@pytest.fixture
def maps(world: World) -> MapStore:
    return MapStore(world.home.map)


def test_a_publication_announces_the_map_of_all_before_it(world: World, maps: MapStore) -> None:
    before = world.ledger.size()

    published = announce(world.ledger, maps, world.act())

    assert published.size == before + 1 == world.ledger.size()
    assert published.map_root == map_of(world.ledger, before)
    assert latest(world.ledger) == published
    world.check_log()


def test_each_publication_keeps_its_own_map(world: World, maps: MapStore) -> None:
    first = announce(world.ledger, maps, world.act())
    world.receive("C01", 10_000)
    second = announce(world.ledger, maps, world.act())
    world.allocate("C01", "X01", 4_000)
    third = announce(world.ledger, maps, world.act())

    assert [each.size for each in all_published(world.ledger)] == [
        first.size,
        second.size,
        third.size,
    ]
    fund = fund_id(organisation_id("C01"), EARMARK)
    counts = []
    for each in (first, second, third):
        assert each.map_root == map_of(world.ledger, each.position)
        proof = prove_head(world.ledger, maps, each, fund)
        head = verify_head(root_of(each.map_root), subject_key(str(fund)), proof)
        counts.append(None if head is None else head.version)
    assert counts == [None, 2, 3]


def test_nothing_new_is_not_published_again(world: World, maps: MapStore) -> None:
    first = announce(world.ledger, maps, world.act())

    assert announce(world.ledger, maps, world.act()) == first
    assert world.ledger.size() == first.size


def test_a_lost_map_is_built_anew(world: World, maps: MapStore) -> None:
    world.receive("C01", 10_000)
    first = announce(world.ledger, maps, world.act())
    maps.close()
    for leftover in world.home.path.glob("map.sqlite*"):
        leftover.unlink()
    world.receive("C01", 10_000)

    again = MapStore(world.home.map)
    announce(world.ledger, again, world.act())

    fund = fund_id(organisation_id("C01"), EARMARK)
    last = require_latest(world.ledger)
    for published, version in ((first, 2), (last, 3), (first, 2)):
        proof = prove_head(world.ledger, again, published, fund)
        head = verify_head(root_of(published.map_root), subject_key(str(fund)), proof)
        assert head is not None
        assert head.version == version


def test_a_map_of_another_log_is_not_gone_on_from(
    world: World, maps: MapStore, tmp_path: Path
) -> None:
    world.receive("C01", 10_000)
    announce(world.ledger, maps, world.act())
    other = World.at(tmp_path / "other").settle_in()
    for _ in range(20):
        other.receive("C01", 20_000)

    published = announce(other.ledger, MapStore(world.home.map), other.act())

    assert published.map_root == map_of(other.ledger, published.position)


def test_all_events_of_a_fund_account_come_with_the_proof_that_they_are_all(
    world: World, maps: MapStore
) -> None:
    world.receive("C01", 10_000)
    world.allocate("C01", "X01", 4_000)
    published = announce(world.ledger, maps, world.act())
    fund = str(fund_id(organisation_id("C01"), EARMARK))
    events = [
        (position, envelope)
        for position, _, _, envelope in world.ledger.log.select_entries(0, published.position)
        if fund.encode() in payload_of(envelope)
    ]

    proof = prove_head(world.ledger, maps, published, fund)
    head = verify_head(root_of(published.map_root), subject_key(fund), proof)

    verify_all_events(fund, head, events)
    assert len(events) == 4
    with pytest.raises(EventsLeftOut):
        verify_all_events(fund, head, events[:-1])


def test_the_accounts_of_a_union_are_listed_whole(world: World, maps: MapStore) -> None:
    world.receive("C01", 10_000)
    world.allocate("C01", "X01", 4_000)
    published = announce(world.ledger, maps, world.act())

    for subject, expected in ((str(organisation_id("C01")), 1), (THE_LOG, 2)):
        proof = prove_head(world.ledger, maps, published, subject, "fund.opened")
        head = verify_head(root_of(published.map_root), subject_key(subject, "fund.opened"), proof)
        assert head is not None
        assert head.count == expected


def test_an_event_is_proved_under_the_published_checkpoint(world: World, maps: MapStore) -> None:
    published = announce(world.ledger, maps, world.act())
    world.receive("C01", 10_000)

    receipt = receipt_under(world.ledger, 3, published)

    [(_, _, _, envelope)] = world.ledger.log.select_entries(3, 1)
    found = verify_receipt(receipt, envelope, [world.home.note_key()])
    assert found.size == published.size


def test_what_was_never_published_is_said_to_be_so(world: World, maps: MapStore) -> None:
    with pytest.raises(NeverPublished):
        require_latest(world.ledger)
    with pytest.raises(NeverPublished):
        published_at(world.ledger, 5)

    announce(world.ledger, maps, world.act())

    with pytest.raises(NeverPublished):
        published_at(world.ledger, world.ledger.size() + 5)


def root_of(text: str) -> bytes:
    return b64decode(text)
