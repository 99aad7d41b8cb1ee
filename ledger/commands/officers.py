"""Appointing officers, giving them posts and ending them, and beginning the administration."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from ledger.commands.duties import require_post, require_post_anywhere, require_post_over
from ledger.commands.sealing import OFFICER, seal
from ledger.commands.signed_acts import perform_signed
from ledger.domain.administration import (
    Administration,
    AdministrationBegun,
    administration_id,
)
from ledger.domain.aggregate import OPERATOR
from ledger.domain.officer import ADMINISTRATORS, Officer, Role, officer_id
from ledger.domain.organisation import Organisation, organisation_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work

SECURITY = frozenset({Role.SECURITY_ADMINISTRATOR})
SYSTEM = frozenset({Role.SYSTEM_ADMINISTRATOR})


class RoleUnknown(LedgerError):
    """No such post in the finance-discipline rules."""

    code = "officer.role_unknown"
    kind = Kind.INVALID

    def __init__(self, role: str) -> None:
        super().__init__(f"role {role} is none of {', '.join(Role)}")


class OfficerKnown(LedgerError):
    """The staff number is taken."""

    code = "officer.known"
    kind = Kind.CONFLICT

    def __init__(self, staff_number: str) -> None:
        super().__init__(f"officer {staff_number} is on the register already")


class NotAnAdministrator(LedgerError):
    """The operator makes the first administrators, who then make everybody else."""

    code = "administration.not_an_administrator"
    kind = Kind.INVALID

    def __init__(self, role: str) -> None:
        super().__init__(f"role {role} is none of {', '.join(sorted(ADMINISTRATORS))}")


class PostHeld(LedgerError):
    """What is held already, or from a later day on, is not given once more."""

    code = "officer.post_held"
    kind = Kind.CONFLICT

    def __init__(self, officer_id: UUID, role: str, since: date) -> None:
        super().__init__(f"officer {officer_id} is {role} there from {since} on")


@dataclass(frozen=True, slots=True)
class Appointment:
    """An officer, and the post they take from the day of the act on."""

    staff_number: str
    name: str = field(repr=False)
    organisation_code: str
    role: str


@dataclass(frozen=True, slots=True)
class NewOfficer:
    """Somebody who is to act for unions; posts are given apart."""

    staff_number: str
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Post:
    """A post of an officer, from the day of the act until the day before `until`."""

    officer_id: UUID
    organisation_id: UUID
    role: str
    until: date | None = None


def appoint_officer(ledger: Ledger, act: CommandAct, order: Appointment) -> Answer:
    """Appoint an officer, or give one who is known a further post.

    Raises:
        NotOnRecord: The organisation is not registered.
        RoleUnknown: No such post.
        PostsIncompatible: They hold one that does not go with it.
        AdministrationBegun: It is an administrator's post, and an administrator gives it.
    """

    def decide(work: Work) -> None:
        if order.role in ADMINISTRATORS and work.find(Administration, administration_id()):
            raise AdministrationBegun(order.role)
        _appoint(work, act, order)

    return ledger.perform(act, "officer.appoint", order, decide)


def register_officer(ledger: Ledger, act: CommandAct, order: NewOfficer) -> Answer:
    """Put an officer on the register, without any post.

    Raises:
        OfficerKnown: The staff number is taken.
        RoleMissing: Whoever asks is no system administrator.
    """

    def decide(work: Work) -> None:
        require_post_anywhere(work, act, SYSTEM)
        if work.find(Officer, officer_id(order.staff_number)):
            raise OfficerKnown(order.staff_number)
        officer = _new_officer(work, act, order.staff_number, order.name)
        work.save(officer)
        work.result["officer_id"] = str(officer.id)

    return ledger.perform(act, "officer.register", order, decide)


def grant_role(ledger: Ledger, act: CommandAct, order: Post) -> Answer:
    """Give an officer a post from the day of the act on, until a day where one is named.

    Raises:
        NotOnRecord: No such officer or organisation.
        RoleUnknown, PostsIncompatible, PostHeld: As they say.
        RoleMissing: Whoever asks is no security administrator there or above.
        OfficerSignatureMissing: The administrator did not sign.
        KeyUnknown: The administrator has no such key in force.
    """
    decide = _grant(act, order)
    return perform_signed(ledger, act, "officer.grant_role", order, order.officer_id, decide)


def prepare_grant(ledger: Ledger, act: CommandAct, order: Post) -> bytes:
    """Return the payload that the administrator is to sign.

    Raises:
        LedgerError: What `grant_role` would refuse.
    """
    return ledger.prepare(act, _grant(act, order))[0]


def _grant(act: CommandAct, order: Post) -> Decide:
    def decide(work: Work) -> None:
        if order.role not in set(Role):
            raise RoleUnknown(order.role)
        organisation = work.get(Organisation, order.organisation_id)
        require_post(work, act, SECURITY, organisation.id)
        officer = work.get(Officer, order.officer_id)
        for each in officer.tenures:
            held = each.until is None or each.until > act.happened_on
            if held and each[:2] == (organisation.id, order.role):
                raise PostHeld(officer.id, order.role, each.since)
        officer.grant(act, organisation_id=organisation.id, role=order.role, until=order.until)
        work.save(officer)
        work.result["officer_id"] = str(officer.id)

    return decide


def end_role(ledger: Ledger, act: CommandAct, order: Post) -> Answer:
    """End a post on the day of the act.

    Raises:
        RoleMissing: The officer does not hold it, or whoever asks is no security administrator.
    """

    def decide(work: Work) -> None:
        require_post(work, act, SECURITY, order.organisation_id)
        officer = work.get(Officer, order.officer_id)
        officer.end(act, organisation_id=order.organisation_id, role=order.role)
        work.save(officer)

    return ledger.perform(act, "officer.end_role", order, decide)


def require_over(
    ledger: Ledger, act: CommandAct, officer_id_: UUID, roles: Collection[Role]
) -> None:
    """Check that the actor administers an officer: holds a post over each place where they act.

    It is asked of what leaves no event: of letting the officer in, and of signing them out.

    Raises:
        NotOnRecord: No such officer.
        RoleMissing: They do not.
    """
    ledger.prepare(
        act, lambda work: require_post_over(work, act, roles, work.get(Officer, officer_id_))
    )


def begin_administration(ledger: Ledger, act: CommandAct, order: Appointment) -> Answer:
    """Make the first holder of one of the three administrators' posts; the operator does, once.

    Raises:
        NotAnAdministrator: It is another post.
        AdministrationBegun: Somebody was made it before; officers make the next one.
        PostsIncompatible: They hold a post that does not go with it.
    """

    def decide(work: Work) -> None:
        if order.role not in ADMINISTRATORS:
            raise NotAnAdministrator(order.role)
        begun = work.find(Administration, administration_id())
        officer = _appoint(work, act, order)
        if begun is None:
            begun = Administration.begin_with(act, role=order.role, officer_id=officer.id)
        else:
            begun.begin_also(act, role=order.role, officer_id=officer.id)
        work.save(begun)

    return ledger.perform(act, "administration.begin", order, decide)


def operator_vouches_for(work: Work, act: CommandAct, officer: Officer) -> bool:
    """Say whether the operator may still say whose key it is.

    They may before there was a security administrator; for the first key of the first security and
    system administrator, from which all others descend; and for the first administrators while none
    of them could sign for another's. What they say then, verifiers tell as their word alone.
    """
    if act.actor != OPERATOR:
        return False
    begun = work.find(Administration, administration_id())
    if begun is None or Role.SECURITY_ADMINISTRATOR not in begun.begun:
        return True
    if officer.id not in begun.begun.values():
        return False
    vouching = {begun.begun[role] for role in SECURITY | SYSTEM if role in begun.begun}
    if officer.id in vouching and not officer.has_own_key():
        return True
    others = (work.get(Officer, each) for each in vouching - {officer.id})
    return not any(_vouches(each, act.happened_on) for each in others)


def _vouches(officer: Officer, day: date) -> bool:
    """Say whether somebody could sign for another's key on a day."""
    held = any(each.role in SECURITY | SYSTEM and each.covers(day) for each in officer.tenures)
    return held and officer.has_own_key(in_force=True)


def _appoint(work: Work, act: CommandAct, order: Appointment) -> Officer:
    if order.role not in set(Role):
        raise RoleUnknown(order.role)
    organisation = work.get(Organisation, organisation_id(order.organisation_code))
    officer = work.find(Officer, officer_id(order.staff_number))
    if officer is None:
        officer = _new_officer(work, act, order.staff_number, order.name)
    officer.grant(act, organisation_id=organisation.id, role=order.role)
    work.save(officer)
    work.result["officer_id"] = str(officer.id)
    return officer


def _new_officer(work: Work, act: CommandAct, staff_number: str, name: str) -> Officer:
    subject = work.ledger.vault.subject_id(OFFICER, staff_number)
    return Officer.appoint(
        act,
        staff_number=staff_number,
        subject_id=subject,
        identity=seal(work, subject, OFFICER, {"name": name}),
    )
