"""Registering organisations, and moving them under other parents."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.domain.organisation import Organisation, OrganisationInCircle, organisation_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work

DEPTH_MAX = 50


class OrganisationKnown(LedgerError):
    """The code is taken."""

    code = "organisation.known"
    kind = Kind.CONFLICT

    def __init__(self, code: str) -> None:
        super().__init__(f"organisation {code} is registered already")


@dataclass(frozen=True, slots=True)
class Registration:
    code: str
    name: str
    kind: str
    parent_code: str | None


@dataclass(frozen=True, slots=True)
class Move:
    code: str
    parent_code: str | None
    reason: str


def register_organisation(ledger: Ledger, act: CommandAct, order: Registration) -> Answer:
    """Register an organisation under its parent, from the day of the act on.

    Raises:
        OrganisationKnown: The code is taken.
        NotOnRecord: The parent is not registered.
    """

    def decide(work: Work) -> None:
        if work.find(Organisation, organisation_id(order.code)):
            raise OrganisationKnown(order.code)
        parent_id = _known(work, order.parent_code)
        organisation = Organisation.register(
            act, code=order.code, name=order.name, kind=order.kind, parent_id=parent_id
        )
        work.save(organisation)
        work.result["organisation_id"] = str(organisation.id)

    return ledger.perform(act, "organisation.register", order, decide)


def move_organisation(ledger: Ledger, act: CommandAct, order: Move) -> Answer:
    """Put an organisation under another parent from the day of the act on.

    Raises:
        OrganisationInCircle: The new parent stands below it, on that day or a later one.
        ParentNotLater: It has had its parent since that day or a later one.
    """

    def decide(work: Work) -> None:
        organisation = work.get(Organisation, organisation_id(order.code))
        parent_id = _known(work, order.parent_code)
        if parent_id is not None and _ever_below(work, parent_id, organisation.id, act.happened_on):
            raise OrganisationInCircle(organisation.id, parent_id)
        organisation.move(act, parent_id=parent_id, reason=order.reason)
        work.save(organisation)

    return ledger.perform(act, "organisation.move", order, decide)


def lineage(work: Work, id_: UUID, day: date) -> list[UUID]:
    """Return the organisation and all above it on a day, lowest first."""
    line: list[UUID] = []
    at: UUID | None = id_
    while at is not None and len(line) < DEPTH_MAX:
        line.append(at)
        at = work.get(Organisation, at).parent_on(day)
    return line


def _ever_below(work: Work, id_: UUID, above: UUID, since: date) -> bool:
    """Say whether one organisation stands below another on a day, or will after a later move."""
    days, waiting, seen = {since}, [id_], {id_}
    while waiting:
        for day, parent_id in work.get(Organisation, waiting.pop()).parents:
            if day > since:
                days.add(day)
            if parent_id is not None and parent_id not in seen:
                seen.add(parent_id)
                waiting.append(parent_id)
    return any(above in lineage(work, id_, day) for day in days)


def _known(work: Work, code: str | None) -> UUID | None:
    return work.get(Organisation, organisation_id(code)).id if code else None
