"""The keys that the ledger itself signs every event with, from the founding event on."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError


class ServiceKeyEnded(LedgerError):
    """The key signs nothing any more."""

    code = "service_key.ended"
    kind = Kind.CONFLICT

    def __init__(self, key_id: str) -> None:
        super().__init__(f"service key {key_id} was retired, or given up as compromised")


class ServiceKey(Root):
    TOPIC = "service_key"

    class Registered(Event, frozen=True):
        TOPIC = "service_key.registered"
        key_id: str
        algorithm: str
        public_key: str

        def apply(self, aggregate: "ServiceKey") -> None:
            aggregate.key_id = self.key_id
            aggregate.in_force = True

    class Retired(Event, frozen=True):
        """Signs nothing from here on; what it signed before counts on."""

        TOPIC = "service_key.retired"
        key_id: str
        reason: str

        def apply(self, aggregate: "ServiceKey") -> None:
            aggregate.in_force = False

    class Compromised(Event, frozen=True):
        """Somebody else had the key: what it signed from position `counts_from` on is in doubt.

        It ends the key too, if nothing has before. An officer answers for it with their own key.
        """

        TOPIC = "service_key.compromised"
        COMMITS = True
        key_id: str
        counts_from: int
        reason: str

        def apply(self, aggregate: "ServiceKey") -> None:
            aggregate.in_force = False

    key_id: str
    in_force: bool

    @classmethod
    def register(cls, act: Act, *, key_id: str, algorithm: str, public_key: str) -> "ServiceKey":
        return cls.begin(
            cls.Registered,
            act,
            service_key_id(key_id),
            key_id=key_id,
            algorithm=algorithm,
            public_key=public_key,
        )

    def require_in_force(self) -> None:
        """Check that the key still signs.

        Raises:
            ServiceKeyEnded: It was retired, or given up.
        """
        if not self.in_force:
            raise ServiceKeyEnded(self.key_id)

    def retire(self, act: Act, *, reason: str) -> None:
        self.require_in_force()
        self.trigger_event(self.Retired, act, key_id=self.key_id, reason=reason)

    def give_up(self, act: Act, *, counts_from: int, reason: str) -> None:
        self.trigger_event(
            self.Compromised, act, key_id=self.key_id, counts_from=counts_from, reason=reason
        )


def service_key_id(key_id: str) -> UUID:
    """Return the id of a service key's stream."""
    return stable_id("service_key", key_id)
