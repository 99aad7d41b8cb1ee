"""The ledger's question: movements of every kind, listed, summed up and told apart alike."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from ledger.domain.aggregate import Event
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from projections.asked import NOW, Moment
from projections.disbursements import Question
from projections.facets import NAMES, day_sums, facet
from projections.movements import Kind
from projections.runner import catch_up
from projections.turnover import Asked, Ever, every_movement, movement_list, sums
from tests.projections.streams import ListFeed, Money3, steps
from tests.projections.test_sums import (
    NEVER_FULL,
    model_of,
    moments,
    often_enough,
    questions,
)

STORY = [
    ("receive", 0, 50_000),
    ("receive", 1, 70_000),
    ("allocate", 1, 60_000),
    ("pay", 0, 1_000),
    ("pay", 1, 2_000),
    ("pay", 2, 500),
    ("settle", 0, 0),
    ("return", 1, 0),
    ("reissue", 0, 0),
    ("return", 0, 0),
    ("sign", 0, 0),
    ("correct", 0, 0),
    ("pay", 0, 700),
    ("receive", 2, 30_000),
    ("remit", 2, 1_000),
    ("arrive", 0, 3_001),
    ("acknowledge", 0, 0),
    ("remit", 2, 700),
    ("take_back", 0, 0),
    ("pay", 1, 900),
    ("withdraw", 0, 0),
]
MOMENTS = (NOW, Moment(date(2017, 1, 3)), Moment(None, 22))
BESIDE = frozenset(Kind) - {Kind.PAYMENT}
KINDS: dict[type[Event], Kind] = {
    FundAccount.Received: Kind.RECEIPT,
    FundAccount.Allocated: Kind.ALLOCATION,
    FundAccount.Remitted: Kind.REMITTANCE,
    FundAccount.RemittanceReceived: Kind.ARRIVAL,
    FundAccount.RemittanceTakenBack: Kind.TAKEN_BACK,
    Disbursement.Returned: Kind.RETURN,
    Disbursement.Withdrawn: Kind.WITHDRAWAL,
    Disbursement.Reissued: Kind.REISSUE,
    Disbursement.Corrected: Kind.CORRECTION,
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Money3, Connection]]:
    story = Money3().take(STORY).finish()
    feed = ListFeed(story.recorded, len(story.log))
    model = catch_up(feed, tmp_path_factory.mktemp("told") / "model.sqlite")
    with model.asking() as connection:
        yield story, connection


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_movement_is_a_row_of_its_kind_at_its_place(
    told: tuple[Money3, Connection], moment: Moment
) -> None:
    story, model = told
    happened = [
        (KINDS[type(event)], position, event.happened_on.isoformat())
        for position, event in story.recorded
        if type(event) in KINDS
        and (moment.as_of is None or event.happened_on <= moment.as_of)
        and (moment.at is None or position <= moment.at)
    ]

    found = list(every_movement(model, Asked(kinds=BESIDE), moment))

    assert [(each.kind, each.position, each.happened_on) for each in found] == happened
    newest = every_movement(model, Asked(kinds=BESIDE), moment, newest_first=True)
    assert list(newest) == found[::-1]
    counted = Counter(each.kind for each in found)
    summed = {each.kind: each for each in sums(model, Asked(kinds=BESIDE), moment)}
    assert {kind: each.count for kind, each in summed.items()} == counted
    for kind, each in summed.items():
        assert each.total_fen == sum(row.amount_fen for row in found if row.kind is kind)


def test_all_kinds_happen_in_the_story(told: tuple[Money3, Connection]) -> None:
    assert {each.kind for each in sums(told[1], Asked())} == set(Kind)


def test_pages_go_on_where_the_one_before_ended(told: tuple[Money3, Connection]) -> None:
    model = told[1]
    whole = list(every_movement(model, Asked(kinds=BESIDE)))

    for newest in (False, True):
        seen, after = [], -1
        while page := movement_list(
            model, Asked(kinds=BESIDE), after=after, limit=2, newest_first=newest
        ):
            seen += page
            after = page[-1].position
        assert seen == (whole[::-1] if newest else whole)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", ["source", "vintage", "document", "earmark", "organisation"])
def test_a_facet_counts_what_its_value_leaves(
    told: tuple[Money3, Connection], name: str, moment: Moment
) -> None:
    model = told[1]
    for kind in Kind:
        asked = Asked(kinds=frozenset({kind}))
        for each in facet(model, asked, name, moment):
            if name == "organisation":
                narrowed = replace(asked, plain=Question([UUID(bytes=each.value)]))
            else:
                narrowed = replace(asked, **{name: each.value})
            left = sums(model, narrowed, moment)
            assert sum(of.count for of in left) == each.count
            assert sum(of.total_fen for of in left) == each.total_fen


def test_what_once_happened_to_a_payment_is_asked_for_however_it_stands(
    told: tuple[Money3, Connection],
) -> None:
    model = told[1]
    payments = frozenset({Kind.PAYMENT})
    back = list(every_movement(model, Asked(kinds=frozenset({Kind.RETURN}))))
    again = list(every_movement(model, Asked(kinds=frozenset({Kind.REISSUE}))))

    for ever, listed in ((Ever.RETURNED, back), (Ever.REISSUED, again)):
        found = sums(model, Asked(kinds=payments, ever=ever))
        assert sum(each.count for each in found) == len({each.disbursement_id for each in listed})
    reason = sums(model, Asked(kinds=payments, reason="ACCT_CLOSED"))
    assert sum(each.count for each in reason) == len({each.disbursement_id for each in back})
    assert {each.value: each.count for each in facet(model, Asked(kinds=payments), "ever")} == {
        "return": len({each.disbursement_id for each in back}),
        "reissue": len({each.disbursement_id for each in again}),
    }


@pytest.mark.parametrize("moment", MOMENTS)
def test_days_add_up_to_the_sums(told: tuple[Money3, Connection], moment: Moment) -> None:
    model = told[1]
    by_day: Counter[str] = Counter()
    for each in day_sums(model, Asked(), moment):
        by_day[each.of] += each.total_fen

    assert by_day == {each.of: each.total_fen for each in sums(model, Asked(), moment)}


def asking(world: Money3) -> st.SearchStrategy[Asked]:
    """Return questions by what stands beside a payment."""
    return st.builds(
        Asked,
        questions(world),
        source=st.sampled_from([None, None, "地方财政", "无此来源"]),
        vintage=st.sampled_from([None, None, 2014, 2015, 2016]),
        earmark=st.sampled_from([None, None, "送温暖"]),
        officer_id=st.sampled_from([None, None, UUID(int=2), UUID(int=3)]),
        ever=st.sampled_from([None, None, *Ever]),
    )


@given(steps, st.integers(1, 9), st.data())
@often_enough
def test_every_question_is_answered_the_same_by_blocks_and_one_by_one(
    taken: list[tuple[str, int, int]], block_positions: int, data: st.DataObject
) -> None:
    world = Money3().take([*STORY, *taken]).finish()
    with model_of(world, block_positions) as fast, model_of(world, NEVER_FULL) as slow:
        asked_and_when = st.tuples(asking(world), moments(world))
        for asked, moment in data.draw(st.lists(asked_and_when, min_size=3, max_size=6)):
            whole = list(every_movement(slow, asked, moment))
            for newest in (False, True):
                seen, after = [], -1
                while page := movement_list(
                    fast, asked, moment, after=after, limit=3, newest_first=newest
                ):
                    seen += page
                    after = page[-1].position
                assert seen == (whole[::-1] if newest else whole)
            assert sums(fast, asked, moment) == sums(slow, asked, moment)
            assert day_sums(fast, asked, moment) == day_sums(slow, asked, moment)
            for name in NAMES:
                if asked.kinds == {Kind.PAYMENT} or name not in ("status", "ever"):
                    assert facet(fast, asked, name, moment) == facet(slow, asked, name, moment)


@given(steps, st.integers(1, 9))
@often_enough
def test_money_of_a_year_is_followed_into_what_was_paid_again(
    taken: list[tuple[str, int, int]], block_positions: int
) -> None:
    world = Money3().take([*STORY, *taken]).finish()
    years: dict[UUID, set[int]] = defaultdict(set)
    for event in world.log:
        if isinstance(event, Disbursement.Instructed | Disbursement.Reissued):
            years[event.originator_id] |= {part.vintage for part in event.parts}

    payments = frozenset({Kind.PAYMENT})
    with model_of(world, block_positions) as model:
        for year in range(2014, 2018):
            found = every_movement(model, Asked(kinds=payments, vintage=year))
            assert {each.disbursement_id for each in found} == {
                id_ for id_, drawn in years.items() if year in drawn
            }
        counted = {
            each.value: each.count for each in facet(model, Asked(kinds=payments), "vintage")
        }
    assert counted == Counter(year for drawn in years.values() for year in drawn)
