"""Publications: the moments at which the log commits to a map that leaves nothing out."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id


class Publication(Root):
    """One stream for the whole log; each event announces one publication."""

    TOPIC = "publication"

    class Announced(Event, frozen=True):
        """The map over all entries before this one has this root.

        The checkpoint that covers this entry, and nothing after it, is the published one.
        """

        TOPIC = "publication.announced"
        CLOSES = True
        map_format: int
        map_root: str

        def apply(self, aggregate: "Publication") -> None:
            aggregate.map_root = self.map_root

    map_root: str

    @classmethod
    def first(cls, act: Act, *, map_format: int, map_root: str) -> "Publication":
        return cls.begin(
            cls.Announced, act, publication_id(), map_format=map_format, map_root=map_root
        )

    def announce(self, act: Act, *, map_format: int, map_root: str) -> None:
        self.trigger_event(self.Announced, act, map_format=map_format, map_root=map_root)


def publication_id() -> UUID:
    """Return the id of the one stream of publications."""
    return stable_id("publication")
