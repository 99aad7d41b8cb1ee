"""Personal data: seen with a reason, gone when erased, and never in a message."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from ledger.commands import bank_files, funds, recipients, statements
from ledger.commands.sealing import PAYEE, unseal
from ledger.domain.disbursement import Disbursement, Status
from ledger.domain.officer import RoleMissing
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel
from ledger.domain.recipient import Change, PaymentOnItsWay, Recipient, RetentionRuns
from ledger.errors import LedgerError
from ledger.files.bank import BankReturn, Lists
from ledger.files.faults import FileRefused
from ledger.store.application import Answer, NotOnRecord
from ledger.vault.keys import PersonErased, PersonRestricted
from tests.world import (
    EARMARK,
    SHEET_CLASS,
    Person,
    World,
    failed,
    roster_row,
    settled,
    signature,
)

ONE, TWO, THREE = Person(1), Person(2), Person(3)


def test_an_erased_persons_data_is_gone_and_the_log_still_holds(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    world.answer("B1", settled(1, ONE, 60_000), settled(2, TWO, 60_000))
    world.appoint("J-C01", "C01", "纪检")
    person = world.payment(ONE).person_id
    act = world.act("J-C01")
    seen = recipients.unmask_payee(
        world.ledger, act, world.payment_id(ONE), ("name", "card_number"), "核查"
    )
    assert seen == {"name": ONE.name, "card_number": ONE.card}

    recipients.erase_person(world.ledger, world.act(), person, "期满")

    with pytest.raises(PersonErased):
        recipients.unmask_payee(world.ledger, act, world.payment_id(ONE), ("name",), "核查")
    assert recipients.unmask_payee(world.ledger, act, world.payment_id(TWO), ("name",), "核查")
    assert world.fund("X01").balance == 380_000
    assert [t for t in world.types() if t.startswith("recipient.un")] == [
        "recipient.unmasked",
        "recipient.unmasked",
    ]
    world.check_log()


def test_a_recipient_erased_meanwhile_does_not_hold_up_the_others(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    signer, other = Person(20), Person(21)
    rows = [roster_row(1, signer, 30_000, SHEET_CLASS), roster_row(2, other, 30_000, SHEET_CLASS)]
    world.pay("S1", *rows, channel=Channel.SIGNATURE_SHEET)
    for person in (ONE, signer):
        recipients.erase_person(
            world.ledger, world.act(), world.payment(person).person_id, "本人要求"
        )

    bank = world.answer("B1", settled(1, ONE, 60_000), settled(2, TWO, 60_000))
    sheet = world.sign("S1", signature(1, signer.name), signature(2, other.name))

    assert bank.result["settled"] == 2
    assert (sheet.result["signed"], sheet.result["refused"][0]["code"]) == (
        1,
        "vault.person_erased",
    )
    world.check_log()


def test_who_has_no_such_role_sees_nothing_in_clear(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    size = world.ledger.size()

    with pytest.raises(RoleMissing):
        recipients.unmask_payee(
            world.ledger, world.act("A-X01"), world.payment_id(ONE), ("name",), "好奇"
        )

    assert world.ledger.size() == size


def test_what_is_left_of_a_year_is_the_next_years_opening_surplus(world: World) -> None:
    world.receive("X01", 100_000, vintage=2015)
    world.receive("X01", 50_000)

    answer = funds.open_fiscal_year(
        world.ledger, world.act(day=date(2018, 1, 1)), "X01", EARMARK, 2018, "hefei-2017"
    )

    assert answer.result["opening_surplus_fen"] == 150_000
    again = funds.open_fiscal_year(
        world.ledger, world.act(day=date(2018, 1, 2)), "X01", EARMARK, 2018, "hefei-2017"
    )
    assert again.result["opening_surplus_fen"] == 150_000


def test_everything_survives_a_restart(world: World) -> None:
    world.receive("X01", 500_000, vintage=2016)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    before = (world.fund("X01").balance, world.payment(ONE).status, world.ledger.size())
    world.ledger.close()

    world.reopen()

    after = (world.fund("X01").balance, world.payment(ONE).status, world.ledger.size())
    assert after == before
    world.check_log()


def test_an_unknown_organisation_is_absent(world: World) -> None:
    with pytest.raises(LedgerError) as refused:
        world.receive("X99", 1)

    assert refused.value.code == "ledger.not_on_record"
    assert str(organisation_id("X99")) in str(refused.value)


def test_no_refusal_names_a_person(world: World) -> None:
    world.file(ONE)
    messages = []
    acts: list[Callable[[], Answer]] = [
        lambda: world.answer("B1", settled(1, ONE, 1)),
        lambda: world.sign("B1", signature(1, ONE.name)),
        lambda: world.approve("B1"),
    ]
    for act in acts:
        with pytest.raises(LedgerError) as refused:
            act()
        messages.append(repr(refused.value) + str(refused.value))

    assert not any(word in "".join(messages) for word in (ONE.name, ONE.id_number, ONE.card))


def test_what_is_decided_again_under_its_key_leaves_what_was_decided_since(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    payment = world.payment(ONE)

    def decided(change: Change, key: str) -> None:
        if recipients_state(world, payment.person_id) is not change:
            ask = world.act("H-X01")
            recipients.request_change(world.ledger, ask, payment.person_id, change, "本人要求")
        act = world.act("A-X01", key=key)
        recipients.decide_change(world.ledger, act, payment.person_id, change)

    decided(Change.RESTRICT, "one")
    decided(Change.LIFT, "two")
    assert seal_opens(world, payment)
    decided(Change.RESTRICT, "three")

    recipients.decide_change(
        world.ledger, world.act("A-X01", key="two"), payment.person_id, Change.LIFT
    )

    assert not seal_opens(world, payment)


def recipients_state(world: World, person: UUID) -> Change:
    found = world.ledger.load(Recipient, person)
    assert found is not None
    return Change.RESTRICT if found.restricted else Change.LIFT


def seal_opens(world: World, payment: Disbursement) -> bool:
    try:
        return bool(unseal(world.ledger, payment.person_id, PAYEE, payment.payee))
    except PersonRestricted:
        return False


def test_whom_a_sheet_pays_and_nobody_filed_may_have_their_data_restricted(world: World) -> None:
    world.receive("X01", 500_000)
    world.sheet("S1", ONE)
    person, known = world.payment(ONE).person_id, {organisation_id("X01")}
    ask, decide = world.act("H-X01"), world.act("A-X01")
    with pytest.raises(NotOnRecord):
        recipients.request_change(world.ledger, ask, person, Change.RESTRICT, "本人要求")
    elsewhere = replace(world.act("H-X02"), signed_in=True)
    with pytest.raises(RoleMissing):
        recipients.request_change(
            world.ledger, elsewhere, person, Change.RESTRICT, "本人要求", known_at=known
        )

    recipients.request_change(
        world.ledger, ask, person, Change.RESTRICT, "本人要求", known_at=known
    )
    recipients.decide_change(world.ledger, decide, person, Change.RESTRICT, known_at=known)

    with pytest.raises(PersonRestricted):
        unseal(world.ledger, person, PAYEE, world.payment(ONE).payee)
    world.check_log()


def test_somebody_whose_data_may_not_be_read_holds_up_nobody_else(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    world.review("B1")
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipients.request_change(world.ledger, world.act("H-X01"), person, Change.RESTRICT, "本人要求")
    recipients.decide_change(world.ledger, world.act("A-X01"), person, Change.RESTRICT)

    approved = world.approve("B1")
    later = world.draft("B2", roster_row(1, ONE, 60_000), roster_row(2, Person(3), 60_000))

    assert approved.result["paid"] == 1
    assert [each["number"] for each in approved.result["withdrawn"]] == [1]
    assert [each["number"] for each in later.result["refused"]] == [1, 2]
    file = bank_files.export_batch(world.ledger, world.act(), bank_files.BankFileOrder("B1"))
    assert file.count == 1


@pytest.fixture
def restricted(world: World) -> World:
    """Two payments approved, and the data of one recipient restricted before the bank's file."""
    world.receive("X01", 300_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 70_000))
    change(world, Change.RESTRICT)
    return world


def change(world: World, wanted: Change, *, on_its_way: bool = False) -> None:
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipients.request_change(
        world.ledger, world.act("H-X01"), person, wanted, "本人要求", "决定书"
    )
    act = world.act("A-X01")
    recipients.decide_change(world.ledger, act, person, wanted, on_its_way=on_its_way)


def test_whose_data_is_restricted_after_approval_holds_up_nobody_else(restricted: World) -> None:
    world, order = restricted, bank_files.BankFileOrder("B1")

    for _ in range(2):
        file = bank_files.export_batch(world.ledger, world.act(), order)
        assert (file.count, file.left_out) == (1, (1,))
        assert ONE.card.encode() not in file.content
    assert world.types().count("batch.payees_left_out") == 1
    answer = world.answer("B1", settled(2, TWO, 70_000))
    assert (answer.result["settled"], world.payment(ONE).status) == (1, Status.IN_TRANSIT)
    # All that is left may not be sent.
    with pytest.raises(PersonErased):
        bank_files.export_batch(world.ledger, world.act(), order)

    change(world, Change.LIFT)
    file = bank_files.export_batch(world.ledger, world.act(), order)
    assert (file.count, file.left_out) == (1, ())
    assert ONE.card.encode() in file.content
    world.answer("B1", settled(2, TWO, 70_000), sha="02" * 32)  # the first file's, once more
    assert world.payment(ONE).status is Status.IN_TRANSIT
    world.answer("B1", settled(1, ONE, 60_000), sha="03" * 32)
    assert world.payment(ONE).status is Status.SETTLED
    world.check_log()


def test_whom_a_file_was_without_another_holds_alone(restricted: World) -> None:
    """The restriction is lifted before the bank answered: nobody is sent twice."""
    world, order = restricted, bank_files.BankFileOrder("B1")
    world.file(THREE)
    bank_files.export_batch(world.ledger, world.act(), order)
    change(world, Change.LIFT)

    file = bank_files.export_batch(world.ledger, world.act(), order)

    assert file.count == 1
    assert TWO.card.encode() not in file.content
    world.answer("B1", failed(1, ONE, 60_000), sha="01" * 32)
    assert world.payment(TWO).status is Status.IN_TRANSIT
    world.answer("B1", settled(2, TWO, 70_000), sha="02" * 32)
    assert (world.payment(ONE).status, world.payment(TWO).status) == (
        Status.RETURNED,
        Status.SETTLED,
    )
    world.check_log()


def test_a_file_that_names_accounts_alone_finds_whose_data_may_not_be_read(
    restricted: World,
) -> None:
    """Restricted after the bank was sent the file."""
    lines = (settled(1, ONE, 60_000), settled(2, TWO, 70_000))
    unnumbered = tuple(replace(each, number=None) for each in lines)
    content = BankReturn("unionpay-df", "B1", Lists.ALL, unnumbered, None, None, "01" * 32)
    order = statements.ReturnFile("B1", "return.txt", content)

    answer = statements.receive_statement(restricted.ledger, restricted.act(), order)

    assert answer.result["settled"] == 2
    assert restricted.payment(ONE).status is Status.SETTLED


def test_a_file_without_some_still_has_to_name_all_others(world: World) -> None:
    world.receive("X01", 300_000)
    world.file(ONE, TWO, THREE)
    rows = [roster_row(n, each, 60_000) for n, each in enumerate((ONE, TWO, THREE), 1)]
    world.pay("B1", *rows)
    change(world, Change.RESTRICT)
    bank_files.export_batch(world.ledger, world.act(), bank_files.BankFileOrder("B1"))

    with pytest.raises(FileRefused) as refused:
        world.answer("B1", settled(2, TWO, 60_000))

    assert refused.value.code == "bank_file.incomplete"


@pytest.mark.parametrize("was_sent", [False, True])
def test_totals_say_whether_a_file_of_failures_vouches_for_who_was_left_out(
    restricted: World, was_sent: bool
) -> None:
    world = restricted
    bank_files.export_batch(world.ledger, world.act(), bank_files.BankFileOrder("B1"))
    count, fen = (2, 130_000) if was_sent else (1, 70_000)
    content = BankReturn("unionpay-df", "B1", Lists.FAILURES, (), count, fen, "01" * 32)

    answer = statements.receive_statement(
        world.ledger, world.act(), statements.ReturnFile("B1", "return.txt", content)
    )

    assert answer.result["settled"] == count
    expected = Status.SETTLED if was_sent else Status.IN_TRANSIT
    assert world.payment(ONE).status is expected


def test_nobody_is_erased_while_a_payment_to_them_is_on_its_way(restricted: World) -> None:
    with pytest.raises(PaymentOnItsWay):
        change(restricted, Change.ERASE, on_its_way=True)

    change(restricted, Change.ERASE)  # once it was answered


def test_vouchers_of_the_last_payment_keep_data_for_thirty_years(world: World) -> None:
    world.file(ONE)
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipients.request_change(world.ledger, world.act("H-X01"), person, Change.ERASE, "本人要求")

    def decide(day: date, last_paid: date) -> None:
        act = world.act("A-X01", day)
        recipients.decide_change(world.ledger, act, person, Change.ERASE, last_paid)

    with pytest.raises(RetentionRuns):
        decide(date(2050, 12, 31), date(2020, 1, 15))
    decide(date(2051, 1, 1), date(2020, 1, 15))
