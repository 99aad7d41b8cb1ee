"""What the disk refuses is said in our words, undone, and done when it is asked again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger import database
from ledger.database import (
    BUSY_RETRY_AFTER_S,
    BUSY_TIMEOUT_S,
    DiskFull,
    FileBusy,
    disk_refusal,
    open_database,
    transaction,
)
from ledger.errors import Kind
from tests.store.test_group_commit import behind_another, draw, received
from tests.world import World


def test_all_who_share_a_transaction_are_told_that_the_disk_is_full(world: World) -> None:
    fund = received(world, "X01", 1000)
    size = world.ledger.size()
    writer = world.ledger.log._writer  # type: ignore[attr-defined]
    (pages,) = writer.execute("PRAGMA page_count").fetchone()

    def fill() -> None:
        # As a disk would: the file may not grow.
        writer.execute(f"PRAGMA max_page_count = {pages}")

    keyed = [world.act(key=f"key-{number}") for number in range(40)]
    answers = behind_another(
        world,
        fund,
        [
            lambda act=act: draw(world, act, fund, 1, fill if act is keyed[0] else lambda: None)  # type: ignore[misc]
            for act in keyed
        ],
    )

    assert {type(each.exception()) for each in answers} == {DiskFull}
    assert world.ledger.size() == size + 1
    writer.execute("PRAGMA max_page_count = 4294967294")
    again = [draw(world, act, fund, 1) for act in keyed]
    assert [each.first_position for each in again] == list(range(size + 1, size + 41))
    assert not any(each.replayed for each in again)
    assert world.fund("X01").balance == 1000 - 41
    world.check_log()


def test_a_transaction_that_cannot_be_committed_is_not_gone_on_with(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "some.sqlite")
    connection.execute("CREATE TABLE some (n INTEGER)")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(
        "CREATE TABLE other (n INTEGER REFERENCES some (n) DEFERRABLE INITIALLY DEFERRED)"
    )
    connection.execute("CREATE UNIQUE INDEX one ON some (n)")

    with pytest.raises(sqlite3.IntegrityError), transaction(connection):
        connection.execute("INSERT INTO other VALUES (7)")

    assert not connection.in_transaction
    with transaction(connection):
        connection.execute("INSERT INTO some VALUES (1)")
    assert connection.execute("SELECT * FROM other").fetchall() == []
    connection.close()


def test_a_file_that_finds_no_room_is_told_alike_and_other_errors_are_not() -> None:
    with pytest.raises(OSError, match="No space") as full, Path("/dev/full").open("wb", 0) as file:
        file.write(b"x")

    assert isinstance(disk_refusal(full.value), DiskFull)
    assert disk_refusal(FileNotFoundError(2, "gone")) is None
    assert disk_refusal(sqlite3.OperationalError("no such table")) is None


def test_a_file_that_another_has_for_long_is_a_refusal_that_says_when_to_ask_again(
    tmp_path: Path,
) -> None:
    here, there = open_database(tmp_path / "some.sqlite"), open_database(tmp_path / "some.sqlite")
    here.execute("PRAGMA busy_timeout = 10")

    with transaction(there), pytest.raises(FileBusy) as busy, transaction(here):
        pass

    assert (busy.value.kind, busy.value.retry_after_s) == (Kind.UNREACHABLE, BUSY_RETRY_AFTER_S)
    with transaction(here):
        here.execute("CREATE TABLE some (n INTEGER)")
    for each in (here, there):
        each.close()


def test_a_new_file_that_another_turns_over_is_waited_for_and_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    with closing(sqlite3.connect(tmp_path / "some.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(FileBusy):
            open_database(tmp_path / "some.sqlite")


def test_the_vault_is_as_patient_as_all_files(world: World) -> None:
    keys = world.ledger.vault._keys

    [waits_ms] = keys._connection.execute("PRAGMA busy_timeout").fetchone()

    assert waits_ms == BUSY_TIMEOUT_S * 1000
