"""A key is an officer's by an administrator's signature: what the operator alone says is told."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.histories import _VOUCHED
from api.histories import vouched_keys as vouched_in_histories
from ledger.anchoring.publications import announce
from ledger.commands import officer_keys, officers
from ledger.commands.key_history import key_history, vouched_at, vouched_history
from ledger.domain.administration import (
    Administration,
    AdministrationBegun,
    administration_id,
)
from ledger.domain.key import KeyClaim
from ledger.domain.officer import Officer, Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.evidence.canonical import Json, base64_text, canonical_json
from ledger.evidence.envelope import Signature, encode
from ledger.evidence.keys import Ed25519Signer, KeyHistory
from ledger.evidence.pack_check import CheckedPack
from ledger.evidence.verify import EntryBroken, Stored
from ledger.evidence.vouching import ADMINISTRATION, UNVOUCHED, Vouched, vouched_keys
from ledger.packs.file import check_files, read_pack
from ledger.store.act import CommandAct
from ledger.store.application import Work
from ledger.store.map_store import MapStore
from ledger.store.signing import KeyHolder, OfficerSignatureMissing
from projections.runner import catch_up
from tests.packs.packing import Packing, altered, judged_plainly
from tests.packs.test_known_from_elsewhere import checked, checked_plainly
from tests.world import DAY, RECORDED_AT, Person, World, roster_row

SYSTEM, SECURITY, APPROVER = "SYS", "SEC", "A-X09"
POSTS = {SYSTEM: Role.SYSTEM_ADMINISTRATOR, SECURITY: Role.SECURITY_ADMINISTRATOR}
EARLY = date(2016, 12, 1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger with two administrators, and an approver who has no key yet."""
    world = World.at(tmp_path / "ledger").settle_in()
    world.administer(POSTS)
    order = officers.NewOfficer(APPROVER, "某某")
    officers.register_officer(world.ledger, world.act(), order)
    world.receive("X01", 1_000_000)
    world.file(Person(1))
    yield world
    world.ledger.close()


def signing(world: World, staff: str, day: date = DAY) -> CommandAct:
    """Return the act of an officer who is signed in, and signs."""
    signer = KeyHolder(world.officers[staff])
    return CommandAct(str(officer_id(staff)), day, RECORDED_AT, signer=signer, signed_in=True)


def post(staff: str, role: str) -> officers.Post:
    return officers.Post(officer_id(staff), organisation_id("X01"), role)


def hand_in(world: World, staff: str) -> str:
    """Hand in a key of one's own; return its id."""
    signer = world.officers[staff] = Ed25519Signer.generate()
    key = signer.public_key
    message = officer_keys.proposal_message(world.ledger.origin, officer_id(staff), key.key_id)
    proposal = officer_keys.KeyProposal(key, signer.sign(message))
    act = CommandAct(str(officer_id(staff)), DAY, RECORDED_AT, signed_in=True)
    officer_keys.propose_key(world.ledger, act, proposal)
    return key.key_id


def confirm(world: World, staff: str, by: str) -> None:
    order = officer_keys.KeyConfirmation(officer_id(staff), hand_in(world, staff))
    officer_keys.confirm_key(world.ledger, signing(world, by), order)


def appoint(world: World, staff: str = APPROVER, by: str = SYSTEM) -> None:
    """Give an approver's post, and confirm a key, as it is meant to be done."""
    officers.grant_role(world.ledger, signing(world, SECURITY), post(staff, Role.APPROVER))
    confirm(world, staff, by)


def forged(world: World, staff: str, act: CommandAct) -> None:
    """Register a key past the rules, as whoever has the ledger's own key can."""
    signer = world.officers[staff] = Ed25519Signer.generate()
    key = signer.public_key

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(staff))
        officer.register_key(
            act,
            key_id=key.key_id,
            algorithm=key.algorithm.value,
            public_key=base64_text(key.raw),
            custody=officer_keys.CUSTODY_OFFICER,
        )
        work.save(officer, KeyClaim.claim(act, key_id=key.key_id, owner=str(officer.id)))

    world.ledger.perform(act, "test.past_its_rules", None, decide)


def granted(world: World, staff: str, role: str, act: CommandAct) -> None:
    """Give a post past the rules."""

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(staff))
        officer.grant(act, organisation_id=organisation_id("C01"), role=role)
        work.save(officer)

    world.ledger.perform(act, "test.past_its_rules", None, decide)


def approved_by(world: World, staff: str) -> None:
    """Have a batch approved by somebody with the approver's post, whoever gave it."""
    if not holds_post(world, staff):
        granted(world, staff, Role.APPROVER, world.act())
    world.draft("B1", roster_row(1, Person(1), 100_000))
    world.review("B1", "R-X01")
    world.approve("B1", staff)


def holds_post(world: World, staff: str) -> bool:
    officer = world.ledger.load(Officer, officer_id(staff))
    assert officer is not None
    return any(each.role == Role.APPROVER for each in officer.tenures)


def packed(world: World, change: Callable[[Any], object] | None = None) -> tuple[bytes, Packing]:
    """Make the pack of B1; with a change, altered and listed anew as the operator can."""
    maps = MapStore(world.home.map)
    packing = Packing(world.home, world.ledger, maps, announce(world.ledger, maps, world.act()))
    data = packing.write("batch", "B1")
    maps.close()
    return data if change is None else altered(data, change, world.ledger.signer), packing


def told(world: World, tmp_path: Path, *, own: bool) -> None:
    """Check that the log's verdict and both verifiers of a pack say the same of B1's approval."""
    key_id = world.officers[APPROVER].public_key.key_id
    verdict = world.check_log()
    assert verdict.holds
    expected = {str(officer_id(staff)): role for staff, role in POSTS.items()}
    assert {each.officer: each.role for each in verdict.first_keys} == expected
    assert (key_id in vouched_history(world.ledger, key_history(world.ledger)).key_ids) is own

    data, packing = packed(world)
    judged_alike(data, packing, tmp_path, key_id, own=own)


def judged_alike(
    data: bytes, packing: Packing, tmp_path: Path, key_id: str, *, own: bool
) -> CheckedPack:
    found = list(check_files(read_pack(data), packing.rules))
    [pack] = [each for each in found if isinstance(each, CheckedPack)]
    assert (key_id in pack.vouched.key_ids) is own
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert status == 0, printed
    # At least the policy's approver has a key of before there was an administrator.
    unvouched = pack.attested[UNVOUCHED]
    assert unvouched >= (1 if own else 2)
    assert f"; {unvouched} of them an officer's, who has" in printed
    for first in pack.vouched.first:
        assert f"COMPARE: key {first.key_id} is that of the first {first.role}" in printed
    assert printed.count("COMPARE") == len(pack.vouched.first)
    return pack


def test_what_an_administrator_signed_for_is_the_officers_own(world: World, tmp_path: Path) -> None:
    appoint(world)
    approved_by(world, APPROVER)
    told(world, tmp_path, own=True)


def test_the_first_administrators_keys_are_those_that_they_showed(
    world: World, tmp_path: Path
) -> None:
    appoint(world)
    approved_by(world, APPROVER)
    data, packing = packed(world)
    founding = packing.rules.founding_key_id or ""
    shown = [world.officers[staff].public_key.key_id for staff in POSTS]
    pages = "--accept-pages"
    for told, status, said in (
        ((), 0, "COMPARE"),
        (shown, 0, "HOLDS"),
        (("0" * 32,), 1, "ANOTHER ADMINISTRATOR'S KEY"),
    ):
        words = [word for key_id in told for word in ("--administrator", key_id)]
        for ended, printed in (
            checked(tmp_path, data, "--key", founding, pages, *words),
            checked_plainly(tmp_path, data, founding, *words),
        ):
            assert (ended, said in printed) == (status, True), printed
            assert ("COMPARE" in printed) is (not told)


def test_a_key_of_the_operators_making_is_told(world: World, tmp_path: Path) -> None:
    forged(world, APPROVER, world.act())
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_a_second_key_that_nobody_signed_for_is_told(world: World, tmp_path: Path) -> None:
    appoint(world)
    forged(world, APPROVER, world.act())
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_an_administrator_who_did_not_sign_vouches_for_nothing(
    world: World, tmp_path: Path
) -> None:
    actor = CommandAct(str(officer_id(SYSTEM)), DAY, RECORDED_AT)
    forged(world, APPROVER, actor)
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_who_has_no_such_post_vouches_for_nothing(world: World, tmp_path: Path) -> None:
    appoint(world, "H-X01")
    forged(world, APPROVER, signing(world, "H-X01"))
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_nobody_vouches_for_themselves(world: World, tmp_path: Path) -> None:
    appoint(world)
    granted(world, APPROVER, Role.APPROVER, signing(world, SECURITY))
    forged(world, APPROVER, signing(world, APPROVER))
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def newcomer(world: World) -> None:
    """Have somebody on the register, with a key that an administrator signed for."""
    order = officers.NewOfficer("CRONY", "某某")
    officers.register_officer(world.ledger, world.act(), order)
    confirm(world, "CRONY", SYSTEM)


def crony(world: World, act: Callable[[], CommandAct]) -> None:
    """Have somebody with a key of their own be given the post that vouches."""
    newcomer(world)
    granted(world, "CRONY", Role.SYSTEM_ADMINISTRATOR, act())


def test_who_was_made_administrator_by_a_signature_vouches(world: World, tmp_path: Path) -> None:
    crony(world, lambda: signing(world, SECURITY))
    confirm(world, APPROVER, "CRONY")
    approved_by(world, APPROVER)
    told(world, tmp_path, own=True)


@pytest.mark.parametrize("by", ["operator", SYSTEM])
def test_who_was_made_administrator_by_nobody_who_may_vouches_for_nothing(
    world: World, tmp_path: Path, by: str
) -> None:
    crony(world, lambda: world.act() if by == "operator" else signing(world, by))
    forged(world, APPROVER, signing(world, "CRONY"))
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_who_is_administrator_no_more_vouches_for_nothing(world: World, tmp_path: Path) -> None:
    top = organisation_id("C01")
    ended = officers.Post(officer_id(SYSTEM), top, Role.SYSTEM_ADMINISTRATOR)
    officers.end_role(world.ledger, world.act(day=EARLY), ended)
    forged(world, APPROVER, signing(world, SYSTEM))
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_an_administrators_lost_key_vouches_for_nothing(world: World, tmp_path: Path) -> None:
    """What it vouched for counts for nothing, and no pack falls with it."""
    size = world.ledger.size()
    appoint(world)
    lost = officer_keys.KeyRevocation(SYSTEM, world.officers[SYSTEM].public_key.key_id, "遗失")
    officer_keys.give_up_key(world.ledger, world.act(), lost, size)
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)
    assert [each.key_id for each in world.check_log().doubts] == [lost.key_id]


def test_a_post_vouches_up_to_the_day_that_was_signed(world: World, tmp_path: Path) -> None:
    """Its end is an event that the operator can leave out; the day stands in what was signed."""
    newcomer(world)

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id("CRONY"))
        officer.trigger_event(
            Officer.RoleGranted,
            work.act,
            organisation_id=organisation_id("C01"),
            role=Role.SYSTEM_ADMINISTRATOR,
            until=DAY,
        )
        work.save(officer)

    world.ledger.perform(signing(world, SECURITY, EARLY), "test.past_its_rules", None, decide)
    forged(world, APPROVER, signing(world, "CRONY"))
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_nothing_is_dated_back_to_when_a_post_was_held(world: World, tmp_path: Path) -> None:
    crony(world, lambda: signing(world, SECURITY, EARLY))
    ended = officers.Post(officer_id("CRONY"), organisation_id("C01"), Role.SYSTEM_ADMINISTRATOR)
    officers.end_role(world.ledger, world.act(), ended)
    forged(world, APPROVER, signing(world, "CRONY", EARLY))
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_what_another_officer_has_vouched_for_is_not_a_second_ones(
    world: World, tmp_path: Path
) -> None:
    """The one who shares it does not act in the pack, so that nothing there contradicts it."""
    newcomer(world)
    signer = world.officers[APPROVER] = world.officers["CRONY"]
    key = signer.public_key

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(APPROVER))
        officer.register_key(
            world.act(),
            key_id=key.key_id,
            algorithm=key.algorithm.value,
            public_key=base64_text(key.raw),
            custody=officer_keys.CUSTODY_OFFICER,
        )
        work.save(officer)

    world.ledger.perform(world.act(), "test.past_its_rules", None, decide)
    appoint(world, "H-X01")  # whereby the pack has all that the administrators vouched for
    approved_by(world, APPROVER)
    with pytest.raises(AssertionError, match="registered already"):
        world.check_log()  # whoever has the whole log sees it
    data, packing = packed(world)
    judged_alike(data, packing, tmp_path, key.key_id, own=False)


def test_a_first_approver_is_no_administrator(world: World, tmp_path: Path) -> None:
    def decide(work: Work) -> None:
        administration = work.get(Administration, administration_id())
        administration.trigger_event(
            Administration.Begun,
            world.act(),
            role=Role.APPROVER,
            officer_id=officer_id(APPROVER),
        )
        work.save(administration)

    world.ledger.perform(world.act(), "test.past_its_rules", None, decide)
    forged(world, APPROVER, world.act())
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


@pytest.mark.parametrize(
    ("topic", "facts"),
    [
        ("administration.begun", {"role": "系统管理", "officer_id": None}),
        ("administration.begun", {"role": ["系统管理"], "officer_id": "x"}),
        ("officer.role_granted", {"organisation_id": "x"}),
        ("officer.key_registered", {"key_id": ["k"]}),
    ],
)
def test_what_is_of_no_form_vouches_for_nothing(topic: str, facts: dict[str, Json]) -> None:
    stream = ADMINISTRATION if topic == "administration.begun" else str(officer_id("X"))
    payload = canonical_json(
        {
            "actor": "operator",
            "data": facts,
            "happened_on": "2017-01-01",
            "origin": "o",
            "recorded_at": "2017-01-01T00:00:00.000Z",
            "schema": 1,
            "stream": stream,
            "type": topic,
            "version": 1,
        }
    )
    envelope = encode(payload, [Signature("0" * 32, b"-")])
    entries = [Stored(0, stream, 1, topic, envelope)]
    assert vouched_keys(entries, KeyHistory()) == Vouched()


def test_the_operator_confirms_no_further_key_where_an_administrator_could_sign(
    world: World,
) -> None:
    for staff in POSTS:
        key = Ed25519Signer.generate().public_key
        order = officer_keys.KeyRegistration(staff, key, officer_keys.CUSTODY_OFFICER)
        with pytest.raises(officer_keys.SecondOfficerRequired):
            officer_keys.register_key(world.ledger, world.act(), order)
    lost = officer_keys.KeyRevocation(SYSTEM, world.officers[SYSTEM].public_key.key_id, "遗失")
    officer_keys.revoke_key(world.ledger, world.act(), lost)
    key = Ed25519Signer.generate().public_key
    order = officer_keys.KeyRegistration(SECURITY, key, officer_keys.CUSTODY_OFFICER)
    officer_keys.register_key(world.ledger, world.act(), order)  # nobody else could
    assert key.key_id not in vouched_history(world.ledger, key_history(world.ledger)).key_ids


def test_a_second_first_administrator_is_none(world: World, tmp_path: Path) -> None:
    order = officers.NewOfficer("CRONY", "某某")
    officers.register_officer(world.ledger, world.act(), order)
    forged(world, "CRONY", world.act())

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id("CRONY"))
        officer.grant(
            world.act(), organisation_id=organisation_id("C01"), role=Role.SYSTEM_ADMINISTRATOR
        )
        administration = work.get(Administration, administration_id())
        administration.trigger_event(
            Administration.Begun,
            world.act(),
            role=Role.SYSTEM_ADMINISTRATOR,
            officer_id=officer.id,
        )
        work.save(officer, administration)

    world.ledger.perform(world.act(), "test.past_its_rules", None, decide)
    forged(world, APPROVER, signing(world, "CRONY"))
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


def test_a_first_administrators_second_key_on_the_operators_word_vouches_for_nothing(
    world: World, tmp_path: Path
) -> None:
    forged(world, SYSTEM, world.act())
    forged(world, APPROVER, signing(world, SYSTEM))
    approved_by(world, APPROVER)
    told(world, tmp_path, own=False)


@pytest.mark.parametrize("left_out", [ADMINISTRATION, str(officer_id(SYSTEM))])
def test_a_pack_that_leaves_streams_of_administrators_out_vouches_for_nobody(
    world: World, tmp_path: Path, left_out: str
) -> None:
    appoint(world)
    approved_by(world, APPROVER)

    def without(said: Any) -> None:
        said["listings"] = [
            each
            for each in said["listings"]
            if (each["subject"], each["of"]) != (left_out, "stream")
        ]

    data, packing = packed(world, without)
    key_id = world.officers[APPROVER].public_key.key_id
    pack = judged_alike(data, packing, tmp_path, key_id, own=False)
    assert len(pack.vouched.first) == (0 if left_out == ADMINISTRATION else 1)


def test_administrators_sign_or_nothing_is_written(world: World) -> None:
    size, key_id = world.ledger.size(), ""
    unsigned = CommandAct(str(officer_id(SECURITY)), DAY, RECORDED_AT, signed_in=True)
    with pytest.raises(OfficerSignatureMissing):
        officers.grant_role(world.ledger, unsigned, post(APPROVER, Role.APPROVER))
    assert world.ledger.size() == size
    key_id = hand_in(world, APPROVER)
    size = world.ledger.size()
    order = officer_keys.KeyConfirmation(officer_id(APPROVER), key_id)
    with pytest.raises(OfficerSignatureMissing):
        officer_keys.confirm_key(world.ledger, unsigned, order)
    assert world.ledger.size() == size
    payload = officer_keys.prepare_confirmation(world.ledger, unsigned, order)
    assert key_id.encode() in payload
    assert world.ledger.size() == size


def test_the_operator_makes_no_administrator_once_there_is_one(world: World) -> None:
    order = officers.Appointment("S9", "某某", "C01", Role.SECURITY_ADMINISTRATOR)
    with pytest.raises(AdministrationBegun):
        officers.appoint_officer(world.ledger, world.act(), order)


@pytest.mark.parametrize("until", [None, date(2017, 3, 1)])
def test_a_post_that_is_held_or_will_be_is_not_given_once_more(
    world: World, until: date | None
) -> None:
    size = world.ledger.size()
    for day in (DAY, date(2016, 11, 1)):  # the approver's post began in December
        held = officers.Post(officer_id("A-X01"), organisation_id("X01"), Role.APPROVER, until)
        act = CommandAct(str(officer_id(SECURITY)), day, RECORDED_AT)
        with pytest.raises(officers.PostHeld):
            officers.prepare_grant(world.ledger, act, held)
        with pytest.raises(officers.PostHeld):
            officers.grant_role(world.ledger, act, held)
    assert world.ledger.size() == size


def test_who_is_administrator_no_more_does_not_stand_in_the_operators_way(world: World) -> None:
    top = organisation_id("C01")
    ended = officers.Post(officer_id(SYSTEM), top, Role.SYSTEM_ADMINISTRATOR)
    officers.end_role(world.ledger, world.act(), ended)
    key = Ed25519Signer.generate().public_key
    order = officer_keys.KeyRegistration(SECURITY, key, officer_keys.CUSTODY_OFFICER)
    officer_keys.register_key(world.ledger, world.act(), order)


def test_histories_call_nobody_vouched_for_while_such_an_event_is_damaged(world: World) -> None:
    appoint(world)
    key_id = world.officers[APPROVER].public_key.key_id
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert key_id in vouched_in_histories(world.ledger, model)
        position = next(
            each.position
            for each in world.ledger.read(0, 1_000)
            if each.event.TOPIC == "officer.key_registered"
        )
        assert isinstance(world.home.log, Path)
        with sqlite3.connect(world.home.log) as connection:
            connection.execute(
                "UPDATE log_events SET state = x'00' WHERE position = ?", (position,)
            )
        with pytest.raises(EntryBroken):
            vouched_at(world.ledger, [position])
        _VOUCHED._answers.clear()
        assert not vouched_in_histories(world.ledger, model)


def test_the_stream_of_the_administration_is_the_one_that_verifiers_know() -> None:
    assert UUID(ADMINISTRATION) == administration_id()
