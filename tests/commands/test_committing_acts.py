"""Every act that commits an organisation: prepared, signed elsewhere, stored byte for byte."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import pytest

from ledger.commands import batches, disbursements, funds, officer_keys, policies
from ledger.domain.officer import KeyUnknown
from ledger.domain.policy import Channel
from ledger.evidence.envelope import decode
from ledger.evidence.keys import Ed25519Signer
from ledger.store.act import CommandAct
from ledger.store.application import Answer
from ledger.store.signing import (
    KeyHolder,
    OfficerSignatureMissing,
    PreparedDiffers,
    PresentedSignature,
)
from tests.world import EARMARK, SHEET_CLASS, Person, World, roster_row, signature, terms


@dataclass(frozen=True)
class Committing:
    """An act that an officer signs: who, how it is prepared and done, and what gets in between."""

    staff: str
    topic: str
    prepare: Callable[[World, CommandAct], bytes]
    commit: Callable[[World, CommandAct], Answer]
    between: Callable[[World], object]


SIGNER = Person(20)
STEP = batches.Step("B1", "A-X01")
SHEET = disbursements.SignedSheet("S1", "ef" * 32, [signature(1, SIGNER.name)])
PASSED_DOWN = funds.Allocation("X01", "X01-01", EARMARK, "文", 100)
AGAIN = terms(date(2017, 1, 1))

COMMITTING = [
    Committing(
        "A-C01",
        "policy.adopted",
        lambda w, act: policies.prepare_adoption(w.ledger, act, AGAIN),
        lambda w, act: policies.adopt_policy(w.ledger, act, AGAIN),
        lambda w: policies.adopt_policy(w.ledger, w.act("A-C01"), terms()),
    ),
    Committing(
        "A-X01",
        "fund.allocated",
        lambda w, act: funds.prepare_allocation(w.ledger, act, PASSED_DOWN),
        lambda w, act: funds.allocate(w.ledger, act, PASSED_DOWN),
        lambda w: w.receive("X01", 1),
    ),
    Committing(
        "A-X01",
        "batch.approved",
        lambda w, act: batches.prepare_approval(w.ledger, act, STEP),
        lambda w, act: batches.approve_batch(w.ledger, act, STEP),
        lambda w: w.approve("B1", "R-X01"),  # stopped, and on record in the batch's stream
    ),
    Committing(
        "H-X01",
        "batch.sheet_certified",
        lambda w, act: disbursements.prepare_certification(w.ledger, act, SHEET),
        lambda w, act: disbursements.record_signatures(w.ledger, act, SHEET),
        lambda w: w.sign("S1", signature(2, Person(21).name)),
    ),
]
each_committing = pytest.mark.parametrize("case", COMMITTING, ids=[c.topic for c in COMMITTING])


@pytest.fixture
def ready(world: World) -> World:
    """A world in which each of these acts is the next one."""
    world.receive("X01", 500_000)
    rows = [roster_row(n, p, 30_000, SHEET_CLASS) for n, p in ((1, SIGNER), (2, Person(21)))]
    world.pay("S1", *rows, channel=Channel.SIGNATURE_SHEET)
    world.file(Person(1))
    world.draft("B1", roster_row(1, Person(1), 60_000))
    world.review("B1")
    return world


def signed_elsewhere(world: World, staff: str, payload: bytes) -> CommandAct:
    """Sign where the ledger cannot see the key, and hand in bytes and signature alone."""
    act = world.act(staff)
    made = KeyHolder(world.officers[staff]).sign(payload)
    return replace(act, signer=PresentedSignature(payload, made, act.actor))


@each_committing
def test_what_was_prepared_is_what_is_stored(ready: World, case: Committing) -> None:
    unsigned = replace(ready.act(case.staff), signer=None)
    size = ready.ledger.size()
    payload = case.prepare(ready, unsigned)
    assert ready.ledger.size() == size

    case.commit(ready, signed_elsewhere(ready, case.staff, payload))

    [stored] = [
        decode(envelope)
        for _, topic, envelope in ready.ledger.log.select_states(size, 20)
        if topic == case.topic
    ]
    assert stored.payload == payload
    service, officer = stored.signatures
    assert service.keyid == ready.home.service_signer().public_key.key_id
    assert officer.keyid == ready.officers[case.staff].public_key.key_id
    ready.check_log()


@each_committing
def test_what_was_signed_before_the_stream_moved_is_not_stored(
    ready: World, case: Committing
) -> None:
    payload = case.prepare(ready, replace(ready.act(case.staff), signer=None))
    case.between(ready)
    size = ready.ledger.size()

    with pytest.raises(PreparedDiffers):
        case.commit(ready, signed_elsewhere(ready, case.staff, payload))

    assert ready.ledger.size() == size


@each_committing
def test_a_signature_does_not_serve_for_another_moment(ready: World, case: Committing) -> None:
    payload = case.prepare(ready, replace(ready.act(case.staff), signer=None))
    act = signed_elsewhere(ready, case.staff, payload)

    with pytest.raises(PreparedDiffers):
        case.commit(ready, replace(act, recorded_at="2017-03-01T08:00:00.001Z"))


@each_committing
def test_nobodys_anothers_and_a_revoked_key_sign_nothing(ready: World, case: Committing) -> None:
    key_id = ready.officers[case.staff].public_key.key_id
    mine = ready.act(case.staff)
    size = ready.ledger.size()

    with pytest.raises(OfficerSignatureMissing):
        case.commit(ready, replace(mine, signer=None))
    for key in (ready.officers["A-X02"], Ed25519Signer.generate(), ready.home.service_signer()):
        with pytest.raises(KeyUnknown):
            case.commit(ready, replace(mine, signer=KeyHolder(key)))
    assert ready.types()[size:] == ["refusal.recorded"] * 3

    revocation = officer_keys.KeyRevocation(case.staff, key_id, "遗失")
    officer_keys.revoke_key(ready.ledger, ready.act(), revocation)
    with pytest.raises(KeyUnknown):
        case.commit(ready, mine)

    assert ready.types()[size + 3 :] == ["officer.key_revoked", "refusal.recorded"]
    ready.check_log()


@each_committing
def test_after_a_change_of_keys_the_new_one_signs(ready: World, case: Committing) -> None:
    old = ready.officers[case.staff]
    revocation = officer_keys.KeyRevocation(case.staff, old.public_key.key_id, "轮换")
    officer_keys.revoke_key(ready.ledger, ready.act(), revocation)
    new = ready.officers[case.staff] = Ed25519Signer.generate()
    registration = officer_keys.KeyRegistration(
        case.staff, new.public_key, officer_keys.CUSTODY_OFFICER
    )
    officer_keys.register_key(ready.ledger, ready.act(), registration)

    case.commit(ready, ready.act(case.staff))

    assert case.topic in ready.types(ready.ledger.size() - 5)
    ready.check_log()  # what the old key signed in its time still holds
