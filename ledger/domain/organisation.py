"""Organisations: a tree of several kinds of branches whose parents change with time."""

from datetime import date
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError


class ParentNotLater(LedgerError):
    """A new parent counts from a day after the last change, so that each day has one parent."""

    code = "organisation.parent_not_later"
    kind = Kind.INVALID

    def __init__(self, organisation_id: UUID, since: date, wanted: date) -> None:
        super().__init__(
            f"organisation {organisation_id} has its parent since {since}; {wanted} is not later"
        )


class OrganisationInCircle(LedgerError):
    """An organisation cannot stand below itself."""

    code = "organisation.circle"
    kind = Kind.INVALID

    def __init__(self, organisation_id: UUID, parent_id: UUID) -> None:
        super().__init__(f"organisation {parent_id} stands below {organisation_id} itself")


class Organisation(Root):
    TOPIC = "organisation"

    class Registered(Event, frozen=True):
        """`kind` is the branch: 市, 县区, 产业, 基层, or what else a city has."""

        TOPIC = "organisation.registered"
        code: str
        name: str
        kind: str
        parent_id: UUID | None

        def apply(self, aggregate: "Organisation") -> None:
            aggregate.code = self.code
            aggregate.name = self.name
            aggregate.kind = self.kind
            aggregate.parents = [(self.happened_on, self.parent_id)]

    class Moved(Event, frozen=True):
        """Stands under another organisation from the day it happened on."""

        TOPIC = "organisation.moved"
        parent_id: UUID | None
        reason: str

        def apply(self, aggregate: "Organisation") -> None:
            aggregate.parents.append((self.happened_on, self.parent_id))

    code: str
    name: str
    kind: str
    parents: list[tuple[date, UUID | None]]  # since when, under whom; in order of time

    @classmethod
    def register(
        cls, act: Act, *, code: str, name: str, kind: str, parent_id: UUID | None
    ) -> "Organisation":
        return cls.begin(
            cls.Registered,
            act,
            organisation_id(code),
            code=code,
            name=name,
            kind=kind,
            parent_id=parent_id,
        )

    def move(self, act: Act, *, parent_id: UUID | None, reason: str) -> None:
        since = self.parents[-1][0]
        if act.happened_on <= since:
            raise ParentNotLater(self.id, since, act.happened_on)
        if parent_id == self.id:
            raise OrganisationInCircle(self.id, self.id)
        self.trigger_event(self.Moved, act, parent_id=parent_id, reason=reason)

    def parent_on(self, day: date) -> UUID | None:
        """Return the parent on a day; before the first day on record, the first one known."""
        parent = self.parents[0][1]
        for since, parent_id in self.parents:
            if since <= day:
                parent = parent_id
        return parent


def organisation_id(code: str) -> UUID:
    return stable_id("organisation", code)
