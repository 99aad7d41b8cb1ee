"""Officers' own signatures: prepare, sign, commit over the very bytes that are stored."""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Protocol
from uuid import UUID

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.officer import Officer
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import NotCanonical, parse_canonical
from ledger.evidence.envelope import PAYLOAD_TYPE, Signature, pae
from ledger.evidence.keys import Algorithm, PublicKey, SignatureBroken, Signer, verify
from ledger.evidence.tree_heads import TreeHead, tree_head_of
from ledger.store.act import CommandAct


class Officers(Protocol):
    """Where officers are looked up."""

    def load(self, cls: type[Officer], id_: UUID) -> Officer | None: ...


class ServiceSigner(Signer, Protocol):
    """The ledger's own key, which signs every event of a commit at once."""

    def sign_all(self, messages: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the signature over each message, in their order; it may read some ahead."""

    def close(self) -> None:
        """Let go of what signing needs."""


class OfficerSignatureMissing(LedgerError):
    """An act that commits an organisation needs the officer's own signature."""

    code = "signature.officer_missing"
    kind = Kind.FORBIDDEN

    def __init__(self, topic: str, actor: str) -> None:
        super().__init__(f"{topic} by {actor} needs that officer's own signature")


class OfficerSignatureBroken(SignatureBroken):
    """What was handed in as an officer's signature does not hold."""

    code = "signature.officer_broken"
    kind = Kind.INVALID


class PreparedDiffers(LedgerError):
    """What was signed is not what would be stored now: the stream moved, or it was altered."""

    code = "signature.prepared_differs"
    kind = Kind.CONFLICT

    def __init__(self, actor: str) -> None:
        super().__init__(
            f"the payload signed by {actor} is not the one to be stored; prepare again"
        )


class KeyHolder:
    """Signs with a key that is at hand: the officer's own program, or a keyring for past files."""

    signed_upon: TreeHead | None = None

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sign(self, payload: bytes) -> Signature:
        message = pae(PAYLOAD_TYPE, payload)
        return Signature(self._signer.public_key.key_id, self._signer.sign(message))


class PresentedSignature:
    """The commit half of prepare → sign → commit: a signature made elsewhere, over these bytes."""

    def __init__(self, payload: bytes, signature: Signature, actor: str) -> None:
        """Take what was signed.

        Raises:
            PreparedDiffers: It is no event's payload.
        """
        self._payload = payload
        self._signature = signature
        self._actor = actor
        try:
            event = parse_canonical(payload)
            self.signed_upon = tree_head_of(event["data"])
        except (NotCanonical, KeyError, TypeError, ValueError, AttributeError):
            raise PreparedDiffers(actor) from None

    def sign(self, payload: bytes) -> Signature:
        if payload != self._payload:
            raise PreparedDiffers(self._actor)
        return self._signature


def officer_signature(
    officers: Officers, act: CommandAct, event: Event, payload: bytes, message: bytes
) -> Signature:
    """Obtain the officer's signature over an event that commits an organisation, and check it.

    Raises:
        OfficerSignatureMissing: No officer acts, or none signs.
        KeyUnknown: The key is not one of that officer's keys in force.
        OfficerSignatureBroken: The signature does not hold for these bytes.
    """
    if act.signer is None or event.actor == OPERATOR:
        raise OfficerSignatureMissing(event.TOPIC, event.actor)
    officer = officers.load(Officer, UUID(event.actor))
    if officer is None:
        raise OfficerSignatureMissing(event.TOPIC, event.actor)
    signature = act.signer.sign(payload)
    key = officer.key_in_force(signature.keyid)
    public_key = PublicKey(Algorithm(key.algorithm), b64decode(key.public_key))
    verify_handed_in(public_key, message, signature.sig)
    return signature


def verify_handed_in(key: PublicKey, message: bytes, signature: bytes) -> None:
    """Check a signature that somebody hands in.

    Raises:
        OfficerSignatureBroken: It does not hold, or the key is none that may sign.
    """
    try:
        verify(key, message, signature)
    except SignatureBroken as broken:
        raise OfficerSignatureBroken(key.key_id, "does not hold") from broken
