"""Charts: days put together so that nothing is lost and no period is left out."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.web.periods import Step, chart_of
from ledger.domain.values import Money
from projections.facets import DaySum

days = st.dates(date(2015, 1, 1), date(2019, 12, 31))
sums = st.lists(
    st.builds(
        DaySum, days, st.sampled_from(["settled", "returned"]), st.builds(Money, st.integers(1, 9))
    ),
    max_size=20,
)


@given(sums)
def test_a_chart_shows_all_that_moved_and_each_period_once(found: list[DaySum]) -> None:
    chart = chart_of(found)

    starts = [start for start, _ in chart.periods]
    assert starts == sorted(set(starts))
    for at, sort in enumerate(chart.sorts):
        drawn = sum(amounts[at] for _, amounts in chart.periods)
        assert drawn == sum(each.total_fen for each in found if each.of == sort)
    if len(starts) > 1:
        gaps = {(later - earlier).days for earlier, later in pairwise(starts)}
        assert gaps <= {Step.DAY: {1}, Step.WEEK: {7}, Step.MONTH: {28, 29, 30, 31}}[chart.step]


def test_the_span_says_how_fine_a_chart_is() -> None:
    def over(count: int) -> Step:
        first = date(2017, 1, 4)
        return chart_of(
            [DaySum(first + timedelta(n), "settled", Money(1)) for n in (0, count - 1)]
        ).step

    assert [over(62), over(63), over(62 * 7), over(62 * 7 + 1)] == [
        Step.DAY,
        Step.WEEK,
        Step.WEEK,
        Step.MONTH,
    ]
