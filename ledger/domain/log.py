"""What is said of the log as a whole: that it is held by another hash too, that it counts again."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id


class LogItself(Root):
    """One stream."""

    TOPIC = "log"

    class Reanchored(Event, frozen=True):
        """All entries before this one have this root under another hash."""

        TOPIC = "log.reanchored"
        size: int
        hash_algorithm: str
        root: str

    class Reaffirmed(Event, frozen=True):
        """An officer has compared the entries before this one with what others hold of them.

        After a key was in somebody else's hands, they count again, whoever signed them.
        """

        TOPIC = "log.reaffirmed"
        COMMITS = True
        size: int
        root: str
        reason: str

    @classmethod
    def first(cls, act: Act, event: type[Event], **facts: object) -> "LogItself":
        return cls.begin(event, act, log_id(), **facts)


def log_id() -> UUID:
    """Return the id of the one stream about the log itself."""
    return stable_id("log")
