"""A batch's figures held against one another: each from a source of its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.web.reconciled import Reconciled, reconciled
from ledger.commands.bank_files import (
    BankFileOrder,
    FileCancelling,
    cancel_bank_file,
    export_batch,
)
from ledger.commands.disbursements import correct_outcome
from ledger.commands.turns import Standing, turns_of
from ledger.domain.batch import Stage, batch_id
from ledger.domain.officer import Role, officer_id
from ledger.domain.policy import Channel
from ledger.domain.recipient import Change
from projections.answers import odd_payments, standings
from projections.bank_files import bank_file_sums
from projections.batches import batch_list, refused_rows_of, statements_of
from projections.runner import catch_up
from tests.commands.test_withdrawals import reissue, restrict, withdraw
from tests.world import Person, World, failed, roster_row, settled, signature

ONE, TWO = Person(1), Person(2)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World.at(tmp_path).settle_in()
    found.appoint("K-X01", "X01", Role.CASHIER)
    found.receive("X01", 1_000_000)
    found.file(ONE, TWO)
    yield found
    found.check_log()
    found.ledger.close()


def figures(world: World, code: str) -> Reconciled:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [batch] = batch_list(model, batch_id=batch_id(code))
        answers = statements_of(model, batch.batch_id)
        sums = standings(model, batch.batch_id)
        return reconciled(batch, sums, answers, bank_file_sums(model, batch))


def sent(world: World) -> tuple[int | None, int | None]:
    """Return what the bank was sent, and by how much its files differ from their rows."""
    found = figures(world, "B1")
    [fen] = [bar.fen for bar in found.bars if bar.what == "exported"]
    return fen, told(found)["approved_exported"]


def told(found: Reconciled) -> dict[str, int | None]:
    return {check.what: check.difference_fen for check in found.checks}


def test_signed_written_instructed_and_answered_agree(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000))
    assert told(figures(world, "B1")) == {
        "approved_instructed": 0,
        "approved_exported": None,
        "bank_arrived": None,
        "bank_returned": None,
    }

    export_batch(world.ledger, world.act("K-X01"), BankFileOrder("B1"))
    world.answer("B1", settled(1, ONE, 80_000), failed(2, TWO, 70_000))

    found = figures(world, "B1")
    assert set(told(found).values()) == {0}
    assert [(bar.what, bar.fen, bar.share) for bar in found.bars] == [
        ("approved", 150_000, 100),
        ("exported", 150_000, 100),
        ("arrived", 80_000, 53),
        ("returned", 70_000, 46),
        ("in_transit", 0, 0),
    ]
    assert found.holds


def test_a_payment_that_the_bank_tells_otherwise_is_found(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 80_000))
    world.answer("B1", settled(1, ONE, 80_000), settled(2, TWO, 80_000))
    version = world.payment(ONE).version
    act = world.act("K-X01")
    correct_outcome(world.ledger, act, world.payment_id(ONE), version, "登记有误")

    found = figures(world, "B1")

    assert told(found)["bank_arrived"] == 80_000
    assert not found.holds
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [odd] = odd_payments(model, batch_id("B1"))
    assert (odd.number, odd.outcome, odd.status) == (1, "settled", "in_transit")


def test_a_total_that_was_altered_shows_though_the_payments_add_up(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [batch] = batch_list(model, batch_id=batch_id("B1"))
        payments = standings(model, batch.batch_id)
    steps = tuple(
        replace(step, total_fen=90_000) if step.step == "approved" else step for step in batch.steps
    )

    found = reconciled(replace(batch, steps=steps), payments, [])

    assert told(found)["approved_instructed"] == 10_000
    assert not found.holds


def test_each_row_counts_once_in_what_the_bank_was_sent_and_each_file_is_held_against_its_rows(
    world: World,
) -> None:
    three, four = Person(3), Person(4)
    world.file(three, four)
    people = ONE, TWO, three, four
    world.pay("B1", *(roster_row(n, each, 80_000) for n, each in enumerate(people, 1)))
    for person in (ONE, TWO):
        withdraw(world, person)
    reissue(world, TWO)
    restrict(world, three)
    cashier = world.act("K-X01")

    assert export_batch(world.ledger, cashier, BankFileOrder("B1")).count == 2
    assert sent(world) == (160_000, 0)
    reissue(world, ONE)
    restrict(world, three, Change.LIFT)
    alone = export_batch(world.ledger, cashier, BankFileOrder("B1"))
    assert (alone.count, sent(world)) == (2, (320_000, 0))
    assert export_batch(world.ledger, cashier, BankFileOrder("B1")).sha256 == alone.sha256
    assert sent(world) == (320_000, 0)

    cancel_bank_file(world.ledger, world.act(), FileCancelling("B1", alone.sha256, "银行未执行"))
    assert sent(world) == (160_000, 0)


def test_a_file_whose_total_was_altered_shows(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 80_000))
    export_batch(world.ledger, world.act("K-X01"), BankFileOrder("B1"))

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [batch] = batch_list(model, batch_id=batch_id("B1"))
        steps = tuple(
            replace(each, total_fen=80_000) if each.step == "exported" else each
            for each in batch.steps
        )
        files = bank_file_sums(model, replace(batch, steps=steps))

    assert told(reconciled(batch, [], [], files))["approved_exported"] == 80_000


def test_a_file_that_was_cancelled_is_none(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 80_000))
    file = export_batch(world.ledger, world.act("K-X01"), BankFileOrder("B1"))

    cancel_bank_file(world.ledger, world.act(), FileCancelling("B1", file.sha256, "银行未执行"))

    assert sent(world) == (None, None)


def test_sheets_are_held_against_what_was_signed_for(world: World) -> None:
    world.sheet("S1", ONE, TWO)
    assert told(figures(world, "S1")) == {"approved_instructed": 0, "certified_signed": None}

    world.sign("S1", signature(1, ONE.name))

    assert told(figures(world, "S1")) == {"approved_instructed": 0, "certified_signed": 0}


def test_refused_rows_come_in_pages(world: World) -> None:
    world.draft("B1", *(roster_row(n, Person(n), 10) for n in range(1, 6)))

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        first = refused_rows_of(model, batch_id("B1"), limit=3)
        rest = refused_rows_of(model, batch_id("B1"), after=first[-1].position)
        [batch] = batch_list(model, batch_id=batch_id("B1"))

    assert [row.number for row in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert (batch.accepted_count, batch.accepted_total_fen, batch.refused_count) == (0, 0, 5)


@pytest.mark.parametrize(
    ("stage", "channel", "posts", "turns"),
    [
        (Stage.DRAFTED, Channel.BANK_CARD, {Role.REVIEWER, Role.APPROVER}, {"review"}),
        (Stage.REVIEWED, Channel.BANK_CARD, {Role.APPROVER}, {"approve"}),
        (Stage.APPROVED, Channel.BANK_CARD, {Role.CASHIER}, {"export", "return", "close"}),
        (Stage.APPROVED, Channel.SIGNATURE_SHEET, {Role.CASHIER}, {"close"}),
        (Stage.CLOSED, Channel.BANK_CARD, {Role.CASHIER}, {"export", "return"}),
        (Stage.CLOSED, Channel.BANK_CARD, {Role.APPROVER}, {"cancel_file"}),
        (Stage.APPROVED, Channel.BANK_CARD, {Role.HANDLER, Role.AUDITOR}, set()),
    ],
)
def test_whose_turn_it_is(stage: Stage, channel: str, posts: set[str], turns: set[str]) -> None:
    me, other = officer_id("ME"), officer_id("OTHER")

    assert turns_of(me, posts, Standing(stage, channel, [other])) == turns
    had_a_part = turns_of(me, posts, Standing(stage, channel, [me]))
    assert had_a_part == turns - {"review", "approve", "export"}
