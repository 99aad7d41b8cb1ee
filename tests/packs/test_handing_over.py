"""Who is handed what: masked packs for anybody, clear ones for those who may, on record."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.anchoring.publications import announce
from ledger.commands.duties import OfficerRequired
from ledger.commands.exports import ReasonMissing
from ledger.commands.officer_keys import KeyRevocation, revoke_key
from ledger.commands.recipients import erase_person
from ledger.domain.events import committing_topics
from ledger.domain.export import Export
from ledger.domain.officer import Role, RoleMissing
from ledger.domain.policy import Channel
from ledger.evidence.verify import Rules
from ledger.packs.contents import PackKindUnknown, PackSubjectUnclear, subject_of
from ledger.packs.file import PACK
from ledger.packs.handing_over import PackOrder, hand_over
from ledger.packs.making import make_pack
from ledger.store.application import NotOnRecord
from ledger.store.map_store import MapStore
from tests.packs.packing import judged, judged_plainly, unzipped
from tests.world import EARMARK, SHEET_CLASS, Person, World, failed, roster_row, settled

ONE, TWO, THREE = Person(1), Person(2), Person(3)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 60_000))
    world.answer("B1", settled(1, ONE, 80_000), failed(2, TWO, 60_000))
    world.appoint("I-C01", "C01", Role.INSPECTOR)
    return world


def packed(world: World, kind: str, name: str, staff: str = "", **wanted: str) -> bytes:
    maps = MapStore(world.home.map)
    published = announce(world.ledger, maps, world.act())
    subject = subject_of(world.ledger, kind, name)
    order = PackOrder(
        kind,
        subject,
        opened=bool(wanted),
        reason=wanted.get("reason", ""),
        made_for=wanted.get("made_for", ""),
    )
    return hand_over(world.ledger, maps, published, world.act(staff), order)


def holds(world: World, data: bytes, folder: Path) -> bool:
    key_id = world.ledger.founding_key_id()
    rules = Rules(world.ledger.origin, committing_topics(), key_id)
    return judged(data, rules) is None and judged_plainly(data, key_id, folder)[0] == 0


def person(world: World, who: Person) -> str:
    return str(world.ledger.vault.subject_id("id_number", who.id_number))


ENTITLED = {"reason": "巡察核对", "made_for": "市总工会经审会"}


def test_an_inspector_carries_away_a_person_in_clear(world: World, tmp_path: Path) -> None:
    data = packed(world, "person", person(world, ONE), "I-C01", **ENTITLED)

    openings = json.loads(unzipped(data)[PACK])["openings"]
    assert {each["fields"]["id_number"] for each in openings} == {ONE.id_number}
    assert holds(world, data, tmp_path)
    last = world.ledger.read(world.ledger.size() - 1, 1)[0].event
    assert isinstance(last, Export.HandedOver)
    assert last.file_sha256 == sha256(data).hexdigest()
    assert (last.kind, last.people, last.made_for) == ("pack.person", 1, ENTITLED["made_for"])
    world.check_log()


def test_a_batch_in_clear_counts_its_people(world: World) -> None:
    packed(world, "batch", "B1", "I-C01", **ENTITLED)

    last = world.ledger.read(world.ledger.size() - 1, 1)[0].event
    assert isinstance(last, Export.HandedOver)
    assert last.people == 2


def test_whoever_holds_no_such_role_sees_nothing_in_clear(world: World) -> None:
    size = world.ledger.size()
    with pytest.raises(RoleMissing):
        packed(world, "person", person(world, ONE), "A-X01", **ENTITLED)
    with pytest.raises(OfficerRequired):
        packed(world, "person", person(world, ONE), "", **ENTITLED)
    with pytest.raises(ReasonMissing):
        packed(world, "person", person(world, ONE), "I-C01", reason=" ", made_for="x")

    assert world.types(size) == ["publication.announced"]


def test_a_masked_pack_needs_nobody_and_leaves_nothing(world: World, tmp_path: Path) -> None:
    data = packed(world, "person", person(world, ONE))

    assert holds(world, data, tmp_path)
    assert world.types()[-1] == "publication.announced"
    assert ONE.id_number.encode() not in unzipped(data)[PACK]


def test_erasing_a_person_leaves_every_pack_valid(world: World, tmp_path: Path) -> None:
    before = [
        packed(world, "batch", "B1", "I-C01", **ENTITLED),
        packed(world, "person", person(world, ONE)),
        packed(world, "payment", str(world.payment_id(ONE))),
    ]

    erase_person(world.ledger, world.act(), world.payment(ONE).person_id, "依法")

    after = packed(world, "batch", "B1", "I-C01", **ENTITLED)
    masked = packed(world, "person", person(world, ONE))
    for data in (*before, after, masked):
        assert holds(world, data, tmp_path)
    openings = json.loads(unzipped(after)[PACK])["openings"]
    assert {each["fields"]["id_number"] for each in openings} == {TWO.id_number}
    assert json.loads(unzipped(masked)[PACK])["masked"] == []
    world.check_log()


@pytest.mark.parametrize(
    ("kind", "name", "refusal"),
    [
        ("card", "x", PackKindUnknown),
        ("fund", "X01", PackSubjectUnclear),
        ("fund", "X99/送温暖", NotOnRecord),
        ("batch", "B99", NotOnRecord),
        ("payment", "B1", PackSubjectUnclear),
        ("organisation", "X99", NotOnRecord),
    ],
)
def test_what_is_not_there_is_said_to_be_so(
    world: World, kind: str, name: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        subject_of(world.ledger, kind, name)


@pytest.mark.parametrize("kind", ["fund", "batch", "payment", "person", "organisation"])
def test_what_came_after_the_checkpoint_is_said_to_be_so(tmp_path: Path, kind: str) -> None:
    world = World.at(tmp_path).settle_in()
    maps = MapStore(world.home.map)
    published = announce(world.ledger, maps, world.act())
    world.receive("X01", 100_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.register("X09", "C01")
    payment, who = str(world.payment_id(ONE)), person(world, ONE)
    names = {"fund": f"X01/{EARMARK}", "batch": "B1", "payment": payment, "person": who}
    subject = subject_of(world.ledger, kind, names.get(kind, "X09"))

    with pytest.raises(NotOnRecord):
        make_pack(world.ledger, maps, published, kind, subject)


def test_nobody_has_a_pack_whom_no_event_names(world: World) -> None:
    with pytest.raises(NotOnRecord):
        packed(world, "person", "00000000-0000-0000-0000-000000000009")


def test_somebody_without_a_file_has_a_pack(world: World, tmp_path: Path) -> None:
    world.draft("S1", roster_row(1, THREE, 40_000, SHEET_CLASS), channel=Channel.SIGNATURE_SHEET)

    data = packed(world, "person", person(world, THREE))

    assert holds(world, data, tmp_path)


def test_a_pack_holds_though_who_acted_in_it_ended_the_key_of_somebody_else(
    world: World, tmp_path: Path
) -> None:
    key_id = world.officers["A-X02"].public_key.key_id
    revoke_key(world.ledger, world.act("A-X01"), KeyRevocation("A-X02", key_id, "遗失"))

    assert holds(world, packed(world, "batch", "B1"), tmp_path)
