"""What the books say moved on a bank account, and which match it met there, if any."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import Money, stable_id
from ledger.errors import Kind, LedgerError


class ItemKind(StrEnum):
    """What moved the money in the books."""

    PAYOUT = "payout"
    RETURN = "return"
    WITHDRAWAL = "withdrawal"
    REISSUE = "reissue"
    RETURN_UNDONE = "return_undone"
    RECEIPT = "receipt"
    CORRECTION = "correction"
    ALLOCATION_OUT = "allocation_out"
    ALLOCATION_IN = "allocation_in"


class ItemMatched(LedgerError):
    """What the books say is met by the bank once."""

    code = "book_item.matched"
    kind = Kind.CONFLICT

    def __init__(self, source_id: UUID, version: int) -> None:
        super().__init__(f"version {version} of {source_id} is matched to the bank already")


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of an account by the books: which event says it; money out is below zero."""

    kind: ItemKind
    source_id: UUID
    source_version: int
    organisation_id: UUID
    fund_id: UUID
    amount: Money
    booked_on: date
    batch_code: str | None = None
    number: int | None = None
    document: str | None = None
    allocation_id: UUID | None = None

    @property
    def id(self) -> UUID:
        return book_item_id(self.source_id, self.source_version)


class BookItem(Root):
    """Its stream begins when it is first matched; its id follows from the event that it is."""

    TOPIC = "book_item"

    class Matched(Event, frozen=True):
        TOPIC = "book_item.matched"
        account_id: UUID
        organisation_id: UUID
        match_id: UUID
        kind: ItemKind
        source_id: UUID
        source_version: int
        amount_fen: Money
        booked_on: date

        def apply(self, aggregate: "BookItem") -> None:
            aggregate.source_id = self.source_id
            aggregate.source_version = self.source_version
            aggregate.match_id = self.match_id

    class Released(Event, frozen=True):
        TOPIC = "book_item.released"
        account_id: UUID
        organisation_id: UUID
        match_id: UUID
        source_id: UUID
        source_version: int
        reason: str

        def apply(self, aggregate: "BookItem") -> None:
            aggregate.match_id = None

    source_id: UUID
    source_version: int
    match_id: UUID | None

    @classmethod
    def first_matched(
        cls, act: Act, movement: Movement, *, account_id: UUID, match_id: UUID
    ) -> "BookItem":
        return cls.begin(cls.Matched, act, movement.id, **_facts(movement, account_id, match_id))

    def require_open(self) -> None:
        if self.match_id is not None:
            raise ItemMatched(self.source_id, self.source_version)

    def match(self, act: Act, movement: Movement, *, account_id: UUID, match_id: UUID) -> None:
        self.require_open()
        self.trigger_event(self.Matched, act, **_facts(movement, account_id, match_id))

    def release(self, act: Act, *, account_id: UUID, organisation_id: UUID, reason: str) -> None:
        self.trigger_event(
            self.Released,
            act,
            account_id=account_id,
            organisation_id=organisation_id,
            match_id=self.match_id,
            source_id=self.source_id,
            source_version=self.source_version,
            reason=reason,
        )


def book_item_id(source_id: UUID, version: int) -> UUID:
    return stable_id("book_item", source_id, version)


def _facts(movement: Movement, account_id: UUID, match_id: UUID) -> dict[str, object]:
    return {
        "account_id": account_id,
        "organisation_id": movement.organisation_id,
        "match_id": match_id,
        "kind": movement.kind,
        "source_id": movement.source_id,
        "source_version": movement.source_version,
        "amount_fen": movement.amount,
        "booked_on": movement.booked_on,
    }
