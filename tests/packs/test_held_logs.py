"""A pack shows upon which log its officers signed, and how far their own keys hold it."""

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from ledger.anchoring.publications import announce
from ledger.anchoring.published_log import PublishedFolder, verify_published
from ledger.anchoring.static_log import write_static_log
from ledger.domain.events import committing_topics
from ledger.evidence.canonical import base64_text, parse_canonical
from ledger.evidence.envelope import payload_of
from ledger.evidence.merkle import EMPTY_ROOT
from ledger.evidence.pack_check import CheckedPack
from ledger.evidence.tree_heads import TreeHead, tree_head_of
from ledger.packs.contents import subject_of
from ledger.packs.file import check_files, read_pack
from ledger.packs.making import make_pack
from ledger.store.application import Ledger
from ledger.store.map_store import MapStore
from tests.packs.packing import Packing, judged, judged_plainly, write_unchecked
from tests.packs.test_vouched_keys import APPROVER, appoint, approved_by, forged, packed
from tests.packs.test_vouched_keys import world as world  # noqa: PLC0414 - a fixture
from tests.world import World


def approved_upon(world: World) -> TreeHead:
    """Have a batch approved; return the tree head that the approver signed upon."""
    approved_by(world, APPROVER)
    states = [row[2] for row in world.ledger.log.select_states(0, 10_000) if row[1] == TOPIC]
    head = tree_head_of(parse_canonical(payload_of(states[-1]))["data"])
    assert head is not None
    return head


TOPIC = "batch.approved"


def held_by(data: bytes, packing: Packing, tmp_path: Path) -> int:
    """How far both verifiers say that officers hold the log; 0 if they say nothing of it."""
    found = list(check_files(read_pack(data), packing.rules))
    [pack] = [each for each in found if isinstance(each, CheckedPack)]
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert status == 0, printed
    said = f"; officers' own keys signed upon the first {pack.held_size} entries"
    assert (said in printed) is (pack.held_size > 0), printed
    return pack.held_size


def held_by_publication(world: World, tmp_path: Path) -> int:
    """How far the whole log's publication says that officers hold it."""
    maps = MapStore(world.home.map)
    published = announce(world.ledger, maps, world.act())
    maps.close()
    write_static_log(world.ledger, published, published.note, tmp_path / "static")
    return verify_published(
        PublishedFolder(tmp_path / "static"),
        None,
        committing_topics(),
        world.ledger.founding_key_id(),
    ).held_size


def test_verifiers_say_how_far_officers_hold_the_log(world: World, tmp_path: Path) -> None:
    appoint(world)
    size = approved_upon(world).size
    data, packing = packed(world)

    assert size > 20
    assert held_by(data, packing, tmp_path) == size
    assert world.check_log().held_size == size
    assert held_by_publication(world, tmp_path) == size


def test_a_key_on_the_operators_word_holds_nothing(world: World, tmp_path: Path) -> None:
    forged(world, APPROVER, world.act())
    size = approved_upon(world).size
    data, packing = packed(world)

    # What the administrators' own keys signed when they were asked comes before it, if anything.
    assert held_by(data, packing, tmp_path) < size
    assert world.check_log().held_size == held_by_publication(world, tmp_path) < size


@pytest.mark.parametrize("head", [TreeHead(3, EMPTY_ROOT), TreeHead(5, bytes(32))])
def test_a_pack_of_what_was_signed_upon_another_log_is_refused(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: TreeHead
) -> None:
    appoint(world)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "_tree_head", lambda _: head)
        approved_by(world, APPROVER)
    maps = MapStore(world.home.map)
    published = announce(world.ledger, maps, world.act())
    packing = Packing(world.home, world.ledger, maps, published)
    subject = subject_of(world.ledger, "batch", "B1")
    pack = make_pack(world.ledger, maps, published, "batch", subject)
    maps.close()
    data = write_unchecked(pack, world.ledger.signer)

    said = judged(data, packing.rules)
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert said is not None
    assert "signed upon" in said
    assert status == 1
    assert "signed upon another log" in printed


def test_hashes_of_the_tree_have_one_length_and_one_place(world: World, tmp_path: Path) -> None:
    # Two siblings whose bytes are shared out otherwise hash to the same parent: with them a root
    # would come out under which entries can still be exchanged.
    def longer(said: Any) -> None:
        said["nodes"][0][2] = base64_text(b64decode(said["nodes"][0][2]) * 2)

    def twice(said: Any) -> None:
        said["nodes"].insert(1, said["nodes"][0])

    appoint(world)
    approved_by(world, APPROVER)
    for change, told in ((longer, "of another length"), (twice, "stands twice")):
        data, packing = packed(world, change)
        status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
        assert judged(data, packing.rules) is not None
        assert status == 1
        assert f"a tree hash {'that ' if told == 'stands twice' else ''}{told}" in printed
