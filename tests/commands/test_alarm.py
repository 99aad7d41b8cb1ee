"""A broken log, told to people: where, how far it holds, whom it touches, and no personal data."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from api.alarm_text import alarm_lines
from ledger.anchoring.anchors import Anchors
from ledger.commands.alarm import Alarm, raise_alarm
from ledger.commands.verification import verify_log
from ledger.evidence.cosignature import Cosigner, cosign
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.note import split_note
from tests.world import Person, World, roster_row, settled

ONE, TWO = Person(1), Person(2)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 60_000))
    world.answer("B1", settled(1, ONE, 80_000), settled(2, TWO, 60_000))
    world.receive("X01", 100)
    return world


def position_of(world: World, topic: str) -> int:
    return next(
        each.position for each in world.ledger.read(0, 100_000) if topic == each.event.TOPIC
    )


def alarm(world: World, damage: str, *values: object) -> Alarm:
    with closing(sqlite3.connect(world.home.events)) as connection:
        connection.execute(damage, values)
        connection.commit()
    verdict = verify_log(
        world.home.events, world.ledger.origin, world.home.founding_key_id(), processes=1
    )
    assert not verdict.holds
    return raise_alarm(verdict, world.home.events, world.home.anchors)


def alter(world: World, position: int, change: Callable[[bytes], bytes]) -> Alarm:
    [(_, _, state)] = world.ledger.log.select_states(position, 1)
    return alarm(
        world, "UPDATE log_events SET state = ? WHERE position = ?", change(state), position
    )


def test_an_altered_payment_is_told_with_whom_it_touches(world: World) -> None:
    position = position_of(world, "disbursement.settled")
    [(_, _, state)] = world.ledger.log.select_states(position, 1)
    payment = str(world.payment_id(ONE))

    told = alter(world, position, lambda raw: raw.replace(b'"sig":"', b'"sig":"A', 1))

    assert told.position == position
    assert told.event_type == "disbursement.settled"
    assert told.last_good_size <= position
    assert told.recorded_at
    assert payment in told.surely.of("payment")
    assert str(world.fund("X01").id) in told.surely.of("fund")
    assert told.name(str(world.fund("X01").id)) == "X01 X01工会 · 送温暖"
    text = "\n".join(alarm_lines(told))
    assert f"position {position}" in text
    assert "X01 X01工会" in text
    assert len(state) > 0


def test_what_follows_the_last_good_checkpoint_is_in_doubt(world: World) -> None:
    position = position_of(world, "batch.approved")

    told = alter(world, position, lambda raw: raw[:-1])

    assert set(told.surely.ids) <= set(told.in_doubt.ids) | {"batch"}
    assert len(told.in_doubt.of("payment")) == 2
    assert "B1" in "\n".join(alarm_lines(told))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE log_events SET state = x'00ff' WHERE position = 12",
        "UPDATE log_events SET state = NULL || 'x' WHERE position = 99999",
        "UPDATE log_events SET state = 'text' WHERE position = 12",
        "UPDATE log_events SET state = 7 WHERE position = 12",
        "UPDATE log_events SET topic = x'ff' WHERE position = 12",
        "UPDATE log_events SET position = 5000 WHERE position = 12",
        "DELETE FROM log_events WHERE position = 12",
        "DELETE FROM log_events WHERE position > 3",
        "UPDATE log_checkpoints SET note = 'x' WHERE number = 3",
        "DELETE FROM log_checkpoints",
        "UPDATE log_edge SET edge = x'00'",
        "DROP TABLE log_tiles",
    ],
)
def test_no_damage_keeps_the_report_from_being_told(world: World, damage: str) -> None:
    if "99999" in damage:
        damage = "UPDATE log_events SET originator_id = 5 WHERE position = 12"

    text = "\n".join(alarm_lines(alarm(world, damage)))

    assert "DOES NOT HOLD" in text
    assert "What to do now" in text


def test_a_file_that_is_no_database_is_told_too(world: World) -> None:
    world.ledger.close()
    for leftover in world.home.path.glob("events.sqlite-*"):
        leftover.unlink()
    world.home.events.write_bytes(b"hello" * 1000)
    verdict = verify_log(world.home.events, "test.local/log", world.home.founding_key_id())

    told = raise_alarm(verdict, world.home.events, world.home.anchors)

    assert told.last_good_size == 0
    assert "database file" in told.detail


def test_no_personal_data_stands_in_a_report(world: World) -> None:
    told = alter(world, position_of(world, "recipient.filed"), lambda raw: raw[:-3])

    text = "\n".join(alarm_lines(told))
    for person in (ONE, TWO):
        for secret in (person.name, person.id_number, person.phone, person.card):
            assert secret not in text


def test_when_it_was_witnessed_is_told(world: World) -> None:
    witness = Cosigner("audit.example/w1", Ed25519Signer.generate())
    anchors = Anchors(world.home.anchors)
    notes = world.ledger.log.select_checkpoints(0)
    for size, note in (notes[2], notes[-1]):
        line = cosign(split_note(note)[0], witness, 1_800_000_000 + size)
        anchors.add_cosignature(size, line, 1_800_000_000 + size)
    anchors.close()

    told = alter(world, position_of(world, "batch.approved"), lambda raw: raw[:-1])

    [seen] = told.witnesses
    assert (seen.size, seen.time_s) == (notes[2][0], 1_800_000_000 + notes[2][0])
    assert "audit.example/w1" in "\n".join(alarm_lines(told))
