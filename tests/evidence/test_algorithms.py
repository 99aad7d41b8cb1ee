"""Every algorithm signs events and checkpoints; none passes for another."""

import pytest

from ledger.evidence.checkpoint import Checkpoint, open_note, sign_note
from ledger.evidence.keys import (
    OWN_CUSTODY,
    RAW_BYTES,
    Algorithm,
    KeyHistory,
    KeyNotValid,
    PublicKey,
    SignatureBroken,
    Signer,
    signer_from_seed,
    verify,
)
from ledger.evidence.merkle import EMPTY_ROOT
from ledger.evidence.note import NOTE_TYPES, NoteBroken, NoteKey
from ledger.store.sodium import verify_signature

ORIGIN = "ledger.example/relief"
CHECKPOINT = Checkpoint(ORIGIN, 5, EMPTY_ROOT)


def signer(algorithm: Algorithm, seed: int = 7) -> Signer:
    return signer_from_seed(algorithm, bytes([seed]) * 32)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_each_algorithm_signs_and_verifies(algorithm: Algorithm) -> None:
    one = signer(algorithm)

    signature = one.sign(b"message")

    assert len(one.public_key.raw) == RAW_BYTES[algorithm]
    for check in (verify, verify_signature):
        check(one.public_key, b"message", signature)
        with pytest.raises(SignatureBroken):
            check(one.public_key, b"massage", signature)
        with pytest.raises(SignatureBroken):
            check(signer(algorithm, 8).public_key, b"message", signature)
        with pytest.raises(SignatureBroken):
            check(one.public_key, b"message", signature[:-1])


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("other", Algorithm)
def test_no_key_passes_for_one_of_another_algorithm(algorithm: Algorithm, other: Algorithm) -> None:
    if algorithm is other:
        return
    confused = PublicKey(other, signer(algorithm).public_key.raw)

    with pytest.raises(SignatureBroken):
        verify(confused, b"message", signer(algorithm).sign(b"message"))
    with pytest.raises(SignatureBroken):
        KeyHistory().register("service", confused, 0)


def test_key_ids_name_the_algorithm() -> None:
    raw = bytes(range(32))

    assert len({PublicKey(each, raw).key_id for each in Algorithm}) == len(Algorithm)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_each_algorithm_signs_checkpoints(algorithm: Algorithm) -> None:
    one = signer(algorithm)
    key = NoteKey(ORIGIN, one.public_key)

    note = sign_note(CHECKPOINT, ORIGIN, one)

    assert open_note(note, [key]) == CHECKPOINT
    assert NoteKey.from_vkey(key.vkey()) == key
    with pytest.raises(NoteBroken):
        open_note(note, [NoteKey(ORIGIN, signer(algorithm, 8).public_key)])


def test_note_types_are_no_beginnings_of_one_another() -> None:
    kinds = list(NOTE_TYPES.values())

    assert not [(a, b) for a in kinds for b in kinds if a != b and a.startswith(b)]
    assert all(kind == b"\x01" or kind[:1] == b"\xff" for kind in kinds)


KEY = signer(Algorithm.ED25519).public_key


def history() -> KeyHistory:
    keys = KeyHistory()
    keys.register("service", KEY, 3)
    return keys


def test_a_key_that_somebody_else_had_is_doubted_from_there() -> None:
    keys = history()

    keys.compromise("service", KEY.key_id, 10, 20)

    assert [keys.is_doubted(KEY.key_id, each) for each in (3, 9, 10, 19)] == [
        False,
        False,
        True,
        True,
    ]
    assert keys.valid_at(KEY.key_id, 19)
    with pytest.raises(KeyNotValid):
        keys.valid_at(KEY.key_id, 20)
    [doubt] = keys.doubts()
    assert (doubt.start, doubt.stop) == (10, 20)


def test_a_retired_key_may_turn_out_to_have_been_lost_before() -> None:
    keys = history()
    keys.revoke("service", KEY.key_id, 15)

    keys.compromise("service", KEY.key_id, 10, 20)
    keys.compromise("service", KEY.key_id, 5, 25)
    keys.compromise("service", KEY.key_id, 7, 30)

    [doubt] = keys.doubts()
    assert (doubt.start, doubt.stop) == (5, 15)


def test_what_two_officers_reaffirmed_counts_again() -> None:
    keys = history()
    officers = {"officer-1": signer(Algorithm.SM2_SM3), "officer-2": signer(Algorithm.ML_DSA_44)}
    for position, (officer, own) in enumerate(officers.items(), 4):
        keys.register(officer, own.public_key, position, OWN_CUSTODY)
    keys.compromise("service", KEY.key_id, 10, 20)

    for position, (officer, own) in enumerate(officers.items(), 21):
        assert keys.is_doubted(KEY.key_id, 19)
        keys.reaffirm(officer, [own.public_key.key_id], position)

    assert keys.doubts() == []
    assert not keys.is_doubted(KEY.key_id, 19)
    assert keys.lost_from(KEY.key_id) == 10
    assert keys.reaffirming_officers() == set(officers)


@pytest.mark.parametrize(
    ("owner", "counts_from"), [("somebody", 10), ("service", 2), ("service", 20)]
)
def test_a_compromise_is_of_ones_own_key_and_while_it_was_valid(
    owner: str, counts_from: int
) -> None:
    with pytest.raises(KeyNotValid):
        history().compromise(owner, KEY.key_id, counts_from, 20)
