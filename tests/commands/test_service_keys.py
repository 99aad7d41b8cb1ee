"""The ledger's own keys over the years: rotated, lost, recovered, and an old log under new ones."""

import shutil
from pathlib import Path

import pytest

from ledger.anchoring.publications import announce
from ledger.commands.duties import OfficerRequired
from ledger.commands.key_history import key_history
from ledger.commands.officer_keys import (
    CUSTODY_KEYRING,
    CUSTODY_OFFICER,
    KeyRegistration,
    KeyRevocation,
    give_up_key,
    register_key,
)
from ledger.commands.officers import Appointment, appoint_officer
from ledger.commands.rotation import KeyKeptElsewhere, Rotated, rotate_service_key
from ledger.commands.service_keys import (
    OwnKeyInDoubt,
    OwnKeyRequired,
    OwnKeyRetired,
    ServiceKeyTaken,
    give_up_service_key,
    reaffirm,
    reanchor,
    register_service_key,
    retire_service_key,
)
from ledger.commands.verification import Verdict, verify_log
from ledger.domain.events import committing_topics
from ledger.domain.log import LogItself, log_id
from ledger.domain.officer import Role
from ledger.domain.service_key import ServiceKeyEnded
from ledger.evidence.canonical import base64_text
from ledger.evidence.keys import (
    SERVICE,
    Algorithm,
    Ed25519Signer,
    KeyNotValid,
    PublicKey,
    SignatureBroken,
)
from ledger.evidence.log import verify_log as verify_in_memory
from ledger.evidence.pack import PackBroken
from ledger.evidence.pack_check import check_pack
from ledger.evidence.verify import EntryBroken, Rules, Stored
from ledger.packs.contents import subject_of
from ledger.packs.file import write_pack
from ledger.packs.making import make_pack
from ledger.store.application import Work
from ledger.store.home import Home, ServiceKeyForeign
from ledger.store.map_store import MapStore
from ledger.store.service_signers import ServiceKeyUnreadable, key_text, service_signer
from tests.packs.packing import judged_plainly, write_unchecked
from tests.world import DAY, RECORDED_AT, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.at(tmp_path).settle_in()


def rotate(world: World, algorithm: Algorithm = Algorithm.ED25519) -> Rotated:
    world.ledger.close()
    try:
        return rotate_service_key(world.home, algorithm, "每年更换", RECORDED_AT, DAY)
    finally:
        world.reopen()


def verdict(world: World, founding: str) -> Verdict:
    found = verify_log(world.home.events, world.ledger.origin, founding, processes=1)
    rules = Rules(world.ledger.origin, committing_topics(), founding)
    if found.holds:
        verify_in_memory(entries(world), world.ledger.log.select_checkpoints(0), rules)
    return found


def entries(world: World) -> list[Stored]:
    return [
        Stored(each.id, str(each.originator_id), each.originator_version, each.topic, each.state)
        for each in world.ledger.log.select_notifications(0, 100_000)
    ]


@pytest.mark.parametrize("algorithm", Algorithm)
def test_an_old_log_under_a_new_suite_verifies_from_end_to_end(
    world: World, algorithm: Algorithm
) -> None:
    founding = world.ledger.founding_key_id()
    world.receive("C01", 10_000)

    rotated = rotate(world, algorithm)
    world.receive("C01", 10_000)
    reanchor(world.ledger, world.act())
    announce(world.ledger, MapStore(world.home.map), world.act())
    again = rotate(world)
    world.receive("C01", 10_000)

    assert rotated.public_key.algorithm is algorithm
    assert rotated.retired == (founding,)
    assert again.retired == (rotated.public_key.key_id,)
    found = verdict(world, founding)
    assert found.holds, found.broken
    assert found.doubts == ()
    assert world.home.founding_key_id() == founding
    world.check_log()


@pytest.mark.parametrize("algorithm", Algorithm)
def test_packs_hold_under_every_suite(world: World, algorithm: Algorithm) -> None:
    rotate(world, algorithm)
    world.receive("C01", 10_000)
    maps = MapStore(world.home.map)
    published = announce(world.ledger, maps, world.act())

    subject = subject_of(world.ledger, "organisation", "C01")
    pack = make_pack(world.ledger, maps, published, "organisation", subject)

    rules = Rules(world.ledger.origin, committing_topics(), world.ledger.founding_key_id())
    assert len(list(check_pack(pack, rules))) == 10


def stop_before(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(f"ledger.commands.rotation.{place}", stop)


@pytest.mark.parametrize("place", ["register_service_key", "retire_service_key", "replace"])
def test_a_rotation_cut_off_anywhere_is_made_good(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    founding = world.ledger.founding_key_id()
    with monkeypatch.context() as patching:
        if place == "replace":

            def stop(*_: object) -> None:
                raise InterruptedError

            patching.setattr(Path, "replace", stop)
        else:
            stop_before(place, patching)
        with pytest.raises(InterruptedError):
            rotate(world)
    world.receive("C01", 10_000)  # whatever was done so far, the ledger opens and writes

    rotated = rotate(world)

    assert rotated.retired == (founding,)
    assert not world.home.next_service_key.exists()
    keys = key_history(world.ledger).valid_keys(SERVICE, world.ledger.size())
    assert [key.key_id for key in keys] == [rotated.public_key.key_id]
    world.receive("C01", 10_000)
    assert verdict(world, founding).holds


def test_a_ledger_does_not_write_under_a_key_it_does_not_know(world: World) -> None:
    world.ledger.close()
    size = world.home.events.stat().st_size
    own = world.home.service_key.read_text()

    world.home.service_key.write_text(key_text(Algorithm.ED25519, bytes(range(32))))
    with pytest.raises(ServiceKeyForeign):
        world.reopen()
    world.home.service_key.write_text("not a key")
    with pytest.raises(ServiceKeyUnreadable):
        world.reopen()

    world.home.service_key.write_text(own)
    world.reopen()
    assert world.home.events.stat().st_size == size


def test_a_retired_key_does_not_come_back(world: World) -> None:
    old = world.home.service_key.read_text()
    rotated = rotate(world)
    retired = world.ledger.founding_key_id()
    world.ledger.close()
    new = world.home.service_key.read_text()

    world.home.service_key.write_text(old)
    with pytest.raises(ServiceKeyEnded):
        world.reopen()

    world.home.service_key.write_text(new)
    world.reopen()
    key = key_history(world.ledger).records[retired].public_key
    with pytest.raises(ServiceKeyTaken):
        register_service_key(world.ledger, world.act(), key)
    with pytest.raises(OwnKeyRetired):
        retire_service_key(world.ledger, world.act(), rotated.public_key.key_id, "x")


def test_an_officers_key_cannot_sign_for_the_ledger(world: World) -> None:
    with pytest.raises(ServiceKeyTaken):
        register_service_key(world.ledger, world.act(), world.officers["A-C01"].public_key)


def test_a_key_may_come_from_elsewhere_than_a_file(tmp_path: Path) -> None:
    text = key_text(Algorithm.SM2_SM3, bytes(range(32)))
    home = Home(tmp_path / "data", lambda: service_signer(text, "setting"))
    home.create("elsewhere.example/log")
    ledger = home.open(RECORDED_AT, DAY)

    assert not home.service_key.exists()
    assert verify_log(home.events, ledger.origin, home.founding_key_id()).holds
    ledger.close()
    with pytest.raises(KeyKeptElsewhere):
        rotate_service_key(home, Algorithm.ED25519, "x", RECORDED_AT, DAY)


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "sm2-sm3:" + "00" * 32, "rsa:" + "11" * 32])
def test_a_key_that_is_none_is_not_repeated_in_the_refusal(text: str) -> None:
    with pytest.raises(ServiceKeyUnreadable) as refused:
        service_signer(text, "here")

    assert text not in str(refused.value) or not text


# A key in somebody else's hands.


def lose_key(world: World) -> tuple[str, int]:
    """Have the founding key lost at a position, and the ledger go on under another."""
    lost = world.ledger.founding_key_id()
    counts_from = world.ledger.size()
    world.receive("C01", 10_000)
    rotate(world)
    return lost, counts_from


def test_what_a_lost_key_signed_is_in_doubt_until_it_is_reaffirmed(world: World) -> None:
    lost, counts_from = lose_key(world)

    give_up_service_key(world.ledger, world.act("A-C01"), lost, counts_from, "服务器被侵入")

    found = verdict(world, lost)
    assert found.holds
    [doubt] = found.doubts
    assert (doubt.key_id, doubt.start) == (lost, counts_from)
    assert doubt.stop == key_history(world.ledger).records[lost].valid_until

    reaffirm(world.ledger, world.act("A-C01"), "与见证人的检查点核对一致")
    assert verdict(world, lost).doubts == (doubt,)
    reaffirm(world.ledger, world.act("A-X01"), "与见证人的检查点核对一致")

    assert verdict(world, lost).doubts == ()
    assert key_history(world.ledger).reaffirming_officers() == {
        world.act(staff).actor for staff in ("A-C01", "A-X01")
    }


def test_a_pack_that_rests_on_a_lost_key_does_not_hold(world: World) -> None:
    world.receive("X01", 10_000)
    lost, _ = lose_key(world)
    maps = MapStore(world.home.map)
    give_up_service_key(world.ledger, world.act("A-C01"), lost, 40, "服务器被侵入")
    rules = Rules(world.ledger.origin, committing_topics(), lost)
    subject = subject_of(world.ledger, "organisation", "C01")

    published = announce(world.ledger, maps, world.act())
    pack = make_pack(world.ledger, maps, published, "organisation", subject)
    with pytest.raises(PackBroken, match="somebody else's hands"):
        list(check_pack(pack, rules))
    for staff in ("A-C01", "A-X01"):
        reaffirm(world.ledger, world.act(staff), "核对一致")
    published = announce(world.ledger, maps, world.act())

    pack = make_pack(world.ledger, maps, published, "organisation", subject)
    list(check_pack(pack, rules))


def enrol_anew(world: World, staff: str) -> None:
    """Register another key of an officer's own, and have them sign with it from here on."""
    signer = world.officers[staff] = Ed25519Signer.generate()
    order = KeyRegistration(staff, signer.public_key, CUSTODY_OFFICER)
    register_key(world.ledger, world.act(), order)


def vouch_with_what_they_have(world: World, staff: str) -> None:
    """Have an officer vouch, as a program would that does not ask whether it counts."""

    def decide(work: Work) -> None:
        size = world.ledger.size()
        root = base64_text(world.ledger.log.root_at(size))
        log = work.find(LogItself, log_id())
        facts = {"size": size, "root": root, "reason": "x"}
        if log is None:
            log = LogItself.first(world.act(staff), LogItself.Reaffirmed, **facts)
        else:
            log.trigger_event(LogItself.Reaffirmed, world.act(staff), **facts)
        work.save(log)

    world.ledger.perform(world.act(staff), "test", staff, decide)


def test_officers_registered_under_the_lost_key_do_not_vouch_for_it(
    world: World, tmp_path: Path
) -> None:
    lost, before = world.ledger.founding_key_id(), dict(world.officers)
    counts_from = world.ledger.size()
    for staff in ("A-C01", "A-X01"):
        enrol_anew(world, staff)
    rotate(world)
    give_up_service_key(world.ledger, world.act("A-C01"), lost, counts_from, "服务器被侵入")

    maps = MapStore(world.home.map)
    for staff in ("A-C01", "A-X01"):
        vouch_with_what_they_have(world, staff)

    [doubt] = verdict(world, lost).doubts
    assert doubt.start == counts_from
    judged = judged_plainly(organisation_pack(world, maps), lost, tmp_path)
    assert "which somebody else had" in judged[1]
    world.officers.update(before)
    for staff in ("A-C01", "A-X01"):
        vouch_with_what_they_have(world, staff)
    assert verdict(world, lost).doubts == ()
    assert judged_plainly(organisation_pack(world, maps), lost, tmp_path)[0] == 0


def organisation_pack(world: World, maps: MapStore) -> bytes:
    """Return a pack of the union above all, whatever it is worth."""
    published = announce(world.ledger, maps, world.act())
    subject = subject_of(world.ledger, "organisation", "C01")
    pack = make_pack(world.ledger, maps, published, "organisation", subject)
    return write_unchecked(pack, world.ledger.signer)


def test_an_officer_whose_own_key_came_later_is_told_that_it_cannot_vouch(world: World) -> None:
    lost, counts_from = lose_key(world)
    give_up_service_key(world.ledger, world.act("A-C01"), lost, counts_from, "服务器被侵入")
    order = Appointment("A-02", "某某", "C01", Role.APPROVER)
    appoint_officer(world.ledger, world.act(), order)
    enrol_anew(world, "A-02")
    size = world.ledger.size()

    with pytest.raises(OwnKeyInDoubt):
        reaffirm(world.ledger, world.act("A-02"), "x")

    assert world.ledger.size() == size
    for staff in ("A-C01", "A-X01"):
        reaffirm(world.ledger, world.act(staff), "核对一致")
    reaffirm(world.ledger, world.act("A-02"), "核对一致")


def test_giving_up_a_key_is_for_an_approver_with_their_own_key(world: World) -> None:
    lost, counts_from = lose_key(world)

    with pytest.raises(OfficerRequired):
        give_up_service_key(world.ledger, world.act(), lost, counts_from, "x")
    with pytest.raises(OfficerRequired):
        reaffirm(world.ledger, world.act(), "x")
    with pytest.raises(KeyNotValid):
        give_up_service_key(world.ledger, world.act("A-C01"), lost, 10**6, "x")
    own = world.ledger.signer.public_key.key_id
    with pytest.raises(OwnKeyRetired):
        give_up_service_key(world.ledger, world.act("A-C01"), own, world.ledger.size() - 1, "x")


def test_an_officer_whose_key_the_operator_holds_vouches_for_nothing(world: World) -> None:
    order = Appointment("A-02", "某某", "C01", Role.APPROVER)
    appoint_officer(world.ledger, world.act(), order)
    signer = world.officers["A-02"] = Ed25519Signer.generate()
    register_key(
        world.ledger, world.act(), KeyRegistration("A-02", signer.public_key, CUSTODY_KEYRING)
    )

    with pytest.raises(OwnKeyRequired):
        reaffirm(world.ledger, world.act("A-02"), "x")


def test_officers_words_over_other_entries_are_found_in_logs_and_packs(
    world: World, tmp_path: Path
) -> None:
    founding, act = world.ledger.founding_key_id(), world.act("A-C01")

    def decide(work: Work) -> None:
        facts = {"size": world.ledger.size(), "root": base64_text(bytes(32)), "reason": "x"}
        work.save(LogItself.first(act, LogItself.Reaffirmed, **facts))

    position = world.ledger.perform(act, "forge", None, decide).first_position

    found = verdict(world, founding)
    assert found.position == position
    assert isinstance(found.broken, EntryBroken)
    assert found.broken.field == "data.root"
    maps = MapStore(world.home.map)
    published = announce(world.ledger, maps, world.act())
    subject = subject_of(world.ledger, "organisation", "C01")
    pack = make_pack(world.ledger, maps, published, "organisation", subject)
    with pytest.raises(PackBroken, match="vouched"):
        list(check_pack(pack, Rules(world.ledger.origin, committing_topics(), founding)))
    data = write_unchecked(pack, world.ledger.signer)
    status, printed = judged_plainly(data, founding, tmp_path)
    assert (status, "vouched" in printed) == (1, True)


def test_a_lost_officers_key_puts_in_doubt_what_it_signed(world: World) -> None:
    founding = world.ledger.founding_key_id()
    key_id = world.officers["A-C01"].public_key.key_id
    world.receive("C01", 10_000)
    counts_from = world.ledger.size()
    world.allocate("C01", "X01", 5_000)

    give_up_key(world.ledger, world.act(), KeyRevocation("A-C01", key_id, "丢失"), counts_from)

    [doubt] = verdict(world, founding).doubts
    assert (doubt.key_id, doubt.start) == (key_id, counts_from)
    with pytest.raises(Exception, match="no key"):
        world.allocate("C01", "X01", 1_000)


def test_a_signature_by_a_key_revoked_one_position_earlier_does_not_hold(world: World) -> None:
    # The retired key is put back by hand, and signs the very next event.
    world.ledger.close()
    old = world.home.service_key.read_text()
    world.reopen()
    founding = world.ledger.founding_key_id()
    rotate(world)
    signer = service_signer(old, "old")
    world.ledger._signer = signer
    world.ledger._log._signer = signer
    position = world.ledger.size()

    world.receive("C01", 10_000)

    found = verdict(world, founding)
    assert found.position == position
    assert isinstance(found.broken, EntryBroken)
    assert founding in found.broken.field


def test_a_history_signed_anew_with_the_operators_own_key_is_another_log(
    world: World, tmp_path: Path
) -> None:
    # The operator has the key in force, but the founding key's id is in other hands.
    founding = world.ledger.founding_key_id()
    rotate(world)
    text = world.home.service_key.read_text()
    forged = Home(tmp_path / "forged", lambda: service_signer(text, "operator"))
    forged.create(world.ledger.origin)
    forged.open(RECORDED_AT, DAY).close()

    found = verify_log(forged.events, world.ledger.origin, founding)

    assert not found.holds
    assert found.position == 0


def test_swapped_keys_do_not_hold(world: World, tmp_path: Path) -> None:
    # Two ledgers, each opened with the other's key file.
    other = World.at(tmp_path / "other").settle_in()
    for each in (world, other):
        each.ledger.close()
    mine, theirs = world.home.service_key, other.home.service_key
    shutil.copy(mine, tmp_path / "key")
    shutil.copy(theirs, mine)
    shutil.copy(tmp_path / "key", theirs)

    for each in (world, other):
        with pytest.raises(ServiceKeyForeign):
            each.reopen()


@pytest.mark.parametrize(
    ("root", "algorithm"),
    [("AAAA", "sm3"), ("", "sm3"), ("*", "sm3"), (None, "md5")],
)
def test_a_wrong_root_under_another_hash_is_found(
    world: World, root: str | None, algorithm: str
) -> None:
    founding = world.ledger.founding_key_id()
    reanchor(world.ledger, world.act())
    act = world.act()

    def decide(work: Work) -> None:
        log = work.get(LogItself, log_id())
        facts = {"size": world.ledger.size(), "hash_algorithm": algorithm}
        log.trigger_event(LogItself.Reanchored, act, root=root or "AAAA", **facts)
        work.save(log)

    position = world.ledger.perform(act, "forge", None, decide).first_position
    world.receive("C01", 10_000)

    found = verdict(world, founding)
    assert found.position == position
    assert isinstance(found.broken, EntryBroken)
    assert found.broken.field == "data.root"


def test_a_key_that_may_not_sign_is_not_registered(world: World) -> None:
    with pytest.raises(SignatureBroken):
        register_service_key(world.ledger, world.act(), PublicKey(Algorithm.ED25519, bytes(32)))


@pytest.mark.parametrize("algorithm", Algorithm)
def test_the_plain_verifier_knows_every_suite_and_lost_keys(
    world: World, tmp_path: Path, algorithm: Algorithm
) -> None:
    founding = world.ledger.founding_key_id()
    rotate(world, algorithm)
    world.receive("C01", 10_000)
    rules = Rules(world.ledger.origin, committing_topics(), founding)
    subject = subject_of(world.ledger, "organisation", "C01")
    maps = MapStore(world.home.map)

    def plainly() -> tuple[int, str]:
        published = announce(world.ledger, maps, world.act())
        pack = make_pack(world.ledger, maps, published, "organisation", subject)
        try:
            data = write_pack(pack, rules, world.ledger.signer)
        except PackBroken:
            data = write_unchecked(pack, world.ledger.signer)
        return judged_plainly(data, founding, tmp_path)

    assert plainly()[0] == 0
    give_up_service_key(world.ledger, world.act("A-C01"), founding, 40, "x")
    status, printed = plainly()
    assert (status, "somebody else had" in printed) == (1, True)
    reaffirm(world.ledger, world.act("A-C01"), "x")
    status, printed = plainly()
    assert (status, "somebody else had" in printed) == (1, True)
    reaffirm(world.ledger, world.act("A-X01"), "x")
    status, printed = plainly()
    assert status == 0, printed


def test_a_service_that_runs_on_signs_nothing_under_a_key_that_was_retired_beside_it(
    world: World,
) -> None:
    founding = world.ledger.founding_key_id()
    world.receive("C01", 10_000)
    rotate_service_key(world.home, Algorithm.ED25519, "每年更换", RECORDED_AT, DAY)
    size = world.ledger.size()

    for _ in range(2):
        with pytest.raises(ServiceKeyEnded):
            world.receive("C01", 10_000)

    assert world.ledger.size() == size
    world.ledger.close()
    world.reopen()
    world.receive("C01", 10_000)
    found = verdict(world, founding)
    assert found.holds, found.broken


def test_a_key_that_is_retired_while_something_is_decided_does_not_sign_it(world: World) -> None:
    founding, rotated = world.ledger.founding_key_id(), list[Rotated]()
    act = world.act()

    def decide(work: Work) -> None:
        if not rotated:
            rotated.append(
                rotate_service_key(world.home, Algorithm.ED25519, "更换", RECORDED_AT, DAY)
            )
        work.save(LogItself.first(act, LogItself.Reanchored, size=1, hash_algorithm="", root=""))

    with pytest.raises(ServiceKeyEnded):
        world.ledger.perform(act, "test.slow", None, decide)

    assert rotated[0].retired == (founding,)
    found = verdict(world, founding)
    assert found.holds, found.broken
