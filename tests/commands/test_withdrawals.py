"""Payments that will not be paid out: their money goes back to its lots, and no bank pays them."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from ledger.commands import batches, disbursements, recipients, statements
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.commands.signatures import Discarding, discard_signature
from ledger.domain.batch import Batch, PaymentsUnderWay, SamePerson, Stage, batch_id
from ledger.domain.clear_text import PersonalDataInText
from ledger.domain.disbursement import (
    AlreadySent,
    NotInTransit,
    PaymentWithdrawn,
    SignatureUndone,
    SignatureWaits,
    Status,
)
from ledger.domain.officer import Role, RoleMissing
from ledger.domain.recipient import Change
from ledger.errors import LedgerError
from ledger.files.bank import BankReturn, InstructionFile, Lists, ReturnLine
from ledger.files.faults import FileRefused
from ledger.store.act import CommandAct
from ledger.store.application import Answer
from projections.findings.asked import Asked
from projections.findings.rules import findings
from projections.findings.sheets import sheets_against_ledger
from projections.findings.versions import EARLIER
from projections.open_payments import open_payments
from projections.runner import catch_up
from tests.commands.refusing import nothing_more
from tests.commands.test_signatures import PEOPLE, SHEET, certify, drawn, take
from tests.world import DAY, Person, World, failed, pending, roster_row, settled, signature

ONE, TWO = Person(1), Person(2)
RECEIVED, PAID = 500_000, 60_000
APPROVER = "A-X01"


@pytest.fixture
def carded(world: World) -> World:
    """Two payments to cards, approved, of which the bank was sent nothing yet."""
    world.receive("X01", RECEIVED)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, PAID), roster_row(2, TWO, PAID))
    return world


def withdraw(world: World, person: Person, staff: str = APPROVER) -> Answer:
    return disbursements.withdraw_payment(
        world.ledger, signed_in(world, staff), world.payment_id(person), "本人已调离"
    )


def signed_in(world: World, staff: str) -> CommandAct:
    return replace(world.act(staff), signed_in=True)


def reissue(world: World, person: Person) -> None:
    order = disbursements.Reissue(world.payment_id(person), "本人已回来")
    disbursements.reissue_payment(world.ledger, world.act(APPROVER), order)


def export(world: World) -> InstructionFile:
    return export_batch(world.ledger, world.act(), BankFileOrder("B1"))


def restrict(world: World, person: Person, change: Change = Change.RESTRICT) -> None:
    id_ = world.ledger.vault.subject_id("id_number", person.id_number)
    recipients.request_change(world.ledger, world.act("H-X01"), id_, change, "本人要求", "决定书")
    recipients.decide_change(world.ledger, world.act("A-X01"), id_, change, None)


def refused(world: World, person: Person, staff: str = APPROVER) -> type[LedgerError]:
    """Have a withdrawal refused: nothing may come of it."""
    balance = world.fund("X01").balance
    refusal = nothing_more(world, lambda: withdraw(world, person, staff))
    assert world.fund("X01").balance == balance
    return type(refusal)


def test_what_the_bank_was_never_sent_goes_back_and_the_batch_comes_to_its_end(
    carded: World,
) -> None:
    withdraw(carded, ONE)

    assert carded.payment(ONE).status is Status.WITHDRAWN
    assert carded.fund("X01").balance == RECEIVED - PAID
    assert export(carded).count == 1
    with pytest.raises(PaymentsUnderWay):
        batches.close_batch(carded.ledger, carded.act(), batch_id("B1"))
    carded.answer("B1", settled(2, TWO, PAID))
    batches.close_batch(carded.ledger, carded.act(), batch_id("B1"))
    batch = carded.ledger.load(Batch, batch_id("B1"))
    assert batch is not None
    assert batch.stage is Stage.CLOSED
    carded.check_log()


def test_whom_the_file_was_without_is_withdrawn_and_who_was_in_it_is_not(carded: World) -> None:
    restrict(carded, ONE)
    assert export(carded).left_out == (1,)

    withdraw(carded, ONE)

    assert refused(carded, TWO) is AlreadySent
    assert refused(carded, ONE) is PaymentWithdrawn
    carded.answer("B1", settled(2, TWO, PAID))
    batches.close_batch(carded.ledger, carded.act(), batch_id("B1"))
    restrict(carded, ONE, Change.ERASE)
    carded.check_log()


def test_whom_one_file_held_is_not_withdrawn_though_the_next_was_without(carded: World) -> None:
    export(carded)
    restrict(carded, ONE)
    assert export(carded).left_out == (1,)

    assert refused(carded, ONE) is AlreadySent


def test_whom_a_file_held_alone_is_not_withdrawn(carded: World) -> None:
    restrict(carded, ONE)
    export(carded)
    restrict(carded, ONE, Change.LIFT)
    assert export(carded).count == 1

    assert refused(carded, ONE) is AlreadySent


def test_who_was_left_out_is_withdrawn_though_another_file_held_others_alone(
    carded: World,
) -> None:
    for person in (ONE, TWO):
        restrict(carded, person)
    restrict(carded, TWO, Change.LIFT)
    assert export(carded).left_out == (1,)

    assert refused(carded, TWO) is AlreadySent
    withdraw(carded, ONE)
    assert carded.payment(ONE).status is Status.WITHDRAWN


def test_where_the_bank_answered_though_no_file_was_written_here_it_was_sent(
    carded: World,
) -> None:
    carded.answer("B1", settled(1, ONE, PAID), failed(2, TWO, PAID))
    reissue(carded, TWO)

    assert refused(carded, TWO) is AlreadySent
    assert refused(carded, ONE) is NotInTransit


def test_what_came_back_and_was_not_sent_again_is_withdrawn(carded: World) -> None:
    export(carded)
    carded.answer("B1", settled(1, ONE, PAID), failed(2, TWO, PAID))
    reissue(carded, TWO)

    withdraw(carded, TWO)

    assert carded.fund("X01").balance == RECEIVED - PAID
    # The bank's list of all that it did says again what it had said of the first attempt.
    again = carded.answer("B1", settled(1, ONE, PAID), failed(2, TWO, PAID), sha="03" * 32)
    assert (again.result["returned"], again.result["earlier"]) == (0, 1)
    assert carded.payment(TWO).status is Status.WITHDRAWN
    carded.check_log()


def test_what_was_withdrawn_is_sent_alone_later_and_either_file_is_answered(carded: World) -> None:
    withdraw(carded, ONE)
    first = export(carded)
    reissue(carded, ONE)
    # Row 2 waits for the answer to the first file: in the second, too, it would be paid twice.
    for _ in range(2):
        again = export(carded)
        assert (first.count, again.count) == (1, 1)
        assert TWO.card.encode() in first.content
        assert ONE.card.encode() in again.content

    carded.answer("B1", settled(2, TWO, PAID))
    assert carded.payment(ONE).status is Status.IN_TRANSIT
    assert ONE.card.encode() in export(carded).content
    carded.answer("B1", settled(1, ONE, PAID), sha="02" * 32)

    assert carded.payment(ONE).status is Status.SETTLED
    assert carded.fund("X01").balance == RECEIVED - 2 * PAID
    carded.check_log()


def test_a_list_of_failures_vouches_for_no_payment_that_no_file_held(carded: World) -> None:
    withdraw(carded, ONE)
    export(carded)
    reissue(carded, ONE)
    content = BankReturn("unionpay-df", "B1", Lists.FAILURES, (), 1, PAID, "05" * 32)

    statements.receive_statement(
        carded.ledger, carded.act(), statements.ReturnFile("B1", "return.txt", content)
    )

    assert carded.payment(ONE).status is Status.IN_TRANSIT
    assert carded.payment(TWO).status is Status.SETTLED


def test_a_list_of_failures_that_is_handed_out_again_vouches_for_nobody_of_another_file(
    carded: World,
) -> None:
    """Who was withdrawn before the first file is in the second alone."""
    withdraw(carded, ONE)
    export(carded)
    reissue(carded, ONE)
    assert export(carded).count == 1
    again = BankReturn("unionpay-df", "B1", Lists.FAILURES, (), 1, PAID, "05" * 32)
    failing = BankReturn(
        "unionpay-df", "B1", Lists.FAILURES, (failed(2, TWO, PAID),), 0, 0, "06" * 32
    )
    both = replace(failing, settled_count=1, settled_fen=PAID, sha256="07" * 32)

    def take_in(content: BankReturn) -> Answer:
        order = statements.ReturnFile("B1", "return.txt", content)
        return statements.receive_statement(carded.ledger, carded.act(), order)

    # Both files come to the same: which of them is answered, nobody can tell.
    with pytest.raises(FileRefused):
        take_in(again)
    assert take_in(failing).result["returned"] == 1
    # It names a row of the first file: whoever is in the second is not vouched for.
    with pytest.raises(FileRefused):
        take_in(both)
    assert carded.payment(ONE).status is Status.IN_TRANSIT


def test_a_list_of_failures_may_count_again_who_arrived_before(world: World) -> None:
    three = Person(3)
    world.receive("X01", RECEIVED)
    world.file(ONE, TWO, three)
    world.pay("B1", *(roster_row(n, each, PAID) for n, each in enumerate((ONE, TWO, three), 1)))
    withdraw(world, three)
    export(world)
    content = BankReturn(
        "unionpay-df", "B1", Lists.FAILURES, (failed(1, ONE, PAID),), 1, PAID, "05" * 32
    )
    for sha in ("05" * 32, "06" * 32):
        order = statements.ReturnFile("B1", "return.txt", replace(content, sha256=sha))
        statements.receive_statement(world.ledger, world.act(), order)
        if sha == content.sha256:
            reissue(world, three)
            assert export(world).count == 1

    stands = [world.payment(each).status for each in (ONE, TWO, three)]
    assert stands == [Status.RETURNED, Status.SETTLED, Status.IN_TRANSIT]
    world.check_log()


def test_the_answer_to_what_was_sent_alone_need_not_name_what_the_bank_looks_for(
    carded: World,
) -> None:
    withdraw(carded, TWO)
    export(carded)
    carded.answer("B1", pending(1, ONE, PAID))
    reissue(carded, TWO)
    assert export(carded).count == 1

    carded.answer("B1", settled(2, TWO, PAID), sha="02" * 32)

    assert carded.payment(TWO).status is Status.SETTLED
    assert carded.payment(ONE).status is Status.IN_TRANSIT


def test_a_list_of_all_settles_nothing_that_was_not_sent_since(carded: World) -> None:
    """Both were paid and came back; then one alone was sent again."""
    both = settled(1, ONE, PAID), settled(2, TWO, PAID)
    export(carded)
    carded.answer("B1", *both)
    back = failed(1, ONE, PAID, "RETURNED"), failed(2, TWO, PAID, "RETURNED")
    carded.answer("B1", *back, sha="02" * 32)
    reissue(carded, ONE)
    reissue(carded, TWO)
    restrict(carded, ONE)
    assert export(carded).left_out == (1,)
    withdraw(carded, ONE)
    restrict(carded, ONE, Change.LIFT)
    reissue(carded, ONE)

    again = carded.answer("B1", *both, sha="03" * 32)

    assert again.result["earlier"] == 1
    assert carded.payment(ONE).status is Status.IN_TRANSIT
    carded.check_log()


def test_a_bank_that_says_later_that_it_paid_an_earlier_card_is_heard(carded: World) -> None:
    export(carded)
    carded.answer("B1", failed(1, ONE, PAID), settled(2, TWO, PAID))
    order = disbursements.Reissue(carded.payment_id(ONE), "换卡", "6299900000000000077")
    disbursements.reissue_payment(carded.ledger, carded.act(APPROVER), order)
    withdraw(carded, ONE)
    lines = [replace(each, number=None) for each in (settled(1, ONE, PAID), settled(2, TWO, PAID))]

    refusal = nothing_more(carded, lambda: carded.answer("B1", *lines, sha="03" * 32))

    assert isinstance(refusal, FileRefused)
    assert [each.code for each in refusal.faults] == ["bank_file.withdrawn"]


@pytest.mark.parametrize("where", [("6299900000000000077",), ("", "建设银行")])
def test_who_withdraws_does_not_alone_send_it_to_another_card(
    carded: World, where: tuple[str, ...]
) -> None:
    carded.appoint("P-X01", "X01", Role.APPROVER, date(2016, 12, 1))
    withdraw(carded, ONE)
    order = disbursements.Reissue(carded.payment_id(ONE), "换卡", *where)

    refusal = nothing_more(
        carded,
        lambda: disbursements.reissue_payment(carded.ledger, signed_in(carded, APPROVER), order),
    )

    assert isinstance(refusal, SamePerson)
    disbursements.reissue_payment(carded.ledger, signed_in(carded, "P-X01"), order)
    for staff in ("P-X01", APPROVER):
        with pytest.raises(SamePerson):
            export_batch(carded.ledger, carded.act(staff), BankFileOrder("B1"))


def test_a_withdrawal_may_follow_one_and_what_is_sent_in_between_is_not_withdrawn(
    carded: World,
) -> None:
    for _ in range(2):
        withdraw(carded, ONE)
        reissue(carded, ONE)
    export(carded)

    assert refused(carded, ONE) is AlreadySent


@pytest.mark.parametrize("says", [settled, pending])
def test_a_bank_that_says_it_paid_what_was_withdrawn_is_not_taken_at_its_word_unseen(
    carded: World, says: Callable[[int, Person, int], ReturnLine]
) -> None:
    withdraw(carded, ONE)
    lines = says(1, ONE, PAID), settled(2, TWO, PAID)

    refusal = nothing_more(carded, lambda: carded.answer("B1", *lines))

    assert isinstance(refusal, FileRefused)
    [fault] = refusal.faults
    assert (fault.code, fault.row) == ("bank_file.withdrawn", lines[0].line)
    reissue(carded, ONE)
    carded.answer("B1", *lines)
    expected = Status.SETTLED if says is settled else Status.IN_TRANSIT
    assert (carded.payment(ONE).status, carded.payment(TWO).status) == (expected, Status.SETTLED)
    carded.check_log()


def test_a_bank_that_says_it_did_not_pay_what_was_withdrawn_says_nothing_new(
    carded: World,
) -> None:
    withdraw(carded, ONE)

    answer = carded.answer("B1", failed(1, ONE, PAID), settled(2, TWO, PAID))

    assert (answer.result["settled"], answer.result["returned"]) == (1, 0)
    assert carded.payment(ONE).status is Status.WITHDRAWN


def test_a_sheet_that_somebody_never_came_to_sign_comes_to_its_end(world: World) -> None:
    world.receive("X01", RECEIVED)
    world.sheet(SHEET, *PEOPLE)
    one, two, _ = PEOPLE
    take(world, drawn(1))
    balance = world.fund("X01").balance

    assert refused(world, one) is SignatureWaits
    withdraw(world, two)

    assert world.payment(two).status is Status.WITHDRAWN
    assert world.fund("X01").balance == balance + 30_000
    # Whoever comes after all is on record; they sign once it was made again, closed or not.
    assert take(world, drawn(2, form=14)).refusal_code == "disbursement.withdrawn"
    assert "refusal.recorded" in world.types()
    withdraw(world, PEOPLE[2])
    certify(world, 1)
    batches.close_batch(world.ledger, world.act(), batch_id(SHEET))
    reissue(world, two)
    take(world, drawn(2, form=14))
    certify(world, 2)
    assert world.payment(two).status is Status.SIGNED
    world.check_log()


def test_who_took_a_signature_back_or_had_a_part_in_the_list_does_not_withdraw_it(
    world: World,
) -> None:
    world.receive("X01", RECEIVED)
    world.sheet(SHEET, *PEOPLE)
    for letter in "BD":
        world.appoint(f"{letter}-X01", "X01", Role.APPROVER, date(2016, 12, 1))
    payment = world.payment(PEOPLE[0])
    world.sign(SHEET, signature(1, PEOPLE[0].name))
    signed = world.payment(PEOPLE[0]).version
    disbursements.correct_outcome(world.ledger, world.act("B-X01"), payment.id, signed, "误记")

    assert refused(world, PEOPLE[0], "B-X01") is SignatureUndone
    assert refused(world, PEOPLE[0], APPROVER) is SignatureUndone
    assert taken_back(world) == []
    withdraw(world, PEOPLE[0], "D-X01")

    assert taken_back(world) == [(1, 30_000)]
    withdraw(world, PEOPLE[1], APPROVER)  # of whom nobody ever said that they signed
    assert taken_back(world) == [(1, 30_000)]
    world.check_log()


def test_who_discarded_a_signature_does_not_withdraw_its_payment(world: World) -> None:
    world.receive("X01", RECEIVED)
    world.sheet(SHEET, *PEOPLE)
    world.appoint("B-X01", "X01", Role.APPROVER, date(2016, 12, 1))
    world.appoint("B-X01", "X01", Role.HANDLER, date(2016, 12, 1))
    take(world, drawn(staff="B-X01"), "B-X01")
    discard_signature(world.ledger, world.act("B-X01"), Discarding(SHEET, 1, "划线"))

    assert refused(world, PEOPLE[0], "B-X01") is SignatureUndone
    assert taken_back(world) == []
    withdraw(world, PEOPLE[0], APPROVER)
    assert taken_back(world) == [(1, 30_000)]
    # That it is signed for later does not say who has the money of before.
    reissue(world, PEOPLE[0])
    take(world, drawn(form=14))
    certify(world, 1)
    assert taken_back(world) == [(1, 30_000)]
    world.check_log()


def test_what_a_sheet_comes_to_is_looked_for_in_what_was_recorded_since(world: World) -> None:
    """With the payments of a whole province on record, a write does not read them all again."""
    world.receive("X01", RECEIVED)
    world.sheet(SHEET, *PEOPLE)
    world.sign(SHEET, signature(1, PEOPLE[0].name))
    assert taken_back(world) == []
    signed = world.payment(PEOPLE[0])
    world.appoint("D-X01", "X01", Role.APPROVER, date(2016, 12, 1))
    disbursements.correct_outcome(world.ledger, world.act(), signed.id, signed.version, "误记")
    withdraw(world, PEOPLE[0], "D-X01")
    withdraw(world, PEOPLE[1])
    take(world, drawn(2, form=14))
    asked: list[tuple[str, Any]] = []
    with catch_up(world.ledger, world.home.read_models).asking() as model:

        def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
            asked.append((statement, parameters))

        state = Asked(model, DAY, open_payments(model))
        event.listen(model, "before_cursor_execute", note)
        [found] = sheets_against_ledger(state)
        event.remove(model, "before_cursor_execute", note)
        plans = [
            str(row[-1])
            for sql, of in asked
            for row in model.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", of)
        ]

    assert found.count == 2
    tables = "disbursement_states|disbursements|signatures|movements|sheet_scan_rows"
    assert [plan for plan in plans if re.match(f"SCAN ({tables})", plan)] == []
    assert any("movements_by_kind (kind=? AND position>?)" in plan for plan in plans)


def taken_back(world: World) -> list[tuple[int, int | None]]:
    """Return what D3 tells, and see that an earlier version did not."""
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = Asked(model, DAY, open_payments(model))
        assert list(EARLIER["D3"][2].find(asked)) == []
        return [(each.count, each.amount_fen) for each in findings(asked) if each.rule == "D3"]


def test_what_was_signed_on_paper_for_a_withdrawn_payment_is_told(world: World) -> None:
    world.receive("X01", RECEIVED)
    world.sheet(SHEET, *PEOPLE)
    withdraw(world, PEOPLE[0])

    answer = world.sign(SHEET, signature(1, PEOPLE[0].name), signature(2, PEOPLE[1].name))

    assert answer.result["signed"] == 1
    [told] = answer.result["refused"]
    assert (told["number"], told["code"]) == (1, "disbursement.withdrawn")


@pytest.mark.parametrize("staff", ["H-X01", "R-X01", "A-X02"])
def test_an_approver_of_the_union_withdraws_and_nobody_else(carded: World, staff: str) -> None:
    assert refused(carded, ONE, staff) is RoleMissing
    assert carded.payment(ONE).status is Status.IN_TRANSIT


def test_asked_twice_under_one_key_it_is_withdrawn_once(carded: World) -> None:
    act = carded.act(APPROVER, key="once")
    answers = [
        disbursements.withdraw_payment(carded.ledger, act, carded.payment_id(ONE), "调离")
        for _ in range(2)
    ]

    assert [each.replayed for each in answers] == [False, True]
    assert carded.types().count("disbursement.withdrawn") == 1


def test_no_reason_for_what_becomes_of_a_payment_names_somebody_by_a_number(carded: World) -> None:
    ledger, act, number = carded.ledger, carded.act(APPROVER), f"核对 {ONE.id_number}"
    one, two = carded.payment_id(ONE), carded.payment_id(TWO)
    export(carded)
    carded.answer("B1", settled(1, ONE, PAID), failed(2, TWO, PAID))
    version = carded.payment(ONE).version
    carded.file(Person(3))
    carded.pay("B2", roster_row(1, Person(3), PAID))
    size = ledger.size()

    with pytest.raises(PersonalDataInText):
        disbursements.correct_outcome(ledger, act, one, version, number)
    with pytest.raises(PersonalDataInText):
        disbursements.reissue_payment(ledger, act, disbursements.Reissue(two, number))
    with pytest.raises(PersonalDataInText):
        disbursements.withdraw_payment(ledger, act, carded.payment_id(Person(3)), number)

    assert ledger.size() == size
