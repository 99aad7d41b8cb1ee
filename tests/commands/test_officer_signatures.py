"""Officers sign the very bytes that are stored: prepare, sign, commit."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.commands import funds, officer_keys, policies
from ledger.domain.officer import KeyTaken, KeyUnknown, RoleMissing
from ledger.evidence.envelope import PAYLOAD_TYPE, Signature, decode, pae
from ledger.evidence.keys import Ed25519Signer, PublicKey, SignatureBroken
from ledger.store.signing import (
    KeyHolder,
    OfficerSignatureMissing,
    PreparedDiffers,
    PresentedSignature,
)
from tests.world import EARMARK, World, terms


def test_an_officer_signs_the_very_bytes_that_are_stored(world: World) -> None:
    world.receive("C01", 100_000)
    order = funds.Allocation("C01", "X01", EARMARK, "文", 100)
    act = replace(world.act("A-C01"), signer=None)
    payload = funds.prepare_allocation(world.ledger, act, order)

    made = KeyHolder(world.officers["A-C01"]).sign(payload)
    presented = PresentedSignature(payload, made, act.actor)
    answer = funds.allocate(world.ledger, replace(act, signer=presented), order)

    assert answer.first_position is not None
    ((_, _, envelope),) = [
        row
        for row in world.ledger.log.select_states(answer.first_position, 2)
        if row[1] == "fund.allocated"
    ]
    stored = decode(envelope)
    assert stored.payload == payload
    assert stored.signatures[1] == made
    world.check_log()


def test_a_signature_is_refused_when_the_stream_has_moved(world: World) -> None:
    world.receive("C01", 100_000)
    order = funds.Allocation("C01", "X01", EARMARK, "文", 100)
    act = replace(world.act("A-C01"), signer=None)
    payload = funds.prepare_allocation(world.ledger, act, order)
    made = KeyHolder(world.officers["A-C01"]).sign(payload)
    world.receive("C01", 5)
    size = world.ledger.size()

    with pytest.raises(PreparedDiffers):
        funds.allocate(
            world.ledger,
            replace(act, signer=PresentedSignature(payload, made, act.actor)),
            order,
        )

    assert world.ledger.size() == size


def test_without_the_officers_signature_nothing_that_commits_is_stored(world: World) -> None:
    world.receive("C01", 100_000)
    size = world.ledger.size()

    with pytest.raises(OfficerSignatureMissing):
        funds.allocate(
            world.ledger,
            replace(world.act("A-C01"), signer=None),
            funds.Allocation("C01", "X01", EARMARK, "文", 100),
        )

    assert world.ledger.size() == size


def test_another_officers_key_an_unknown_one_and_a_revoked_one_are_refused(world: World) -> None:
    world.receive("C01", 100_000)
    order = funds.Allocation("C01", "X01", EARMARK, "文", 100)
    act = world.act("A-C01")
    for signer in (world.officers["R-C01"], Ed25519Signer.generate()):
        with pytest.raises(KeyUnknown):
            funds.allocate(world.ledger, replace(act, signer=KeyHolder(signer)), order)
    key_id = world.officers["A-C01"].public_key.key_id
    officer_keys.revoke_key(
        world.ledger, world.act(), officer_keys.KeyRevocation("A-C01", key_id, "遗失")
    )

    with pytest.raises(KeyUnknown):
        funds.allocate(world.ledger, act, order)

    world.check_log()


def test_a_signature_over_other_bytes_is_refused(world: World) -> None:
    world.receive("C01", 100_000)
    key = world.officers["A-C01"]

    class Careless:
        signed_upon = None

        def sign(self, payload: bytes) -> Signature:
            message = pae(PAYLOAD_TYPE, payload.replace(b"100", b"101"))
            return Signature(key.public_key.key_id, key.sign(message))

    with pytest.raises(SignatureBroken):
        funds.allocate(
            world.ledger,
            replace(world.act("A-C01"), signer=Careless()),
            funds.Allocation("C01", "X01", EARMARK, "文", 100),
        )


def test_a_key_belongs_to_one_officer_and_is_sound(world: World) -> None:
    taken = world.officers["A-C01"].public_key
    service = world.home.note_key().public_key
    weak = PublicKey(taken.algorithm, bytes(32))

    for key, refusal in ((taken, KeyTaken), (service, KeyTaken), (weak, SignatureBroken)):
        with pytest.raises(refusal):
            officer_keys.register_key(
                world.ledger, world.act(), officer_keys.KeyRegistration("H-X01", key, "officer")
            )

    world.check_log()


def test_a_policy_is_adopted_by_an_approver_alone(world: World) -> None:
    with pytest.raises(RoleMissing):
        policies.adopt_policy(world.ledger, world.act("H-C01"), terms())

    policies.adopt_policy(world.ledger, world.act("A-C01"), terms(date(2017, 1, 1)))
    assert world.types()[-1] == "policy.adopted"
