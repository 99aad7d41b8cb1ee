"""A match: lines of bank statements and items of the books that are the same money."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError

ITEMS_MAX = 1_000
"""Of the books in one match: their ids stand in one event."""


class SumsDiffer(LedgerError):
    """Both sides of a match are the same money, to the fen."""

    code = "match.sums_differ"
    kind = Kind.INVALID

    def __init__(self, bank: Money, books: Money) -> None:
        super().__init__(f"the bank's lines come to {bank} fen, the books' items to {books}")


class NothingToMatch(LedgerError):
    """A match takes a line and an item, or several of one side that cancel out."""

    code = "match.too_few"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("choose lines and items, two at least")


class TooManyItems(LedgerError):
    """One match holds so many items at most; larger ones are matched in parts."""

    code = "match.too_many"
    kind = Kind.INVALID

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} items in one match, {ITEMS_MAX} at most")


class MatchUndone(LedgerError):
    """The match was undone already."""

    code = "match.undone"
    kind = Kind.CONFLICT

    def __init__(self, match_id: UUID) -> None:
        super().__init__(f"match {match_id} was undone")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that matches by itself; a change of what it takes for the same is a new version."""

    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Sides:
    """What a match holds together, as the command found it."""

    lines: tuple[tuple[UUID, int], ...]
    item_ids: tuple[UUID, ...]
    bank: Money
    books: Money
    first_day: date
    last_day: date


class BankMatch(Root):
    TOPIC = "bank_match"

    class Made(Event, frozen=True):
        """By the officer who acted, or by the rule that is named; `facts` are what agreed.

        `first_day` and `last_day` are the first and the last that anything in it was booked on, by
        bank or books.
        """

        TOPIC = "bank_match.made"
        account_id: UUID
        organisation_id: UUID
        line_count: int
        amount_fen: Money
        first_day: date
        last_day: date
        rule: str | None
        rule_version: int | None
        facts: tuple[str, ...]
        statement_ids: tuple[UUID, ...]
        item_ids: tuple[UUID, ...]
        reason: str

        def apply(self, aggregate: "BankMatch") -> None:
            aggregate.account_id = self.account_id
            aggregate.organisation_id = self.organisation_id
            aggregate.statement_ids = self.statement_ids
            aggregate.item_ids = self.item_ids
            aggregate.booked_on = self.last_day if self.line_count else None
            aggregate.made_by = None if self.rule else self.actor
            aggregate.undone = False

    class Undone(Event, frozen=True):
        TOPIC = "bank_match.undone"
        account_id: UUID
        organisation_id: UUID
        reason: str

        def apply(self, aggregate: "BankMatch") -> None:
            aggregate.undone = True

    account_id: UUID
    organisation_id: UUID
    statement_ids: tuple[UUID, ...]
    item_ids: tuple[UUID, ...]
    booked_on: date | None  # the last day of it; None where no bank line is in it
    made_by: str | None
    undone: bool

    @classmethod
    def make(
        cls,
        act: Act,
        id_: UUID,
        sides: Sides,
        *,
        account_id: UUID,
        organisation_id: UUID,
        rule: Rule | None,
        facts: Collection[str],
        reason: str,
    ) -> "BankMatch":
        """Hold both sides together.

        Raises:
            NothingToMatch, TooManyItems, SumsDiffer: As they say.
        """
        if len(sides.lines) + len(sides.item_ids) < 2:  # noqa: PLR2004 - of one, nothing is the same
            raise NothingToMatch
        if len(sides.item_ids) > ITEMS_MAX:
            raise TooManyItems(len(sides.item_ids))
        if sides.bank != sides.books:
            raise SumsDiffer(sides.bank, sides.books)
        return cls.begin(
            cls.Made,
            act,
            id_,
            account_id=account_id,
            organisation_id=organisation_id,
            line_count=len(sides.lines),
            amount_fen=sides.bank,
            first_day=sides.first_day,
            last_day=sides.last_day,
            rule=rule.name if rule else None,
            rule_version=rule.version if rule else None,
            facts=tuple(facts),
            statement_ids=tuple(dict.fromkeys(id_ for id_, _ in sides.lines)),
            item_ids=sides.item_ids,
            reason=reason,
        )

    def undo(self, act: Act, *, reason: str) -> None:
        if self.undone:
            raise MatchUndone(self.id)
        self.trigger_event(
            self.Undone,
            act,
            account_id=self.account_id,
            organisation_id=self.organisation_id,
            reason=reason,
        )
