"""Whole logs with something dropped, swapped, repeated or flipped: both verifiers see it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.log import CheckpointDiffers, verify_growth, verify_log
from ledger.evidence.merkle import Edge, leaf_hash
from ledger.evidence.verify import EntryBroken
from tests.evidence.both_verifiers import (
    all_refused,
    checkpoint_fault,
    entry_fault,
    fault_of,
    tiny_accepts,
)
from tests.evidence.sample_log import FUND, ORIGIN, RULES, SERVICE_SIGNER, SampleLog, sample_log

LOG = sample_log()
SIZE = len(LOG.entries)


def renumbered(log: SampleLog) -> SampleLog:
    """Give the entries the positions that they have now: what a careful forger would do."""
    entries = [replace(entry, position=at) for at, entry in enumerate(log.entries)]
    return SampleLog(entries, log.notes)


@pytest.mark.parametrize("position", range(SIZE))
def test_a_dropped_entry_is_missed_even_when_the_rest_is_renumbered(position: int) -> None:
    entries = LOG.entries[:position] + LOG.entries[position + 1 :]
    dropped = SampleLog(entries, LOG.notes)

    assert all_refused([dropped, renumbered(dropped)])


def test_a_dropped_entry_is_named() -> None:
    dropped = SampleLog([*LOG.entries[:1], *LOG.entries[2:]], LOG.notes)

    assert entry_fault(dropped) == (1, "position")


def test_a_truncated_tail_is_missed_when_its_checkpoint_stays() -> None:
    assert checkpoint_fault(SampleLog(LOG.entries[:4], LOG.notes)) == (5, 3)


def test_a_tail_truncated_with_its_checkpoint_holds_and_needs_a_checkpoint_from_elsewhere() -> None:
    # Nothing inside a log shows that it was longer once: published checkpoints do.
    assert fault_of(SampleLog(LOG.entries[:3], LOG.notes[:2])) is None


@given(st.permutations(range(SIZE)))
def test_entries_in_another_order_are_refused(order: list[int]) -> None:
    shuffled = SampleLog([LOG.entries[at] for at in order], LOG.notes)

    for log in (shuffled, renumbered(shuffled)):
        assert (fault_of(log) is None) == (order == sorted(order))


@pytest.mark.parametrize("position", range(SIZE))
def test_a_repeated_entry_is_refused(position: int) -> None:
    entries = [*LOG.entries, LOG.entries[position]]

    assert all_refused([SampleLog(entries, LOG.notes), renumbered(SampleLog(entries, LOG.notes))])


def test_a_repeated_entry_is_refused_even_under_a_true_checkpoint() -> None:
    log = sample_log()
    log.entries.append(replace(log.entries[4], position=5))
    log.checkpoint()

    assert entry_fault(log) == (5, "version")


def test_an_entry_that_no_checkpoint_covers_is_named() -> None:
    log = sample_log()
    log.record("fund.drawn", FUND, {})

    assert entry_fault(log) == (5, "checkpoint")
    assert entry_fault(SampleLog(LOG.entries, [])) == (0, "checkpoint")


def test_a_forged_entry_under_a_true_signature_is_found_by_the_tree() -> None:
    # With the key of the service, but without the power to replace published checkpoints.
    log = SampleLog()
    for entry in LOG.entries[:4]:
        log.append(entry.topic, entry.stream, entry.envelope)
    log.record("fund.drawn", FUND, {"amount_fen": 1})
    log.notes = LOG.notes

    assert checkpoint_fault(log) == (5, 3)


@pytest.mark.parametrize("number", range(3))
def test_a_checkpoint_with_another_root_or_size_is_refused(number: int) -> None:
    size, _ = LOG.notes[number]
    other_root = sign_note(Checkpoint(ORIGIN, size, bytes(32)), ORIGIN, SERVICE_SIGNER)
    other_size = sign_note(Checkpoint(ORIGIN, size + 1, bytes(32)), ORIGIN, SERVICE_SIGNER)
    swapped = LOG.notes[(number + 1) % 3][1]

    for note in (other_root, other_size, swapped, ""):
        notes = [*LOG.notes[:number], (size, note), *LOG.notes[number + 1 :]]
        fault = fault_of(SampleLog(LOG.entries, notes))
        assert isinstance(fault, CheckpointDiffers)
        assert fault.size == size


def test_checkpoints_out_of_order_or_twice_are_refused() -> None:
    first, second, third = LOG.notes

    for notes in ([second, first, third], [first, first, third], [first, third, third]):
        assert isinstance(fault_of(SampleLog(LOG.entries, notes)), CheckpointDiffers)


def test_a_log_may_leave_out_earlier_checkpoints() -> None:
    assert fault_of(SampleLog(LOG.entries, LOG.notes[2:])) is None


def test_the_empty_log_claims_nothing() -> None:
    assert fault_of(SampleLog()) is None


@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_growth_is_checked_in_any_portions(first: int, second: int) -> None:
    leaves = [leaf_hash(entry.envelope) for entry in LOG.entries]
    cuts = [0, *sorted((first, second)), SIZE]
    checkpoints = [
        Checkpoint(ORIGIN, size, Edge.empty().extend(leaves[:size]).root())
        for size in range(1, SIZE + 1)
    ]
    edge = Edge.empty()

    for start, stop in pairwise(cuts):
        edge = verify_growth(edge, leaves[start:stop], checkpoints[start:stop])

    assert edge == LOG.edge()


@given(st.integers(0, SIZE - 1), st.data())
def test_a_flipped_byte_of_an_envelope_is_found_at_its_position(
    position: int, data: st.DataObject
) -> None:
    envelope = bytearray(LOG.entries[position].envelope)
    envelope[data.draw(st.integers(0, len(envelope) - 1))] ^= data.draw(st.integers(1, 255))

    assert entry_fault(LOG.replaced(position, envelope=bytes(envelope)))[0] == position


@given(st.integers(0, 2), st.data())
def test_a_changed_character_of_a_checkpoint_is_found_at_its_size(
    number: int, data: st.DataObject
) -> None:
    size, note = LOG.notes[number]
    at = data.draw(st.integers(0, len(note) - 1))
    char = data.draw(st.characters(exclude_categories=[]).filter(lambda char: char != note[at]))
    notes = list(LOG.notes)
    notes[number] = (size, note[:at] + char + note[at + 1 :])

    assert checkpoint_fault(SampleLog(LOG.entries, notes))[0] == size


@pytest.mark.slow
def test_every_byte_of_every_envelope_is_guarded() -> None:
    for position, entry in enumerate(LOG.entries):
        for at in range(len(entry.envelope)):
            envelope = bytearray(entry.envelope)
            envelope[at] ^= 1
            mutated = LOG.replaced(position, envelope=bytes(envelope))
            with pytest.raises(EntryBroken) as caught:
                verify_log(mutated.entries, mutated.notes, RULES)
            assert caught.value.position == position
            assert not tiny_accepts(mutated)
