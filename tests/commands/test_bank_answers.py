"""What the bank answers, what comes back, and how mistakes are put right."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from ledger.commands import batches, disbursements, funds, statements
from ledger.commands.bank_files import BankFileOrder, NothingInTransit, export_batch
from ledger.commands.sealing import PAYEE, unseal
from ledger.domain.batch import SamePerson, batch_id
from ledger.domain.disbursement import (
    Disbursement,
    HasArrived,
    NothingToCorrect,
    NotReturned,
    Status,
)
from ledger.domain.officer import Role
from ledger.domain.policy import Channel
from ledger.errors import LedgerError
from ledger.files.bank import BankReturn, Lists, ReturnLine
from ledger.files.faults import FileRefused
from ledger.store.application import Answer
from tests.world import (
    CAMPAIGN,
    EARMARK,
    Person,
    World,
    failed,
    pending,
    roster,
    roster_row,
    settled,
)

ONE, TWO, THREE = Person(1), Person(2), Person(3)


class _Carded(Person):
    """The second person, on the card that the second attempt went to."""

    @property
    def card(self) -> str:
        return "6299900000000000077"


CARDED = _Carded(2)
SLIPPED = THREE.name[:-1] + "某"


def test_an_unresolved_payment_stays_in_transit_until_the_bank_knows(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))

    first = world.answer("B1", settled(1, ONE, 60_000), pending(2, TWO, 60_000))
    assert (first.result["settled"], first.result["unresolved"]) == (1, 1)
    assert world.payment(TWO).status is Status.IN_TRANSIT
    second = world.answer("B1", settled(1, ONE, 60_000), settled(2, TWO, 60_000), sha="01" * 32)

    assert (second.result["settled"], second.result["returned"]) == (1, 0)
    assert world.payment(TWO).status is Status.SETTLED
    world.check_log()


def test_a_success_is_not_final(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", settled(1, ONE, 60_000))

    world.answer("B1", failed(1, ONE, 60_000, "RETURNED"), sha="02" * 32)

    assert world.payment(ONE).status is Status.RETURNED
    assert world.fund("X01").balance == 500_000
    world.check_log()


@pytest.mark.parametrize(
    ("says", "code", "becomes"),
    [
        (settled, "bank_file.failed_before", Status.SETTLED),
        (pending, "bank_file.unclear_again", Status.IN_TRANSIT),
    ],
)
def test_a_bank_that_takes_a_failure_back_is_heard_before_the_person_is_paid_twice(
    world: World, says: Callable[[int, Person, int], ReturnLine], code: str, becomes: Status
) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    export(world)
    world.answer("B1", failed(1, ONE, 60_000), settled(2, TWO, 60_000))
    corrected = says(1, ONE, 60_000), settled(2, TWO, 60_000)
    size = world.ledger.size()

    with pytest.raises(FileRefused) as refused:
        world.answer("B1", *corrected, sha="02" * 32)

    [fault] = refused.value.faults
    assert (fault.code, fault.row) == (code, corrected[0].line)
    assert world.ledger.size() == size
    order = disbursements.Reissue(world.payment_id(ONE), "银行更正：已付")
    disbursements.reissue_payment(world.ledger, world.act(), order)
    answer = world.answer("B1", *corrected, sha="02" * 32)
    assert answer.result["earlier"] == 0
    assert world.payment(ONE).status is becomes
    assert world.fund("X01").balance == 500_000 - 2 * 60_000
    with pytest.raises(NothingInTransit):
        export(world)
    world.check_log()


def test_what_a_bank_says_late_of_what_came_back_takes_no_failure_back(world: World) -> None:
    """Of one it had said that it does not know; the other had arrived first (退票)."""
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    first = pending(1, ONE, 60_000), settled(2, TWO, 60_000)
    world.answer("B1", *first)
    world.answer("B1", failed(1, ONE, 60_000), failed(2, TWO, 60_000, "RETURNED"), sha="02" * 32)

    world.answer("B1", *first, sha="03" * 32)

    for person in (ONE, TWO):
        assert world.payment(person).status is Status.RETURNED
    assert world.fund("X01").balance == 500_000


@pytest.mark.parametrize("case", ["other amount", "other card", "unknown row", "row left out"])
def test_a_file_that_does_not_answer_the_instructions_is_refused_whole(
    world: World, case: str
) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    lines = {
        "other amount": (settled(1, ONE, 60_000), settled(2, TWO, 60_001)),
        "other card": (settled(1, ONE, 60_000), settled(2, THREE, 60_000)),
        "unknown row": (settled(1, ONE, 60_000), settled(3, TWO, 60_000)),
        "row left out": (settled(1, ONE, 60_000),),
    }[case]
    size = world.ledger.size()

    with pytest.raises(FileRefused) as refused:
        world.answer("B1", *lines)

    assert refused.value.code in ("bank_file.unknown_line", "bank_file.incomplete")
    assert world.ledger.size() == size
    assert world.payment(ONE).status is Status.IN_TRANSIT


def test_a_file_is_taken_in_once(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", settled(1, ONE, 60_000))

    with pytest.raises(LedgerError) as refused:
        world.answer("B1", settled(1, ONE, 60_000))

    assert refused.value.code == "statement.known"


def test_what_came_back_is_paid_again_to_another_card(world: World) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", failed(1, ONE, 60_000))
    order = disbursements.Reissue(world.payment_id(ONE), "换卡", "6299900000000000077")

    disbursements.reissue_payment(world.ledger, world.act(), order)

    assert world.payment(ONE).status is Status.IN_TRANSIT
    assert world.fund("X01").balance == 40_000
    file = export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    assert b"6299900000000000077" in file.content
    with pytest.raises(NotReturned):
        disbursements.reissue_payment(world.ledger, world.act(), order)
    world.check_log()


def test_a_new_card_may_be_of_another_bank(world: World) -> None:
    world.receive("X01", 200_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    world.answer("B1", failed(1, ONE, 60_000), failed(2, TWO, 60_000))
    card = "6299900000000000077"
    for person, bank in ((ONE, "建设银行庐阳支行"), (TWO, "")):
        order = disbursements.Reissue(world.payment_id(person), "换卡", card, bank)
        disbursements.reissue_payment(world.ledger, world.act(), order)

    paid_to = [
        unseal(world.ledger, each.person_id, PAYEE, each.payee)
        for each in (world.payment(ONE), world.payment(TWO))
    ]

    assert [each["bank_name"] for each in paid_to] == ["建设银行庐阳支行", "徽商银行"]
    assert [each["card_number"] for each in paid_to] == [card, card]


def test_a_settlement_recorded_by_mistake_is_taken_back_and_the_taking_back_too(
    world: World,
) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", settled(1, ONE, 60_000))
    id_, correct = world.payment_id(ONE), disbursements.correct_outcome

    correct(world.ledger, world.act(), id_, 2, "误记")
    assert world.payment(ONE).status is Status.IN_TRANSIT
    with pytest.raises(NothingToCorrect):
        correct(world.ledger, world.act(), id_, 2, "误记")
    correct(world.ledger, world.act(), id_, 3, "更正有误")

    assert world.payment(ONE).status is Status.SETTLED
    assert world.fund("X01").balance == 40_000
    world.check_log()


def test_a_receipt_entered_wrongly_is_put_right_by_addition(world: World) -> None:
    lot = world.receive("X01", 100_000).result["lot_id"]

    def order(difference: int) -> funds.ReceiptCorrection:
        return funds.ReceiptCorrection("X01", EARMARK, UUID(lot), 2, difference, "少录一个零")

    funds.correct_receipt(world.ledger, world.act(), order(900_000))
    assert world.fund("X01").balance == 1_000_000
    with pytest.raises(LedgerError) as refused:
        funds.correct_receipt(world.ledger, world.act(), order(-1_000_001))

    assert refused.value.code == "fund.insufficient"
    world.check_log()


def test_what_the_bank_was_sent_before_is_not_sent_again_after_a_correction(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO, THREE)
    world.pay("B1", *(roster_row(n, each, 60_000) for n, each in enumerate((ONE, TWO, THREE), 1)))
    world.answer("B1", settled(1, ONE, 60_000), failed(2, TWO, 60_000), settled(3, THREE, 60_000))
    payment = world.payment(THREE)
    disbursements.correct_outcome(world.ledger, world.act(), payment.id, payment.version, "误记")
    order = disbursements.Reissue(world.payment_id(TWO), "再付")
    disbursements.reissue_payment(world.ledger, world.act(), order)

    file = export_batch(world.ledger, world.act(), BankFileOrder("B1"))

    assert file.count == 1
    assert TWO.card.encode() in file.content
    assert THREE.card.encode() not in file.content


def test_what_comes_back_after_its_batch_was_closed_is_paid_again(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", settled(1, ONE, 60_000))
    batches.close_batch(world.ledger, world.act(), batch_id("B1"))
    world.answer("B1", failed(1, ONE, 60_000, "RETURNED"), sha="02" * 32)
    order = disbursements.Reissue(world.payment_id(ONE), "再付")
    disbursements.reissue_payment(world.ledger, world.act(), order)

    file = export_batch(world.ledger, world.act(), BankFileOrder("B1"))

    assert file.count == 1
    world.answer("B1", settled(1, ONE, 60_000), sha="03" * 32)
    assert world.payment(ONE).status is Status.SETTLED
    with pytest.raises(NothingInTransit):
        export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    world.check_log()


def sent_again(world: World, person: Person, card: str | None = None) -> bytes:
    """Have a payment that came back made again, and return the file for the bank."""
    order = disbursements.Reissue(world.payment_id(person), "再付", *([card] if card else []))
    disbursements.reissue_payment(world.ledger, world.act(), order)
    return export(world)


def export(world: World) -> bytes:
    return export_batch(world.ledger, world.act(), BankFileOrder("B1")).content


@pytest.fixture
def three(world: World) -> World:
    """Sent to the bank: one arrived, one came back, and of one the bank does not know yet."""
    world.receive("X01", 500_000)
    world.file(ONE, TWO, THREE)
    world.pay("B1", *(roster_row(n, each, 60_000) for n, each in enumerate((ONE, TWO, THREE), 1)))
    export(world)
    world.answer("B1", settled(1, ONE, 60_000), failed(2, TWO, 60_000), pending(3, THREE, 60_000))
    return world


def first_list_again(world: World) -> tuple[object, ...]:
    """Take in the bank's first list as it is now: only of THREE it tells anything new."""
    lines = settled(1, ONE, 60_000), failed(2, TWO, 60_000), settled(3, THREE, 60_000)
    result = world.answer("B1", *lines, sha="03" * 32).result
    return result["settled"], result["returned"], result["earlier"]


@pytest.mark.parametrize("arrived", [False, True])
def test_what_a_file_says_again_of_the_first_attempt_takes_back_no_second(
    three: World, arrived: bool
) -> None:
    sent_again(three, TWO)
    if arrived:
        three.answer("B1", settled(2, TWO, 60_000), sha="02" * 32)

    assert first_list_again(three) == (1, 0, 1)
    assert three.payment(TWO).status is (Status.SETTLED if arrived else Status.IN_TRANSIT)
    assert three.payment(THREE).status is Status.SETTLED
    if not arrived:
        three.answer("B1", failed(2, TWO, 60_000), sha="04" * 32)  # what was sent again alone
        assert three.payment(TWO).status is Status.RETURNED
    three.check_log()


def test_a_list_that_names_the_card_before_the_last_is_taken_in_all_the_same(three: World) -> None:
    card = "6299900000000000077"
    assert card.encode() in sent_again(three, TWO, card)

    assert first_list_again(three) == (1, 0, 1)
    assert three.payment(TWO).status is Status.IN_TRANSIT
    three.check_log()


def take(world: World, lists: Lists, *lines: ReturnLine, settled_fen: int | None = None) -> Answer:
    count = None if settled_fen is None else settled_fen // 60_000
    content = BankReturn("unionpay-df", "B1", lists, lines, count, settled_fen, "07" * 32)
    order = statements.ReturnFile("B1", "return.txt", content)
    return statements.receive_statement(world.ledger, world.act(), order)


def test_a_list_of_failures_vouches_for_nobody_whom_it_says_to_have_failed(three: World) -> None:
    sent_again(three, TWO, "6299900000000000077")
    three.answer("B1", settled(2, CARDED, 60_000), settled(3, THREE, 60_000), sha="02" * 32)
    three.answer("B1", failed(2, CARDED, 60_000), sha="03" * 32)
    sent_again(three, TWO, "6299900000000000078")

    # As many arrived by the first file as are on their way now.
    with pytest.raises(FileRefused) as refused:
        take(three, Lists.FAILURES, failed(2, TWO, 60_000), settled_fen=60_000)

    assert refused.value.code == "bank_file.control_total"
    assert three.payment(TWO).status is Status.IN_TRANSIT


def test_a_file_that_names_a_card_before_the_last_is_old_to_all_that_were_sent_again(
    world: World,
) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    export(world)
    first = failed(1, ONE, 60_000), failed(2, TWO, 60_000)
    world.answer("B1", *first)
    order = disbursements.Reissue(world.payment_id(ONE), "换卡", "6299900000000000077")
    disbursements.reissue_payment(world.ledger, world.act(), order)
    sent_again(world, TWO)

    result = take(world, Lists.SOME, *first).result

    assert (result["returned"], result["earlier"]) == (0, 2)
    assert world.payment(TWO).status is Status.IN_TRANSIT


def test_a_list_that_names_the_new_card_answers_the_new_attempt(three: World) -> None:
    """A list of all that the bank did, and the new card failed as the old one had."""
    sent_again(three, TWO, CARDED.card)

    lines = settled(1, ONE, 60_000), failed(2, CARDED, 60_000), pending(3, THREE, 60_000)
    answer = three.answer("B1", *lines, sha="04" * 32)

    assert (answer.result["returned"], answer.result["earlier"]) == (1, 0)
    assert three.payment(TWO).status is Status.RETURNED


def test_a_success_counts_though_the_first_attempt_was_one_too(three: World) -> None:
    """A list of all that the bank did of a batch; the first success had been sent back (退票)."""
    sent_again(three, TWO)
    three.answer("B1", settled(2, TWO, 60_000), sha="02" * 32)
    three.answer("B1", failed(2, TWO, 60_000, "RETURNED"), sha="03" * 32)
    sent_again(three, TWO)

    lines = settled(1, ONE, 60_000), settled(2, TWO, 60_000), pending(3, THREE, 60_000)
    three.answer("B1", *lines, sha="04" * 32)

    assert three.payment(TWO).status is Status.SETTLED


@pytest.mark.parametrize("reason", ["ACCT_CLOSED", "NAME_MISMATCH"])
def test_what_was_never_sent_again_is_not_answered(three: World, reason: str) -> None:
    order = disbursements.Reissue(three.payment_id(TWO), "再付")
    disbursements.reissue_payment(three.ledger, three.act(), order)

    lines = failed(2, TWO, 60_000, reason), pending(3, THREE, 60_000)
    again = three.answer("B1", *lines, sha="03" * 32)

    assert (again.result["returned"], again.result["earlier"]) == (0, 1)
    assert three.payment(TWO).status is Status.IN_TRANSIT
    assert TWO.card.encode() in export(three)


def test_a_further_file_has_a_name_of_its_own_at_the_bank_and_its_copy_the_same(
    world: World,
) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    rows = roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000)
    order = batches.Draft(
        "B1", CAMPAIGN, "X01", EARMARK, Channel.BANK_CARD, "gzelink", "H-X01", roster(*rows)
    )
    batches.draft_batch(world.ledger, world.act("H-X01"), order)
    world.review("B1")
    world.approve("B1")

    def exported() -> bytes:
        payer = {"merchant": "200", "business": "09900"}
        asked = BankFileOrder("B1", payer=payer)
        return export_batch(world.ledger, world.act(), asked).content

    def answered(called: str, sha: str, *lines: ReturnLine) -> Answer:
        content = BankReturn("gzelink", called, Lists.ALL, lines, None, None, sha)
        told = statements.ReturnFile("B1", "return.xml", content)
        return statements.receive_statement(world.ledger, world.act(), told)

    assert b"<REQ_SN>B1</REQ_SN>" in exported()
    assert b"<REQ_SN>B1</REQ_SN>" in exported()
    with pytest.raises(FileRefused):
        answered("B1-F2", "01" * 32, failed(1, ONE, 60_000), settled(2, TWO, 60_000))
    answered("B1", "01" * 32, failed(1, ONE, 60_000), settled(2, TWO, 60_000))
    again = disbursements.Reissue(world.payment_id(ONE), "再付")
    disbursements.reissue_payment(world.ledger, world.act(), again)
    assert b"<REQ_SN>B1-F2</REQ_SN>" in exported()
    assert b"<REQ_SN>B1-F2</REQ_SN>" in exported()

    answered("B1-F2", "02" * 32, settled(1, ONE, 60_000))

    assert world.payment(ONE).status is Status.SETTLED


def test_who_says_where_money_goes_again_does_not_pay_it_out(world: World) -> None:
    world.appoint("P-X01", "X01", Role.APPROVER, date(2016, 12, 1))
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", failed(1, ONE, 60_000))
    order = disbursements.Reissue(world.payment_id(ONE), "换卡", "6299900000000000077")
    disbursements.reissue_payment(world.ledger, world.act("P-X01"), order)

    with pytest.raises(SamePerson):
        export_batch(world.ledger, world.act("P-X01"), BankFileOrder("B1"))

    assert export_batch(world.ledger, world.act(), BankFileOrder("B1")).count == 1


def put_on(world: World, person: Person, card: str) -> None:
    """Have a payment made again, to another card, and write no file yet."""
    order = disbursements.Reissue(world.payment_id(person), "换卡", card)
    disbursements.reissue_payment(world.ledger, world.act(), order)


@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("says", [settled, pending])
def test_who_is_paid_at_the_card_before_as_well_is_told_until_somebody_looks_into_it(
    three: World, says: Callable[[int, Person, int], ReturnLine], arrived: bool
) -> None:
    sent_again(three, TWO, CARDED.card)
    if arrived:
        three.answer("B1", settled(2, CARDED, 60_000), sha="02" * 32)
    lines = settled(1, ONE, 60_000), says(2, TWO, 60_000), settled(3, THREE, 60_000)

    answer = three.answer("B1", *lines, sha="03" * 32)

    assert (answer.result["earlier"], answer.result["paid_twice"]) == (1, 1)
    assert three.payment(THREE).status is Status.SETTLED
    assert three.payment(TWO).status is (Status.SETTLED if arrived else Status.IN_TRANSIT)
    [told] = told_of_earlier(three, TWO)
    assert (told.attempt, told.outcome, told.line) == (1, lines[1].outcome.value, lines[1].line)
    again = three.answer("B1", *lines, sha="04" * 32)
    assert (again.result["earlier"], again.result["paid_twice"]) == (1, 0)
    assert len(told_of_earlier(three, TWO)) == 1
    three.check_log()


def told_of_earlier(world: World, person: Person) -> list[Disbursement.ArrivedBefore]:
    events = world.ledger.events.get(world.payment_id(person))
    return [each for each in events if isinstance(each, Disbursement.ArrivedBefore)]


def test_what_has_not_gone_to_the_new_card_yet_is_stopped_before_it_is_paid_twice(
    three: World,
) -> None:
    put_on(three, TWO, CARDED.card)
    lines = settled(1, ONE, 60_000), settled(2, TWO, 60_000), settled(3, THREE, 60_000)
    size = three.ledger.size()

    with pytest.raises(FileRefused) as refused:
        three.answer("B1", *lines, sha="03" * 32)

    [fault] = refused.value.faults
    assert (fault.code, fault.row) == ("bank_file.arrived_before", lines[1].line)
    assert three.ledger.size() == size
    disbursements.withdraw_payment(three.ledger, three.act(), three.payment_id(TWO), "原卡已付")
    put_on(three, TWO, TWO.card)
    answer = three.answer("B1", *lines, sha="03" * 32)
    assert (answer.result["settled"], answer.result["paid_twice"]) == (2, 0)
    assert three.payment(TWO).status is Status.SETTLED
    assert three.fund("X01").balance == 500_000 - 3 * 60_000
    with pytest.raises(NothingInTransit):
        export(three)
    three.check_log()


def test_what_came_back_from_the_new_card_too_is_made_again_to_the_card_that_has_it(
    three: World,
) -> None:
    sent_again(three, TWO, CARDED.card)
    three.answer("B1", failed(2, CARDED, 60_000), settled(3, THREE, 60_000), sha="02" * 32)
    lines = settled(1, ONE, 60_000), settled(2, TWO, 60_000), settled(3, THREE, 60_000)

    with pytest.raises(FileRefused) as refused:
        three.answer("B1", *lines, sha="03" * 32)

    assert refused.value.code == "bank_file.failed_before"
    put_on(three, TWO, TWO.card)
    assert three.answer("B1", *lines, sha="03" * 32).result["settled"] == 1
    assert three.payment(TWO).status is Status.SETTLED
    three.check_log()


def test_a_failure_or_an_older_success_of_the_card_before_is_no_news(three: World) -> None:
    """What had arrived there, and was sent back later, had been told before."""
    three.answer("B1", failed(1, ONE, 60_000, "RETURNED"), pending(3, THREE, 60_000), sha="02" * 32)
    sent_again(three, ONE, "6299900000000000078")
    sent_again(three, TWO, CARDED.card)
    lines = settled(1, ONE, 60_000), failed(2, TWO, 60_000), settled(3, THREE, 60_000)

    result = three.answer("B1", *lines, sha="03" * 32).result

    assert (result["settled"], result["earlier"], result["paid_twice"]) == (1, 2, 0)


def test_what_the_bank_has_seen_before_is_asked_about_and_not_paid_again(three: World) -> None:
    seen = replace(pending(3, THREE, 60_000), reason="DUPLICATE", raw_code="3051")

    answer = three.answer("B1", seen, sha="02" * 32)

    assert (answer.result["returned"], answer.result["unresolved"]) == (0, 1)
    order = disbursements.Reissue(three.payment_id(THREE), "再付")
    with pytest.raises(NotReturned):
        disbursements.reissue_payment(three.ledger, three.act(), order)
    with pytest.raises(NothingInTransit):
        export(three)


def test_what_was_read_as_a_failure_once_for_being_seen_before_is_no_news(three: World) -> None:
    three.answer("B1", failed(3, THREE, 60_000, "DUPLICATE"), sha="02" * 32)
    seen = replace(pending(3, THREE, 60_000), reason="DUPLICATE", raw_code="3018")

    three.answer("B1", seen, sha="03" * 32)
    put_on(three, THREE, "6299900000000000078")
    again = three.answer("B1", replace(seen, line=9), sha="04" * 32)

    assert (again.result["earlier"], again.result["paid_twice"]) == (1, 0)
    assert three.payment(THREE).status is Status.IN_TRANSIT


def test_an_earlier_answer_that_comes_late_takes_nothing_back(world: World) -> None:
    """The bank did not know yet of two, and of one of them it has said since that it failed."""
    world.receive("X01", 500_000)
    world.file(ONE, TWO, THREE)
    world.pay("B1", *(roster_row(n, each, 60_000) for n, each in enumerate((ONE, TWO, THREE), 1)))
    export(world)
    world.answer("B1", settled(1, ONE, 60_000), failed(2, TWO, 60_000), settled(3, THREE, 60_000))
    before = settled(1, ONE, 60_000), pending(2, TWO, 60_000), pending(3, THREE, 60_000)

    result = world.answer("B1", *before, sha="02" * 32).result

    assert [result[word] for word in ("settled", "returned", "unresolved")] == [0, 0, 0]
    assert (result["outdated"], result["earlier"]) == (2, 0)
    assert world.payment(TWO).status is Status.RETURNED
    for number, card in enumerate((None, CARDED.card), 3):
        sent_again(world, TWO, card)
        again = world.answer("B1", *before, sha=f"{number:02}" * 32).result
        assert (again["outdated"], again["paid_twice"]) == (2, 0)
        assert not world.payment(TWO).unknown, "of what was made again since it knows nothing"
        paid_to = CARDED if card else TWO
        world.answer("B1", failed(2, paid_to, 60_000), sha=f"{number + 4:02}" * 32)
    world.check_log()


def test_an_answer_that_tells_news_is_not_an_earlier_one(three: World) -> None:
    doubts = pending(1, ONE, 60_000), pending(2, TWO, 60_000), settled(3, THREE, 60_000)

    with pytest.raises(FileRefused) as refused:
        three.answer("B1", *doubts, sha="02" * 32)

    assert refused.value.code == "bank_file.unclear_again"


def told_at_the_card_before(three: World) -> None:
    """TWO has the money on the card before, says the bank late; from the new card it came back."""
    sent_again(three, TWO, CARDED.card)
    late = settled(1, ONE, 60_000), settled(2, TWO, 60_000), settled(3, THREE, 60_000)
    assert three.answer("B1", *late, sha="02" * 32).result["paid_twice"] == 1
    three.answer("B1", failed(2, CARDED, 60_000), sha="03" * 32)


@pytest.mark.parametrize("card", ["", CARDED.card, "6299900000000000078"])
def test_what_the_bank_said_to_have_arrived_is_paid_to_no_other_card(
    three: World, card: str
) -> None:
    told_at_the_card_before(three)
    size = three.ledger.size()

    with pytest.raises(HasArrived):
        put_on(three, TWO, card)

    assert three.ledger.size() == size
    put_on(three, TWO, TWO.card)
    assert three.payment(TWO).status is Status.SETTLED
    assert three.fund("X01").balance == 500_000 - 3 * 60_000
    with pytest.raises(NothingInTransit):
        export(three)
    three.check_log()


def test_what_did_not_arrive_after_all_is_put_right_by_another_and_paid_elsewhere(
    three: World,
) -> None:
    three.appoint("P-X01", "X01", Role.APPROVER, date(2016, 12, 1))
    told_at_the_card_before(three)
    put_on(three, TWO, TWO.card)
    payment = three.payment_id(TWO)

    version = three.payment(TWO).version
    disbursements.correct_outcome(three.ledger, three.act("P-X01"), payment, version, "更正未付")
    disbursements.withdraw_payment(three.ledger, three.act(), payment, "银行更正：未付")
    put_on(three, TWO, CARDED.card)

    assert three.payment(TWO).status is Status.IN_TRANSIT
    assert CARDED.card.encode() in export(three)
    three.check_log()


def test_who_is_paid_under_another_name_at_the_same_card_is_not_paid_elsewhere(
    three: World,
) -> None:
    """It is the account that has the money, whatever the name was."""
    three.answer("B1", failed(3, THREE, 60_000, "NAME_MISMATCH"), sha="02" * 32)
    order = disbursements.Reissue(three.payment_id(THREE), "笔误", name=SLIPPED)
    disbursements.reissue_payment(three.ledger, three.act(), order)
    export(three)
    three.answer("B1", settled(3, THREE, 60_000), sha="03" * 32)
    again = replace(failed(3, THREE, 60_000, "NAME_MISMATCH"), name=SLIPPED)
    three.answer("B1", again, sha="04" * 32)

    with pytest.raises(HasArrived):
        put_on(three, THREE, CARDED.card)
    put_on(three, THREE, "")

    assert three.payment(THREE).status is Status.SETTLED


def unnumbered(*lines: ReturnLine) -> list[ReturnLine]:
    """As some banks write them: by account alone."""
    return [replace(each, number=None, line=n) for n, each in enumerate(lines, 2)]


@pytest.mark.parametrize(
    ("comes", "becomes"),
    [
        (settled, Status.SETTLED),
        (failed, Status.RETURNED),
        (pending, Status.IN_TRANSIT),
    ],
)
def test_a_file_that_names_both_cards_says_something_of_either(
    three: World, comes: Callable[[int, Person, int], ReturnLine], becomes: Status
) -> None:
    sent_again(three, TWO, CARDED.card)
    lines = settled(1, ONE, 60_000), settled(2, TWO, 60_000), comes(2, CARDED, 60_000)

    result = three.answer(
        "B1", *unnumbered(*lines, settled(3, THREE, 60_000)), sha="02" * 32
    ).result

    assert result["settled"] == (2 if comes is settled else 1)
    assert (result["earlier"], result["paid_twice"]) == (1, 1)
    assert three.payment(TWO).status is becomes
    [told] = told_of_earlier(three, TWO)
    assert (told.attempt, told.outcome) == (1, "settled")
    three.check_log()


def test_a_file_may_name_two_cards_before_the_last(three: World) -> None:
    sent_again(three, TWO, CARDED.card)
    three.answer("B1", failed(2, CARDED, 60_000), settled(3, THREE, 60_000), sha="02" * 32)
    sent_again(three, TWO, "6299900000000000078")
    last = replace(settled(2, TWO, 60_000), account="6299900000000000078")
    lines = settled(2, TWO, 60_000), settled(2, CARDED, 60_000), last

    result = three.answer("B1", *unnumbered(settled(1, ONE, 60_000), *lines), sha="03" * 32).result

    assert (result["settled"], result["earlier"], result["paid_twice"]) == (1, 1, 2)
    attempts = {each.attempt for each in told_of_earlier(three, TWO)}
    assert len(attempts) == 2
    three.check_log()


def test_what_came_back_from_both_cards_and_reached_one_is_heard_though_both_are_named(
    three: World,
) -> None:
    sent_again(three, TWO, CARDED.card)
    three.answer("B1", failed(2, CARDED, 60_000), settled(3, THREE, 60_000), sha="02" * 32)
    lines = settled(1, ONE, 60_000), settled(2, TWO, 60_000), failed(2, CARDED, 60_000)

    with pytest.raises(FileRefused) as refused:
        three.answer("B1", *unnumbered(*lines), sha="03" * 32)

    assert refused.value.code == "bank_file.failed_before"
