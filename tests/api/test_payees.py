"""Lists of payments look their payees up at once, however many there are."""

from pathlib import Path
from uuid import uuid4

from api.payees import UNKNOWN, payees_of
from ledger.store.sqlite_recorder import SqliteRecorder
from tests.world import Person, World, roster_row

PEOPLE = [Person(serial) for serial in range(1, 41)]


def test_forty_payees_are_one_question_to_the_log(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    world.file(*PEOPLE)
    world.receive("X01", 10_000_000)
    world.pay("B1", *(roster_row(number, each, 80_000) for number, each in enumerate(PEOPLE, 1)))
    ids = [world.payment_id(each) for each in PEOPLE]
    unknown = uuid4()
    world.ledger.close()
    world.reopen()  # nothing is kept
    log = world.ledger.log
    assert isinstance(log, SqliteRecorder)
    asked: list[str] = []
    log.reader().set_trace_callback(asked.append)

    payees = payees_of(world.ledger, [*ids, unknown, *ids])

    log.reader().set_trace_callback(None)
    assert len([each for each in asked if "state FROM log_events" in each]) == 1
    assert [payees[id_].name for id_ in ids] == [
        each.name[0] + "**"[: len(each.name) - 1] for each in PEOPLE
    ]
    assert payees[unknown] == UNKNOWN
    assert list(payees) == [*ids, unknown]
    world.ledger.close()
