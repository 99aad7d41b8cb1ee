"""Signature sheets: people sign for their money by their own name, when it was approved."""

from dataclasses import replace

import pytest

from ledger.domain.disbursement import NotInTransit, Status
from ledger.domain.policy import Channel
from tests.world import SHEET_CLASS, Person, World, roster_row, signature


def test_a_row_is_paid_when_its_recipient_signed_by_their_own_name(world: World) -> None:
    world.receive("X01", 100_000)
    people = [Person(20 + number) for number in range(3)]
    rows = [roster_row(n, p, 30_000, SHEET_CLASS) for n, p in enumerate(people, 1)]
    world.pay("S1", *rows, channel=Channel.SIGNATURE_SHEET)

    answer = world.sign(
        "S1",
        signature(1, people[0].name),
        signature(2, people[2].name),  # signs for another
        signature(9, people[0].name),  # no such row
    )

    assert answer.result["signed"] == 1
    assert [row["code"] for row in answer.result["refused"]] == [
        "signature.not_own",
        "signature.row_unknown",
    ]
    assert world.payment(people[0]).status is Status.SIGNED
    assert world.payment(people[1]).status is Status.IN_TRANSIT
    assert world.types().count("refusal.recorded") == 2
    assert world.types().count("batch.sheet_certified") == 1
    world.check_log()


def test_nobody_signs_twice(world: World) -> None:
    world.receive("X01", 100_000)
    person = Person(20)
    world.pay("S1", roster_row(1, person, 30_000, SHEET_CLASS), channel=Channel.SIGNATURE_SHEET)
    world.sign("S1", signature(1, person.name))

    answer = world.sign("S1", signature(1, person.name))

    assert answer.result["refused"][0]["code"] == NotInTransit.code


@pytest.mark.parametrize(
    ("signed_at", "code"),
    [
        ("2017-01-09T15:59:59+00:00", "signature.before_approval"),
        ("2017-01-09T23:59:59", "signature.before_approval"),
        ("2017-01-09T16:00:00+00:00", None),
        ("2017-03-01T08:00:00+00:00", None),
        ("2017-03-01T16:00:01", "signature.ahead"),
    ],
)
def test_a_sheet_is_signed_between_its_approval_and_its_recording(
    world: World, signed_at: str, code: str | None
) -> None:
    world.receive("X01", 100_000)
    person = Person(20)
    world.sheet("S1", person)

    answer = world.sign("S1", replace(signature(1, person.name), signed_at=signed_at))

    assert [row["code"] for row in answer.result["refused"]] == ([] if code is None else [code])
    assert world.types().count("disbursement.signed") == (code is None)
    assert world.types().count("refusal.recorded") == (code is not None)
