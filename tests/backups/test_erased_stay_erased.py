"""Whoever was erased stays erased, however old the copy of the vault is."""

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from ledger.anchoring.publications import announce
from ledger.anchoring.static_log import write_static_log
from ledger.backups.restoring import PublicationUnrelated, Restoring, restore
from ledger.commands.recipients import erase_person
from ledger.domain.recipient import Recipient
from ledger.store.application import Work
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from tests.backups.backing_up import back_up, keys
from tests.world import Person, World

ONE, TWO = Person(1), Person(2)


def person(world: World, who: Person) -> UUID:
    return world.ledger.vault.subject_id("id_number", who.id_number)


def key_of(vault: Path, subject: UUID) -> bytes | None:
    with closing(sqlite3.connect(vault)) as connection:
        (wrapped,) = connection.execute(
            "SELECT wrapped FROM person_keys WHERE subject = ?", (subject.bytes,)
        ).fetchone()
    assert wrapped is None or isinstance(wrapped, bytes)
    return wrapped


def publish(world: World, folder: Path) -> None:
    maps = MapStore(world.home.map)
    found = announce(world.ledger, maps, world.act())
    maps.close()
    write_static_log(world.ledger, found, found.note, folder)


def test_an_erasure_that_only_the_log_knows_is_carried_out(world: World, tmp_path: Path) -> None:
    world.file(ONE, TWO)
    erased, kept = person(world, ONE), person(world, TWO)

    def decide(work: Work) -> None:
        """Stop where a crash would: after the event, before the key is destroyed."""
        recipient = work.get(Recipient, erased)
        recipient.erase(world.act(), reason="本人要求")
        work.save(recipient)

    world.ledger.perform(world.act(), "recipient.erase", None, decide)
    back_up(world, tmp_path / "backup")

    restored = restore(tmp_path / "backup", tmp_path / "back", Restoring(keys(world)))

    assert restored.reapplied == (1, 1, 0)
    assert key_of(world.home.vault, erased) is not None
    assert key_of(Home(tmp_path / "back").vault, erased) is None
    assert key_of(Home(tmp_path / "back").vault, kept) is not None


def test_who_was_erased_since_is_known_from_what_was_published(
    world: World, tmp_path: Path
) -> None:
    world.file(ONE, TWO)
    subject = person(world, ONE)
    back_up(world, tmp_path / "backup")
    publish(world, tmp_path / "before")
    secret = key_of(world.home.vault, subject)
    erase_person(world.ledger, world.act(), subject, "期满")
    publish(world, tmp_path / "published")
    other = World.at(tmp_path / "other").settle_in()
    assert secret is not None

    how = Restoring(keys(world), published=tmp_path / "published")
    restored = restore(tmp_path / "backup", tmp_path / "back", how)
    early = Restoring(keys(world), published=tmp_path / "before")
    unaware = restore(tmp_path / "backup", tmp_path / "unaware", early)
    back_up(world, tmp_path / "late")

    assert restored.reapplied == (1, 1, 0)
    assert unaware.reapplied == (0, 0, 0)
    assert key_of(Home(tmp_path / "back").vault, subject) is None
    assert secret not in Home(tmp_path / "back").vault.read_bytes()
    with pytest.raises(PublicationUnrelated):
        restore(tmp_path / "late", tmp_path / "no", early)
    assert not (tmp_path / "no").exists()
    other.ledger.close()


def test_the_next_backup_takes_the_older_vault_away(world: World, tmp_path: Path) -> None:
    world.file(ONE)
    subject = person(world, ONE)
    back_up(world, tmp_path / "backup")
    secret = key_of(world.home.vault, subject)
    assert secret is not None
    erase_person(world.ledger, world.act(), subject, "期满")

    back_up(world, tmp_path / "backup")

    for path in (tmp_path / "backup").iterdir():
        assert secret not in path.read_bytes(), path.name
