"""The administration: who was made the first of each of the three administrators."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError


class AdministrationBegun(LedgerError):
    """The first administrator of this kind was made; from then on officers make officers."""

    code = "administration.begun"
    kind = Kind.CONFLICT

    def __init__(self, role: str) -> None:
        super().__init__(f"{role}: the administration has begun; an administrator grants the post")


class Administration(Root):
    TOPIC = "administration"

    class Begun(Event, frozen=True):
        """The operator made somebody the first of one kind of administrator."""

        TOPIC = "administration.begun"
        role: str
        officer_id: UUID

        def apply(self, aggregate: "Administration") -> None:
            if not hasattr(aggregate, "begun"):
                aggregate.begun = {}
            aggregate.begun[self.role] = self.officer_id

    begun: dict[str, UUID]  # the first officer, by post

    @classmethod
    def begin_with(cls, act: Act, *, role: str, officer_id: UUID) -> "Administration":
        return cls.begin(cls.Begun, act, administration_id(), role=role, officer_id=officer_id)

    def begin_also(self, act: Act, *, role: str, officer_id: UUID) -> None:
        if role in self.begun:
            raise AdministrationBegun(role)
        self.trigger_event(self.Begun, act, role=role, officer_id=officer_id)


def administration_id() -> UUID:
    """Return the id of the one stream that says how the administration began."""
    return stable_id("administration")
