"""A bank reconciliation statement (银行存款余额调节表): prepared by one, reviewed by another."""

from datetime import date
from uuid import UUID

import msgspec

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import Money, stable_id
from ledger.errors import Kind, LedgerError


class FeetDiffer(LedgerError):
    """A reconciliation statement ends both columns with the same sum."""

    code = "reconciliation.feet_differ"
    kind = Kind.CONFLICT

    def __init__(self, books: Money, bank: Money) -> None:
        super().__init__(f"the books' column comes to {books} fen, the bank's to {bank}")


class NotPrepared(LedgerError):
    """There is nothing to review: not prepared yet, or reviewed already."""

    code = "reconciliation.not_prepared"
    kind = Kind.CONFLICT

    def __init__(self, id_: UUID) -> None:
        super().__init__(f"reconciliation statement {id_} does not wait for a review")


class PreparedBySame(LedgerError):
    """Who prepares does not review (不相容岗位分离).

    Source: 行政事业单位内部控制规范(试行) (财会〔2012〕21号).
    """

    code = "reconciliation.same_person"
    kind = Kind.FORBIDDEN

    def __init__(self, id_: UUID, officer: str) -> None:
        super().__init__(f"officer {officer} prepared reconciliation statement {id_}")


class Figures(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Both balances, and the four kinds of what one side booked and the other has not.

    Each is above zero or zero: `bank_in_fen` the bank took in, `bank_out_fen` it paid out, and the
    books have neither; `books_in_fen` and `books_out_fen` the other way round.
    """

    books_fen: Money
    bank_fen: Money
    bank_in_fen: Money
    bank_out_fen: Money
    books_in_fen: Money
    books_out_fen: Money
    count: int

    @property
    def books_foot(self) -> Money:
        return Money(self.books_fen + self.bank_in_fen - self.bank_out_fen)

    @property
    def bank_foot(self) -> Money:
        return Money(self.bank_fen + self.books_in_fen - self.books_out_fen)


class Reconciliation(Root):
    TOPIC = "reconciliation"

    class Prepared(Event, frozen=True):
        """As of the end of a day, as known when the log held `log_size` entries."""

        TOPIC = "reconciliation.prepared"
        account_id: UUID
        organisation_id: UUID
        as_of: date
        log_size: int
        figures: Figures

        def apply(self, aggregate: "Reconciliation") -> None:
            aggregate.account_id = self.account_id
            aggregate.organisation_id = self.organisation_id
            aggregate.as_of = self.as_of
            aggregate.figures = self.figures
            aggregate.prepared_by = self.actor
            aggregate.reviewed = False

    class Reviewed(Event, frozen=True):
        TOPIC = "reconciliation.reviewed"
        account_id: UUID
        organisation_id: UUID
        as_of: date

        def apply(self, aggregate: "Reconciliation") -> None:
            aggregate.reviewed = True

    account_id: UUID
    organisation_id: UUID
    as_of: date
    figures: Figures
    prepared_by: str
    reviewed: bool

    @classmethod
    def prepare(
        cls,
        act: Act,
        *,
        account_id: UUID,
        organisation_id: UUID,
        as_of: date,
        log_size: int,
        figures: Figures,
    ) -> "Reconciliation":
        _require_equal(figures)
        return cls.begin(
            cls.Prepared,
            act,
            reconciliation_id(account_id, as_of),
            account_id=account_id,
            organisation_id=organisation_id,
            as_of=as_of,
            log_size=log_size,
            figures=figures,
        )

    def prepare_anew(self, act: Act, *, log_size: int, figures: Figures) -> None:
        """Prepare it once more, since something was matched, undone or came in late."""
        _require_equal(figures)
        self.trigger_event(
            self.Prepared,
            act,
            account_id=self.account_id,
            organisation_id=self.organisation_id,
            as_of=self.as_of,
            log_size=log_size,
            figures=figures,
        )

    def review(self, act: Act) -> None:
        if self.reviewed:
            raise NotPrepared(self.id)
        if act.actor == self.prepared_by:
            raise PreparedBySame(self.id, act.actor)
        self.trigger_event(
            self.Reviewed,
            act,
            account_id=self.account_id,
            organisation_id=self.organisation_id,
            as_of=self.as_of,
        )


def reconciliation_id(account_id: UUID, as_of: date) -> UUID:
    return stable_id("reconciliation", account_id, as_of)


def _require_equal(figures: Figures) -> None:
    if figures.books_foot != figures.bank_foot:
        raise FeetDiffer(figures.books_foot, figures.bank_foot)
