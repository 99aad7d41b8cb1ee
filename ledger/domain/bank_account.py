"""A bank account of an organisation, and the chain of statements that its bank sends of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money, require_writable, stable_id
from ledger.errors import Kind, LedgerError

ONE_DAY = timedelta(days=1)


class BankAccountClosed(LedgerError):
    """The account was closed: nothing is booked on it after that day."""

    code = "bank_account.closed"
    kind = Kind.CONFLICT

    def __init__(self, account_id: UUID, closed_on: date) -> None:
        super().__init__(f"bank account {account_id} was closed on {closed_on}")


class BeforeBeginning(LedgerError):
    """The account is reconciled from a day on; what came before stands in its opening balance."""

    code = "bank_statement.before_beginning"
    kind = Kind.INVALID

    def __init__(self, account_id: UUID, begins_on: date, opened_on: date) -> None:
        super().__init__(
            f"bank account {account_id} is reconciled from {begins_on} on,"
            f" the statement begins on {opened_on}"
        )


class ChainBroken(LedgerError):
    """A statement goes on where the one before it ended, to the fen."""

    code = "bank_statement.chain_broken"
    kind = Kind.CONFLICT

    def __init__(self, day: date, expected: Money, got: Money) -> None:
        super().__init__(f"at the end of {day} the account holds {expected} fen, here {got}")


@dataclass(frozen=True, slots=True)
class Span:
    """Days of which a statement says everything, both counted, with the balances around them."""

    opened_on: date
    closed_on: date
    opening: Money
    closing: Money


class BankAccount(Root):
    TOPIC = "bank_account"

    class Registered(Event, frozen=True):
        """`begins_on` is the first day that is reconciled, `opening_fen` the bank's balance then.

        The number stands sealed; `number_index` tells two accounts apart without naming either.
        """

        TOPIC = "bank_account.registered"
        organisation_id: UUID
        name: str
        bank_format: str
        number_index: str
        details: Sealed
        begins_on: date
        opening_fen: Money

        def apply(self, aggregate: "BankAccount") -> None:
            aggregate.organisation_id = self.organisation_id
            aggregate.name = self.name
            aggregate.bank_format = self.bank_format
            aggregate.number_index = self.number_index
            aggregate.details = self.details
            aggregate.begins_on = self.begins_on
            aggregate.opening = self.opening_fen
            aggregate.spans = []
            aggregate.statements = {}
            aggregate.withdrawn = set()
            aggregate.closed_on = None

    class StatementTaken(Event, frozen=True):
        """These days are covered now. A file that says more than is known has one for each gap.

        `days_stated`: which days the file covers is the word of whoever took it in, not the file's.
        """

        TOPIC = "bank_account.statement_taken"
        organisation_id: UUID
        statement_id: UUID
        opened_on: date
        closed_on: date
        opening_fen: Money
        closing_fen: Money
        days_stated: bool = False

        def apply(self, aggregate: "BankAccount") -> None:
            span = Span(self.opened_on, self.closed_on, self.opening_fen, self.closing_fen)
            aggregate.spans.append(span)
            aggregate.spans.sort(key=lambda each: each.opened_on)
            aggregate.statements[span] = self.statement_id

    class StatementWithdrawn(Event, frozen=True):
        """The days that a statement covered are covered no more: it was taken in by mistake."""

        TOPIC = "bank_account.statement_withdrawn"
        organisation_id: UUID
        statement_id: UUID

        def apply(self, aggregate: "BankAccount") -> None:
            aggregate.spans = [
                each for each in aggregate.spans if aggregate.statements[each] != self.statement_id
            ]
            aggregate.statements = {each: aggregate.statements[each] for each in aggregate.spans}
            aggregate.withdrawn.add(self.statement_id)

    class Closed(Event, frozen=True):
        TOPIC = "bank_account.closed"
        organisation_id: UUID
        reason: str

        def apply(self, aggregate: "BankAccount") -> None:
            aggregate.closed_on = self.happened_on

    organisation_id: UUID
    name: str
    bank_format: str
    number_index: str
    details: Sealed
    begins_on: date
    opening: Money
    spans: list[Span]  # in order of days; they never overlap
    statements: dict[Span, UUID]
    withdrawn: set[UUID]
    closed_on: date | None

    @classmethod
    def register(
        cls,
        act: Act,
        *,
        organisation_id: UUID,
        name: str,
        bank_format: str,
        number_index: str,
        details: Sealed,
        begins_on: date,
        opening: Money,
    ) -> "BankAccount":
        require_writable(opening)
        return cls.begin(
            cls.Registered,
            act,
            bank_account_id(number_index),
            organisation_id=organisation_id,
            name=name,
            bank_format=bank_format,
            number_index=number_index,
            details=details,
            begins_on=begins_on,
            opening_fen=opening,
        )

    def require_span(self, span: Span) -> None:
        """Check that days not covered yet may be covered so.

        Where no day is missing between two statements, their balances have to meet. Where some are,
        it may come out of turn: the chain shows as broken until the rest is there.

        Raises:
            BeforeBeginning: It reaches back before the account is reconciled.
            BankAccountClosed: It goes on after the account was closed.
            ChainBroken: The statement of the day before or after holds another balance.
        """
        if span.opened_on < self.begins_on:
            raise BeforeBeginning(self.id, self.begins_on, span.opened_on)
        if self.closed_on is not None and span.closed_on > self.closed_on:
            raise BankAccountClosed(self.id, self.closed_on)
        for day, balance in self._ends():
            if day == span.opened_on - ONE_DAY and balance != span.opening:
                raise ChainBroken(day, balance, span.opening)
        for each in self.spans:
            if each.opened_on == span.closed_on + ONE_DAY and each.opening != span.closing:
                raise ChainBroken(span.closed_on, each.opening, span.closing)

    def take(self, act: Act, *, statement_id: UUID, span: Span, days_stated: bool) -> None:
        self.require_span(span)
        self.trigger_event(
            self.StatementTaken,
            act,
            organisation_id=self.organisation_id,
            statement_id=statement_id,
            opened_on=span.opened_on,
            closed_on=span.closed_on,
            opening_fen=span.opening,
            closing_fen=span.closing,
            days_stated=days_stated,
        )

    def withdraw(self, act: Act, *, statement_id: UUID) -> None:
        """Open the days again that a statement covered."""
        self.trigger_event(
            self.StatementWithdrawn,
            act,
            organisation_id=self.organisation_id,
            statement_id=statement_id,
        )

    def uncovered(self, first: date, last: date) -> Iterator[tuple[date, date]]:
        """Return the stretches between two days (both counted) of which no statement is here."""
        start = first
        for span in self.spans:
            if span.closed_on < start or span.opened_on > last:
                continue
            if span.opened_on > start:
                yield start, span.opened_on - ONE_DAY
            start = span.closed_on + ONE_DAY
        if start <= last:
            yield start, last

    def overlapping(self, first: date, last: date) -> set[UUID]:
        """Return the statements that say something of these days."""
        return {
            self.statements[span]
            for span in self.spans
            if span.opened_on <= last and span.closed_on >= first
        }

    def ending_on(self, day: date) -> UUID | None:
        """Return the statement whose days end on this one."""
        return next((self.statements[each] for each in self.spans if each.closed_on == day), None)

    def require_open(self) -> None:
        if self.closed_on is not None:
            raise BankAccountClosed(self.id, self.closed_on)

    def close(self, act: Act, *, reason: str) -> None:
        self.require_open()
        self.trigger_event(self.Closed, act, organisation_id=self.organisation_id, reason=reason)

    def _ends(self) -> Iterator[tuple[date, Money]]:
        yield self.begins_on - ONE_DAY, self.opening
        for span in self.spans:
            yield span.closed_on, span.closing


def bank_account_id(number_index: str) -> UUID:
    """Return the id of the one stream that an account number has; the number itself is not told."""
    return stable_id("bank_account", number_index)
