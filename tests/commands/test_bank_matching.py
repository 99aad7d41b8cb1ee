"""Bank and books held against each other: what matches, what does not, and who may say so."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from ledger.commands import bank_matching
from ledger.commands.bank_accounts import BankAccountKnown, FundNotHere, close_bank_account
from ledger.commands.bank_files import (
    BankFileOrder,
    FileCancelling,
    cancel_bank_file,
    export_batch,
)
from ledger.commands.bank_matching import (
    ComingBack,
    ItemChosen,
    LineChosen,
    MatchedByCashier,
    Matching,
    NotAMovement,
    OtherAccount,
    SettingAside,
)
from ledger.commands.bank_statements import (
    BankStatementKnown,
    DayNotCome,
    DoesNotAddUp,
    LineOutside,
    OtherBankAccount,
    OtherCurrency,
    SaysOtherwise,
)
from ledger.commands.disbursements import (
    Reissue,
    correct_outcome,
    reissue_payment,
    withdraw_payment,
)
from ledger.commands.funds import (
    Allocation,
    CorrectedByOneself,
    FundReceipt,
    ReceiptCorrection,
    allocate,
    correct_receipt,
    receive_funds,
)
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.domain.bank_account import (
    BankAccount,
    BankAccountClosed,
    BeforeBeginning,
    ChainBroken,
)
from ledger.domain.bank_match import NothingToMatch, SumsDiffer
from ledger.domain.bank_statement import AsideByOneself, LineDecided, LineState, NotAsideBefore
from ledger.domain.batch import Batch, WrongChannel, batch_id
from ledger.domain.book_item import ItemMatched
from ledger.domain.disbursement import NothingToCorrect, Status
from ledger.domain.fund import FundInsufficient, FundKeptElsewhere
from ledger.domain.matching_rules import BY_REFERENCE, RuleDoesNotHold
from ledger.domain.officer import Role
from ledger.domain.organisation import organisation_id
from ledger.errors import LedgerError
from ledger.files.bank import BankReturn, Lists, ReturnLine
from ledger.store.application import Answer
from projections.bank_accounts import proved_of, reopenings
from projections.bank_lines import could_come_back, last_matches
from projections.runner import catch_up, compare, rebuild
from tests.commands.banking import BEGINS, LATER, Bank, entry, statement
from tests.world import DAY, EARMARK, Person, World, failed, pending, roster_row, settled

ONE, TWO, THREE = Person(1), Person(2), Person(3)
DEBITED, MONTH_END = date(2017, 1, 12), date(2017, 1, 31)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    """X01 was given 10,000 yuan, and has a batch of three for 800 each; two of them arrived."""
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO, THREE)
    rows = [roster_row(n, each, 80_000) for n, each in enumerate((ONE, TWO, THREE), 1)]
    world.pay("PAY-1", *rows)
    world.answer(
        "PAY-1", settled(1, ONE, 80_000), failed(2, TWO, 80_000), settled(3, THREE, 80_000)
    )
    bank = Bank(world)
    bank.keep()
    yield bank
    world.check_log()


RECEIVED = entry(date(2017, 1, 2), 1_000_000, reference="拨〔2017〕1号")
PAID = entry(DEBITED, -240_000, batch_code="PAY-1", count=3)
BACK = entry(DEBITED, 80_000, end_to_end_id="PAY-1-000002", returned=True)


def test_what_names_the_same_matches_by_rule_and_the_account_is_proved(bank: Bank) -> None:
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK))

    assert bank.standing.proved_to == date(2017, 1, 1)
    assert bank.apply_rules() == 3
    assert (bank.lines, bank.items) == ([], [])
    assert bank.standing.proved_to == MONTH_END
    assert bank.standing.why_not_further == "statement"


def test_a_bank_that_debits_successes_alone_is_matched_with_payout_and_returns(bank: Bank) -> None:
    net = entry(DEBITED, -160_000, batch_code="PAY-1", count=2)
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, net))

    assert bank.apply_rules() == 2
    assert (bank.lines, bank.items) == ([], [])


def test_a_bank_that_books_each_payment_is_matched_many_to_one(bank: Bank) -> None:
    singles = [entry(DEBITED, -80_000, end_to_end_id=f"PAY-1-{n:06d}") for n in (1, 2, 3)]
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, *singles, BACK))

    assert bank.apply_rules() == 3
    assert (bank.lines, bank.items) == ([], [])


@pytest.mark.parametrize("how", ["one debit", "each by itself", "successes alone"])
def test_what_was_withdrawn_makes_the_payout_smaller_and_no_line_names_it(
    tmp_path: Path, how: str
) -> None:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    people = ONE, TWO, THREE, Person(4)
    world.file(*people)
    world.pay("PAY-1", *(roster_row(n, each, 80_000) for n, each in enumerate(people, 1)))
    withdraw_payment(world.ledger, world.act(), world.payment_id(people[3]), "本人已调离")
    world.answer(
        "PAY-1", settled(1, ONE, 80_000), failed(2, TWO, 80_000), settled(3, THREE, 80_000)
    )
    bank = Bank(world)
    bank.keep()
    singles = [entry(DEBITED, -80_000, end_to_end_id=f"PAY-1-{n:06d}") for n in (1, 2, 3)]
    lines = {
        "one debit": [PAID, BACK],
        "each by itself": [*singles, BACK],
        "successes alone": [entry(DEBITED, -160_000, batch_code="PAY-1", count=2)],
    }[how]
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, *lines))

    bank.apply_rules()

    assert (bank.lines, bank.items) == ([], [])
    assert bank.standing.proved_to == MONTH_END
    world.check_log()


def test_the_debit_of_a_further_file_names_its_batch(bank: Bank) -> None:
    world = bank.world
    reissue_payment(world.ledger, world.act(), Reissue(world.payment_id(TWO), "再付"))
    again = entry(DEBITED, -80_000, end_to_end_id="PAY-1-F2")
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK, again))

    assert bank.apply_rules() == 4
    assert (bank.lines, bank.items) == ([], [])


def test_who_paid_out_or_took_in_does_not_match_that_money(bank: Bank) -> None:
    """One accountant may do all of it, but not hold what they did against the bank themselves."""
    world = bank.world
    for staff in ("B-X01", "B2-X01"):
        world.appoint_without_key(staff, "X01", Role.ACCOUNTANT)
    accountant, other = (
        replace(world.act(staff, LATER), signed_in=True) for staff in ("B-X01", "B2-X01")
    )
    draft = [roster_row(1, Person(4), 80_000)]
    world.file(Person(4))
    world.pay("PAY-2", *draft)
    export_batch(world.ledger, accountant, BankFileOrder("PAY-2"))
    receipt = FundReceipt("X01", EARMARK, "地方财政", "拨〔2017〕2号", 2017, 5_000)
    receive_funds(world.ledger, accountant, receipt)
    came, went = entry(LATER, 5_000), entry(DEBITED, -80_000)
    bank.take(statement(BEGINS, LATER, 0, RECEIVED, PAID, BACK, came, went), date(2017, 2, 20))
    bank.apply_rules()
    lines, items = bank.lines, {each.kind: each for each in bank.items}
    assert sorted(items) == ["payout", "receipt"]

    for line, item in ((lines[0], items["payout"]), (lines[1], items["receipt"])):
        chosen = LineChosen(line.statement_id, line.line)
        order = Matching(bank.account_id, (chosen,), (ItemChosen(item.source_id, item.version),))
        with pytest.raises(MatchedByCashier):
            bank_matching.match(world.ledger, accountant, order)
        bank_matching.match(world.ledger, other, order)
    assert (bank.lines, bank.items) == ([], [])


def test_who_recorded_what_moved_money_does_not_put_it_right(bank: Bank) -> None:
    world = bank.world
    for staff in ("B-X01", "B2-X01"):
        world.appoint_without_key(staff, "X01", Role.ACCOUNTANT)
    first, other = (replace(world.act(staff, DAY), signed_in=True) for staff in ("B-X01", "B2-X01"))
    receipt = FundReceipt("X01", EARMARK, "地方财政", "拨〔2017〕2号", 2017, 5_000)
    lot = UUID(receive_funds(world.ledger, first, receipt).result["lot_id"])
    version = world.fund("X01").version
    order = ReceiptCorrection("X01", EARMARK, lot, version, -1_000, "录错")
    world.file(Person(4))
    world.pay("PAY-2", roster_row(1, Person(4), 80_000))
    lines = (settled(1, Person(4), 80_000),)
    content = BankReturn("unionpay-df", "PAY-2", Lists.ALL, lines, None, None, "ab" * 32)
    receive_statement(world.ledger, first, ReturnFile("PAY-2", "r.txt", content))
    paid = world.payment(Person(4))
    outcome = (world.payment_id(Person(4)), paid.version, "误记")

    with pytest.raises(CorrectedByOneself):
        correct_receipt(world.ledger, first, order)
    with pytest.raises(CorrectedByOneself):
        correct_outcome(world.ledger, first, *outcome)

    correct_receipt(world.ledger, other, order)
    correct_outcome(world.ledger, other, *outcome)
    assert world.payment(Person(4)).status is Status.IN_TRANSIT


def test_amount_and_day_alone_never_match_by_themselves(bank: Bank) -> None:
    silent = entry(DEBITED, -240_000)
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, silent, BACK))

    bank.apply_rules()

    [line], [item] = bank.lines, bank.items
    assert (line.amount_fen, item.amount_fen) == (-240_000, -240_000)
    with pytest.raises(RuleDoesNotHold):
        bank.match([line], [item], BY_REFERENCE)
    bank.match([line], [item])
    assert (bank.lines, bank.items) == ([], [])


def test_what_does_not_come_to_the_same_is_not_matched(bank: Bank) -> None:
    wrong = entry(DEBITED, -240_001, batch_code="PAY-1")
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, wrong, BACK))
    bank.apply_rules()
    [line], [item] = bank.lines, bank.items
    size = bank.world.ledger.size()

    with pytest.raises(SumsDiffer):
        bank.match([line], [item])
    with pytest.raises(NothingToMatch):
        bank.match([line], [])
    assert bank.world.ledger.size() == size


def test_nothing_is_matched_twice_and_a_match_can_be_undone(bank: Bank) -> None:
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK))
    lines, items = bank.lines, bank.items
    [line] = [each for each in lines if each.amount_fen == -240_000]
    [item] = [each for each in items if each.kind == "payout"]
    made = UUID(bank.match([line], [item]).result["match_id"])

    with pytest.raises(LineDecided):
        bank.match([line], [item])
    other = [each for each in lines if each is not line]
    with pytest.raises(ItemMatched):
        bank.match(other, [item])
    bank.apply_rules()
    assert bank.standing.proved_to == MONTH_END

    act = bank.world.act("H-X01", LATER)
    bank_matching.unmatch(bank.world.ledger, act, made, "看错了")

    assert bank.standing.proved_to == date(2017, 1, 9)
    assert bank.standing.why_not_further == "item"
    with catch_up(bank.world.ledger, bank.world.home.read_models).asking() as model:
        [opened] = reopenings(model, bank.standing.account, 10)
    assert (opened.what, opened.day) == ("undone", "2017-01-10")
    again = UUID(bank.match([line], [item]).result["match_id"])
    assert again != made
    assert bank.standing.proved_to == MONTH_END


def test_a_line_is_set_aside_and_taken_up_again(bank: Bank) -> None:
    fee = entry(MONTH_END, -500, text="手续费")
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK, fee))
    bank.apply_rules()
    [line] = bank.lines
    chosen = LineChosen(line.statement_id, line.line)
    act = bank.world.act("A-X01", LATER)
    handler = bank.world.act("H-X01", LATER)

    order = SettingAside(chosen, LineState.WRITTEN_OFF, "手续费由本级经费负担")
    with pytest.raises(NotAsideBefore):
        bank_matching.set_aside(bank.world.ledger, act, order)
    ignored = SettingAside(chosen, LineState.IGNORED, "手续费")
    bank_matching.set_aside(bank.world.ledger, handler, ignored)
    bank_matching.set_aside(bank.world.ledger, act, order)
    assert bank.lines == []
    with pytest.raises(LineDecided):
        bank_matching.set_aside(bank.world.ledger, act, order)
    bank_matching.take_up(bank.world.ledger, act, chosen, "改列支出")
    assert [each.line for each in bank.lines] == [line.line]
    bank_matching.set_aside(bank.world.ledger, handler, ignored)
    bank_matching.set_aside(bank.world.ledger, act, order)
    assert bank.lines == []


def test_whoever_ignored_a_line_does_not_write_it_off_after_another_took_it_up(bank: Bank) -> None:
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK, entry(MONTH_END, -500)))
    bank.apply_rules()
    [line] = bank.lines
    chosen = LineChosen(line.statement_id, line.line)
    ledger, first = bank.world.ledger, bank.world.act("H-X01", LATER)
    bank.world.appoint_without_key("H-X01", "X01", Role.APPROVER)
    bank.world.appoint_without_key("B-X01", "X01", Role.ACCOUNTANT)
    second = bank.world.act("B-X01", LATER)
    ignored = SettingAside(chosen, LineState.IGNORED, "手续费")

    bank_matching.set_aside(ledger, first, ignored)
    bank_matching.take_up(ledger, second, chosen, "再看")
    bank_matching.set_aside(ledger, second, ignored)

    order = SettingAside(chosen, LineState.WRITTEN_OFF, "手续费")
    with pytest.raises(AsideByOneself):
        bank_matching.set_aside(ledger, first, order)


def test_interest_is_written_off_at_once(bank: Bank) -> None:
    interest = entry(MONTH_END, 500, text="结息")
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK, interest))
    bank.apply_rules()
    [line] = bank.lines
    order = SettingAside(LineChosen(line.statement_id, line.line), LineState.WRITTEN_OFF, "结息")

    bank_matching.set_aside(bank.world.ledger, bank.world.act("A-X01", LATER), order)

    assert bank.lines == []


def test_a_payment_that_comes_back_after_its_success_is_taken_back_by_its_line(bank: Bank) -> None:
    late = entry(date(2017, 2, 3), 80_000, end_to_end_id="PAY-1-000003", returned=True)
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK))
    bank.apply_rules()
    bank.take(statement(date(2017, 2, 1), date(2017, 2, 5), 840_000, late))
    assert bank.apply_rules() == 0
    [line] = bank.lines
    before = bank.world.fund("X01").balance
    act = bank.world.act("H-X01", LATER)

    def back(person: Person) -> ComingBack:
        chosen = LineChosen(line.statement_id, line.line)
        return ComingBack(chosen, bank.world.payment_id(person), "RETURNED")

    with pytest.raises(bank_matching.NoSuchReturn):
        bank_matching.come_back(bank.world.ledger, act, back(ONE))
    bank_matching.come_back(bank.world.ledger, act, back(THREE))

    assert bank.world.payment(THREE).status is Status.RETURNED
    assert bank.world.fund("X01").balance == before + 80_000
    assert (bank.lines, bank.items) == ([], [])
    assert bank.standing.proved_to == date(2017, 2, 5)


@pytest.fixture
def mistaken(bank: Bank) -> Bank:
    """One credit of 800 that names nothing: THREE's money, taken to be ONE's."""
    late = entry(date(2017, 2, 3), 80_000, returned=True)
    bank.take(statement(BEGINS, date(2017, 2, 5), 0, RECEIVED, PAID, BACK, late))
    bank.apply_rules()
    bank.come_back(bank.lines[0], ONE)
    return bank


def test_a_return_taken_back_is_no_answer_of_the_bank(tmp_path: Path) -> None:
    # The file never left the house: that another's credit was taken for one of its payments does
    # not keep anybody from writing it off.
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO)
    world.pay("PAY-1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 80_000))
    world.appoint("K-X01", "X01", Role.CASHIER)
    export_batch(world.ledger, world.act("K-X01"), BankFileOrder("PAY-1"))
    bank = Bank(world)
    bank.keep()
    bank.take(
        statement(BEGINS, date(2017, 2, 5), 0, RECEIVED, entry(date(2017, 2, 3), 80_000)),
        date(2017, 2, 6),
    )
    bank.apply_rules()
    bank.come_back(bank.lines[0], ONE)
    take_back(world, ONE)

    assert not world.payment(ONE).answered
    batch = world.ledger.load(Batch, batch_id("PAY-1"))
    assert batch is not None
    order = FileCancelling("PAY-1", batch.files[0].sha256, "未送银行")
    cancel_bank_file(world.ledger, world.act("A-X01", LATER), order)
    world.check_log()


def test_a_line_may_name_a_batchs_further_file_as_its_batch(bank: Bank) -> None:
    further = entry(DEBITED, -80_000, batch_code="PAY-1-F2", count=1)
    first = entry(DEBITED, -160_000, batch_code="PAY-1", count=2)
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, first, further, BACK))

    assert bank.apply_rules() == 3
    assert (bank.lines, bank.items) == ([], [])


def test_a_return_that_was_taken_for_anothers_is_taken_back(mistaken: Bank) -> None:
    world = mistaken.world
    drawn = world.payment(ONE).parts

    take_back(world, ONE)

    assert world.payment(ONE).status is Status.SETTLED
    assert world.payment(ONE).parts == drawn
    assert world.fund("X01").balance == 840_000
    [line] = mistaken.lines
    assert mistaken.items == []
    mistaken.come_back(line, THREE)
    assert world.payment(THREE).status is Status.RETURNED
    assert world.fund("X01").balance == 920_000
    assert (mistaken.lines, mistaken.items) == ([], [])
    assert mistaken.standing.proved_to == date(2017, 2, 5)


def test_one_credit_brings_back_one_payment(mistaken: Bank) -> None:
    world = mistaken.world
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [match] = [each for each in last_matches(model, mistaken.account_id, 9) if not each.rule]
    act = world.act("H-X01", LATER)
    size = world.ledger.size()

    with pytest.raises(bank_matching.ReturnStands):
        bank_matching.unmatch(world.ledger, act, match.match_id, "认错了人")

    assert world.ledger.size() == size
    take_back(world, ONE)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [both] = [each for each in last_matches(model, mistaken.account_id, 9) if not each.rule]
    bank_matching.unmatch(world.ledger, act, both.match_id, "重新核对")
    assert [each.kind for each in mistaken.items] == ["return", "return_undone"]


def test_what_a_payment_was_before_it_came_back_by_mistake_it_is_again(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO)
    world.pay("PAY-1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 80_000))
    world.answer("PAY-1", pending(1, ONE, 80_000), settled(2, TWO, 80_000))
    bank = Bank(world)
    bank.keep()
    late = entry(date(2017, 2, 3), 80_000)
    bank.take(statement(BEGINS, date(2017, 2, 5), 0, RECEIVED, late))
    bank.apply_rules()
    bank.come_back(bank.lines[0], ONE)

    take_back(world, ONE)

    payment = world.payment(ONE)
    assert (payment.status, payment.unknown) == (Status.IN_TRANSIT, True)
    answer(world, settled(1, ONE, 80_000), sha="04" * 32)
    assert world.payment(ONE).status is Status.SETTLED
    world.check_log()


def test_a_return_whose_money_was_used_since_is_not_taken_back(mistaken: Bank) -> None:
    world = mistaken.world
    order = Allocation("X01", "X01-01", EARMARK, "下拨〔2017〕1号", 840_001)
    allocate(world.ledger, world.act("A-X01", LATER), order)
    size = world.ledger.size()

    with pytest.raises(FundInsufficient):
        take_back(world, ONE)

    assert world.ledger.size() == size


def test_what_a_return_file_told_is_for_the_bank_to_take_back(bank: Bank) -> None:
    with pytest.raises(NothingToCorrect):
        take_back(bank.world, TWO)


def test_no_bank_line_brings_back_what_is_signed_for(bank: Bank) -> None:
    world = bank.world
    world.sheet("SHEET-1", Person(9))
    bank.take(statement(BEGINS, MONTH_END, 0, entry(DEBITED, 30_000)))
    person = world.payment(Person(9)).person_id

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        found = could_come_back(model, bank.account_id, bank.lines[0], [person], limit=9)
        assert found == []
    with pytest.raises(WrongChannel):
        bank.come_back(bank.lines[0], Person(9))


def test_the_read_model_of_a_return_taken_back_is_the_same_built_anew(
    mistaken: Bank, tmp_path: Path
) -> None:
    world = mistaken.world
    take_back(world, ONE)
    catch_up(world.ledger, world.home.read_models)

    rebuild(world.ledger, tmp_path / "anew.sqlite")

    assert compare(tmp_path / "anew.sqlite", world.home.read_models) == []


def take_back(world: World, person: Person) -> Answer:
    payment = world.payment(person)
    act = world.act("A-X01", LATER)
    return correct_outcome(world.ledger, act, payment.id, payment.version, "款是别人的")


@pytest.fixture
def paid_again(bank: Bank) -> Bank:
    """THREE arrived, came back by a line of the statement, and is with the bank once more."""
    world = bank.world
    late = entry(date(2017, 2, 3), 80_000, end_to_end_id="PAY-1-000003", returned=True)
    bank.take(statement(BEGINS, date(2017, 2, 5), 0, RECEIVED, PAID, BACK, late))
    bank.apply_rules()
    bank.come_back(bank.lines[0], THREE)
    again = Reissue(world.payment_id(THREE), "再付")
    reissue_payment(world.ledger, world.act(day=LATER), again)
    export_batch(world.ledger, world.act(day=LATER), BankFileOrder("PAY-1"))
    return bank


@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize(
    "lines",
    [
        (failed(3, THREE, 80_000, "RETURNED"),),
        (settled(1, ONE, 80_000), failed(2, TWO, 80_000), failed(3, THREE, 80_000)),
    ],
    ids=["alone", "in the whole list"],
)
def test_what_a_file_tells_late_of_what_came_back_takes_back_no_second_attempt(
    paid_again: Bank, arrived: bool, lines: tuple[ReturnLine, ...]
) -> None:
    world = paid_again.world
    balance = world.fund("X01").balance
    if arrived:
        answer(world, settled(3, THREE, 80_000), sha="01" * 32)

    result = answer(world, *lines, sha="02" * 32).result

    assert (result["returned"], result["earlier"]) == (0, 1)
    assert world.payment(THREE).status is (Status.SETTLED if arrived else Status.IN_TRANSIT)
    assert world.fund("X01").balance == balance


def test_what_was_paid_again_and_fails_for_another_reason_comes_back(paid_again: Bank) -> None:
    answer(paid_again.world, failed(3, THREE, 80_000), sha="02" * 32)

    assert paid_again.world.payment(THREE).status is Status.RETURNED


def answer(world: World, *lines: ReturnLine, sha: str) -> Answer:
    """Take in what the bank says of some payments, after what its statement said."""
    content = BankReturn("unionpay-df", "PAY-1", Lists.SOME, lines, None, None, sha)
    order = ReturnFile("PAY-1", "return.txt", content)
    return receive_statement(world.ledger, world.act(day=LATER), order)


def test_a_late_return_by_file_opens_days_again_that_were_proved(bank: Bank) -> None:
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK))
    bank.apply_rules()
    assert bank.standing.proved_to == MONTH_END

    lines = (
        settled(1, ONE, 80_000),
        failed(2, TWO, 80_000),
        failed(3, THREE, 80_000, "RETURNED"),
    )
    bank.world.answer("PAY-1", *lines, sha="ab" * 32)

    assert bank.standing.proved_to == date(2017, 1, 9)
    with catch_up(bank.world.ledger, bank.world.home.read_models).asking() as model:
        [opened] = reopenings(model, bank.standing.account, 10)
    assert (opened.what, opened.day) == ("return", DAY.isoformat())


def test_statements_go_on_from_one_another_and_are_known_again(bank: Bank) -> None:
    first = statement(BEGINS, date(2017, 1, 10), 0, RECEIVED)
    bank.take(first)

    with pytest.raises(BankStatementKnown):
        bank.take(first)
    with pytest.raises(ChainBroken):
        bank.take(statement(date(2017, 1, 11), MONTH_END, 999, PAID))
    whole = bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK)).result
    assert (whole["taken"], whole["known"]) == (2, 1)
    with pytest.raises(BankStatementKnown):
        bank.take(statement(BEGINS, DEBITED, 0, RECEIVED, PAID, BACK))
    with pytest.raises(SaysOtherwise):
        bank.take(statement(BEGINS, date(2017, 2, 1), 0, RECEIVED, PAID))
    assert len(bank.lines) == 3


def test_a_statement_may_come_out_of_turn_and_the_chain_says_so(bank: Bank) -> None:
    bank.take(statement(BEGINS, date(2017, 1, 10), 0, RECEIVED))
    bank.take(statement(date(2017, 1, 20), MONTH_END, 840_000))
    bank.apply_rules()
    broken = bank.standing.chain.broken
    assert broken is not None
    assert (broken.after, broken.expected_fen, broken.got_fen) == (
        date(2017, 1, 10),
        1_000_000,
        840_000,
    )

    bank.take(statement(date(2017, 1, 11), date(2017, 1, 19), 1_000_000, PAID, BACK))
    bank.apply_rules()

    assert bank.standing.chain.broken is None
    assert bank.standing.proved_to == MONTH_END
    with catch_up(bank.world.ledger, bank.world.home.read_models).asking() as model:
        [opened] = reopenings(model, bank.standing.account, 10)
    assert (opened.what, opened.day) == ("statement", "2017-01-11")


def test_days_of_which_nothing_is_known_are_no_proof_though_balances_meet(bank: Bank) -> None:
    """Money out on the 12th and back on the 12th is seen by no balance around those days."""
    bank.take(statement(BEGINS, date(2017, 1, 10), 0, RECEIVED))
    bank.take(statement(date(2017, 1, 21), MONTH_END, 1_000_000))

    chain = bank.standing.chain
    assert (chain.up_to, bank.standing.proved_to) == (date(2017, 1, 10), date(2017, 1, 1))
    assert chain.broken is not None
    assert (chain.broken.after, chain.broken.next_on) == (date(2017, 1, 10), date(2017, 1, 21))
    assert chain.broken.expected_fen == chain.broken.got_fen == 1_000_000


@pytest.mark.parametrize(
    ("numbers", "whole"),
    [(("12", "13"), True), (("12", "14"), False), (("12", "12"), False), (("12", None), False)],
)
def test_a_bank_that_is_closed_numbers_its_statements_one_after_the_other(
    bank: Bank, numbers: tuple[str, str | None], *, whole: bool
) -> None:
    friday, monday = date(2017, 1, 6), date(2017, 1, 9)
    bank.take(statement(BEGINS, friday, 0, RECEIVED, number=numbers[0]))
    bank.take(statement(monday, MONTH_END, 1_000_000, PAID, BACK, number=numbers[1]))

    chain = bank.standing.chain

    assert (chain.broken is None, chain.up_to) == (whole, MONTH_END if whole else friday)


@pytest.mark.parametrize(
    ("numbers", "first", "code"),
    [
        (("250", "1"), date(2017, 1, 7), None),
        ((None, None), date(2017, 1, 7), None),
        (("250", "252"), date(2017, 1, 7), "bank_statement.one_between"),
        (("250", "2"), date(2017, 1, 7), "bank_statement.one_between"),
        (("250", "1"), date(2017, 1, 8), "bank_statement.one_between"),
    ],
)
def test_a_holiday_is_stated_where_the_banks_numbers_begin_anew(
    bank: Bank, numbers: tuple[str | None, str | None], first: date, code: str | None
) -> None:
    """Up to Friday, and from Monday on: of the days between the bank sends nothing."""
    friday, monday = date(2017, 1, 6), date(2017, 1, 9)
    bank.take(statement(BEGINS, friday, 0, RECEIVED, number=numbers[0]))
    own = statement(monday, MONTH_END, 1_000_000, PAID, BACK, number=numbers[1])
    bank.take(own)
    assert bank.standing.chain.broken is not None
    widened = replace(own, opened_on=first, own_first=monday, days_stated=True)

    if code is None:
        taken = bank.take(widened).result
        assert (taken["taken"], taken["known"]) == (0, 2)
        assert bank.standing.chain.broken is None
        return
    with pytest.raises(LedgerError) as refused:
        bank.take(widened)
    assert refused.value.code == code
    assert bank.standing.chain.broken is not None


def test_a_holiday_on_which_the_balance_moved_is_none(bank: Bank) -> None:
    bank.take(statement(BEGINS, date(2017, 1, 6), 0, RECEIVED, number="250"))
    monday = date(2017, 1, 9)
    other = statement(monday, MONTH_END, 990_000, number="1", own_first=monday, days_stated=True)

    with pytest.raises(ChainBroken):
        bank.take(replace(other, opened_on=date(2017, 1, 7)))


def test_a_file_comes_again_with_the_days_that_it_does_not_say(bank: Bank) -> None:
    seeming = statement(date(2017, 1, 2), DEBITED, 0, RECEIVED, PAID, BACK)
    bank.take(seeming)
    bank.apply_rules()
    assert bank.standing.chain.broken is not None
    stated = replace(seeming, opened_on=BEGINS, closed_on=MONTH_END, days_stated=True)

    taken = bank.take(stated).result

    assert (taken["taken"], taken["known"]) == (0, 3)
    assert bank.standing.proved_to == MONTH_END
    event = bank.world.ledger.event(bank.account_id, 3)
    assert isinstance(event, BankAccount.StatementTaken)
    assert (event.opened_on, event.closed_on, event.days_stated) == (BEGINS, BEGINS, True)
    with pytest.raises(BankStatementKnown):
        bank.take(stated)


def test_a_statement_ends_before_the_day_on_which_it_comes(bank: Bank) -> None:
    today = date.fromisoformat(bank.world.act().recorded_at[:10])
    with pytest.raises(DayNotCome):
        bank.take(statement(BEGINS, today, 0, RECEIVED))

    bank.take(statement(BEGINS, today - timedelta(days=1), 0, RECEIVED))


def test_a_closed_account_counts_until_it_is_proved_to_its_last_day(bank: Bank) -> None:
    world = bank.world
    closed_on = date(2017, 1, 20)
    close_bank_account(world.ledger, world.act("A-X01", closed_on), bank.account_id, "合并专户")
    assert proved_of([bank.standing]) == {organisation_id("X01"): None}

    with pytest.raises(BankAccountClosed):
        bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, entry(date(2017, 1, 25), 5)))
    with pytest.raises(BankAccountClosed):
        bank.take(statement(date(2017, 1, 21), MONTH_END, 840_000))
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK))
    assert proved_of([bank.standing]) == {organisation_id("X01"): BEGINS}

    bank.apply_rules()

    standing = bank.standing
    assert (standing.proved_to, standing.why_not_further) == (closed_on, "closed")
    assert proved_of([standing]) == {}


def test_a_statement_that_is_wrong_in_itself_is_refused_whole(bank: Bank) -> None:
    sound = statement(BEGINS, MONTH_END, 0, RECEIVED)
    size = bank.world.ledger.size()
    for refusal, content in (
        (OtherBankAccount, statement(BEGINS, MONTH_END, 0, account_number="999")),
        (OtherCurrency, statement(BEGINS, MONTH_END, 0, currency="USD")),
        (DoesNotAddUp, statement(BEGINS, MONTH_END, 0, RECEIVED, closing_fen=1)),
        (LineOutside, statement(BEGINS, MONTH_END, 0, entry(LATER, 5))),
        (LineOutside, statement(BEGINS, MONTH_END, 0, entries=sound.entries * 2)),
        (BeforeBeginning, statement(date(2016, 12, 31), MONTH_END, 0, RECEIVED)),
        (DayNotCome, statement(BEGINS, date(2017, 3, 2), 0, RECEIVED)),
    ):
        with pytest.raises(refusal):
            bank.take(content)
    assert bank.world.ledger.size() == size


def test_bank_and_books_of_other_accounts_are_kept_apart(bank: Bank) -> None:
    world = bank.world
    with pytest.raises(BankAccountKnown):
        Bank(world)
    with pytest.raises(FundKeptElsewhere):
        bank.keep()
    world.receive("C01", 5_000)
    with pytest.raises(FundNotHere):
        bank.keep("C01")
    bank.take(statement(BEGINS, MONTH_END, 0, entry(DAY, 5_000)))
    [line] = bank.lines
    chosen = (LineChosen(line.statement_id, line.line),)
    elsewhere = ItemChosen(world.fund("C01").id, 2)
    nothing = ItemChosen(world.fund("C01").id, 1)
    for refusal, item in ((OtherAccount, elsewhere), (NotAMovement, nothing)):
        with pytest.raises(refusal):
            bank_matching.match(
                world.ledger, world.act("H-X01"), Matching(bank.account_id, chosen, (item,))
            )


def test_the_read_model_is_the_same_built_anew(bank: Bank, tmp_path: Path) -> None:
    world = bank.world
    bank.take(statement(BEGINS, date(2017, 1, 11), 0, RECEIVED))
    bank.apply_rules()
    bank.take(statement(BEGINS, MONTH_END, 0, RECEIVED, PAID, BACK))
    bank.apply_rules()
    catch_up(world.ledger, world.home.read_models)

    rebuild(world.ledger, tmp_path / "anew.sqlite")

    assert compare(tmp_path / "anew.sqlite", world.home.read_models) == []


def test_no_event_tells_an_account_number_or_whom_a_line_names(bank: Bank) -> None:
    named = entry(
        DEBITED,
        80_000,
        counterparty_account=TWO.card,
        counterparty_name=TWO.name,
        reference=f"退{TWO.card}",
        text=f"退票 {TWO.name}",
    )
    bank.take(statement(BEGINS, MONTH_END, 0, named))

    said = b"".join(
        state for _, _, state in bank.world.ledger.log.select_states(0, bank.world.ledger.size())
    ).decode()
    for secret in (TWO.card, TWO.name, "13400017050100001"):
        assert secret not in said
