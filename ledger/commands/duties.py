"""Who may do it: the posts that an act asks for, when it happened and when it is recorded."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from ledger.commands.lineage import lineage
from ledger.domain.administration import Administration, administration_id
from ledger.domain.aggregate import OPERATOR
from ledger.domain.officer import Officer, Role, RoleMissing, officer_id
from ledger.domain.values import day_in_china
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Work


class OfficerRequired(LedgerError):
    """Only an officer can answer for this; the operator enters what others answer for."""

    code = "duty.officer_required"
    kind = Kind.FORBIDDEN

    def __init__(self, actor: str) -> None:
        super().__init__(f"this is for an officer to do, not for {actor}")


class NotOwnAct(LedgerError):
    """Nobody acts in another's name."""

    code = "duty.not_own_act"
    kind = Kind.FORBIDDEN

    def __init__(self, actor: str, named: UUID) -> None:
        super().__init__(f"{actor} cannot act as officer {named}")


def require_post(
    work: Work, act: CommandAct, roles: Collection[Role], organisation_id: UUID
) -> None:
    """Check that a signed-in actor holds one of the posts there or at an organisation above.

    They hold it on the day that it happened and on the day that it is recorded: neither a post that
    came later nor one that has ended is enough. Whoever enters a past campaign is not asked.

    Raises:
        RoleMissing: They do not.
    """
    if act.signed_in:
        officer = work.get(Officer, acting_officer(act))
        for day in {act.happened_on, recording_day(act)}:
            line = set(lineage(work, organisation_id, day))
            _require_one(officer, roles, line, organisation_id, day)


def require_post_anywhere(work: Work, act: CommandAct, roles: Collection[Role]) -> None:
    """Check the same of what binds no one organisation.

    Raises:
        RoleMissing: A signed-in actor holds none of the posts.
    """
    if act.signed_in:
        officer = work.get(Officer, acting_officer(act))
        for day in {act.happened_on, recording_day(act)}:
            _require_one(officer, roles, _places(officer), officer.id, day)


def require_post_over(
    work: Work, act: CommandAct, roles: Collection[Role], officer: Officer
) -> None:
    """Check the same of what lets an officer in, or says which keys are theirs.

    Whoever may do that could act as them: so it is asked over each place where they hold a post or
    will. Who holds none may be given one anywhere tomorrow, and is let in from the top alone: from
    where the first administrator was made, which no later change of the tree makes another's.

    Raises:
        RoleMissing: A signed-in actor holds none of the posts over one of these places.
    """
    if not act.signed_in:
        return
    first = min(act.happened_on, recording_day(act))
    places = {
        each.organisation_id for each in officer.tenures if each.until is None or each.until > first
    }
    for place in sorted(places or {_where_administration_began(work, act, roles)}):
        require_post(work, act, roles, place)


def require_role(
    work: Work, officer_id_: UUID, role: Role, organisation_id_: UUID, day: date
) -> None:
    """Check that the officer holds the role there or at an organisation above.

    Raises:
        NotOnRecord: No such officer.
        RoleMissing: They do not.
    """
    officer = work.get(Officer, officer_id_)
    _require_one(officer, {role}, set(lineage(work, organisation_id_, day)), organisation_id_, day)


def require_held_over(
    work: Work, act: CommandAct, roles: Collection[Role], organisation_ids: Collection[UUID]
) -> None:
    """Check that the actor, however they came, holds one of the posts over each organisation.

    Raises:
        OfficerRequired, RoleMissing: They do not.
    """
    officer = work.get(Officer, acting_officer(act))
    for organisation_id in sorted(organisation_ids):
        line = set(lineage(work, organisation_id, act.happened_on))
        _require_one(officer, roles, line, organisation_id, act.happened_on)
        require_post(work, act, roles, organisation_id)


def require_approver(work: Work, act: CommandAct) -> None:
    """Check that the actor approves somewhere, for what binds no one organisation.

    Raises:
        OfficerRequired, RoleMissing: They do not.
    """
    officer = work.get(Officer, acting_officer(act))
    _require_one(officer, {Role.APPROVER}, _places(officer), officer.id, act.happened_on)
    require_post_anywhere(work, act, {Role.APPROVER})


def approving_place(work: Work, act: CommandAct) -> UUID:
    """Return an organisation at which the actor approves, of what is for none of them.

    Raises:
        OfficerRequired, RoleMissing: There is none.
    """
    require_approver(work, act)
    officer = work.get(Officer, acting_officer(act))
    return next(
        each.organisation_id
        for each in officer.tenures
        if each.role == Role.APPROVER and each.covers(act.happened_on)
    )


def acting_officer(act: CommandAct) -> UUID:
    """Return the id of the officer who acts.

    Raises:
        OfficerRequired: The operator does.
    """
    if act.actor == OPERATOR:
        raise OfficerRequired(act.actor)
    return UUID(act.actor)


def acting_as(act: CommandAct, staff_number: str) -> UUID:
    """Return the id of the officer whose act it is said to be.

    Raises:
        NotOwnAct: A signed-in actor names somebody else.
    """
    named = officer_id(staff_number)
    if act.signed_in and act.actor != str(named):
        raise NotOwnAct(act.actor, named)
    return named


def recording_day(act: CommandAct) -> date:
    """Return the day it is in China when the act is recorded."""
    return day_in_china(act.recorded_at)


def _require_one(
    officer: Officer, roles: Collection[Role], places: set[UUID], where: UUID, day: date
) -> None:
    """Check that the officer holds one of the posts at one of the places on the day.

    Raises:
        RoleMissing: They do not; it names `where` as the place.
    """
    if not any(officer.holds(role, places, day) for role in roles):
        raise RoleMissing(officer.id, "|".join(sorted(roles)), where, day)


def _where_administration_began(work: Work, act: CommandAct, roles: Collection[Role]) -> UUID:
    """Return where the first security administrator was made, or the first of another kind.

    Raises:
        RoleMissing: Nobody was, so that nobody stands at the top.
    """
    begun = work.find(Administration, administration_id())
    firsts = {} if begun is None else begun.begun
    kinds = sorted(firsts, key=lambda role: role != Role.SECURITY_ADMINISTRATOR)
    for tenure in (each for kind in kinds[:1] for each in work.get(Officer, firsts[kind]).tenures):
        if tenure.role == kinds[0]:
            return tenure.organisation_id
    actor = acting_officer(act)
    raise RoleMissing(actor, "|".join(sorted(roles)), actor, act.happened_on)


def _places(officer: Officer) -> set[UUID]:
    return {tenure.organisation_id for tenure in officer.tenures}
