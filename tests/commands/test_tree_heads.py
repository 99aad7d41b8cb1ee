"""Officers sign upon the log that they were shown: it fits no copy of it that went another way."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.anchoring.publications import announce
from ledger.anchoring.published_log import PublishedFolder, verify_published
from ledger.anchoring.static_log import write_static_log
from ledger.commands import funds
from ledger.commands.verification import verify_log
from ledger.domain.events import committing_topics
from ledger.evidence.canonical import canonical_json, parse_canonical
from ledger.evidence.envelope import payload_of
from ledger.evidence.merkle import EMPTY_ROOT
from ledger.evidence.tree_heads import TreeHead, tree_head_of
from ledger.evidence.verify import EntryBroken
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from ledger.store.signing import KeyHolder, PreparedDiffers, PresentedSignature
from tests.world import EARMARK, World

ORDER = funds.Allocation("C01", "X01", EARMARK, "文", 100)


@pytest.fixture
def world(world: World) -> World:
    world.receive("C01", 100_000)
    return world


def signed(world: World) -> PresentedSignature:
    """Prepare an allocation, and have the officer sign what they are handed."""
    act = replace(world.act("A-C01"), signer=None)
    payload = funds.prepare_allocation(world.ledger, act, ORDER)
    made = KeyHolder(world.officers["A-C01"]).sign(payload)
    return PresentedSignature(payload, made, act.actor)


def commit(world: World, signer: PresentedSignature) -> int:
    act = replace(world.act("A-C01"), signer=signer)
    position = funds.allocate(world.ledger, act, ORDER).last_position
    assert position is not None
    return position


def head_of(world: World, topic: str) -> TreeHead | None:
    """What the last event of a type was signed upon."""
    states = [row[2] for row in world.ledger.log.select_states(0, 10_000) if row[1] == topic]
    return tree_head_of(parse_canonical(payload_of(states[-1]))["data"])


def test_an_officer_signs_upon_the_log_as_it_was_when_it_was_prepared(world: World) -> None:
    size, root = world.ledger.size(), world.ledger.log.root_at(world.ledger.size())
    signer = signed(world)
    world.receive("X02", 5)  # others go on meanwhile
    commit(world, signer)

    assert head_of(world, "fund.allocated") == (size, root)
    assert head_of(world, "fund.received") is None
    world.check_log()


def test_a_key_that_is_at_hand_signs_upon_the_log_as_it_is(world: World) -> None:
    size, root = world.ledger.size(), world.ledger.log.root_at(world.ledger.size())
    funds.allocate(world.ledger, world.act("A-C01"), ORDER)

    assert head_of(world, "fund.allocated") == (size, root)
    world.check_log()


@pytest.fixture
def split(tmp_path: Path) -> Iterator[tuple[World, World]]:
    """A ledger and a copy of it, which are about to go different ways."""
    first = World.at(tmp_path / "one").settle_in()
    first.receive("C01", 100_000)
    first.ledger.close()
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    second = World(Home(tmp_path / "copy" / "data"), first.officers)
    for each in (first, second):
        each.reopen()
    yield first, second
    for each in (first, second):
        each.ledger.close()


def test_a_signature_given_on_a_copy_of_the_ledger_is_refused(split: tuple[World, World]) -> None:
    world, copy = split
    world.receive("X02", 1)
    copy.receive("X02", 2)  # as long as the other, and of another root
    signer = signed(copy)
    size = world.ledger.size()

    with pytest.raises(PreparedDiffers):
        commit(world, signer)

    assert world.ledger.size() == size
    commit(copy, signer)
    copy.check_log()


def test_a_signature_upon_a_longer_log_is_refused(split: tuple[World, World]) -> None:
    world, copy = split
    copy.receive("X02", 2)

    with pytest.raises(PreparedDiffers):
        commit(world, signed(copy))


def test_only_what_a_commit_left_may_be_signed_upon(world: World) -> None:
    act = replace(world.act("A-C01"), signer=None)
    event = parse_canonical(funds.prepare_allocation(world.ledger, act, ORDER))
    sizes = world.checkpoint_sizes()
    between = next(each for each in range(2, sizes[-1]) if each not in sizes)
    for size in (0, between, sizes[-1] + 1, 2**53 - 1):
        root = world.ledger.log.root_at(size) if size < sizes[-1] else EMPTY_ROOT
        event["data"]["tree_head"] = TreeHead(size, root).to_json()
        payload = canonical_json(event)
        made = KeyHolder(world.officers["A-C01"]).sign(payload)
        with pytest.raises(PreparedDiffers):
            commit(world, PresentedSignature(payload, made, act.actor))
    assert world.ledger.size() == sizes[-1]


def forge(world: World, monkeypatch: pytest.MonkeyPatch, head: TreeHead) -> int:
    """Have an officer sign upon a tree head of the operator's making, and store it."""
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "_tree_head", lambda _: head)
        answer = funds.allocate(world.ledger, world.act("A-C01"), ORDER)
    assert answer.first_position is not None
    states = world.ledger.log.select_states(answer.first_position, 10)
    return next(position for position, topic, _ in states if topic == "fund.allocated")


def test_every_verifier_finds_what_was_signed_upon_another_log(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = forge(world, monkeypatch, TreeHead(2, EMPTY_ROOT))
    verdict = verify_log(world.home.log, world.ledger.origin, world.home.founding_key_id())
    assert isinstance(verdict.broken, EntryBroken)
    assert (verdict.broken.position, verdict.broken.field) == (position, "data.tree_head")

    maps = MapStore(world.home.map)
    published = announce(world.ledger, maps, world.act())
    maps.close()
    write_static_log(world.ledger, published, published.note, tmp_path / "static")
    with pytest.raises(EntryBroken, match=f"position {position},.*signed upon a log"):
        verify_published(
            PublishedFolder(tmp_path / "static"),
            None,
            committing_topics(),
            world.ledger.founding_key_id(),
        )


def test_of_what_was_verified_before_the_whole_run_judges(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.check_log().verified
    place = world.home.log, world.ledger.origin, world.home.founding_key_id()
    true = TreeHead(world.ledger.size(), world.ledger.log.root_at(world.ledger.size()))
    forge(world, monkeypatch, true)
    assert verify_log(*place, before=before, whole=False).holds
    position = forge(world, monkeypatch, TreeHead(true.size, EMPTY_ROOT))
    verdict = verify_log(*place, before=before, whole=False)
    assert verdict.position == position

    later = world.ledger.size()
    forge(world, monkeypatch, TreeHead(later + 1, EMPTY_ROOT))
    assert not verify_log(*place).holds


def test_a_log_may_be_signed_upon_where_no_commit_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = world.checkpoint_sizes()
    size = next(each for each in range(2, sizes[-1]) if each not in sizes)
    forge(world, monkeypatch, TreeHead(size, world.ledger.log.root_at(size)))

    world.check_log()
