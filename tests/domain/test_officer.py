"""Officers: posts that are valid in time, keys that are in force or not."""

from datetime import date, timedelta

import pytest

from ledger.domain.key import KeyClaim
from ledger.domain.officer import KeyTaken, KeyUnknown, Officer, Role, RoleMissing, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.sealed import Sealed
from tests.domain.acting import ACT, memory, on, only, replayed, settled

UNION, OTHER = organisation_id("X01"), organisation_id("X02")
DAY = date(2017, 1, 20)
NAME = Sealed(ciphertext="c2VhbGVk", commitment="00" * 32)


def officer() -> Officer:
    return settled(Officer.appoint(ACT, staff_number="S1", subject_id=OTHER, identity=NAME))


def with_key() -> Officer:
    one = officer()
    one.register_key(ACT, key_id="k1", algorithm="ed25519", public_key="pk", custody="officer")
    return settled(one)


def test_an_appointment_keeps_the_name_sealed() -> None:
    one = Officer.appoint(ACT, staff_number="S1", subject_id=OTHER, identity=NAME)

    appointed = only(one, Officer.Appointed)
    assert (appointed.staff_number, appointed.subject_id) == ("S1", OTHER)
    assert appointed.identity == NAME
    assert one.id == officer_id("S1")


def test_a_post_counts_from_its_day_until_the_day_it_ends() -> None:
    one = officer()
    one.grant(on(DAY), organisation_id=UNION, role=Role.APPROVER)
    granted = only(one, Officer.RoleGranted)
    assert (granted.organisation_id, granted.role) == (UNION, "审批")
    later = DAY + timedelta(days=30)

    one.end(on(later), organisation_id=UNION, role=Role.APPROVER)

    ended = only(one, Officer.RoleEnded)
    assert (ended.organisation_id, ended.role, ended.happened_on) == (UNION, "审批", later)
    held = [one.holds("审批", {UNION}, DAY + timedelta(days=n)) for n in (-1, 0, 29, 30)]
    assert held == [False, True, True, False]
    assert not one.holds("审批", {OTHER}, DAY)
    assert not one.holds("复核", {UNION}, DAY)


def test_a_post_that_is_held_is_not_given_again() -> None:
    one = officer()
    one.grant(on(DAY), organisation_id=UNION, role=Role.CASHIER)
    settled(one)

    one.grant(on(DAY + timedelta(days=1)), organisation_id=UNION, role=Role.CASHIER)

    assert one.collect_events() == []


def test_a_post_that_ended_can_be_taken_again() -> None:
    one = officer()
    for day, act in ((0, one.grant), (5, one.end), (9, one.grant)):
        act(on(DAY + timedelta(days=day)), organisation_id=UNION, role=Role.CASHIER)

    held = [one.holds("出纳", {UNION}, DAY + timedelta(days=n)) for n in (0, 4, 5, 8, 9, 99)]
    assert held == [True, True, False, False, True, True]


@pytest.mark.parametrize("role", [Role.APPROVER, Role.CASHIER])
def test_a_post_that_is_not_held_does_not_end(role: Role) -> None:
    one = officer()
    one.grant(on(DAY), organisation_id=UNION, role=Role.APPROVER)
    settled(one)

    for day, union in ((DAY, OTHER), (DAY - timedelta(days=1), UNION)):
        with pytest.raises(RoleMissing):
            one.end(on(day), organisation_id=union, role=role)

    assert one.collect_events() == []


def test_a_key_is_registered_once_with_who_holds_it() -> None:
    one = officer()
    one.register_key(ACT, key_id="k1", algorithm="ed25519", public_key="pk", custody="officer")

    registered = only(one, Officer.KeyRegistered)
    assert (registered.key_id, registered.algorithm, registered.public_key) == (
        "k1",
        "ed25519",
        "pk",
    )
    assert registered.custody == "officer"
    with pytest.raises(KeyTaken):
        one.register_key(ACT, key_id="k1", algorithm="ed25519", public_key="pk", custody="officer")
    assert one.collect_events() == []


def test_a_revoked_key_is_out_of_force_and_never_registered_again() -> None:
    one = with_key()
    assert one.key_in_force("k1").public_key == "pk"

    one.revoke_key(ACT, key_id="k1", reason="遗失")

    revoked = only(one, Officer.KeyRevoked)
    assert (revoked.key_id, revoked.reason) == ("k1", "遗失")
    for ask in (
        lambda: one.key_in_force("k1"),
        lambda: one.revoke_key(ACT, key_id="k1", reason=""),
    ):
        with pytest.raises(KeyUnknown):
            ask()
    with pytest.raises(KeyTaken):
        one.register_key(ACT, key_id="k1", algorithm="ed25519", public_key="pk", custody="officer")
    assert one.collect_events() == []


def test_a_key_nobody_registered_is_unknown() -> None:
    with pytest.raises(KeyUnknown) as refused:
        with_key().key_in_force("k2")

    assert "k2" in str(refused.value)


def test_a_replayed_officer_is_the_one_who_lived() -> None:
    one = Officer.appoint(ACT, staff_number="S1", subject_id=OTHER, identity=NAME)
    one.grant(on(DAY), organisation_id=UNION, role=Role.APPROVER)
    one.register_key(ACT, key_id="k1", algorithm="ed25519", public_key="pk", custody="officer")
    one.revoke_key(ACT, key_id="k1", reason="遗失")
    one.end(on(DAY), organisation_id=UNION, role=Role.APPROVER)

    assert memory(replayed(one.collect_events())) == memory(one)


def test_a_key_claim_names_its_owner() -> None:
    claim = KeyClaim.claim(ACT, key_id="k1", owner="service")

    claimed = only(claim, KeyClaim.Claimed)
    assert (claimed.key_id, claimed.owner) == ("k1", "service")
    assert claim.id == KeyClaim.claim(ACT, key_id="k1", owner="another").id


def test_a_post_given_until_a_day_may_end_before_it() -> None:
    one = officer()
    one.grant(on(DAY), organisation_id=UNION, role=Role.APPROVER)
    one.end(on(DAY + timedelta(days=90)), organisation_id=UNION, role=Role.APPROVER)

    one.end(on(DAY + timedelta(days=30)), organisation_id=UNION, role=Role.APPROVER)

    held = [one.holds("审批", {UNION}, DAY + timedelta(days=n)) for n in (0, 29, 30, 60)]
    assert held == [True, True, False, False]
