"""Lists of tags: who was paid in a period, handed to the province so that it can compare cities.

What stands in the log is the list's hash, never a tag: whoever has the province key could try all
ID numbers against the tags.
"""

from datetime import date
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import Money, stable_id
from ledger.errors import Kind, LedgerError


class TagPeriodBackwards(LedgerError):
    """A period of payments ends on or after the day it starts."""

    code = "tag_list.period_backwards"
    kind = Kind.INVALID

    def __init__(self, since: date, until: date) -> None:
        super().__init__(f"the period starts on {since} and ends before that, on {until}")


class TagLists(Root):
    """One stream for the whole log: a reader is shown all lists, so none is left out."""

    TOPIC = "tag_list"

    class HandedOver(Event, frozen=True):
        """A list of all payments of a period was made for the province, as known at `known_to`.

        `untagged` of its `count` payments have no tag: the person was erased or restricted.
        `recipient` names the opening key that it is sealed for.
        """

        TOPIC = "tag_list.handed_over"
        since: date
        until: date
        key_name: str
        recipient: str
        list_sha256: str
        known_to: int
        count: int
        untagged: int
        amount_fen: Money

        def apply(self, aggregate: "TagLists") -> None:
            if self.originator_version == 1:
                aggregate.sha256s = set()
            aggregate.sha256s.add(self.list_sha256)

    sha256s: set[str]

    def hand_over(self, act: Act, **facts: object) -> None:
        """Put on record that a list was made; `facts` are those of the event."""
        self.trigger_event(self.HandedOver, act, **facts)

    @classmethod
    def first(cls, act: Act, **facts: object) -> "TagLists":
        return cls.begin(cls.HandedOver, act, tag_lists_id(), **facts)


def tag_lists_id() -> UUID:
    """Return the id of the one stream of lists of tags."""
    return stable_id("tag_list")
