"""Days put together to weeks or months, so that a chart of any span has not too many points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from projections.facets import DaySum

DAYS_MAX, WEEKS_MAX = 62, 62
DAYS_A_WEEK = 7


class Step(StrEnum):
    """How much time a point stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Chart:
    """Amounts over time: for each period the sum of each sort, nought where nothing moved."""

    step: Step
    sorts: Sequence[str]
    periods: Sequence[tuple[date, Sequence[int]]]


def chart_of(found: Sequence[DaySum]) -> Chart:
    """Put days together as their span asks for."""
    sorts = sorted({each.of for each in found})
    if not found:
        return Chart(Step.DAY, sorts, [])
    days = [each.day for each in found]
    first, last = min(days), max(days)
    step = _step((last - first).days + 1)
    start, following = START[step], FOLLOWING[step]
    sums: dict[date, dict[str, int]] = {}
    at = start(first)
    while at <= last:
        sums[at] = dict.fromkeys(sorts, 0)
        at = following(at)
    for each in found:
        sums[start(each.day)][each.of] += each.total_fen
    return Chart(step, sorts, [(at, list(of.values())) for at, of in sums.items()])


def _step(days: int) -> Step:
    if days <= DAYS_MAX:
        return Step.DAY
    return Step.WEEK if days <= WEEKS_MAX * DAYS_A_WEEK else Step.MONTH


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


START: dict[Step, Callable[[date], date]] = {
    Step.DAY: lambda day: day,
    Step.WEEK: lambda day: day - timedelta(days=day.weekday()),
    Step.MONTH: lambda day: day.replace(day=1),
}
FOLLOWING: dict[Step, Callable[[date], date]] = {
    Step.DAY: lambda day: day + timedelta(days=1),
    Step.WEEK: lambda day: day + timedelta(days=DAYS_A_WEEK),
    Step.MONTH: _next_month,
}
