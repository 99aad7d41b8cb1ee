"""Return files of long batches: matched as a whole, stored piece by piece."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.commands import disbursements, statements
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.domain.disbursement import Status
from ledger.domain.recipient import Change
from ledger.files.bank import BankReturn, Lists, ReturnLine
from ledger.files.faults import FileRefused
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide
from tests.commands.test_withdrawals import restrict
from tests.world import Person, World, failed, roster_row, settled

ONE, TWO = Person(1), Person(2)
PAID = 60_000


@pytest.fixture
def paid(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A batch of two, whose return files are stored payment by payment."""
    monkeypatch.setattr(statements, "PIECE", 1)
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, PAID), roster_row(2, TWO, PAID))
    return world


def _answer(
    world: World, *lines: ReturnLine, key: str | None = "k1", sha: str = "cd" * 32
) -> dict[str, object]:
    content = BankReturn("unionpay-df", "B1", Lists.ALL, lines, None, None, sha)
    order = statements.ReturnFile("B1", "return.txt", content)
    return statements.receive_statement(world.ledger, world.act(key=key), order).result


def before_the_second_piece(
    world: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]
) -> None:
    """Have somebody act after the first piece of a file was stored."""
    perform, pieces = world.ledger.perform, iter((None, act))

    def meddled(by: CommandAct, name: str, request: object, decide: Decide) -> Answer:
        if name == "statement.receive" and not by.dry_run and (meddle := next(pieces, None)):
            meddle()
        return perform(by, name, request, decide)

    monkeypatch.setattr(world.ledger, "perform", meddled)


def test_a_long_file_is_stored_in_pieces_and_comes_to_the_same(paid: World) -> None:
    lines = (settled(1, ONE, PAID), failed(2, TWO, PAID))

    first = _answer(paid, *lines)
    again = _answer(paid, *lines)

    assert (first["settled"], first["returned"]) == (1, 1)
    assert again == first
    assert paid.payment(TWO).status is Status.RETURNED
    assert paid.types().count("statement.received") == 1
    with pytest.raises(statements.StatementKnown):
        _answer(paid, *lines, key=None)
    paid.check_log()


def test_a_long_file_that_was_cut_off_is_taken_up_again(
    paid: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (settled(1, ONE, PAID), failed(2, TWO, PAID))
    insert, calls = paid.ledger.log.insert_events, iter((None, OSError("no space")))

    def fail_second(*words: object, **named: object) -> object:
        failure = next(calls)
        if failure is not None:
            raise failure
        return insert(*words, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(paid.ledger.log, "insert_events", fail_second)
    with pytest.raises(OSError, match="no space"):
        _answer(paid, *lines)
    monkeypatch.setattr(paid.ledger.log, "insert_events", insert)

    came = _answer(paid, *lines)

    assert (came["settled"], came["returned"]) == (1, 1)
    assert paid.payment(ONE).status is Status.SETTLED
    assert paid.payment(TWO).status is Status.RETURNED
    assert paid.types().count("statement.line_matched") == 2
    paid.check_log()


def test_a_long_file_that_does_not_fit_writes_nothing(paid: World) -> None:
    size = paid.ledger.size()
    with pytest.raises(FileRefused):
        _answer(paid, settled(1, ONE, PAID))
    assert paid.ledger.size() == size


def test_what_another_file_decided_between_two_pieces_is_no_news(
    paid: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other() -> None:
        _answer(paid, settled(1, ONE, PAID), settled(2, TWO, PAID), key=None, sha="ef" * 32)

    before_the_second_piece(paid, monkeypatch, other)

    _answer(paid, settled(1, ONE, PAID), settled(2, TWO, PAID))

    assert paid.payment(TWO).status is Status.SETTLED
    assert paid.types().count("disbursement.settled") == 2
    paid.check_log()


def test_what_was_made_again_between_two_pieces_does_not_come_back_by_the_second(
    paid: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def took_back() -> None:
        _answer(paid, failed(2, TWO, PAID), key=None, sha="ef" * 32)
        again = disbursements.Reissue(paid.payment_id(TWO), "换发", "6299900000000000077")
        disbursements.reissue_payment(paid.ledger, paid.act(), again)

    before_the_second_piece(paid, monkeypatch, took_back)

    came = _answer(paid, settled(1, ONE, PAID), failed(2, TWO, PAID))

    assert came["earlier"] == 1
    assert paid.payment(TWO).status is Status.IN_TRANSIT
    paid.check_log()


def test_a_list_that_answers_two_files_is_taken_up_again_where_it_was_cut_off(
    paid: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = three, four, _ = Person(3), Person(4), Person(5)
    paid.file(*people)
    paid.pay("B2", *(roster_row(n, each, PAID) for n, each in enumerate(people, 1)))
    restrict(paid, three)
    export_batch(paid.ledger, paid.act(), BankFileOrder("B2"))
    restrict(paid, three, Change.LIFT)
    export_batch(paid.ledger, paid.act(), BankFileOrder("B2"))
    content = BankReturn(
        "unionpay-df",
        "B2",
        Lists.FAILURES,
        (failed(1, three, PAID), failed(2, four, PAID)),
        1,
        PAID,
        "07" * 32,
    )
    order = statements.ReturnFile("B2", "return.txt", content)

    def cut_off() -> None:
        raise OSError("no space")

    before_the_second_piece(paid, monkeypatch, cut_off)
    with pytest.raises(OSError, match="no space"):
        statements.receive_statement(paid.ledger, paid.act(), order)
    statements.receive_statement(paid.ledger, paid.act(), order)

    stands = [paid.payment(each).status for each in people]
    assert stands == [Status.RETURNED, Status.RETURNED, Status.SETTLED]
    paid.check_log()


def test_a_word_about_the_card_before_is_told_with_the_first_piece_alone(paid: World) -> None:
    export_batch(paid.ledger, paid.act(), BankFileOrder("B1"))
    card = "6299900000000000077"
    _answer(paid, failed(1, ONE, PAID), failed(2, TWO, PAID))
    for person, to in ((ONE, ""), (TWO, card)):
        order = disbursements.Reissue(paid.payment_id(person), "再付", to)
        disbursements.reissue_payment(paid.ledger, paid.act(), order)
    export_batch(paid.ledger, paid.act(), BankFileOrder("B1"))
    there = replace(settled(2, TWO, PAID), line=9, account=card)
    lines = settled(1, ONE, PAID), settled(2, TWO, PAID), there

    result = _answer(paid, *lines, key="k2", sha="02" * 32)

    assert (result["settled"], result["paid_twice"]) == (2, 1)
    assert paid.payment(TWO).status is Status.SETTLED
    assert paid.types().count("disbursement.arrived_before") == 1
    paid.check_log()
