"""Reasons that name whom they are about: refused with nothing done, and the try is on record."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.commands import cases, disbursements, notices, recipients, signatures
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.commands.unnamed import require_none_named, require_unnamed
from ledger.domain.batch import batch_id
from ledger.domain.case import Extent, Subject
from ledger.domain.clear_text import PersonalDataInText, PersonNamedInText
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.officer import Role
from ledger.domain.organisation import organisation_id
from ledger.domain.recipient import Change
from ledger.domain.refusal import Refusal
from tests.world import Person, World, failed, roster_row, settled

ONE, TWO, OTHER = Person(1), Person(2), Person(3)
WAITING, LISTED = Person(4), Person(5)
BATCH, LIST = batch_id("B1"), batch_id("B3")
NOTICE = notice_id(LIST, 1)


@pytest.fixture
def world(world: World) -> World:
    """One was paid, to the other it came back, and of a third there is a file elsewhere."""
    world.receive("X01", 500_000)
    world.file(ONE, TWO, WAITING, LISTED)
    world.file(OTHER, union="X02")
    world.appoint("J-C01", "C01", Role.INSPECTOR)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    world.answer("B1", settled(1, ONE, 60_000), failed(2, TWO, 60_000))
    world.pay("B2", roster_row(1, WAITING, 60_000))
    world.draft("B3", roster_row(1, LISTED, 60_000))
    world.sheet("S1", Person(6))
    period = Period(5, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")
    opening = notices.Opening(LIST, period, "单位公告栏", "工会办公室")
    notices.open_notice(world.ledger, world.act("H-X01"), opening)
    return world


def id_of(world: World, person: Person) -> object:
    return world.ledger.vault.subject_id("id_number", person.id_number)


def unmask(world: World, reason: str) -> object:
    payment = world.payment_id(ONE)
    return recipients.unmask_payee(world.ledger, world.act("H-X01"), payment, ("name",), reason)


def restrict(world: World, reason: str) -> object:
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    act = world.act("H-X01")
    return recipients.request_change(world.ledger, act, person, Change.RESTRICT, reason)


def close_file(world: World, reason: str) -> object:
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    return recipients.close_file(world.ledger, world.act("H-X01"), person, "DA1", reason)


def correct(world: World, reason: str) -> object:
    payment, version = world.payment_id(ONE), world.payment(ONE).version
    return disbursements.correct_outcome(world.ledger, world.act(), payment, version, reason)


def reissue(world: World, reason: str) -> object:
    order = disbursements.Reissue(world.payment_id(TWO), reason)
    return disbursements.reissue_payment(world.ledger, world.act("A-X01"), order)


def withdraw(world: World, reason: str) -> object:
    payment = world.payment_id(WAITING)
    return disbursements.withdraw_payment(world.ledger, world.act("A-X01"), payment, reason)


def export(world: World, reason: str) -> object:
    order = replace(BankFileOrder("B2"), reason=reason, made_for="徽商银行")
    return export_batch(world.ledger, world.act(), order)


def show_sheet(world: World, reason: str) -> object:
    act = world.act("H-X01")
    return signatures.begin_signing(world.ledger, act, "S1", reason, "领款人")


def take_down(world: World, reason: str) -> object:
    return notices.withdraw_notice(world.ledger, world.act("H-X01"), NOTICE, reason)


def open_case(world: World, reason: str) -> object:
    union = organisation_id("X01")
    subject = Subject(rule="J3", organisation_id=union, batch_id=BATCH)
    extent = Extent(count=1, amount_fen=None, since=None)
    order = cases.Opening(union, subject, "W", extent, reason)
    return cases.open_case(world.ledger, world.act("J-C01"), order)


@pytest.mark.parametrize(
    ("tried", "person", "attempt"),
    [
        ("recipient.unmask", ONE, unmask),
        ("recipient.request_change", ONE, restrict),
        ("archive.close_file", ONE, close_file),
        ("disbursement.correct", ONE, correct),
        ("disbursement.reissue", TWO, reissue),
        ("disbursement.withdraw", WAITING, withdraw),
        ("batch.export", WAITING, export),
        ("signing.begin", Person(6), show_sheet),
        ("notice.withdraw", LISTED, take_down),
        ("case.open", ONE, open_case),
    ],
)
def test_a_reason_that_names_its_person_is_refused_and_the_try_is_on_record(
    world: World, tried: str, person: Person, attempt: Callable[[World, str], object]
) -> None:
    size = world.ledger.size()

    for written in (f"{person.name}已调离", f"因{person.name[0]} {person.name[1]}本人要求"):
        with pytest.raises(PersonNamedInText):
            attempt(world, written)
    with pytest.raises(PersonalDataInText):
        attempt(world, f"核对 {person.id_number}")

    left = [event for _, event in world.ledger.read(size, 10)]
    assert [type(each) for each in left] == [Refusal.Recorded] * 2
    told = [(each.tried, each.refusal_code) for each in left if isinstance(each, Refusal.Recorded)]
    assert set(told) == {(tried, "text.person_named")}
    assert {
        (each.tried, each.refusal_code) for each in left if isinstance(each, Refusal.Recorded)
    } == {(tried, "text.person_named")}
    assert all(person.name not in str(each) for each in left)
    attempt(world, f"与{OTHER.name}无关，本人要求")
    world.check_log()


def test_names_of_all_scripts_are_found_as_they_are_kept(world: World) -> None:
    for name, text in (
        ("阿卜杜拉·买买提", "给阿卜杜拉•买买提补发"),
        ("欧阳修远", "查 欧阳　修远 的卡"),
        ("Ivan Petrov", "补给Ivan  Petrov"),
    ):
        with pytest.raises(PersonNamedInText):
            require_none_named({name}, text)
    require_none_named({"张三", "张"}, "张贴公示；三月补发")
    one = world.ledger.vault.subject_id("id_number", ONE.id_number)
    require_unnamed(world.ledger, {one}, f"{OTHER.name}的来信")
    require_unnamed(world.ledger, (), f"{ONE.name}的来信")
