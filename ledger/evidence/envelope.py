"""The DSSE envelope: a payload and the signatures over it, in the bytes that are stored."""

import binascii
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import Kind, LedgerError

PAYLOAD_TYPE = "application/vnd.nuanzhang.event+json"

_HEAD = b'{"payload":"'
_MIDDLE = b'","payloadType":"%b","signatures":['
_OF_EVENT = _MIDDLE % PAYLOAD_TYPE.encode()
_TAIL = b"]}"

_SIGNATURE = re.compile(rb'\{"keyid":"([0-9a-f]{32})","sig":"([^"]*)"\}')


class EnvelopeBroken(LedgerError):
    """The bytes are no envelope of ours, or not written in the one way that is."""

    code = "evidence.envelope_broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"envelope: {cause}")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature over the pre-authentication encoding, and the id of the key that made it."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """The first signature is the ledger service's; officers' follow."""

    payload: bytes
    signatures: tuple[Signature, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: type and payload with their lengths, so neither can leak into another.

    Source: DSSE v1.0.2, protocol.md, "Signature Definition".
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode(payload: bytes, signatures: Sequence[Signature]) -> bytes:
    """Write the envelope of an event as canonical JSON.

    Source: DSSE v1.0.2, envelope.md; base64 is the standard one with padding.
    """
    return _encode(_OF_EVENT, payload, signatures)


def encode_as(payload_type: str, payload: bytes, signatures: Sequence[Signature]) -> bytes:
    """Write an envelope of another type of payload, whose name needs no escaping in JSON."""
    return _encode(_MIDDLE % payload_type.encode(), payload, signatures)


def _encode(middle: bytes, payload: bytes, signatures: Sequence[Signature]) -> bytes:
    # Key ids are 32 hex digits, so nothing needs escaping.
    signed = b",".join(
        [
            b'{"keyid":"%b","sig":"%b"}' % (signature.keyid.encode(), _base64(signature.sig))
            for signature in signatures
        ]
    )
    return b"".join((_HEAD, _base64(payload), middle, signed, _TAIL))


def decode(data: bytes) -> Envelope:
    """Read an event's envelope, written exactly as `encode` writes it.

    There is one way to write an envelope, so its places are cut out, and written again to compare:
    a fraction of the cost of a JSON parser, and the comparison lets nothing else through.

    Raises:
        EnvelopeBroken: It is not written so.
    """
    return _decode(_OF_EVENT, data)


def decode_as(payload_type: str, data: bytes) -> Envelope:
    """Read an envelope of another type of payload, written exactly as `encode_as` writes it.

    Raises:
        EnvelopeBroken: It is not written so.
    """
    return _decode(_MIDDLE % payload_type.encode(), data)


def _decode(middle: bytes, data: bytes) -> Envelope:
    if not data.startswith(_HEAD):
        raise EnvelopeBroken("does not begin as an envelope")
    payload, _, signed = data[len(_HEAD) :].partition(middle)
    try:
        envelope = Envelope(
            a2b_base64(payload),
            tuple(
                [
                    Signature(key_id.decode(), a2b_base64(sig))
                    for key_id, sig in _SIGNATURE.findall(signed)
                ]
            ),
        )
    except binascii.Error:
        raise EnvelopeBroken("base64 of a wrong length") from None
    if _encode(middle, envelope.payload, envelope.signatures) != data:
        raise EnvelopeBroken("not written in the one form of an envelope")
    return envelope


def payload_of(data: bytes) -> bytes:
    """Return the payload of an envelope, of which nothing else is looked at.

    Raises:
        EnvelopeBroken: There is none to be found.
    """
    payload, middle, _ = data[len(_HEAD) :].partition(_OF_EVENT)
    try:
        if middle:
            return a2b_base64(payload)
    except binascii.Error:
        pass
    raise EnvelopeBroken("no payload in it")


def _base64(raw: bytes) -> bytes:
    return b2a_base64(raw, newline=False)
