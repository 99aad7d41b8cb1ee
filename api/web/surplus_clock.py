"""The surplus clock: how old money goes down against what the policy asks for."""

from dataclasses import dataclass
from datetime import date

from ledger.domain.values import WHOLE_BP, Money
from projections.surplus import Burned, Surplus


@dataclass(frozen=True, slots=True)
class SurplusClock:
    """Where a fiscal year's old money stands on a day.

    `halfway_fen` is what may be left of it at the end of the first year; after the last year that
    the policy gives, nothing may. `forecast_fen` is what would be left at `due_on` if it went on
    as it did until now, and None where there is no pace to go by.
    """

    due_on: date
    days_left: int
    may_remain_fen: Money
    remaining_fen: Money
    pace_fen_per_day: Money
    forecast_fen: Money | None

    @property
    def shortfall_fen(self) -> Money:
        """What would still be too much on the day."""
        left = self.remaining_fen if self.forecast_fen is None else self.forecast_fen
        return Money(max(0, left - self.may_remain_fen))


def surplus_clock(found: Surplus, burned: list[Burned], today: date) -> SurplusClock | None:
    """Say how old money stands against its next target; None where there is none of it.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    if not found.opening_fen or not burned:
        return None
    within = found.all_within_years or 1
    first_year = today <= date(found.year, 12, 31) and within > 1
    due_on = date(found.year if first_year else found.year + within - 1, 12, 31)
    minimum = found.first_year_minimum_bp if first_year else WHOLE_BP
    may_remain = found.opening_fen * (WHOLE_BP - (minimum or 0)) // WHOLE_BP
    remaining = found.opening_fen - found.consumed_fen
    began = date.fromisoformat(burned[0].day)
    passed, left = (today - began).days, max(0, (due_on - today).days)
    pace = found.consumed_fen // passed if passed > 0 else 0
    forecast = Money(max(0, remaining - pace * left)) if passed > 0 else None
    return SurplusClock(due_on, left, Money(may_remain), Money(remaining), Money(pace), forecast)
