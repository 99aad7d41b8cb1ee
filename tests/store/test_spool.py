"""What waits in a file for its transaction comes out as it went in, and leaves nothing behind."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent

from ledger.commands import batches
from ledger.database import DiskFull
from ledger.domain.officer import officer_id
from ledger.store import spool
from ledger.store.group import EVENTS_MAX
from ledger.store.signing import KeyHolder, PresentedSignature
from ledger.store.spool import READ_AT_ONCE, Spool
from tests.store.test_commits import Interrupted, cut_off, unmoved, watched
from tests.world import Person, World, roster_row

ROWS = EVENTS_MAX + READ_AT_ONCE + 10


def events(count: int) -> Iterator[StoredEvent]:
    for number in range(count):
        yield StoredEvent(uuid4(), number + 1, f"some.topic_{number % 3}", b"%d" % number * number)


@pytest.mark.parametrize("count", [0, 1, READ_AT_ONCE, 2 * READ_AT_ONCE + 7])
def test_events_come_out_in_their_order_as_often_as_they_are_asked_for(
    tmp_path: Path, count: int
) -> None:
    given = list(events(count))

    kept = Spool(tmp_path, given, count)

    assert len(kept) == count
    assert bool(kept) == bool(given)
    assert [list(kept), list(kept)] == [given, given]
    assert kept[-3:] == given[-3:]
    if given:
        assert (kept[0], kept[-1]) == (given[0], given[-1])
    with pytest.raises(IndexError):
        kept[count]


def test_what_was_gone_through_in_part_comes_whole_the_next_time(tmp_path: Path) -> None:
    given = list(events(2 * READ_AT_ONCE + 7))
    kept = Spool(tmp_path, iter(given), len(given))

    for number, event in enumerate(kept, 1):
        assert event == given[number - 1]
        if number > READ_AT_ONCE + 3:
            break

    assert list(kept) == given


def test_what_lacks_events_is_never_taken_for_whole(tmp_path: Path) -> None:
    def broken_off() -> Iterator[StoredEvent]:
        yield from events(3)
        raise ValueError

    kept = Spool(tmp_path, broken_off(), 5)

    with pytest.raises(ValueError):
        list(kept)
    with pytest.raises(RuntimeError):
        list(kept)


def test_nothing_of_it_stands_in_the_folder(tmp_path: Path) -> None:
    kept = Spool(tmp_path, events(10), 10)

    assert list(kept)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.both_stores
def test_a_long_list_is_paid_whole_and_everything_in_it_holds(world: World) -> None:
    world.receive("X01", ROWS * 60_000)
    people = [Person(number) for number in range(1, ROWS + 1)]
    world.file(*people[:-1])
    rows = [roster_row(number, person, 60_000) for number, person in enumerate(people, 1)]
    again = roster_row(ROWS + 1, people[0], 60_000)
    broken = roster_row(ROWS + 2, people[0], 60_000, id_number=people[0].id_number[:-1] + "0")

    drafted = world.draft("B1", *rows, again, broken)

    assert drafted.result["accepted"] == ROWS - 1
    assert [(each["number"], each["code"]) for each in drafted.result["refused"]] == [
        (ROWS, "archive.not_on_file"),
        (ROWS + 1, "person.duplicate_in_campaign"),
        (ROWS + 2, "id.invalid"),
    ]
    world.review("B1")
    step = batches.Step("B1", "A-X01")
    act = replace(world.act("A-X01"), signed_in=True)
    payload = batches.prepare_approval(world.ledger, act, step)
    signature = KeyHolder(world.officers["A-X01"]).sign(payload)
    presented = PresentedSignature(payload, signature, str(officer_id("A-X01")))
    approved = batches.approve_batch(world.ledger, replace(act, signer=presented), step)
    assert approved.result["paid"] == ROWS - 1
    assert world.fund("X01").balance == 60_000
    assert world.types().count("disbursement.instructed") == ROWS - 1
    assert approved.first_position is not None
    assert approved.last_position == approved.first_position + 2 * (ROWS - 1)
    world.check_log()


@pytest.mark.both_stores
def test_a_long_list_that_is_cut_off_was_never_drafted_and_can_be_drafted_again(
    world: World,
) -> None:
    people = [Person(number) for number in range(1, ROWS + 1)]
    world.file(*people)
    rows = [roster_row(number, person, 60_000) for number, person in enumerate(people, 1)]
    recorder = watched(world, cut_off)
    size = world.ledger.size()

    with pytest.raises(Interrupted):
        world.draft("B1", *rows)

    assert world.ledger.size() == size
    recorder.look = unmoved
    assert world.draft("B1", *rows).result["accepted"] == ROWS
    world.check_log()


def test_a_long_list_for_which_the_disk_has_no_room_is_refused_and_nothing_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [Person(number) for number in range(1, ROWS + 1)]
    world.file(*people)
    size, keys = world.ledger.size(), world.person_keys()
    rows = [roster_row(number, person, 60_000) for number, person in enumerate(people, 1)]
    with monkeypatch.context() as full:
        # The device that has no room for anything.
        full.setattr(spool, "TemporaryFile", lambda **_: Path("/dev/full").open("r+b", 0))  # noqa: SIM115 - closed with it
        with pytest.raises(DiskFull):
            world.draft("B1", *rows)

    assert (world.ledger.size(), world.person_keys()) == (size, keys)
    assert world.draft("B1", *rows).result["accepted"] == ROWS
    world.check_log()
