"""Fiscal years: what an organisation brings forward, how fast it must be used, and closing."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.policy import SurplusTargets
from ledger.domain.values import Money, is_fiscal_year, stable_id
from ledger.errors import Kind, LedgerError


class YearImplausible(LedgerError):
    """The year or vintage is a typing mistake."""

    code = "fiscal_year.implausible"
    kind = Kind.INVALID

    def __init__(self, year: int) -> None:
        super().__init__(f"{year} is not a plausible fiscal year")


class YearClosed(LedgerError):
    """A closed year takes no further opening surplus."""

    code = "fiscal_year.closed"
    kind = Kind.CONFLICT

    def __init__(self, organisation_id: UUID, year: int) -> None:
        super().__init__(f"fiscal year {year} of organisation {organisation_id} is closed")


class VintageNotEarlier(LedgerError):
    """Surplus comes from an earlier year than the one that it is brought into."""

    code = "fiscal_year.vintage_not_earlier"
    kind = Kind.INVALID

    def __init__(self, year: int, vintage: int) -> None:
        super().__init__(f"money of {vintage} is no opening surplus of {year}")


class FiscalYear(Root):
    TOPIC = "fiscal_year"

    class Opened(Event, frozen=True):
        TOPIC = "fiscal_year.opened"
        organisation_id: UUID
        year: int
        targets: SurplusTargets

        def apply(self, aggregate: "FiscalYear") -> None:
            aggregate.organisation_id = self.organisation_id
            aggregate.year = self.year
            aggregate.surplus = Money(0)
            aggregate.lots = set()
            aggregate.closed = False
            aggregate.targets = self.targets

    class TargetsSet(Event, frozen=True):
        """What is asked of its old money, where nothing had been when it was opened."""

        TOPIC = "fiscal_year.targets_set"
        organisation_id: UUID
        year: int
        targets: SurplusTargets

        def apply(self, aggregate: "FiscalYear") -> None:
            aggregate.targets = self.targets

    class SurplusBroughtForward(Event, frozen=True):
        """A lot of an earlier vintage, and what of it was in hand when the year was opened.

        Nothing, where all of it was on its way to people, or had reached them lately.
        """

        TOPIC = "fiscal_year.surplus_brought_forward"
        organisation_id: UUID
        year: int
        fund_id: UUID
        lot_id: UUID
        origin_id: UUID
        vintage: int
        amount_fen: Money

        def apply(self, aggregate: "FiscalYear") -> None:
            aggregate.surplus = Money(aggregate.surplus + self.amount_fen)
            aggregate.lots.add(self.lot_id)

    class Closed(Event, frozen=True):
        TOPIC = "fiscal_year.closed"
        organisation_id: UUID
        year: int

        def apply(self, aggregate: "FiscalYear") -> None:
            aggregate.closed = True

    organisation_id: UUID
    year: int
    surplus: Money
    lots: set[UUID]
    closed: bool
    targets: SurplusTargets

    @classmethod
    def open(
        cls, act: Act, *, organisation_id: UUID, year: int, targets: SurplusTargets
    ) -> "FiscalYear":
        if not is_fiscal_year(year):
            raise YearImplausible(year)
        return cls.begin(
            cls.Opened,
            act,
            fiscal_year_id(organisation_id, year),
            organisation_id=organisation_id,
            year=year,
            targets=targets,
        )

    def set_targets(self, act: Act, targets: SurplusTargets) -> None:
        """Ask something of its old money, once: what is asked already stays as it is.

        Raises:
            YearClosed: It was closed before anything was asked.
        """
        if targets.ask_nothing or not self.targets.ask_nothing:
            return
        if self.closed:
            raise YearClosed(self.organisation_id, self.year)
        self.trigger_event(
            self.TargetsSet,
            act,
            organisation_id=self.organisation_id,
            year=self.year,
            targets=targets,
        )

    def bring_forward(
        self,
        act: Act,
        *,
        fund_id: UUID,
        lot_id: UUID,
        origin_id: UUID,
        vintage: int,
        amount: Money,
    ) -> None:
        """Count money of an earlier vintage as opening surplus of this year."""
        if self.closed:
            raise YearClosed(self.organisation_id, self.year)
        if vintage >= self.year:
            raise VintageNotEarlier(self.year, vintage)
        self.trigger_event(
            self.SurplusBroughtForward,
            act,
            organisation_id=self.organisation_id,
            year=self.year,
            fund_id=fund_id,
            lot_id=lot_id,
            origin_id=origin_id,
            vintage=vintage,
            amount_fen=amount,
        )

    def close(self, act: Act) -> None:
        if self.closed:
            raise YearClosed(self.organisation_id, self.year)
        self.trigger_event(self.Closed, act, organisation_id=self.organisation_id, year=self.year)


def fiscal_year_id(organisation_id: UUID, year: int) -> UUID:
    return stable_id("fiscal_year", organisation_id, year)
