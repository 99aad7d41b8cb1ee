"""What is refused of batches, from the roster to the bank and back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from ledger.commands import batches, disbursements
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.domain.policy import Channel
from ledger.domain.values import MONEY_MAX
from ledger.files.roster import Roster
from tests.commands.refusing import ONE, TWO, Attempt, nothing_more
from tests.world import (
    CAMPAIGN,
    DAY,
    EARMARK,
    SHEET_CLASS,
    Person,
    World,
    failed,
    roster_row,
    settled,
    signature,
)

EARLY = date(2016, 1, 1)


def step(world: World, what: Callable[..., object], staff: str = "A-X01") -> Attempt:
    return lambda: what(world.ledger, world.act(staff), batches.Step("B1", staff))


def draft(world: World, day: date = DAY, **changes: object) -> Attempt:
    order = batches.Draft(
        "B9",
        CAMPAIGN,
        "X01",
        EARMARK,
        Channel.BANK_CARD,
        "unionpay-df",
        "H-X01",
        Roster((roster_row(1, ONE, 60_000),), 60_000, "ab" * 32),
    )
    changed = replace(order, **changes)  # type: ignore[arg-type]
    return lambda: batches.draft_batch(world.ledger, world.act("H-X01", day), changed)


def huge_roster() -> Roster:
    rows = tuple(roster_row(n, Person(n), MONEY_MAX) for n in (1, 2))
    return Roster(rows, 2 * MONEY_MAX, "ab" * 32)


def export(world: World, code: str = "B1") -> Attempt:
    return lambda: export_batch(world.ledger, world.act(), BankFileOrder(code))


@pytest.mark.parametrize(
    ("code", "attempt"),
    [
        ("batch.known", lambda w: draft(w, code="B1")),
        ("batch.bank_format_unknown", lambda w: draft(w, bank_format="none")),
        ("batch.bank_format_unknown", lambda w: draft(w, bank_format=None)),
        ("ledger.not_on_record", lambda w: draft(w, campaign_code="none")),
        ("ledger.not_on_record", lambda w: draft(w, organisation_code="X99")),
        ("ledger.not_on_record", lambda w: draft(w, drafted_by="S9")),
        ("policy.not_in_force", lambda w: draft(w, EARLY)),
        ("amount.too_large", lambda w: draft(w, roster=huge_roster())),
        ("batch.wrong_stage", lambda w: step(w, batches.approve_batch)),
        ("batch.wrong_stage", lambda w: step(w, batches.prepare_approval)),
        ("batch.wrong_stage", export),
        ("batch.wrong_stage", lambda w: lambda: w.answer("B1", settled(1, ONE, 60_000))),
        ("batch.wrong_stage", lambda w: lambda: w.sign("B1", signature(1, "某某"))),
        ("ledger.not_on_record", lambda w: lambda: w.review("none")),
        ("ledger.not_on_record", lambda w: lambda: w.approve("none")),
        ("ledger.not_on_record", lambda w: export(w, "none")),
        ("ledger.not_on_record", lambda w: lambda: w.answer("none", settled(1, ONE, 1))),
        ("ledger.not_on_record", lambda w: lambda: w.sign("none", signature(1, "某某"))),
        ("ledger.not_on_record", lambda w: lambda: w.review("B1", "S9")),
    ],
)
def test_a_drafted_batch(world: World, code: str, attempt: Callable[[World], Attempt]) -> None:
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))

    assert nothing_more(world, attempt(world)).code == code


def correct(world: World, version: int) -> Attempt:
    return lambda: disbursements.correct_outcome(
        world.ledger, world.act(), world.payment_id(ONE), version, "误记"
    )


def reissue(world: World, id_: UUID | None = None) -> Attempt:
    return lambda: disbursements.reissue_payment(
        world.ledger, world.act(), disbursements.Reissue(id_ or world.payment_id(ONE), "换卡")
    )


@pytest.mark.parametrize(
    ("code", "attempt"),
    [
        ("batch.wrong_stage", lambda w: lambda: w.review("B1")),
        ("batch.wrong_stage", lambda w: lambda: w.approve("B1")),
        ("batch.wrong_channel", lambda w: lambda: w.sign("B1", signature(1, "某某"))),
        ("disbursement.not_returned", reissue),
        ("ledger.not_on_record", lambda w: reissue(w, uuid4())),
        ("disbursement.nothing_to_correct", lambda w: correct(w, 1)),
        ("disbursement.nothing_to_correct", lambda w: correct(w, 2)),
        ("statement.known", lambda w: lambda: w.answer("B1", settled(2, TWO, 60_000))),
        (
            "bank_file.unknown_line",
            lambda w: lambda: w.answer("B1", failed(1, TWO, 60_000), sha="01" * 32),
        ),
    ],
)
def test_a_batch_that_is_being_paid(
    world: World, code: str, attempt: Callable[[World], Attempt]
) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    unresolved = replace(settled(1, ONE, 60_000), outcome=failed(1, ONE, 1).outcome.PENDING)
    world.answer("B1", unresolved, settled(2, TWO, 60_000))

    assert nothing_more(world, attempt(world)).code == code
    world.check_log()


def test_a_batch_of_which_every_payment_was_answered_is_not_sent_again(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", settled(1, ONE, 60_000))

    assert nothing_more(world, export(world)).code == "batch.nothing_in_transit"


def test_a_sheet_has_no_bank_file_and_no_bank_answers_it(world: World) -> None:
    world.receive("X01", 500_000)
    person = Person(20)
    row = roster_row(1, person, 30_000, SHEET_CLASS)
    world.pay("B1", row, channel=Channel.SIGNATURE_SHEET)

    for attempt in (export(world), lambda: world.answer("B1", settled(1, person, 30_000))):
        assert nothing_more(world, attempt).code == "batch.wrong_channel"
    operator = lambda: world.sign("B1", signature(1, person.name), witness="")  # noqa: E731
    assert nothing_more(world, operator).code == "duty.officer_required"
    sheet = disbursements.SignedSheet("B1", "ef" * 32, [signature(1, "别人")])
    attempt = lambda: disbursements.prepare_certification(  # noqa: E731
        world.ledger, world.act("H-X01"), sheet
    )
    assert nothing_more(world, attempt).code == "signature.none_stands"


def test_what_came_back_is_not_paid_again_from_an_empty_account(world: World) -> None:
    world.receive("X01", 60_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", failed(1, ONE, 60_000))
    world.pay("B2", roster_row(1, TWO, 60_000))

    assert nothing_more(world, reissue(world)).code == "fund.insufficient"
    for version in (2, 1):
        refusal = nothing_more(world, correct(world, version))
        assert refusal.code == "disbursement.nothing_to_correct"


def test_a_payment_entered_late_does_not_draw_on_what_came_in_after_its_day(world: World) -> None:
    world.receive("X01", 60_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", failed(1, ONE, 60_000))
    world.pay("B2", roster_row(1, TWO, 60_000))
    world.receive("X01", 500_000, day=date(2017, 2, 10))

    assert nothing_more(world, reissue(world)).code == "fund.insufficient"
    three = Person(3)
    world.file(three)
    world.draft("B3", roster_row(1, three, 60_000))
    world.review("B3")
    assert world.approve("B3").refusal_code == "fund.insufficient"
    assert world.approve("B3", day=date(2017, 2, 10)).refusal_code is None
