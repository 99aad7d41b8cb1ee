"""Envelopes: one way of writing, understood by others' DSSE, and no second reading."""

import json
from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from securesystemslib import dsse
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from ledger.evidence.canonical import canonical_json
from ledger.evidence.envelope import (
    PAYLOAD_TYPE,
    EnvelopeBroken,
    Signature,
    decode,
    encode,
    pae,
)
from tests.evidence.sample_log import SERVICE_SIGNER, sample_log, sign

key_ids = st.text("0123456789abcdef", min_size=32, max_size=32)
signatures = st.lists(st.builds(Signature, key_ids, st.binary(max_size=80)), max_size=3)

ENTRY = sample_log().entries[3].envelope


@given(st.binary(max_size=200), signatures)
@example(b"", [])
def test_an_envelope_reads_back_as_it_was_written(payload: bytes, signed: list[Signature]) -> None:
    envelope = decode(encode(payload, signed))

    assert envelope.payload == payload
    assert list(envelope.signatures) == signed


@given(st.binary(max_size=200), signatures)
def test_an_envelope_is_canonical_json(payload: bytes, signed: list[Signature]) -> None:
    members = {
        "payload": b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": each.keyid, "sig": b64encode(each.sig).decode()} for each in signed
        ],
    }

    assert encode(payload, signed) == canonical_json(members)


def test_a_peer_opens_our_envelope_and_finds_our_signature_good() -> None:
    envelope = dsse.Envelope.from_dict(json.loads(ENTRY))
    public = SERVICE_SIGNER.public_key
    key = SSlibKey(public.key_id, "ed25519", "ed25519", {"public": public.raw.hex()})

    assert list(envelope.verify([key], 1)) == [public.key_id]


@given(st.text(), st.binary())
def test_what_is_signed_is_what_a_peer_signs(payload_type: str, payload: bytes) -> None:
    if "\ud800" <= max(payload_type, default="") <= "\udfff":
        return
    assert pae(payload_type, payload) == dsse.Envelope(payload, payload_type, {}).pae()


def test_a_type_cannot_leak_into_a_payload() -> None:
    assert pae("a", b"b c") != pae("a b", b"c")


@given(st.integers(0, len(ENTRY) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_what_is_read(at: int, flip: int) -> None:
    mutated = bytearray(ENTRY)
    mutated[at] ^= flip

    try:
        envelope = decode(bytes(mutated))
    except EnvelopeBroken:
        return
    assert envelope != decode(ENTRY)


@given(st.integers(0, len(ENTRY) - 1))
def test_an_envelope_cut_short_is_refused(length: int) -> None:
    with pytest.raises(EnvelopeBroken):
        decode(ENTRY[:length])


@given(st.binary(max_size=100))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(EnvelopeBroken):
        decode(data)


SIGNED = encode(b"{}", sign(b"{}", SERVICE_SIGNER))


@pytest.mark.parametrize(
    "data",
    [
        SIGNED + b"\n",
        b" " + SIGNED,
        SIGNED.replace(b'"payload":', b'"payload" :'),
        SIGNED.replace(b"vnd.nuanzhang.event", b"vnd.another.event"),
        SIGNED.replace(b'{"payload":"e30="', b'{"payload":"e30"'),
        SIGNED.replace(b'{"payload":"e30="', b'{"payload":"e31="'),
        SIGNED.replace(b'{"payload":"e30="', b'{"payload":"e3 0="'),
        SIGNED.replace(b'{"payload":"e30="', b'{"payload":"e30=","payload":"e30="'),
        SIGNED.replace(b'{"payload":"e30="', rb'{"payload":"\u006530="'),
        SIGNED.replace(b'"signatures":[', b'"signatures":[null,'),
        SIGNED.replace(b'"signatures":[', b'"signatures":[,'),
        SIGNED.replace(b'{"keyid"', b'{"cert":"x","keyid"'),
        SIGNED.replace(b'{"keyid":"', b'{"keyid":"\\u0065'),
        SIGNED.replace(SERVICE_SIGNER.public_key.key_id[:4].encode(), b"E882"),
        SIGNED[:-1] + b',"more":1}',
        b"null",
        b"[]",
        b"{}",
    ],
)
def test_another_way_of_writing_an_envelope_is_refused(data: bytes) -> None:
    assert data != SIGNED
    with pytest.raises(EnvelopeBroken):
        decode(data)
