"""Keys have one owner: whoever registers a key claims its id for good."""

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id


class KeyClaim(Root):
    """A stream of its own for each key id, so that no second owner can register the key."""

    TOPIC = "key"

    class Claimed(Event, frozen=True):
        """`owner` is an officer's id, or `service`."""

        TOPIC = "key.claimed"
        key_id: str
        owner: str

    @classmethod
    def claim(cls, act: Act, *, key_id: str, owner: str) -> "KeyClaim":
        return cls.begin(cls.Claimed, act, stable_id("key", key_id), key_id=key_id, owner=owner)
