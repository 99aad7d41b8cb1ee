"""A ledger that is backed up while it is used comes back as it was, wherever its log stood."""

import fcntl
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ledger.backups.checking import check
from ledger.backups.restoring import Restoring, restore
from ledger.backups.sealed_keys import KeysUnreadable, opened, sealed
from ledger.backups.taking import (
    BackupDiffers,
    BackupFolderTaken,
    BackupForeign,
    BackupInsideBackup,
    BackupInsideHome,
    BackupUnderWay,
)
from ledger.commands.recipients import unmask_payee
from ledger.commands.sealing import ARCHIVE_FILE, unseal
from ledger.domain.recipient import Recipient
from ledger.postgresql import Database
from ledger.store.high_water import LogMissing
from ledger.store.home import DatabaseTaken, Home
from ledger.store.key_files import PassphraseShort
from ledger.vault.keys import MasterKeyWrong
from tests.backups.backing_up import PASSPHRASE, back_up, bytes_of, holds, keys, sizes
from tests.postgresql import Server
from tests.world import DAY, RECORDED_AT, Person, World, roster_row

ONE, TWO = Person(1), Person(2)


def paid(world: World, person: Person, code: str) -> None:
    world.receive("X01", 100_000)
    world.file(person)
    world.pay(code, roster_row(1, person, 80_000))


@pytest.mark.both_stores
def test_what_was_taken_in_two_steps_comes_back_whole(
    world: World, store: Database | None, tmp_path: Path
) -> None:
    paid(world, ONE, "B1")
    first = back_up(world, tmp_path / "backup")
    kept = bytes_of(tmp_path / "backup")
    paid(world, TWO, "B2")
    answered = world.ledger.perform(world.act(key="once"), "noted", None, lambda _: None)

    second = back_up(world, tmp_path / "backup", keys(world))
    same = back_up(world, tmp_path / "backup")
    restored = restore(tmp_path / "backup", tmp_path / "back", Restoring(keys(world)))

    assert (second.segments[0], len(second.segments)) == (first.segments[0], 2)
    assert (same.segments, same.number) == (second.segments, 3)
    assert bytes_of(tmp_path / "backup")["log-000001.sqlite"] == kept["log-000001.sqlite"]
    assert sorted(bytes_of(tmp_path / "backup")) == [
        "backup.json",
        "backup.lock",
        "log-000001.sqlite",
        "log-000002.sqlite",
        "vault-000003.sqlite",
    ]
    home = Home(tmp_path / "back")
    holds(home, world.ledger.size())
    assert sizes(home) == (world.ledger.size(), restored.manifest.tree.root())
    assert restored.manifest.store == ("sqlite" if store is None else "postgresql")
    again = World(home)
    again.reopen()
    with closing(again.ledger) as ledger:
        repeated = ledger.perform(world.act(key="once"), "noted", None, lambda _: None)
        assert answered.result == repeated.result == {}
        assert (answered.replayed, repeated.replayed) == (False, True)
        again.receive("X01", 5)
        cashier = world.act("H-X01")
        shown = unmask_payee(ledger, cashier, world.payment_id(TWO), ["name"], "核对")
    assert shown == {"name": TWO.name}
    holds(home, world.ledger.size() + 2)  # what was received, and that a name was read


@pytest.mark.both_stores
def test_what_is_lost_after_a_restore_is_not_begun_anew(
    world: World, postgresql: Server, store: Database | None, tmp_path: Path
) -> None:
    manifest = back_up(world, tmp_path / "backup")
    database = None if store is None else postgresql.fresh()
    restore(tmp_path / "backup", tmp_path / "back", Restoring(keys(world), database=database))
    home = Home(tmp_path / "back", named=database)

    if database is None:
        home.events.unlink()
    else:
        home = Home(home.path, named=postgresql.fresh())
        home.migrate()

    with pytest.raises(LogMissing, match=f"held {manifest.size} entries before"):
        home.open(RECORDED_AT, DAY)


def test_it_goes_on_in_another_database(world: World, postgresql: Server, tmp_path: Path) -> None:
    paid(world, ONE, "B1")
    back_up(world, tmp_path / "backup")
    database = postgresql.fresh()
    how = Restoring(keys(world), database=database, keep_address=True)

    restore(tmp_path / "backup", tmp_path / "back", how)

    home = Home(tmp_path / "back")
    holds(home, world.ledger.size())
    assert not home.events.exists()
    assert sizes(home)[0] == world.ledger.size()
    with pytest.raises(DatabaseTaken):
        restore(tmp_path / "backup", tmp_path / "twice", how)
    assert not (tmp_path / "twice").exists()


@pytest.mark.both_stores
def test_taken_while_others_write_it_is_one_state(world: World, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        for serial in range(10, 10_000):
            if done.is_set():
                return
            world.file(Person(serial))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [back_up(world, tmp_path / "backup") for _ in range(5)]
    finally:
        done.set()
        writer.join()

    grown = [each.size for each in found]
    assert grown == sorted(grown)
    assert grown[-1] > grown[0]
    restored = restore(tmp_path / "backup", tmp_path / "back", Restoring(keys(world)))
    home = Home(tmp_path / "back")
    holds(home, grown[-1])
    named = 0
    with closing(home.open(RECORDED_AT, DAY)) as ledger:
        for position, event in ledger.read(0, 100_000):
            if isinstance(event, Recipient.Filed):
                assert unseal(ledger, event.originator_id, ARCHIVE_FILE, event.details)
                named += 1
            assert position < restored.manifest.size
    assert named >= 5


def test_it_lies_neither_in_what_it_saves_nor_in_another(world: World, tmp_path: Path) -> None:
    back_up(world, tmp_path / "backup")
    (tmp_path / "way").symlink_to(world.home.path)

    for inside in (world.home.path, world.home.path / "a" / "b", tmp_path / "way" / "a"):
        with pytest.raises(BackupInsideHome):
            back_up(world, inside)
    with pytest.raises(BackupInsideBackup):
        back_up(world, tmp_path / "backup" / "inner" / "x")

    assert not (world.home.path / "a").exists()
    assert not (tmp_path / "backup" / "inner").exists()


def test_keys_are_in_it_only_under_a_passphrase(world: World, tmp_path: Path) -> None:
    plain = back_up(world, tmp_path / "without")
    manifest = back_up(world, tmp_path / "with", keys(world))

    assert "keys" not in plain.parts
    written = (tmp_path / "with" / manifest.parts["keys"].name).read_bytes()
    assert opened(written, PASSPHRASE) == keys(world)
    with pytest.raises(KeysUnreadable):
        opened(written, PASSPHRASE + "!")
    for folder in ("with", "without"):
        for content in bytes_of(tmp_path / folder).values():
            for secret in keys(world).values():
                if secret.strip() != plain.founding_key_id.encode():
                    assert secret.strip() not in content
    with pytest.raises(PassphraseShort):
        sealed(keys(world), "short")


def test_a_drill_writes_no_keys_down(world: World, tmp_path: Path) -> None:
    back_up(world, tmp_path / "backup")
    how = Restoring(keys(world), for_a_moment=True)

    restored = restore(tmp_path / "backup", tmp_path / "back", how)

    assert restored.reapplied is not None
    assert [each.name for each in (tmp_path / "back" / "keys").iterdir()] == ["founding.id"]


def test_a_folder_holds_backups_of_one_ledger_that_goes_on(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    back_up(world, folder)
    kept = bytes_of(folder)
    other = World.at(tmp_path / "other").settle_in()
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("not a backup")

    with pytest.raises(BackupForeign):
        back_up(other, folder)
    with pytest.raises(BackupFolderTaken):
        back_up(other, tmp_path / "papers")
    with pytest.raises(MasterKeyWrong):
        restore(folder, tmp_path / "back", Restoring(keys(other)))
    with (folder / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupUnderWay):
            back_up(world, folder)

    assert bytes_of(folder) == kept
    assert not (tmp_path / "back").exists()
    assert check(folder)[0].origin == world.ledger.origin
    other.ledger.close()


def test_a_log_that_was_cut_back_is_not_taken_over_its_backup(world: World, tmp_path: Path) -> None:
    back_up(world, tmp_path / "early")
    world.receive("X01", 100)
    back_up(world, tmp_path / "late")
    kept = bytes_of(tmp_path / "late")
    restore(tmp_path / "early", tmp_path / "cut", Restoring(keys(world)))
    cut = World(Home(tmp_path / "cut"))
    cut.reopen()

    with pytest.raises(BackupDiffers):
        back_up(cut, tmp_path / "late")
    cut.receive("X01", 200)
    cut.receive("X01", 300)
    with pytest.raises(BackupDiffers):
        back_up(cut, tmp_path / "late")

    assert {name: kept[name] for name in kept} == {
        name: content for name, content in bytes_of(tmp_path / "late").items() if name in kept
    }
    cut.ledger.close()
