"""Files that the bank did not carry out: what they held was not sent, and goes into another."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from ledger.commands import bank_files, batches, disbursements
from ledger.commands.bank_files import (
    BankFileOrder,
    FileCancelling,
    NothingInTransit,
    cancel_bank_file,
    export_batch,
)
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.domain.batch import (
    Batch,
    FileCarriedOut,
    FileUnknown,
    SamePerson,
    WrongChannel,
    batch_id,
)
from ledger.domain.disbursement import AlreadySent, Status
from ledger.domain.officer import Role, RoleMissing
from ledger.domain.recipient import Change
from ledger.errors import LedgerError
from ledger.files import banks
from ledger.files.account_statement import StatementEntry
from ledger.files.bank import BankReturn, InstructionFile, Lists, ReturnLine
from ledger.files.banks import FORMATS
from ledger.files.faults import FileRefused
from ledger.store.application import Answer
from tests.commands.banking import BEGINS, Bank, entry, statement
from tests.commands.refusing import nothing_more
from tests.commands.test_withdrawals import restrict
from tests.world import Person, World, failed, pending, roster_row, settled

PEOPLE = ONE, TWO, THREE = Person(1), Person(2), Person(3)
PAID = 60_000
BOSS = "B-X01"


@pytest.fixture
def sent(world: World) -> World:
    """Three payments to cards; the bank's file of them was written. Another approves, too."""
    world.receive("X01", 500_000)
    world.file(*PEOPLE)
    world.appoint(BOSS, "X01", Role.APPROVER)
    world.pay("B1", *(roster_row(n, each, PAID) for n, each in enumerate(PEOPLE, 1)))
    export(world)
    return world


def export(world: World, staff: str = "") -> InstructionFile:
    return export_batch(world.ledger, world.act(staff), BankFileOrder("B1"))


def cancel(world: World, file: str = "", staff: str = BOSS, batch: str = "B1") -> Answer:
    """Cancel a file, the last one if none is named."""
    act = replace(world.act(staff), signed_in=True)
    order = FileCancelling(batch, file or hashes(world)[-1], "银行书面确认未执行")
    return cancel_bank_file(world.ledger, act, order)


def hashes(world: World) -> list[str]:
    return [each.sha256 for each in found(world).files]


def found(world: World) -> Batch:
    batch = world.ledger.load(Batch, batch_id("B1"))
    assert batch is not None
    return batch


def withdraw(world: World, person: Person) -> Answer:
    act = replace(world.act("A-X01"), signed_in=True)
    return disbursements.withdraw_payment(world.ledger, act, world.payment_id(person), "本人已调离")


def refused(world: World, act: Callable[[], object]) -> type[LedgerError]:
    return type(nothing_more(world, act))


def test_what_it_held_goes_into_the_next_file_whole(sent: World) -> None:
    cancel(sent)

    again = export(sent)

    assert again.count == 3
    assert [each.cancelled for each in found(sent).files] == [True, False]
    sent.answer("B1", settled(1, ONE, PAID), settled(2, TWO, PAID), settled(3, THREE, PAID))
    batches.close_batch(sent.ledger, sent.act(), batch_id("B1"))
    sent.check_log()


def test_whose_data_was_restricted_since_is_withdrawn_and_the_others_are_paid(sent: World) -> None:
    restrict(sent, ONE)
    assert refused(sent, lambda: withdraw(sent, ONE)) is AlreadySent

    cancel(sent)

    assert export(sent).left_out == (1,)
    withdraw(sent, ONE)
    sent.answer("B1", settled(2, TWO, PAID), settled(3, THREE, PAID))
    batches.close_batch(sent.ledger, sent.act(), batch_id("B1"))
    assert sent.payment(ONE).status is Status.WITHDRAWN
    sent.check_log()


def test_every_copy_of_a_file_is_cancelled_and_another_file_is_not(sent: World) -> None:
    export(sent)
    restrict(sent, ONE)
    export(sent)
    first, copy, other = hashes(sent)
    assert first == copy != other

    cancel(sent, first)

    assert [each.cancelled for each in found(sent).files] == [True, True, False]
    assert refused(sent, lambda: withdraw(sent, TWO)) is AlreadySent
    withdraw(sent, ONE)
    assert refused(sent, lambda: cancel(sent, first)) is FileUnknown
    assert refused(sent, lambda: cancel(sent, "00" * 32)) is FileUnknown
    cancel(sent, other)
    withdraw(sent, TWO)
    sent.check_log()


@pytest.mark.parametrize("said", [settled, failed, pending])
def test_of_which_the_bank_answered_it_carried_out(
    sent: World, said: Callable[..., object]
) -> None:
    lines = (settled(1, ONE, PAID), said(2, TWO, PAID), settled(3, THREE, PAID))
    sent.answer("B1", *lines)  # type: ignore[arg-type]

    assert refused(sent, lambda: cancel(sent)) is FileCarriedOut


def test_an_answer_to_what_was_sent_before_says_nothing_of_a_later_file(sent: World) -> None:
    sent.answer("B1", failed(1, ONE, PAID), settled(2, TWO, PAID), settled(3, THREE, PAID))
    order = disbursements.Reissue(sent.payment_id(ONE), "换发")
    disbursements.reissue_payment(sent.ledger, sent.act("A-X01"), order)
    assert export(sent).count == 1

    assert refused(sent, lambda: cancel(sent, hashes(sent)[0])) is FileCarriedOut
    cancel(sent, hashes(sent)[1])
    assert export(sent).count == 1
    assert [each.cancelled for each in found(sent).files] == [False, True, False]
    sent.answer("B1", settled(1, ONE, PAID), sha="02" * 32)
    assert sent.payment(ONE).status is Status.SETTLED
    sent.check_log()


def test_a_list_of_failures_vouches_for_what_is_sent_by_the_file_that_counts(sent: World) -> None:
    restrict(sent, ONE)
    cancel(sent)
    assert export(sent).left_out == (1,)
    content = BankReturn(
        "unionpay-df", "B1", Lists.FAILURES, (failed(2, TWO, PAID),), 1, PAID, "05" * 32
    )

    receive_statement(sent.ledger, sent.act(), ReturnFile("B1", "return.txt", content))

    stands = [sent.payment(each).status for each in PEOPLE]
    assert stands == [Status.IN_TRANSIT, Status.RETURNED, Status.SETTLED]


def test_a_bank_that_carried_it_out_all_the_same_is_heard(sent: World) -> None:
    cancel(sent)

    sent.answer("B1", *(settled(n, each, PAID) for n, each in enumerate(PEOPLE, 1)))

    assert all(sent.payment(each).status is Status.SETTLED for each in PEOPLE)
    sent.check_log()


def test_whoever_cancels_it_does_not_write_the_next(sent: World) -> None:
    sent.appoint(BOSS, "X01", Role.CASHIER)
    cancel(sent)

    assert refused(sent, lambda: export(sent, BOSS)) is SamePerson
    assert export(sent).count == 3


@pytest.mark.parametrize("staff", ["H-X01", "R-X01"])
def test_only_an_approver_cancels(sent: World, staff: str) -> None:
    assert refused(sent, lambda: cancel(sent, staff=staff)) is RoleMissing


def test_a_sheet_has_no_file_to_cancel(sent: World) -> None:
    other = Person(4)
    sent.file(other)
    sent.sheet("S1", other)

    assert refused(sent, lambda: cancel(sent, "00" * 32, batch="S1")) is WrongChannel


def test_a_debit_of_the_bank_says_that_it_was_carried_out(sent: World) -> None:
    bank = Bank(sent)
    bank.keep()
    received = entry(date(2017, 1, 2), 500_000, reference="拨〔2017〕1号")
    debit = entry(date(2017, 1, 12), -3 * PAID, batch_code="B1", count=3)
    bank.take(statement(BEGINS, date(2017, 1, 31), 0, received, debit))
    bank.apply_rules()

    assert refused(sent, lambda: cancel(sent)) is FileCarriedOut


def test_what_the_bank_debited_is_not_withdrawn_though_no_file_was_written(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, PAID), roster_row(2, TWO, PAID))
    bank = Bank(world)
    bank.keep()
    debit = entry(date(2017, 1, 12), -2 * PAID, batch_code="B1", count=2)
    received = entry(date(2017, 1, 2), 500_000, reference="拨〔2017〕1号")
    bank.take(statement(BEGINS, date(2017, 1, 31), 0, received, debit))
    bank.apply_rules()

    assert refused(world, lambda: withdraw(world, ONE)) is AlreadySent


def test_cash_that_nobody_came_for_is_withdrawn_though_the_bank_paid_it_out(world: World) -> None:
    world.receive("X01", 500_000)
    world.sheet("S1", ONE, TWO)
    bank = Bank(world)
    bank.keep()
    amount = sum(world.payment(each).amount for each in (ONE, TWO))
    debit = entry(date(2017, 1, 12), -amount, batch_code="S1", count=2)
    received = entry(date(2017, 1, 2), 500_000, reference="拨〔2017〕1号")
    bank.take(statement(BEGINS, date(2017, 1, 31), 0, received, debit))
    assert bank.apply_rules() == 2

    withdraw(world, ONE)
    assert world.payment(ONE).status is Status.WITHDRAWN


def failures(world: World, *lines: ReturnLine, count: int, sha: str = "05" * 32) -> Answer:
    content = BankReturn("unionpay-df", "B1", Lists.FAILURES, lines, count, count * PAID, sha)
    return receive_statement(world.ledger, world.act(), ReturnFile("B1", "return.txt", content))


def reissue(world: World, person: Person) -> None:
    order = disbursements.Reissue(world.payment_id(person), "换发")
    disbursements.reissue_payment(world.ledger, world.act("A-X01"), order)


def debited(world: World, on: date, amount: int) -> Bank:
    bank = Bank(world)
    bank.keep()
    received = entry(date(2017, 1, 2), 500_000, reference="拨〔2017〕1号")
    bank.take(statement(BEGINS, date(2017, 1, 31), 0, received, _debit(on, amount)))
    bank.apply_rules()
    return bank


def _debit(on: date, amount: int) -> StatementEntry:
    return entry(on, -amount, batch_code="B1", count=amount // PAID)


def test_who_wrote_it_does_not_cancel_it(sent: World) -> None:
    sent.appoint("K-X01", "X01", Role.CASHIER)
    sent.appoint("K-X01", "X01", Role.APPROVER)
    cancel(sent)
    export(sent, "K-X01")

    assert refused(sent, lambda: cancel(sent, staff="K-X01")) is SamePerson


def test_what_the_bank_debited_after_all_is_not_sent_again(sent: World) -> None:
    cancel(sent)
    debited(sent, date(2017, 1, 12), 3 * PAID)

    assert refused(sent, lambda: export(sent)) is FileCarriedOut
    assert refused(sent, lambda: withdraw(sent, ONE)) is AlreadySent


def test_what_the_bank_answered_in_part_after_all_is_not_sent_again(sent: World) -> None:
    cancel(sent)
    with pytest.raises(FileRefused):
        sent.answer("B1", settled(1, ONE, PAID), settled(2, TWO, PAID))
    failures(sent, failed(1, ONE, PAID), pending(2, TWO, PAID), count=1)

    assert sent.payment(THREE).status is Status.SETTLED
    assert refused(sent, lambda: export(sent)) is NothingInTransit
    assert refused(sent, lambda: withdraw(sent, TWO)) is AlreadySent
    reissue(sent, ONE)
    assert export(sent).count == 1


def test_a_list_of_failures_of_a_cancelled_file_vouches_for_its_own_rows(sent: World) -> None:
    cancel(sent)
    restrict(sent, THREE)
    assert export(sent).left_out == (3,)
    cancel(sent)
    restrict(sent, THREE, Change.LIFT)
    restrict(sent, ONE)
    restrict(sent, TWO)
    assert export(sent).count == 1

    failures(sent, failed(2, TWO, PAID), count=1)

    stands = [sent.payment(each).status for each in PEOPLE]
    assert stands == [Status.SETTLED, Status.RETURNED, Status.IN_TRANSIT]


def test_what_was_cancelled_and_sent_again_is_answered_by_the_file_that_counts(
    sent: World,
) -> None:
    cancel(sent)
    restrict(sent, ONE)
    export(sent)
    sent.answer("B1", settled(2, TWO, PAID), settled(3, THREE, PAID))

    withdraw(sent, ONE)

    assert sent.payment(ONE).status is Status.WITHDRAWN
    sent.check_log()


def test_a_file_that_went_out_in_the_place_of_another_explains_the_answers(sent: World) -> None:
    restrict(sent, ONE)
    assert export(sent).left_out == (1,)
    first, _ = hashes(sent)
    sent.answer("B1", settled(2, TWO, PAID), settled(3, THREE, PAID), sha="02" * 32)
    assert refused(sent, lambda: withdraw(sent, ONE)) is AlreadySent

    cancel(sent, first)
    withdraw(sent, ONE)
    assert refused(sent, lambda: cancel(sent)) is FileCarriedOut


def test_a_copy_written_after_the_answer_to_another_is_cancelled_alone(sent: World) -> None:
    sent.answer("B1", failed(1, ONE, PAID), failed(2, TWO, PAID), failed(3, THREE, PAID))
    for person in PEOPLE:
        reissue(sent, person)
    assert export(sent).sha256 == hashes(sent)[0]

    cancel(sent)

    assert [each.cancelled for each in found(sent).files] == [False, True]
    withdraw(sent, ONE)
    assert export(sent).count == 2


def test_an_earlier_debit_says_nothing_of_a_file_that_was_written_later(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(*PEOPLE)
    world.appoint(BOSS, "X01", Role.APPROVER)
    world.pay("B1", *(roster_row(n, each, PAID) for n, each in enumerate(PEOPLE, 1)))
    restrict(world, THREE)
    export(world)
    bank = debited(world, date(2017, 1, 12), 2 * PAID)
    [line], [payout] = bank.lines, bank.items
    world.answer("B1", failed(1, ONE, PAID), settled(2, TWO, PAID))
    [back] = [each for each in bank.items if each.position != payout.position]
    bank.match([line], [payout, back])
    restrict(world, THREE, Change.LIFT)
    later = replace(world.act(), happened_on=date(2017, 1, 20))
    export_batch(world.ledger, later, BankFileOrder("B1"))

    assert refused(world, lambda: withdraw(world, THREE)) is AlreadySent
    cancel(world)
    withdraw(world, THREE)


def test_the_rest_goes_out_in_one_file_though_another_counts(
    sent: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_files, "TOLD_MAX", 1)
    cancel(sent)
    restrict(sent, TWO)
    restrict(sent, THREE)
    assert export(sent).count == 1
    restrict(sent, TWO, Change.LIFT)
    restrict(sent, THREE, Change.LIFT)

    assert export(sent).count == 2
    assert found(sent).files[-1].without == {1}
    assert refused(sent, lambda: withdraw(sent, ONE)) is AlreadySent


def test_of_a_file_that_cannot_be_told_no_more_is_written_than_can(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_files, "TOLD_MAX", 1)
    people = *PEOPLE, Person(4)
    world.receive("X01", 500_000)
    world.file(*people)
    world.pay("B1", *(roster_row(n, each, PAID) for n, each in enumerate(people, 1)))
    for person in (THREE, people[3]):
        restrict(world, person)

    assert [export(world).count for _ in range(2)] == [1, 1]
    assert [each.alone for each in found(world).files] == [frozenset({1}), frozenset({2})]


def test_a_batch_goes_out_in_as_many_files_as_the_bank_wants(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cmb = {"unionpay-df": msgspec.structs.replace(FORMATS["unionpay-df"], rows_max=2)}
    monkeypatch.setattr(banks, "FORMATS", cmb)
    people = *PEOPLE, Person(4), Person(5)
    world.receive("X01", 500_000)
    world.file(*people)
    world.pay("B1", *(roster_row(n, each, PAID) for n, each in enumerate(people, 1)))

    assert [export(world).count for _ in range(3)] == [2, 2, 1]
    assert [each.alone or each.without for each in found(world).files] == [
        {1, 2},
        {3, 4},
        {5},
    ]
    assert export(world).count == 1, "the last file once more"
    world.answer("B1", *(settled(n, each, PAID) for n, each in enumerate(people, 1)))
    batches.close_batch(world.ledger, world.act(), batch_id("B1"))
    world.check_log()


def test_what_was_paid_by_hand_when_it_was_made_again_is_not_sent_nor_withdrawn(
    sent: World,
) -> None:
    bank = debited(sent, date(2017, 1, 12), 3 * PAID)
    sent.answer("B1", failed(1, ONE, PAID), settled(2, TWO, PAID), settled(3, THREE, PAID))
    reissue(sent, ONE)
    by_hand = entry(date(2017, 2, 3), -PAID)
    bank.take(statement(date(2017, 2, 1), date(2017, 2, 28), 500_000 - 3 * PAID, by_hand))
    [line] = bank.lines
    [again] = [each for each in bank.items if each.kind == "reissue"]
    bank.match([line], [again])

    assert refused(sent, lambda: export(sent)) is AlreadySent
    assert refused(sent, lambda: withdraw(sent, ONE)) is AlreadySent


def test_a_file_that_was_written_after_a_debit_does_not_explain_it(sent: World) -> None:
    cancel(sent)
    later = replace(sent.act(), happened_on=date(2017, 1, 14))
    export_batch(sent.ledger, later, BankFileOrder("B1"))
    debited(sent, date(2017, 1, 12), 3 * PAID)

    with pytest.raises(FileCarriedOut):
        export_batch(sent.ledger, later, BankFileOrder("B1"))


def test_what_the_bank_repeats_counts_where_it_has_news_of_the_same_file(sent: World) -> None:
    sent.answer("B1", failed(1, ONE, PAID), failed(2, TWO, PAID), settled(3, THREE, PAID))
    reissue(sent, ONE)
    reissue(sent, TWO)
    export(sent)
    cancel(sent)

    came = sent.answer("B1", failed(1, ONE, PAID), settled(2, TWO, PAID), sha="02" * 32)

    assert came.result["earlier"] == 0
    stands = [sent.payment(each).status for each in PEOPLE]
    assert stands == [Status.RETURNED, Status.SETTLED, Status.SETTLED]


def test_a_list_of_failures_may_answer_two_files_at_once(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(*PEOPLE)
    world.pay("B1", *(roster_row(n, each, PAID) for n, each in enumerate(PEOPLE, 1)))
    restrict(world, THREE)
    export(world)
    restrict(world, THREE, Change.LIFT)
    assert export(world).count == 1

    failures(world, failed(1, ONE, PAID), failed(3, THREE, PAID), count=1)

    stands = [world.payment(each).status for each in PEOPLE]
    assert stands == [Status.RETURNED, Status.SETTLED, Status.RETURNED]


def test_a_list_of_failures_may_name_all_of_two_files(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, PAID), roster_row(2, TWO, PAID))
    restrict(world, TWO)
    export(world)
    restrict(world, TWO, Change.LIFT)
    export(world)

    failures(world, failed(1, ONE, PAID), failed(2, TWO, PAID), count=0)

    assert all(world.payment(each).status is Status.RETURNED for each in (ONE, TWO))


def seen_before(world: World) -> World:
    """Have one payment made again by itself, and the bank refuse it as seen before."""
    world.answer("B1", failed(1, ONE, PAID), settled(2, TWO, PAID), settled(3, THREE, PAID))
    order = disbursements.Reissue(world.payment_id(ONE), "再付", "6299900000000000077")
    disbursements.reissue_payment(world.ledger, world.act(), order)
    export(world)
    line = replace(pending(1, ONE, PAID), account="6299900000000000077", reason="DUPLICATE")
    world.answer("B1", line, sha="02" * 32)
    return world


def test_a_file_that_the_bank_refused_as_seen_before_is_cancelled_and_its_payment_withdrawn(
    sent: World,
) -> None:
    seen_before(sent)
    assert isinstance(nothing_more(sent, lambda: withdraw(sent, ONE)), AlreadySent)
    assert isinstance(nothing_more(sent, lambda: export(sent)), NothingInTransit)

    cancel(sent)

    withdraw(sent, ONE)
    assert sent.payment(ONE).status is Status.WITHDRAWN
    assert sent.fund("X01").balance == 500_000 - 2 * PAID
    sent.check_log()


def test_what_was_refused_as_seen_before_goes_into_a_new_file_and_is_answered_there(
    sent: World,
) -> None:
    seen_before(sent)
    cancel(sent)

    export(sent)

    assert isinstance(nothing_more(sent, lambda: withdraw(sent, ONE)), AlreadySent)
    line = replace(settled(1, ONE, PAID), account="6299900000000000077")
    sent.answer("B1", line, sha="03" * 32)
    assert sent.payment(ONE).status is Status.SETTLED
    sent.check_log()


def test_seen_before_says_nothing_against_another_word_on_the_same_file(sent: World) -> None:
    """Of the others the bank did what the file told it; and a doubt is no refusal."""
    lines = replace(pending(1, ONE, PAID), reason="DUPLICATE"), pending(2, TWO, PAID)
    sent.answer("B1", *lines, settled(3, THREE, PAID))

    assert isinstance(nothing_more(sent, lambda: cancel(sent)), FileCarriedOut)
    assert isinstance(nothing_more(sent, lambda: withdraw(sent, ONE)), AlreadySent)
    assert isinstance(nothing_more(sent, lambda: withdraw(sent, TWO)), AlreadySent)


def test_a_first_file_that_was_refused_as_seen_before_is_written_anew(sent: World) -> None:
    lines = [pending(n, each, PAID) for n, each in enumerate(PEOPLE, 1)]
    sent.answer("B1", *(replace(each, reason="DUPLICATE") for each in lines))

    cancel(sent)

    assert export(sent).count == len(PEOPLE)
