"""Registering organisations, and moving them under other parents."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.commands.duties import require_post, require_post_anywhere
from ledger.commands.lineage import lineage
from ledger.domain.officer import Role
from ledger.domain.organisation import Organisation, OrganisationInCircle, organisation_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work

KEEPERS = frozenset({Role.SYSTEM_ADMINISTRATOR})
"""Who keeps the tree of organisations."""


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
        _require_keeper(work, act, parent_id)
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
        # Who keeps a union alone does not take it out from under those who keep it from above.
        _require_keeper(work, act, organisation.parents[-1][1] or organisation.id)
        _require_keeper(work, act, parent_id)
        if parent_id is not None and _ever_below(work, parent_id, organisation.id, act.happened_on):
            raise OrganisationInCircle(organisation.id, parent_id)
        organisation.move(act, parent_id=parent_id, reason=order.reason)
        work.save(organisation)

    return ledger.perform(act, "organisation.move", order, decide)


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


def _require_keeper(work: Work, act: CommandAct, organisation: UUID | None) -> None:
    """Check that a signed-in actor keeps the tree there, or anywhere for a tree of its own."""
    if organisation is None:
        require_post_anywhere(work, act, KEEPERS)
    else:
        require_post(work, act, KEEPERS, organisation)


def _known(work: Work, code: str | None) -> UUID | None:
    return work.get(Organisation, organisation_id(code)).id if code else None
