"""The DSSE envelope: a payload and the signatures over it, in the bytes that are stored."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import Json, NotCanonical, parse_canonical

PAYLOAD_TYPE = "application/vnd.nuanzhang.event+json"

_HEAD = b'{"payload":"'
_MIDDLE = b'","payloadType":"' + PAYLOAD_TYPE.encode() + b'","signatures":['


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
    """Write the envelope as canonical JSON; key ids are ASCII without quotes or backslashes."""
    signed = b",".join(
        b'{"keyid":"%b","sig":"%b"}' % (signature.keyid.encode(), b64encode(signature.sig))
        for signature in signatures
    )
    return b"".join((_HEAD, b64encode(payload), _MIDDLE, signed, b"]}"))


def decode(data: bytes) -> Envelope:
    """Read an envelope that is written exactly as `encode` writes it.

    Raises:
        EnvelopeBroken: It is not.
    """
    try:
        envelope = _read(parse_canonical(data))
    except (NotCanonical, KeyError, TypeError, ValueError, AttributeError, binascii.Error) as cause:
        raise EnvelopeBroken(type(cause).__name__) from None
    if encode(envelope.payload, envelope.signatures) != data:
        raise EnvelopeBroken("not written as envelopes are")
    return envelope


def _read(members: Json) -> Envelope:
    if members["payloadType"] != PAYLOAD_TYPE:
        raise EnvelopeBroken("payload of another type")
    return Envelope(
        b64decode(members["payload"], validate=True),
        tuple(
            Signature(signature["keyid"], b64decode(signature["sig"], validate=True))
            for signature in members["signatures"]
        ),
    )
