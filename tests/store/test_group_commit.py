"""Commands that share a transaction: each has its own answer, and it is true."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import RecordConflictError, StoredEvent

from ledger.anchoring.publications import (
    Published,
    all_published,
    announce,
    require_latest,
)
from ledger.domain.fund import FundAccount, FundInsufficient
from ledger.domain.values import Money
from ledger.store.act import CommandAct
from ledger.store.application import TURNS, Answer, VersionMoved, Work
from ledger.store.map_store import MapStore
from ledger.store.recorder import LogRecorder
from tests.world import World

pytestmark = pytest.mark.both_stores

WRITERS = 8
EACH = 12


def draw(
    world: World, act: CommandAct, fund: UUID, amount: int, look: Callable[[], None] = lambda: None
) -> Answer:
    def decide(work: Work) -> None:
        look()
        account = work.get(FundAccount, fund)
        account.draw(act, disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(amount))
        work.save(account)

    return world.ledger.perform(act, "test.draw", str(fund), decide)


def received(world: World, code: str, amount: int) -> UUID:
    world.receive(code, amount)
    return world.fund(code).id


def behind_another(
    world: World, fund: UUID, commands: Sequence[Callable[[], Answer]]
) -> list[Future[Answer]]:
    """Let commands come, in order, while another is being decided; they are then taken together."""
    begun, go = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert go.wait(60)

    with ThreadPoolExecutor(len(commands) + 1) as threads:
        first = threads.submit(draw, world, world.act(), fund, 1, hold)
        assert begun.wait(60)
        asked = []
        for number, command in enumerate(commands, 1):
            asked.append(threads.submit(command))
            while len(world.ledger._queue) < number:
                time.sleep(0.001)
        go.set()
    first.result()
    return asked


def test_what_waited_is_stored_in_one_transaction_and_each_is_answered_for_itself(
    world: World,
) -> None:
    rich, poor = received(world, "X01", 1000), received(world, "X02", 5)
    size = world.ledger.size()

    def fail() -> None:
        raise ZeroDivisionError

    answers = behind_another(
        world,
        rich,
        [
            lambda: draw(world, world.act(), rich, 1),
            lambda: draw(world, world.act(), poor, 6),
            lambda: draw(world, world.act(), rich, 2),
            lambda: draw(world, world.act(), poor, 1, fail),
            lambda: draw(world, replace(world.act(), expected=(poor, 9)), poor, 1),
            lambda: draw(world, world.act(), rich, 3),
        ],
    )

    errors = [type(each.exception()) for each in answers]
    none = type(None)
    assert errors == [none, FundInsufficient, none, ZeroDivisionError, VersionMoved, none]
    stood = [answers[number].result().first_position for number in (0, 2, 5)]
    assert stood == [size + 1, size + 2, size + 3]
    covered = [at for at, _ in world.ledger.log.select_checkpoints(size)]
    assert covered == [size + 1, size + 4]
    assert world.fund("X01").balance == 1000 - 7
    assert world.fund("X02").balance == 5
    world.check_log()


def test_who_looks_into_the_log_sees_what_was_decided_just_before(world: World) -> None:
    fund = received(world, "X01", 1000)
    size = world.ledger.size()
    seen: list[int] = []

    behind_another(
        world,
        fund,
        [
            lambda: draw(world, world.act(), fund, 1),
            lambda: draw(world, world.act(), fund, 1, lambda: seen.append(world.ledger.size())),
        ],
    )

    assert seen == [size + 2]
    world.check_log()


def test_a_key_that_comes_twice_at_once_has_one_effect(world: World) -> None:
    fund = received(world, "X01", 1000)

    once, again = behind_another(
        world, fund, [lambda: draw(world, world.act(key="k"), fund, 10)] * 2
    )

    assert once.result().first_position == again.result().first_position
    assert [once.result().replayed, again.result().replayed] == [False, True]
    assert world.fund("X01").balance == 1000 - 11
    world.check_log()


def test_what_cannot_be_stored_together_is_stored_one_by_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund = received(world, "X01", 1000)
    insert = world.ledger.log.insert_events

    def refuse_many(events: Sequence[StoredEvent], **kwargs: Any) -> object:
        if len(events) > 1:
            raise RecordConflictError("a version is taken")
        return insert(events, **kwargs)

    monkeypatch.setattr(world.ledger.log, "insert_events", refuse_many)
    answers = behind_another(world, fund, [lambda: draw(world, world.act(), fund, 1)] * 3)

    size = world.ledger.size()
    assert sorted(each.result().first_position or 0 for each in answers) == [
        size - 3,
        size - 2,
        size - 1,
    ]
    assert world.fund("X01").balance == 1000 - 4
    world.check_log()


def test_of_many_writers_every_acknowledged_event_stands_once_and_no_refused_one(
    world: World,
) -> None:
    fund = received(world, "X01", 100_000)
    before = world.ledger.size()

    def write(writer: int) -> list[int]:
        stood = []
        for number in range(EACH):
            act = world.act(key=f"{writer}-{number}")
            if number % 2:
                account = world.ledger.load(FundAccount, fund)
                assert account is not None
                act = replace(act, expected=(fund, account.version))
            try:
                position = draw(world, act, fund, 1).first_position
            except VersionMoved:
                continue
            assert position is not None
            assert world.ledger.size() > position
            stood.append(position)
        return stood

    with ThreadPoolExecutor(WRITERS) as threads:
        acknowledged = [at for each in threads.map(write, range(WRITERS)) for at in each]

    assert sorted(acknowledged) == list(range(before, world.ledger.size()))
    assert world.fund("X01").balance == 100_000 - len(acknowledged)
    world.check_log()


def test_where_another_process_was_quicker_the_log_is_ours_while_we_decide(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund, theirs = received(world, "X01", 1000), received(world, "X02", 1000)
    other = World(world.home, world.officers)
    other.reopen()
    own, turns, take = world.ledger.log, list[int](), type(world.ledger.log).turn

    def counted(log: LogRecorder) -> AbstractContextManager[None]:
        if log is own:
            turns.append(len(turns))
        return take(log)

    def write_elsewhere() -> None:
        if not turns:
            draw(other, other.act(), theirs, 1)

    draw(world, world.act(), fund, 1)
    monkeypatch.setattr(type(world.ledger.log), "turn", counted)
    draw(world, world.act(), fund, 1)
    assert not turns
    draw(world, world.act(), fund, 1, write_elsewhere)
    assert len(turns) == 1
    for _ in range(TURNS * 2):
        draw(world, world.act(), fund, 1)

    assert TURNS <= len(turns) <= TURNS + 2
    assert world.fund("X01").balance == 1000 - 3 - TURNS * 2
    world.check_log()
    other.ledger.close()


def test_a_publication_ends_its_transaction(world: World) -> None:
    fund = received(world, "X01", 100)
    maps = MapStore(world.home.map)
    announced = list[Published]()

    def publish() -> Answer:
        announced.append(announce(world.ledger, maps, world.act()))
        return draw(world, world.act(), fund, 1)

    asked = behind_another(
        world,
        fund,
        [
            lambda: draw(world, world.act(), fund, 1),
            publish,
            lambda: draw(world, world.act(), fund, 1),
            lambda: draw(world, world.act(), fund, 1),
        ],
    )

    for each in asked:
        each.result()
    found = require_latest(world.ledger)
    assert [each.size for each in announced] == [found.size]
    assert list(all_published(world.ledger)) == [found]
    maps.close()
    world.check_log()
