"""The keys that the ledger itself signs every event with, from the founding event on."""

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id


class ServiceKey(Root):
    TOPIC = "service_key"

    class Registered(Event, frozen=True):
        TOPIC = "service_key.registered"
        key_id: str
        algorithm: str
        public_key: str

    class Retired(Event, frozen=True):
        TOPIC = "service_key.retired"
        key_id: str
        reason: str

    @classmethod
    def register(cls, act: Act, *, key_id: str, algorithm: str, public_key: str) -> "ServiceKey":
        return cls.begin(
            cls.Registered,
            act,
            stable_id("service_key", key_id),
            key_id=key_id,
            algorithm=algorithm,
            public_key=public_key,
        )

    def retire(self, act: Act, *, key_id: str, reason: str) -> None:
        self.trigger_event(self.Retired, act, key_id=key_id, reason=reason)
