"""Officers' keys: handed in by one, confirmed by another, revoked, given up."""

from dataclasses import dataclass
from uuid import UUID

from ledger.commands.duties import acting_officer, require_post_over
from ledger.commands.key_history import require_signed_by_then
from ledger.commands.officers import SECURITY, SYSTEM, operator_vouches_for
from ledger.commands.signed_acts import perform_signed
from ledger.domain.aggregate import OPERATOR
from ledger.domain.key import KeyClaim
from ledger.domain.officer import KeyTaken, Officer, officer_id
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.envelope import pae
from ledger.evidence.keys import OWN_CUSTODY, PublicKey, verifier
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work
from ledger.store.signing import verify_handed_in

CUSTODY_OFFICER = OWN_CUSTODY
CUSTODY_KEYRING = "operator_keyring"

CONFIRMING = SECURITY | SYSTEM
"""Who compares key ids with officers; never who invited them, or one person could be both."""

PROPOSAL_TYPE = "application/vnd.nuanzhang.key-proposal"
"""DSSE payload type of what an officer signs to show that they have a key's private half."""


class SecondOfficerRequired(LedgerError):
    """Since there is a security administrator, one of them confirms whose key it is."""

    code = "officer.second_officer_required"
    kind = Kind.FORBIDDEN

    def __init__(self, staff_number: str, key_id: str) -> None:
        super().__init__(
            f"key {key_id} of {staff_number}: the officer hands it in, a security administrator"
            " confirms it"
        )


@dataclass(frozen=True, slots=True)
class KeyRegistration:
    staff_number: str
    public_key: PublicKey
    custody: str


@dataclass(frozen=True, slots=True)
class KeyProposal:
    """A public key that its owner hands in, and a signature by it over `proposal_message`."""

    public_key: PublicKey
    proof: bytes


@dataclass(frozen=True, slots=True)
class KeyConfirmation:
    """What the second officer compared: this key is that officer's."""

    officer_id: UUID
    key_id: str


@dataclass(frozen=True, slots=True)
class KeyRevocation:
    staff_number: str
    key_id: str
    reason: str


def register_key(ledger: Ledger, act: CommandAct, order: KeyRegistration) -> Answer:
    """Register an officer's public key; `custody` says who holds the private one.

    The operator does, for past campaigns and before there is anybody who could confirm it.

    Raises:
        NotOnRecord: No such officer.
        KeyTaken: It is registered already, for this officer, another one or the ledger itself.
        SignatureBroken: It is no public key, or one under which anybody could sign.
        SecondOfficerRequired: The officer holds it, and there is somebody to confirm it.
    """
    key = order.public_key
    verifier(key)

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(order.staff_number))
        if order.custody == CUSTODY_OFFICER and not operator_vouches_for(work, act, officer):
            raise SecondOfficerRequired(order.staff_number, key.key_id)
        _claim(work, act, officer, key.key_id)
        officer.register_key(
            act,
            key_id=key.key_id,
            algorithm=key.algorithm.value,
            public_key=base64_text(key.raw),
            custody=order.custody,
        )
        work.save(officer)
        work.result["key_id"] = key.key_id

    request = (order.staff_number, key.key_id, order.custody)
    return ledger.perform(act, "officer.register_key", request, decide)


def propose_key(ledger: Ledger, act: CommandAct, order: KeyProposal) -> Answer:
    """Hand in a public key of one's own; it signs nothing until another officer confirms it.

    Raises:
        OfficerRequired: The operator has no key of this kind.
        OfficerSignatureBroken: It is no public key, or `proof` was not made by its private half.
        KeyTaken: It is registered already.
    """
    key = order.public_key
    actor = acting_officer(act)
    verify_handed_in(key, proposal_message(ledger.origin, actor, key.key_id), order.proof)

    def decide(work: Work) -> None:
        officer = work.get(Officer, actor)
        if work.find(KeyClaim, stable_id("key", key.key_id)):
            raise KeyTaken(officer.id, key.key_id)
        officer.propose_key(
            act,
            key_id=key.key_id,
            algorithm=key.algorithm.value,
            public_key=base64_text(key.raw),
        )
        work.save(officer)
        work.result["key_id"] = key.key_id

    return ledger.perform(act, "officer.propose_key", (actor, key.key_id), decide)


def confirm_key(ledger: Ledger, act: CommandAct, order: KeyConfirmation) -> Answer:
    """Put a key in force that its owner handed in; an administrator signs for it, not the owner.

    The first keys of the first administrators are confirmed by the operator, since there is nobody
    else; so are further ones while none of them could sign for it.

    Raises:
        NotOnRecord: No such officer.
        OfficerSignatureMissing: The administrator did not sign.
        KeyUnknown: The administrator has no such key in force.
        KeyNotProposed, OwnKeyConfirmed, KeyTaken, RoleMissing, SecondOfficerRequired: As they
            say.
    """
    decide = _confirm(act, order)
    return perform_signed(ledger, act, "officer.confirm_key", order, order.officer_id, decide)


def prepare_confirmation(ledger: Ledger, act: CommandAct, order: KeyConfirmation) -> bytes:
    """Return the payload that the administrator is to sign.

    Raises:
        LedgerError: What `confirm_key` would refuse.
    """
    return ledger.prepare(act, _confirm(act, order))[0]


def _confirm(act: CommandAct, order: KeyConfirmation) -> Decide:
    def decide(work: Work) -> None:
        officer = work.get(Officer, order.officer_id)
        require_post_over(work, act, CONFIRMING, officer)
        if act.actor == OPERATOR and not operator_vouches_for(work, act, officer):
            raise SecondOfficerRequired(officer.staff_number, order.key_id)
        officer.confirm_key(act, key_id=order.key_id, custody=CUSTODY_OFFICER)
        _claim(work, act, officer, order.key_id)
        work.save(officer)
        work.result["key_id"] = order.key_id

    return decide


def revoke_key(ledger: Ledger, act: CommandAct, order: KeyRevocation) -> Answer:
    """Revoke an officer's key: it signs nothing from here on. Its owner may, at once.

    Raises:
        KeyUnknown: The officer has no such key in force.
        RoleMissing: Whoever asks is neither its owner nor a security administrator over each place
            where the owner acts.
    """

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(order.staff_number))
        if act.actor != str(officer.id):
            require_post_over(work, act, SECURITY, officer)
        officer.revoke_key(act, key_id=order.key_id, reason=order.reason)
        work.save(officer)

    return ledger.perform(act, "officer.revoke_key", order, decide)


def give_up_key(ledger: Ledger, act: CommandAct, order: KeyRevocation, counts_from: int) -> Answer:
    """Record that somebody else had an officer's key, from position `counts_from` on.

    Raises:
        KeyUnknown: It was never this officer's.
        KeyNotValid: It was not valid at that position.
        RoleMissing: As for `revoke_key`.
    """
    require_signed_by_then(ledger, order.key_id, counts_from)

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(order.staff_number))
        if act.actor != str(officer.id):
            require_post_over(work, act, SECURITY, officer)
        officer.give_up_key(act, key_id=order.key_id, counts_from=counts_from, reason=order.reason)
        work.save(officer)

    return ledger.perform(act, "officer.give_up_key", (order, counts_from), decide)


def proposal_message(origin: str, officer: UUID, key_id: str) -> bytes:
    """Return the bytes that a new key signs: this ledger, this officer, this key.

    Source: DSSE pre-authentication encoding, over three lines of text.
    """
    return pae(PROPOSAL_TYPE, f"{origin}\n{officer}\n{key_id}\n".encode())


def _claim(work: Work, act: CommandAct, officer: Officer, key_id: str) -> None:
    """Give the key to one owner: verification knows it by its id alone."""
    if work.find(KeyClaim, stable_id("key", key_id)):
        raise KeyTaken(officer.id, key_id)
    work.save(KeyClaim.claim(act, key_id=key_id, owner=str(officer.id)))
