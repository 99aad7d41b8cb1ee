"""Many short streams are read at once, and are what each is by itself, in SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ledger.domain.disbursement import Disbursement, NotInTransit
from ledger.domain.fund import FundAccount
from ledger.postgresql import Database
from ledger.store.application import NotOnRecord, Work
from tests.world import Person, World, roster_row

PEOPLE = [Person(number) for number in range(1, 8)]


@pytest.fixture
def paid(tmp_path: Path, store: Database | None) -> Iterator[World]:
    world = World.at(tmp_path, store).settle_in()
    world.receive("X01", 10_000_000)
    world.file(*PEOPLE)
    world.pay("B1", *(roster_row(number, each, 150_000) for number, each in enumerate(PEOPLE, 1)))
    renew(world)
    yield world
    world.ledger.close()


def renew(world: World) -> None:
    """Have nothing kept of what was written."""
    world.ledger.close()
    world.reopen()


def facts(payment: Disbursement) -> dict[str, object]:
    return vars(payment)


@pytest.mark.both_stores
def test_many_streams_are_what_each_is_by_itself(paid: World) -> None:
    ids = [paid.payment_id(each) for each in PEOPLE]
    unknown = uuid4()

    found = paid.ledger.glance_all(Disbursement, [*ids, unknown])

    assert found.keys() == set(ids)
    for id_ in ids:
        alone = paid.ledger.load(Disbursement, id_)
        assert alone is not None
        assert facts(found[id_]) == facts(alone)
    again = paid.ledger.glance_all(Disbursement, ids)
    assert [each.version for each in again.values()] == [1] * len(ids)
    with pytest.raises(NotOnRecord):
        paid.ledger.glance_all(FundAccount, ids[:1])


@pytest.mark.both_stores
def test_a_command_changes_what_it_read_with_many_others(paid: World) -> None:
    ids = [paid.payment_id(each) for each in PEOPLE]
    statement = uuid4()

    def decide(work: Work) -> None:
        found = work.find_all(Disbursement, ids)
        for id_ in ids[:3]:
            found[id_].settle(work.act, statement_id=statement)
            assert work.get(Disbursement, id_) is found[id_]
            work.save(found[id_])

    paid.ledger.perform(paid.act(), "test.settle", None, decide)

    renew(paid)
    versions = [each.version for each in paid.ledger.glance_all(Disbursement, ids).values()]
    assert sorted(versions) == [1] * 4 + [2] * 3
    paid.check_log()


@pytest.mark.both_stores
def test_what_was_read_with_many_before_another_wrote_is_decided_on_again(paid: World) -> None:
    ids = [paid.payment_id(each) for each in PEOPLE]
    other = World(paid.home)
    other.reopen()
    seen: list[list[int]] = []

    def settle(world: World, wanted: list[UUID]) -> None:
        def decide(work: Work) -> None:
            found = work.find_all(Disbursement, ids)
            if world is paid:
                seen.append([found[id_].version for id_ in ids])
                if len(seen) == 1:
                    settle(other, ids[:2])
            for id_ in wanted:
                found[id_].settle(work.act, statement_id=statement)
                work.save(found[id_])

        world.ledger.perform(world.act(), "test.settle", None, decide)

    statement = uuid4()
    with closing(other.ledger):
        with pytest.raises(NotInTransit):
            settle(paid, ids[1:])
        settle(paid, ids[2:])

    assert seen == [[1] * 7, [2, 2] + [1] * 5, [2, 2] + [1] * 5]
    renew(paid)
    versions = [each.version for each in paid.ledger.glance_all(Disbursement, ids).values()]
    assert versions == [2] * 7
    paid.check_log()
