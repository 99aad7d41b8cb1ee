"""An operator who signs a map that leaves something out is found by whoever replays the log."""

from pathlib import Path
from uuid import UUID

import pytest

from ledger.anchoring.publications import announce
from ledger.commands.verification import verify_log
from ledger.domain.events import committing_topics
from ledger.domain.publication import Publication, publication_id
from ledger.evidence.canonical import base64_text
from ledger.evidence.log import verify_log as verify_in_memory
from ledger.evidence.verifiable_map import FORMAT
from ledger.evidence.verify import EntryBroken, Rules, Stored
from ledger.store.application import Work
from ledger.store.map_store import MapStore
from tests.evidence.tiny_verifier import check_log
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.at(tmp_path).settle_in()


def say_root(world: World, root: str, map_format: int = FORMAT) -> int:
    """Announce any root at all, with the operator's own key; return where that stands."""
    act = world.act()

    def decide(work: Work) -> None:
        publication = work.find(Publication, publication_id())
        if publication is None:
            publication = Publication.first(act, map_format=map_format, map_root=root)
        else:
            publication.announce(act, map_format=map_format, map_root=root)
        work.save(publication)

    position = world.ledger.perform(act, "publication.announce", None, decide).first_position
    assert position is not None
    return position


def entries(world: World) -> list[Stored]:
    return [
        Stored(n.id, str(n.originator_id), n.originator_version, n.topic, n.state)
        for n in world.ledger.log.select_notifications(0, 100_000)
        if isinstance(n.originator_id, UUID)
    ]


def tiny_check(world: World) -> None:
    """Have the log checked by the verifier that was written from FORMAT.md."""
    rows = [(e.position, e.stream, e.version, e.topic, e.envelope) for e in entries(world)]
    known = {
        "origin": world.ledger.origin,
        "founding_key_id": world.home.note_key().public_key.key_id,
        "officer_signed": committing_topics(),
    }
    check_log(rows, world.ledger.log.select_checkpoints(0), known)


@pytest.mark.parametrize("processes", [1, 2])
def test_maps_that_agree_with_the_log_verify(world: World, processes: int) -> None:
    maps = MapStore(world.home.map)
    for _ in range(3):
        announce(world.ledger, maps, world.act())
        world.receive("C01", 10_000)

    verdict = verify_log(
        world.home.events,
        world.ledger.origin,
        world.home.founding_key_id(),
        processes=processes,
    )
    assert verdict.holds
    tiny_check(world)


@pytest.mark.parametrize(
    ("root", "map_format"),
    [
        pytest.param(base64_text(bytes(32)), FORMAT, id="an empty map"),
        pytest.param("", FORMAT, id="no root"),
        pytest.param("*", FORMAT, id="no base64"),
        pytest.param(None, FORMAT + 1, id="a format nobody knows"),
    ],
)
def test_a_map_that_leaves_events_out_is_found(
    world: World, root: str | None, map_format: int
) -> None:
    announce(world.ledger, MapStore(world.home.map), world.act())
    world.receive("C01", 10_000)
    if root is None:
        maps = MapStore(world.home.map)
        root = base64_text(maps.advance(world.ledger.log, world.ledger.size()))
    position = say_root(world, root, map_format)
    world.receive("C01", 10_000)

    verdict = verify_log(
        world.home.events, world.ledger.origin, world.home.founding_key_id(), processes=1
    )

    assert verdict.position == position
    assert isinstance(verdict.broken, EntryBroken)
    assert verdict.broken.field == "data.map_root"
    notes = world.ledger.log.select_checkpoints(0)
    rules = Rules(world.ledger.origin, committing_topics())
    with pytest.raises(EntryBroken) as caught:
        verify_in_memory(entries(world), notes, rules)
    assert caught.value.position == position
    with pytest.raises((AssertionError, ValueError)):
        tiny_check(world)


def test_a_stale_map_is_found(world: World) -> None:
    maps = MapStore(world.home.map)
    first = announce(world.ledger, maps, world.act())
    world.receive("C01", 10_000)
    position = say_root(world, first.map_root)

    verdict = verify_log(
        world.home.events, world.ledger.origin, world.home.founding_key_id(), processes=1
    )

    assert verdict.position == position
