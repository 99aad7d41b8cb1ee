"""A log that is shorter than it was, or another one, is not gone on from."""

import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.commands.funds import FundReceipt, receive_funds
from ledger.errors import LedgerError
from ledger.evidence.merkle import Edge, leaf_hash
from ledger.postgresql import Database
from ledger.postgresql_session import connect
from ledger.store import recorder
from ledger.store.high_water import (
    HighWaterMark,
    LogMissing,
    LogNotBegun,
    LogReplaced,
    LogShorter,
    Mark,
    MarkUnreadable,
)
from ledger.store.home import Home, HomeTaken, LossUnlike
from tests.postgresql import Server
from tests.world import DAY, EARMARK, RECORDED_AT, World

Ask = Callable[..., Any]


def asking(home: Home, asked: Callable[[Ask], None]) -> None:
    """Do something to the database by itself, as whoever runs it can."""
    database = home.database
    if database is None:
        with closing(sqlite3.connect(home.events)) as connection, connection:
            asked(connection.execute)
        return
    with closing(connect(database)) as session:
        asked(session.execute)


def put_back(home: Home, size: int) -> None:
    """Put the database back to when its log was of this size, which is at most 255."""

    def asked(ask: Ask) -> None:
        states = [row[0] for row in ask("SELECT state FROM log_events ORDER BY position")]
        edge = Edge.empty().extend([leaf_hash(bytes(state)) for state in states[:size]])
        ask("DELETE FROM log_events WHERE position >= ?", (size,))
        ask("DELETE FROM log_checkpoints WHERE size > ?", (size,))
        ask("DELETE FROM answers")
        ask("UPDATE log_edge SET edge = ?", (edge.to_bytes(),))

    asking(home, asked)


def receipt(document: str) -> FundReceipt:
    return FundReceipt("C01", EARMARK, "地方财政", document, 2017, 100)


def receive(world: World, document: str = "拨款单") -> None:
    receive_funds(world.ledger, world.act("A-C01"), receipt(document))


@pytest.mark.both_stores
def test_what_was_put_back_is_gone_on_from_when_its_loss_is_accepted(world: World) -> None:
    size = world.ledger.size()
    receive(world)
    held = world.ledger.size()
    world.ledger.close()
    put_back(world.home, size)

    with pytest.raises(LogShorter, match=rf"holds {size} entries, and held {held} before"):
        world.reopen()
    with pytest.raises(LossUnlike):
        world.home.accept_loss(held)
    assert world.home.accept_loss(size) == range(size, held)

    world.reopen()
    receive(world)
    with pytest.raises(LossUnlike):
        world.home.accept_loss(world.ledger.size())


@pytest.mark.both_stores
def test_who_serves_it_meanwhile_writes_nothing_more(world: World) -> None:
    size = world.ledger.size()
    receive(world)
    put_back(world.home, size)

    with pytest.raises(LogShorter):
        receive(world, "又一张拨款单")
    found: list[int] = []
    asking(
        world.home,
        lambda ask: found.extend(row[0] for row in ask("SELECT count(*) FROM log_events")),
    )
    assert found == [size]


@pytest.mark.both_stores
def test_another_log_of_the_same_length_is_not_taken_for_it(world: World) -> None:
    size = world.ledger.size()
    receive(world)
    kept = world.home.high_water
    world.ledger.close()
    mark = kept.read_bytes()
    kept.unlink()  # another machine, which went on from before
    put_back(world.home, size)
    world.reopen()
    receive(world, "另一张拨款单")
    world.ledger.close()
    kept.write_bytes(mark)

    with pytest.raises(LogReplaced):
        world.reopen()


@pytest.mark.both_stores
def test_what_went_on_elsewhere_is_seen_by_who_serves_it(world: World) -> None:
    size = world.ledger.size()
    receive(world)
    put_back(world.home, size)
    beside = Home(world.home.path, named=world.home.named)
    beside.high_water.unlink()
    with closing(beside.open(RECORDED_AT, DAY)) as ledger:
        for number in range(3):
            receive_funds(ledger, world.act("A-C01"), receipt(f"另一张拨款单{number}"))

    with pytest.raises(LogReplaced):
        receive(world, "又一张拨款单")


def test_a_file_that_is_gone_is_not_founded_anew(world: World) -> None:
    world.ledger.close()
    world.home.events.unlink()

    with pytest.raises(LogMissing):
        world.reopen()


def test_a_log_that_is_gone_with_its_mark_is_not_founded_anew(world: World) -> None:
    world.ledger.close()
    world.home.events.unlink()
    world.home.high_water.unlink()

    with pytest.raises(LogNotBegun):
        world.reopen()

    world.home.create()
    with pytest.raises(LogNotBegun):
        world.reopen()


def test_what_founding_left_undone_is_taken_up_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    home.identity.unlink()  # cut off before the name, which comes last
    home.create()

    with closing(home.open(RECORDED_AT, DAY)) as ledger:
        assert ledger.size()
    home.identity.unlink()
    home.events.unlink()
    home.vault.unlink()
    with pytest.raises(HomeTaken):
        home.create()


def test_an_empty_database_is_not_founded_anew(tmp_path: Path, postgresql: Server) -> None:
    world = World.at(tmp_path, postgresql.fresh())
    world.ledger.close()
    another = postgresql.fresh()
    home = Home(world.home.path, named=another)
    home.migrate()

    with pytest.raises(LogMissing):
        home.open(RECORDED_AT, DAY)
    assert rows_in(another) == 0


def rows_in(database: Database) -> int:
    with closing(connect(database)) as session:
        (row,) = session.execute("SELECT count(*) FROM log_events")
    return int(row[0])


def test_the_mark_rises_while_it_is_served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MARKED_EVERY", 1)
    receive(world)
    size = world.ledger.size()
    put_back(world.home, size - 1)  # the process ended without closing anything

    beside = Home(world.home.path)
    with pytest.raises(LedgerError) as refused:
        beside.open(RECORDED_AT, DAY)
    assert refused.value.code == "log.shorter"


def test_another_process_does_not_lower_the_mark(world: World) -> None:
    beside = world.home.open(RECORDED_AT, DAY)
    for number in range(3):
        receive(world, f"拨款单{number}")
    held = world.ledger.size()
    world.ledger.close()
    receive_funds(beside, world.act("A-C01"), receipt("最后一张"))
    put_back(world.home, held - 1)
    beside.close()

    with pytest.raises(LogShorter, match=f"held {held + 1} before"):
        world.reopen()


def test_what_one_process_saw_counts_for_all_on_another_server(
    tmp_path: Path, postgresql: Server
) -> None:
    world = World.at(tmp_path, postgresql.fresh()).settle_in()
    size = world.ledger.size()
    with closing(world.home.open(RECORDED_AT, DAY)) as beside:
        receive(world)
        put_back(world.home, size)
        asking(world.home, break_lines_off)
        with pytest.raises(LogShorter):
            receive(world, "又一张拨款单")

        with pytest.raises(LogShorter):
            receive_funds(beside, world.act("A-C01"), receipt("另一张拨款单"))
    world.ledger.close()


def break_lines_off(ask: Ask) -> None:
    ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


def test_another_log_is_gone_on_from_when_that_is_accepted(world: World) -> None:
    size = world.ledger.size()
    receive(world)
    world.ledger.close()
    mark = world.home.high_water.read_bytes()
    world.home.high_water.unlink()
    put_back(world.home, size)
    world.reopen()
    receive(world, "另一张拨款单")
    receive(world, "又一张拨款单")
    held = world.ledger.size()
    world.ledger.close()
    world.home.high_water.write_bytes(mark)
    world.home.verdicts.write_bytes(b"of the other")

    assert world.home.accept_loss(held) == range(held, held)

    assert not world.home.verdicts.exists()
    world.reopen()


def test_a_damaged_mark_is_said_and_nothing_is_written(world: World) -> None:
    size = world.ledger.size()
    world.ledger.close()
    world.home.high_water.write_bytes(b'{"size":3')

    with pytest.raises(MarkUnreadable):
        world.reopen()

    with pytest.raises(LossUnlike):
        world.home.accept_loss(size + 1)
    assert world.home.accept_loss(size) is None, "nobody knows what it was"
    world.reopen()


def test_a_mark_that_cannot_be_put_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(each.name for each in world.home.path.iterdir())

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("os.fsync", full)
    HighWaterMark(world.home.high_water).raise_to(Edge.empty().extend([leaf_hash(b"1")] * 1000))

    assert sorted(each.name for each in world.home.path.iterdir()) == before


def test_who_is_refused_puts_right_what_another_lowered(world: World) -> None:
    far = Edge.empty().extend([leaf_hash(b"1")] * 1000)
    mark = HighWaterMark(world.home.high_water)
    mark.raise_to(far)
    HighWaterMark(world.home.high_water).put(Mark(1, "00"))

    mark.raise_to(far)
    assert mark.read().size == 1  # it is not looked at for each commit
    mark.raise_to(far, again=True)
    assert mark.read() == Mark.of(far)


def test_what_was_committed_is_answered_whatever_became_of_the_mark(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MARKED_EVERY", 1)
    size = world.ledger.size()
    world.home.high_water.write_bytes(b"{")

    receive(world)

    assert world.ledger.size() > size
