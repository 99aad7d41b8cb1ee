"""A name that the roster has wrong: put right as the payment is made again, tied to the person."""

from dataclasses import replace

import pytest

from ledger.commands import disbursements, recipients
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.commands.misspelt_names import is_slip
from ledger.domain.batch import SamePerson
from ledger.domain.disbursement import Disbursement, Status
from ledger.domain.officer import Role
from ledger.errors import LedgerError
from ledger.files.bank import ReturnLine
from ledger.files.faults import FileRefused
from tests.world import DAY, Person, World, failed, filed, roster_row, settled

ONE = Person(1)
WRONG, RIGHT = "王小明", "王晓明"


def paid_to(world: World, listed: str, *on_file: str, reason: str = "NAME_MISMATCH") -> World:
    """Have a bank send back what was listed under a name; the archive has others."""
    world.receive("X01", 500_000)
    entries = [
        replace(filed(ONE), name=name, file_number=f"DA{number}")
        for number, name in enumerate(on_file, 1)
    ]
    recipients.enter_archive(world.ledger, world.act(), entries)
    world.pay("B1", roster_row(1, ONE, 60_000, name=listed))
    export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    answer(world, listed, failed(1, ONE, 60_000, reason), "01" * 32)
    return world


def answer(world: World, name: str, line: ReturnLine, sha: str) -> None:
    world.answer("B1", replace(line, name=name), sha=sha)


def again(world: World, name: str, card: str = "", staff: str = "") -> None:
    order = disbursements.Reissue(world.payment_id(ONE), "名册笔误", card, "", name)
    disbursements.reissue_payment(world.ledger, world.act(staff), order)


def last(world: World) -> Disbursement.Reissued:
    *_, event = world.ledger.events.get(world.payment_id(ONE))
    assert isinstance(event, Disbursement.Reissued)
    return event


@pytest.mark.parametrize(
    ("listed", "on_file", "ground"),
    [(WRONG, (RIGHT,), "on_file"), (WRONG, (WRONG,), "slip"), ("李四", (RIGHT,), "on_file")],
)
def test_a_name_put_right_stands_in_the_banks_file_and_in_its_answer(
    world: World, listed: str, on_file: tuple[str, ...], ground: str
) -> None:
    paid_to(world, listed, *on_file)

    again(world, "王 晓 明")

    assert last(world).name_put_right == ground
    written = export_batch(world.ledger, world.act(), BankFileOrder("B1")).content.decode()
    assert RIGHT in written
    assert listed not in written
    assert ONE.id_number in written
    answer(world, RIGHT, settled(1, ONE, 60_000), "02" * 32)
    assert world.payment(ONE).status is Status.SETTLED
    world.check_log()


@pytest.mark.parametrize(
    ("name", "card", "reason", "on_file", "code"),
    [
        (RIGHT, "", "ACCT_CLOSED", (RIGHT,), "reissue.name_not_doubted"),
        (RIGHT, "6299900000000000077", "NAME_MISMATCH", (RIGHT,), "reissue.name_and_card"),
        ("王大明", "", "NAME_MISMATCH", (RIGHT,), "reissue.name_of_another"),
        ("李大伟", "", "NAME_MISMATCH", (WRONG,), "reissue.name_of_another"),
        (WRONG, "", "NAME_MISMATCH", (WRONG,), "reissue.name_of_another"),
    ],
)
def test_a_name_is_put_right_for_nobody_else(
    world: World, name: str, card: str, reason: str, on_file: tuple[str, ...], code: str
) -> None:
    paid_to(world, WRONG, *on_file, reason=reason)
    size = world.ledger.size()

    with pytest.raises(LedgerError) as refused:
        again(world, name, card)

    assert refused.value.code == code
    assert world.ledger.size() == size


def test_who_puts_a_name_right_does_not_write_the_file(world: World) -> None:
    paid_to(world, WRONG, RIGHT)
    world.appoint("P-X01", "X01", Role.APPROVER, DAY)
    again(world, RIGHT, staff="P-X01")

    with pytest.raises(SamePerson):
        export_batch(world.ledger, world.act("P-X01"), BankFileOrder("B1"))

    assert export_batch(world.ledger, world.act(), BankFileOrder("B1")).count == 1


def test_what_was_paid_again_before_keeps_its_name(world: World) -> None:
    paid_to(world, WRONG, RIGHT)

    disbursements.reissue_payment(
        world.ledger, world.act(), disbursements.Reissue(world.payment_id(ONE), "再付")
    )

    assert last(world).name_put_right is None
    with pytest.raises(LedgerError) as refused:
        again(world, RIGHT)
    assert refused.value.code == "disbursement.not_returned"


@pytest.mark.parametrize(
    ("wrong", "right", "slip"),
    [
        (WRONG, RIGHT, True),
        ("王明", "王晓明", True),
        ("王晓明", "王明", True),
        ("王明晓", "王晓明", True),
        ("欧阳娜", "欧阳娜娜", True),
        ("李明", "李鸣", True),
        ("王小明", "李晓明", False),
        ("王明", "明", False),
        ("王小明", "王大伟", False),
        ("王小明明", "王明", False),
        (RIGHT, RIGHT, False),
    ],
)
def test_a_slip_is_one_character(wrong: str, right: str, slip: bool) -> None:
    assert is_slip(wrong, right) is slip


def sent_back(world: World, name: str, number: int) -> None:
    export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    answer(world, name, failed(1, ONE, 60_000, "NAME_MISMATCH"), f"{number:02}" * 32)


def test_single_slips_do_not_add_up_to_another_name(world: World) -> None:
    paid_to(world, WRONG, WRONG)
    again(world, "李小明")
    sent_back(world, "李小明", 2)

    for name in ("李大明", "李小明"):
        with pytest.raises(LedgerError) as refused:
            again(world, name)
        assert refused.value.code == "reissue.name_of_another"
    again(world, RIGHT)

    assert last(world).name_put_right == "slip"


def test_a_name_is_put_back_where_the_bank_paid_under_it_after_all(world: World) -> None:
    """The payment under the other name was not sent yet: it is withdrawn first."""
    paid_to(world, WRONG, WRONG)
    again(world, RIGHT)
    with pytest.raises(FileRefused) as stopped:
        answer(world, WRONG, settled(1, ONE, 60_000), "02" * 32)
    assert stopped.value.code == "bank_file.arrived_before"
    payment = world.payment_id(ONE)
    disbursements.withdraw_payment(world.ledger, world.act(), payment, "原姓名已付")

    again(world, WRONG)

    assert last(world).name_put_right == "before"
    answer(world, WRONG, settled(1, ONE, 60_000), "02" * 32)
    assert world.payment(ONE).status is Status.SETTLED
    assert world.fund("X01").balance == 500_000 - 60_000
    world.check_log()


@pytest.mark.parametrize(
    ("name", "card", "code"),
    [
        (WRONG, ONE.card, None),
        (WRONG, "6299900000000000078", "reissue.name_and_card"),
        ("王大明", "", "reissue.name_not_doubted"),
    ],
)
def test_name_and_card_are_put_back_together_as_they_were(
    world: World, name: str, card: str, code: str | None
) -> None:
    paid_to(world, WRONG, WRONG)
    again(world, RIGHT)
    sent_back(world, RIGHT, 2)
    disbursements.reissue_payment(
        world.ledger,
        world.act(),
        disbursements.Reissue(world.payment_id(ONE), "换卡", "6299900000000000077"),
    )
    disbursements.withdraw_payment(world.ledger, world.act(), world.payment_id(ONE), "暂停")

    if code is None:
        again(world, name, card)
        assert last(world).name_put_right == "before"
        assert (
            ONE.card
            in export_batch(world.ledger, world.act(), BankFileOrder("B1")).content.decode()
        )
        return
    with pytest.raises(LedgerError) as refused:
        again(world, name, card)
    assert refused.value.code == code
