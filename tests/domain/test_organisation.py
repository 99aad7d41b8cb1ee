"""The tree of unions as it stands on each day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.organisation import (
    Organisation,
    OrganisationInCircle,
    ParentNotLater,
    organisation_id,
)
from tests.domain.acting import ACT, memory, on, only, replayed, settled

FIRST = date(2017, 1, 1)
UP, OTHER = organisation_id("UP"), organisation_id("OTHER")


def union() -> Organisation:
    return settled(
        Organisation.register(on(FIRST), code="X01", name="县工会", kind="县区", parent_id=UP)
    )


def test_registering_says_what_it_is_and_under_whom() -> None:
    made = Organisation.register(ACT, code="X01", name="县工会", kind="县区", parent_id=UP)

    registered = only(made, Organisation.Registered)
    assert (registered.code, registered.name, registered.kind) == ("X01", "县工会", "县区")
    assert registered.parent_id == UP
    assert made.id == organisation_id("X01")


def test_a_move_counts_from_its_day_on() -> None:
    moving = union()
    day = FIRST + timedelta(days=10)

    moving.move(on(day), parent_id=OTHER, reason="区划调整")

    moved = only(moving, Organisation.Moved)
    assert (moved.parent_id, moved.reason, moved.happened_on) == (OTHER, "区划调整", day)
    assert moving.parent_on(day - timedelta(days=1)) == UP
    assert moving.parent_on(day) == OTHER
    assert moving.parent_on(FIRST - timedelta(days=1)) == UP


@pytest.mark.parametrize("days", [0, -1])
def test_no_day_has_two_parents(days: int) -> None:
    moving = union()

    with pytest.raises(ParentNotLater):
        moving.move(on(FIRST + timedelta(days=days)), parent_id=OTHER, reason="误")

    assert moving.collect_events() == []


def test_nobody_is_their_own_parent() -> None:
    moving = union()

    with pytest.raises(OrganisationInCircle):
        moving.move(on(FIRST + timedelta(days=1)), parent_id=moving.id, reason="误")

    assert moving.collect_events() == []


@given(st.lists(st.integers(1, 40), max_size=6), st.integers(-5, 300))
def test_on_each_day_the_last_move_before_it_counts(gaps: list[int], asked: int) -> None:
    moving, day, expected = union(), FIRST, UP
    start = Organisation.register(on(FIRST), code="X01", name="县工会", kind="县区", parent_id=UP)
    for number, gap in enumerate(gaps):
        day += timedelta(days=gap)
        parent = organisation_id(f"P{number}")
        moving.move(on(day), parent_id=parent, reason="调整")
        if day <= FIRST + timedelta(days=asked):
            expected = parent

    assert moving.parent_on(FIRST + timedelta(days=asked)) == expected
    events = [*start.collect_events(), *moving.collect_events()]
    assert memory(replayed(events)) == memory(moving)
