"""Who holds a post on a day: lists and pages say what the officer's own events come to."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.commands import officers
from ledger.domain.officer import Officer, Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.store.application import Work
from projections.officers import Question, officers_found, tenures
from projections.runner import catch_up
from tests.world import World

FIRST, DAYS = date(2017, 1, 1), range(8)
X01 = organisation_id("X01")
days = st.sampled_from(DAYS).map(lambda each: FIRST + timedelta(days=each))
granted = st.tuples(days, st.none() | days)
ended = days
steps = st.lists(granted | ended, min_size=1, max_size=6)


def recorded(world: World, staff: str, done: Sequence[date | tuple[date, date | None]]) -> Officer:
    """Put posts and ends on record, in this order, as any program may have decided them."""
    officers.register_officer(world.ledger, world.act(), officers.NewOfficer(staff, "某某"))

    def decide(work: Work) -> None:
        officer = work.get(Officer, officer_id(staff))
        post = {"organisation_id": X01, "role": Role.CASHIER}
        for each in done:
            if isinstance(each, tuple):
                act = world.act(day=each[0])
                officer.trigger_event(Officer.RoleGranted, act, **post, until=each[1])
            else:
                officer.trigger_event(Officer.RoleEnded, world.act(day=each), **post)
        work.save(officer)

    world.ledger.perform(world.act(), "test.posts", staff, decide)
    found = world.ledger.load(Officer, officer_id(staff))
    assert found is not None
    return found


def test_lists_say_of_every_day_what_the_officers_own_events_come_to(tmp_path: Path) -> None:
    world = World.at(tmp_path)
    staff = iter(f"K-{number}" for number in range(1_000))

    @settings(max_examples=60, deadline=None, database=None)
    @given(steps)
    def agrees(done: list[date | tuple[date, date | None]]) -> None:
        officer = recorded(world, next(staff), done)
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            listed = tenures(model, [officer.id])[officer.id]
            for number in (*DAYS, len(DAYS)):
                day = FIRST + timedelta(days=number)
                asked = Question(day, role=Role.CASHIER, officer_ids=[officer.id])
                held = officer.holds(Role.CASHIER, {X01}, day)
                assert any(each.covers(day) for each in listed) == held
                assert bool(officers_found(model, asked)) == held

    agrees()
    world.ledger.close()


def test_a_signed_end_ends_a_post_and_shows_where_it_is_on_record(tmp_path: Path) -> None:
    world, last = World.at(tmp_path), date(2017, 1, 5)
    alone = recorded(world, "K-1", [(FIRST, last)])
    told = recorded(world, "K-2", [(FIRST, last), last])

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        found = tenures(model, [alone.id, told.id])
    [without], [with_end] = found[alone.id], found[told.id]
    assert without.until == with_end.until == last.isoformat()
    assert without.ended_at is None
    assert with_end.ended_at == with_end.granted_at + 1
    world.ledger.close()
