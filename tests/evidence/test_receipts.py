"""Receipts: for one entry at one position of one log, and for nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.evidence.canonical import canonical_json
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.merkle import ProofBroken, leaf_hash
from ledger.evidence.note import NoteKey
from ledger.evidence.proofs import Receipt, verify_receipt
from tests.evidence.sample_log import LOG_KEY, ORIGIN, SERVICE_SIGNER, STRANGER, sample_log
from tests.evidence.sample_vectors import receipt_for

LOG = sample_log()
ENTRIES = [entry.envelope for entry in LOG.entries]
RECEIPT = receipt_for(LOG, 3)


@pytest.mark.parametrize("position", range(len(ENTRIES)))
def test_every_entry_has_a_receipt_that_travels_as_json(position: int) -> None:
    receipt = Receipt.from_json(receipt_for(LOG, position).to_json())

    checkpoint = verify_receipt(receipt, ENTRIES[position], [LOG_KEY])

    assert checkpoint.size == len(ENTRIES)
    assert canonical_json(receipt.to_json())


@pytest.mark.parametrize("position", [0, 1, 2, 4])
def test_a_receipt_proves_no_other_entry(position: int) -> None:
    with pytest.raises(ProofBroken):
        verify_receipt(RECEIPT, ENTRIES[position], [LOG_KEY])
    other = replace(RECEIPT, leaf=leaf_hash(ENTRIES[position]))
    with pytest.raises(ProofBroken):
        verify_receipt(other, ENTRIES[position], [LOG_KEY])


@pytest.mark.parametrize("position", [-1, 0, 1, 2, 4, 5, 2**70])
def test_a_receipt_proves_no_other_position(position: int) -> None:
    with pytest.raises(ProofBroken):
        verify_receipt(replace(RECEIPT, position=position), ENTRIES[3], [LOG_KEY])


def test_a_forged_entry_has_no_receipt() -> None:
    forged = ENTRIES[3].replace(b"e", b"f", 1)

    with pytest.raises(ProofBroken):
        verify_receipt(RECEIPT, forged, [LOG_KEY])


def test_a_receipt_under_an_earlier_checkpoint_does_not_cover_what_came_later() -> None:
    early = replace(RECEIPT, checkpoint=LOG.notes[1][1])

    with pytest.raises(ProofBroken):
        verify_receipt(early, ENTRIES[3], [LOG_KEY])


def test_a_receipt_from_another_log_or_another_key_is_refused() -> None:
    root = LOG.edge().root()
    other = sign_note(Checkpoint("other.example/log", 5, root), "other.example/log", SERVICE_SIGNER)
    strange = sign_note(Checkpoint(ORIGIN, 5, root), ORIGIN, STRANGER)

    for note in (other, strange):
        with pytest.raises(LedgerError):
            verify_receipt(replace(RECEIPT, checkpoint=note), ENTRIES[3], [LOG_KEY])
    with pytest.raises(LedgerError):
        verify_receipt(RECEIPT, ENTRIES[3], [NoteKey(ORIGIN, STRANGER.public_key)])


@pytest.mark.parametrize(
    "changed",
    [
        {"position": "3"},
        {"position": 3.0},
        {"position": True},
        {"position": None},
        {"leaf_hash": None},
        {"leaf_hash": "%%%"},
        {"leaf_hash": 7},
        {"inclusion_path": None},
        {"inclusion_path": "AAAA"},
        {"inclusion_path": [7]},
        {"inclusion_path": ["AAB="]},
        {"inclusion_path": {"a": 1}},
        {"checkpoint": 7},
        {"more": 1},
    ],
)
def test_a_receipt_in_another_form_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ProofBroken):
        Receipt.from_json({**RECEIPT.to_json(), **changed})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(json_values, st.sampled_from(["position", "leaf_hash", "inclusion_path", "checkpoint"]))
def test_a_receipt_with_anything_in_a_place_of_it_is_refused_or_fails(
    value: Any, member: str
) -> None:
    if value == RECEIPT.to_json()[member]:
        return
    members = {**RECEIPT.to_json(), member: value}

    with pytest.raises(LedgerError):
        verify_receipt(Receipt.from_json(members), ENTRIES[3], [LOG_KEY])
    with pytest.raises(ProofBroken):
        Receipt.from_json(value)
