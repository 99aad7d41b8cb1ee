"""Appointing officers, giving them roles, and registering their keys."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from ledger.commands.key_history import require_signed_by_then
from ledger.commands.organisations import lineage
from ledger.commands.sealing import seal
from ledger.domain.aggregate import OPERATOR
from ledger.domain.key import KeyClaim
from ledger.domain.officer import KeyTaken, Officer, Role, RoleMissing, officer_id
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.keys import PublicKey, verifier
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work

CUSTODY_OFFICER = "officer"
CUSTODY_KEYRING = "operator_keyring"


class RoleUnknown(LedgerError):
    """No such post in the finance-discipline rules."""

    code = "officer.role_unknown"
    kind = Kind.INVALID

    def __init__(self, role: str) -> None:
        super().__init__(f"role {role} is none of {', '.join(Role)}")


class OfficerRequired(LedgerError):
    """Only an officer can answer for this; the operator enters what others answer for."""

    code = "duty.officer_required"
    kind = Kind.FORBIDDEN

    def __init__(self, actor: str) -> None:
        super().__init__(f"this is for an officer to do, not for {actor}")


@dataclass(frozen=True, slots=True)
class Appointment:
    """An officer, and the post they take from the day of the act on."""

    staff_number: str
    name: str = field(repr=False)
    organisation_code: str
    role: str


@dataclass(frozen=True, slots=True)
class KeyRegistration:
    staff_number: str
    public_key: PublicKey
    custody: str


@dataclass(frozen=True, slots=True)
class KeyRevocation:
    staff_number: str
    key_id: str
    reason: str


def appoint_officer(ledger: Ledger, act: CommandAct, order: Appointment) -> Answer:
    """Appoint an officer, or give one who is known a further post.

    Raises:
        NotOnRecord: The organisation is not registered.
        RoleUnknown: No such post.
    """

    def decide(work: Work) -> None:
        if order.role not in set(Role):
            raise RoleUnknown(order.role)
        organisation = work.get(Organisation, organisation_id(order.organisation_code))
        officer = work.find(Officer, officer_id(order.staff_number))
        if officer is None:
            subject = ledger.vault.subject_id("officer", order.staff_number)
            officer = Officer.appoint(
                act,
                staff_number=order.staff_number,
                subject_id=subject,
                identity=seal(work, subject, "officer", {"name": order.name}),
            )
        officer.grant(act, organisation_id=organisation.id, role=order.role)
        work.save(officer)
        work.result["officer_id"] = str(officer.id)

    return ledger.perform(act, "officer.appoint", order, decide)


def end_role(ledger: Ledger, act: CommandAct, order: Appointment) -> Answer:
    """End a post on the day of the act.

    Raises:
        RoleMissing: The officer does not hold it.
    """

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(order.staff_number))
        officer.end(act, organisation_id=organisation_id(order.organisation_code), role=order.role)
        work.save(officer)

    return ledger.perform(act, "officer.end_role", order, decide)


def register_key(ledger: Ledger, act: CommandAct, order: KeyRegistration) -> Answer:
    """Register an officer's public key; `custody` says who holds the private one.

    Raises:
        NotOnRecord: No such officer.
        KeyTaken: It is registered already, for this officer, another one or the ledger itself.
        SignatureBroken: It is no public key, or one under which anybody could sign.
    """
    key = order.public_key
    verifier(key)

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(order.staff_number))
        # Verification knows each key by its id alone: a second owner would break the whole log.
        if work.find(KeyClaim, stable_id("key", key.key_id)):
            raise KeyTaken(officer.id, key.key_id)
        work.save(KeyClaim.claim(act, key_id=key.key_id, owner=str(officer.id)))
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


def revoke_key(ledger: Ledger, act: CommandAct, order: KeyRevocation) -> Answer:
    """Revoke an officer's key: it signs nothing from here on.

    Raises:
        KeyUnknown: The officer has no such key in force.
    """

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(order.staff_number))
        officer.revoke_key(act, key_id=order.key_id, reason=order.reason)
        work.save(officer)

    return ledger.perform(act, "officer.revoke_key", order, decide)


def give_up_key(ledger: Ledger, act: CommandAct, order: KeyRevocation, counts_from: int) -> Answer:
    """Record that somebody else had an officer's key, from position `counts_from` on.

    Raises:
        KeyUnknown: It was never this officer's.
        KeyNotValid: It was not valid at that position.
    """
    require_signed_by_then(ledger, order.key_id, counts_from)

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(order.staff_number))
        officer.give_up_key(act, key_id=order.key_id, counts_from=counts_from, reason=order.reason)
        work.save(officer)

    return ledger.perform(act, "officer.give_up_key", (order, counts_from), decide)


def acting_officer(act: CommandAct) -> UUID:
    """Return the id of the officer who acts.

    Raises:
        OfficerRequired: The operator does.
    """
    if act.actor == OPERATOR:
        raise OfficerRequired(act.actor)
    return UUID(act.actor)


def require_approver(work: Work, act: CommandAct) -> None:
    """Check that the actor approves somewhere, for what binds no one organisation.

    Raises:
        OfficerRequired, RoleMissing: They do not.
    """
    officer = work.get(Officer, acting_officer(act))
    places = {tenure.organisation_id for tenure in officer.tenures}
    if not officer.holds(Role.APPROVER, places, act.happened_on):
        raise RoleMissing(officer.id, Role.APPROVER, officer.id, act.happened_on)


def require_role(
    work: Work, officer_id_: UUID, role: Role, organisation_id_: UUID, day: date
) -> None:
    """Check that the officer holds the role there or at an organisation above.

    Raises:
        NotOnRecord: No such officer.
        RoleMissing: They do not.
    """
    officer = work.get(Officer, officer_id_)
    if not officer.holds(role, set(lineage(work, organisation_id_, day)), day):
        raise RoleMissing(officer_id_, role, organisation_id_, day)
