"""What is refused of the archive, of clear data, and of people who were erased."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from ledger.commands import recipients
from ledger.domain.recipient import Recipient
from ledger.files.archive import ArchiveRow
from ledger.store.application import NotOnRecord
from tests.commands.refusing import ONE, TWO, Attempt, nothing_more
from tests.world import DAY, Person, World, filed, roster_row


def close(world: World, number: str, day: date = DAY, person: UUID | None = None) -> Attempt:
    who = person or world.ledger.vault.subject_id("id_number", ONE.id_number)
    act = world.act(day=day)
    return lambda: recipients.close_file(world.ledger, act, who, number, "脱困")


@pytest.mark.parametrize(
    ("code", "attempt"),
    [
        ("ledger.not_on_record", lambda w: close(w, "DA1", person=uuid4())),
        ("archive.file_unknown", lambda w: close(w, "DA9")),
        ("archive.dates_backwards", lambda w: close(w, "DA1", date(2015, 12, 31))),
    ],
)
def test_the_archive(world: World, code: str, attempt: Callable[[World], Attempt]) -> None:
    world.file(ONE)

    assert nothing_more(world, attempt(world)).code == code


def unmask(world: World, staff: str, payment: UUID | None = None) -> Attempt:
    return lambda: recipients.unmask_payee(
        world.ledger, world.act(staff), payment or world.payment_id(ONE), ("name",), "好奇"
    )


def test_nobody_sees_clear_data_who_may_not_or_of_whom_nothing_is_known(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))

    assert nothing_more(world, unmask(world, "")).code == "duty.officer_required"
    assert nothing_more(world, unmask(world, "A-X01")).code == "duty.role_missing"
    assert nothing_more(world, unmask(world, "S9")).code == "duty.role_missing"
    refusal = nothing_more(world, unmask(world, "H-X01", uuid4()))
    assert isinstance(refusal, NotOnRecord)


def test_archive_rows_that_do_not_stand_are_told_and_the_others_are_stored(world: World) -> None:
    world.file(ONE)
    erased = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipients.erase_person(world.ledger, world.act(), erased, "本人要求")

    backwards = world.file(TWO, Person(3), closed_on=date(2015, 1, 1))
    rows = [entry(1, ONE), entry(2, TWO, closed_on=date(2015, 1, 1)), entry(3, TWO)]
    again = recipients.enter_archive(world.ledger, world.act(), rows)

    assert [row["code"] for row in backwards.result["refused"]] == ["archive.dates_backwards"] * 2
    assert again.result["entered"] == 1
    assert [(row["line"], row["code"]) for row in again.result["refused"]] == [
        (1, "vault.person_erased"),
        (2, "archive.dates_backwards"),
    ]
    two = world.ledger.load(Recipient, world.ledger.vault.subject_id("id_number", TWO.id_number))
    assert two is not None
    assert list(two.files) == ["DB3"]
    world.check_log()


def entry(line: int, person: Person, closed_on: date | None = None) -> ArchiveRow:
    return replace(filed(person, closed_on=closed_on), line=line, file_number=f"DB{line}")
