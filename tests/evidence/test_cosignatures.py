"""Cosignatures: the public form, who counts, and lines that must not hold."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.cosignature import (
    CosignatureBroken,
    CosignatureKey,
    Cosigner,
    QuorumMissing,
    cosign,
    cosignatures,
    require_quorum,
    verify_cosignature,
    with_lines,
)
from ledger.evidence.keys import Algorithm, signer_from_seed
from ledger.evidence.merkle import EMPTY_ROOT
from ledger.evidence.note import NoteBroken, NoteKey, SignatureLine, split_note
from tests.evidence.sample_log import ORIGIN, SERVICE_SIGNER

NOTE = sign_note(Checkpoint(ORIGIN, 7, EMPTY_ROOT), ORIGIN, SERVICE_SIGNER)
BODY = split_note(NOTE)[0]
NOW_S = 1_679_315_147


def ed25519(name: str, seed: int = 1) -> Cosigner:
    return Cosigner(name, signer_from_seed(Algorithm.ED25519, bytes([seed]) * 32))


def ml_dsa(name: str, seed: int = 1) -> Cosigner:
    return Cosigner(name, signer_from_seed(Algorithm.ML_DSA_44, bytes([seed]) * 32))


W1, W2 = ed25519("witness.example/w1"), ml_dsa("witness.example/w2", 2)
BOTH: tuple[Cosigner, ...] = (W1, W2)


@pytest.mark.parametrize("cosigner", BOTH, ids=["ed25519", "ml-dsa-44"])
def test_a_cosignature_tells_who_and_when(cosigner: Cosigner) -> None:
    note = with_lines(NOTE, [cosign(BODY, cosigner, NOW_S)])

    assert cosignatures(note, [cosigner.key]) == {cosigner.key: NOW_S}
    assert note.startswith(NOTE)


def test_the_signed_text_is_that_of_the_specification() -> None:
    line = cosign(BODY, W1, NOW_S)

    signed = f"cosignature/v1\ntime {NOW_S}\n{BODY}".encode()
    assert line.signature == NOW_S.to_bytes(8) + W1.signer.sign(signed)
    assert len(line.signature) == 8 + 64


def test_the_ml_dsa_message_is_that_of_the_specification() -> None:
    line = cosign(BODY, W2, NOW_S)
    name, origin = W2.key.name.encode(), ORIGIN.encode()
    said = b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(name)]) + name,
            NOW_S.to_bytes(8),
            bytes([len(origin)]) + origin,
            bytes(8),
            (7).to_bytes(8),
            EMPTY_ROOT,
        )
    )
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    MLDSA44PublicKey.from_public_bytes(W2.key.public_key.raw).verify(line.signature[8:], said)
    assert len(line.signature) == 8 + 2420


@pytest.mark.parametrize("cosigner", BOTH, ids=["ed25519", "ml-dsa-44"])
def test_a_verifier_key_reads_back(cosigner: Cosigner) -> None:
    assert CosignatureKey.from_vkey(cosigner.key.vkey()) == cosigner.key


def test_a_logs_own_key_is_no_witness() -> None:
    # The same raw key under another type is another key, so neither passes for the other.
    log_key = NoteKey(ORIGIN, SERVICE_SIGNER.public_key)

    with pytest.raises(NoteBroken):
        CosignatureKey.from_vkey(log_key.vkey())
    same = CosignatureKey(ORIGIN, SERVICE_SIGNER.public_key)
    assert same.key_hash != log_key.key_hash
    assert cosignatures(NOTE, [same]) == {}


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AA==", W1.key.vkey()[:-4], "x" + "+" * 9])
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteBroken):
        CosignatureKey.from_vkey(text)


@given(at=st.integers(0, 71), cosigner=st.sampled_from(BOTH), bit=st.integers(0, 7))
def test_an_altered_cosignature_spoils_the_note(at: int, cosigner: Cosigner, bit: int) -> None:
    line = cosign(BODY, cosigner, NOW_S)
    raw = bytearray(line.signature)
    raw[at] ^= 1 << bit
    note = with_lines(NOTE, [SignatureLine(line.name, line.key_hash, bytes(raw))])

    with pytest.raises(CosignatureBroken):
        cosignatures(note, [cosigner.key])


@pytest.mark.parametrize("cosigner", BOTH, ids=["ed25519", "ml-dsa-44"])
def test_a_cosignature_of_another_checkpoint_does_not_hold(cosigner: Cosigner) -> None:
    other = Checkpoint(ORIGIN, 8, EMPTY_ROOT).body()

    with pytest.raises(CosignatureBroken):
        verify_cosignature(cosigner.key, BODY, cosign(other, cosigner, NOW_S))


@pytest.mark.parametrize("cosigner", BOTH, ids=["ed25519", "ml-dsa-44"])
def test_a_cosignature_from_another_log_does_not_hold(cosigner: Cosigner) -> None:
    other = Checkpoint("other.example/log", 7, EMPTY_ROOT).body()

    with pytest.raises(CosignatureBroken):
        verify_cosignature(cosigner.key, BODY, cosign(other, cosigner, NOW_S))


@pytest.mark.parametrize("cosigner", BOTH, ids=["ed25519", "ml-dsa-44"])
def test_a_cosignature_under_another_witnesss_name_does_not_count(cosigner: Cosigner) -> None:
    line = cosign(BODY, cosigner, NOW_S)
    key = CosignatureKey("witness.example/other", cosigner.key.public_key)
    renamed = SignatureLine(key.name, line.key_hash, line.signature)

    assert cosignatures(with_lines(NOTE, [renamed]), [key]) == {}


def test_an_ml_dsa_cosignature_commits_to_its_name() -> None:
    line = cosign(BODY, W2, NOW_S)
    key = CosignatureKey("witness.example/other", W2.key.public_key)

    with pytest.raises(CosignatureBroken):
        verify_cosignature(key, BODY, SignatureLine(key.name, key.key_hash, line.signature))


def test_strangers_are_ignored() -> None:
    note = with_lines(NOTE, [cosign(BODY, each, NOW_S) for each in (*BOTH, ed25519("x/y", 9))])

    assert set(cosignatures(note, [W1.key])) == {W1.key}


@pytest.mark.parametrize("time_s", [0, -1, 2**63])
def test_a_time_that_is_none_is_not_signed(time_s: int) -> None:
    with pytest.raises(CosignatureBroken):
        cosign(BODY, W1, time_s)


def test_a_zero_time_is_refused() -> None:
    line = SignatureLine(W1.key.name, W1.key.key_hash, bytes(8) + bytes(64))

    with pytest.raises(CosignatureBroken):
        verify_cosignature(W1.key, BODY, line)


def test_a_quorum_counts_witnesses_by_name() -> None:
    twice = ml_dsa(W1.key.name, 5)
    keys = [W1.key, twice.key, W2.key]
    note = with_lines(NOTE, [cosign(BODY, each, NOW_S) for each in (W1, twice)])

    assert len(require_quorum(note, keys, 1)) == 2
    with pytest.raises(QuorumMissing):
        require_quorum(note, keys, 2)
    both = with_lines(note, [cosign(BODY, W2, NOW_S)])
    assert len(require_quorum(both, keys, 2)) == 3


def test_a_line_is_not_added_twice() -> None:
    line = cosign(BODY, W1, NOW_S)
    note = with_lines(NOTE, [line, line])

    assert with_lines(note, [line]) == note
    assert len(split_note(note)[1]) == 2


def test_the_example_of_the_specification_is_read() -> None:
    # Facts of the published example: its name, and the time in the cosignature.
    encoded = (
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
        "mbIUBkBIfZ+qnA=="
    )
    raw = b64decode(encoded)

    assert int.from_bytes(raw[4:12]) == 1_679_315_147
    assert len(raw) == 4 + 8 + 64
