"""Public notices as officers and the public bring them about: what is on record, and of whom."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.commands.disbursements import (
    Reissue,
    SignedSheet,
    record_signatures,
    reissue_payment,
    withdraw_payment,
)
from ledger.commands.notices import (
    Answering,
    Opening,
    Raising,
    RowNotSaid,
    RowUnknown,
    answer_objection,
    close_notice,
    open_notice,
    payment_of,
    public_rows,
    raise_objection,
    read_objection,
    withdraw_notice,
)
from ledger.commands.recipients import decide_change, erase_person, request_change
from ledger.domain.batch import Batch, batch_id
from ledger.domain.disbursement import PaymentObjected
from ledger.domain.notice import (
    DayUnit,
    NothingToShow,
    Notice,
    NoticeRunning,
    NotRunning,
    ObjectionEmpty,
    Period,
    SamePersonAnswers,
    notice_id,
)
from ledger.domain.officer import RoleMissing
from ledger.domain.recipient import Change
from ledger.store.application import Answer
from ledger.vault.keys import PersonErased
from projections.notices import Notice as Shown
from projections.notices import hanging, notice_list, taken_down
from projections.objections import people_objected_to
from projections.runner import catch_up
from tests.commands.refusing import ONE, TWO, nothing_more
from tests.world import DAY, Person, World, roster_row, signature

BATCH = batch_id("B1")
NOTICE = notice_id(BATCH, 1)
LAST, AFTER = date(2017, 1, 15), date(2017, 1, 16)
TEXT = "第1行的人已经退休"
UPHELD = Answering(NOTICE, 1, upheld=True, reason="经查属实")


def opening(batch: UUID = BATCH) -> Opening:
    period = Period(5, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")
    return Opening(batch, period, "单位公告栏", "工会办公室")


@pytest.fixture
def listed(world: World) -> World:
    """A drafted batch of two rows."""
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 70_000))
    return world


def put_up(world: World, day: date = DAY, staff: str = "H-X01") -> Answer:
    return open_notice(world.ledger, world.act(staff, day), opening())


def object_to(world: World, row: int | None = 1, day: date = DAY, key: str = "o1") -> Answer:
    order = Raising(NOTICE, row, TEXT, "李四", "13800001234")
    return raise_objection(world.ledger, world.act(day=day, key=key), order)


def answer(world: World, staff: str = "R-X01", *, upheld: bool = True) -> Answer:
    order = replace(UPHELD, upheld=upheld)
    return answer_objection(world.ledger, world.act(staff), order)


def shown(world: World) -> Shown:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        [found] = notice_list(model, notice_id=NOTICE)
    return found


def test_a_notice_says_which_list_hangs_where_and_how_long(listed: World) -> None:
    put_up(listed)

    found, batch = shown(listed), listed.ledger.load(Batch, BATCH)
    assert batch is not None
    assert (found.listed_count, found.listed_total_fen) == (2, 130_000)
    assert (found.list_sha256, found.last_day) == (batch.list_sha256, "2017-01-15")
    assert (found.place, found.contact, found.number) == ("单位公告栏", "工会办公室", 1)
    assert [found.state(day) for day in (DAY, LAST, AFTER)] == ["running", "running", "over"]
    assert (found.days_left(DAY), found.days_left(AFTER)) == (5, 0)
    assert found.shows_people(date(2017, 1, 18))
    assert not found.shows_people(date(2017, 1, 19))
    listed.check_log()


def test_what_somebody_objects_is_sealed_and_read_on_record(listed: World) -> None:
    put_up(listed)
    object_to(listed)
    assert object_to(listed).replayed

    envelopes = b"".join(state for _, _, state in listed.ledger.log.select_states(0, 1_000))
    for word in (TEXT, "李四", "13800001234"):
        assert word.encode() not in envelopes
    clear = read_objection(listed.ledger, listed.act("R-X01"), NOTICE, 1, "答复异议")
    assert clear == {"name": "李四", "contact": "13800001234", "text": TEXT}
    assert listed.types()[-1] == "notice.objection_read"
    listed.check_log()


def test_two_officers_may_erase_what_an_objector_wrote(listed: World) -> None:
    put_up(listed)
    object_to(listed)
    found = listed.ledger.load(Notice, NOTICE)
    assert found is not None
    subject = found.objection(1).subject_id

    asked = (subject, Change.ERASE, "本人要求", "个人信息保护法第四十七条")
    request_change(listed.ledger, listed.act("H-X01"), *asked)
    decide_change(listed.ledger, listed.act("A-X01"), subject, Change.ERASE)

    with pytest.raises(PersonErased):
        read_objection(listed.ledger, listed.act("R-X01"), NOTICE, 1, "答复异议")
    listed.check_log()


def test_an_upheld_objection_takes_its_row_with_it(listed: World) -> None:
    put_up(listed)
    object_to(listed)

    assert answer(listed).result == {"row_number": 1, "row_withdrawn": True, "payment": None}

    assert [row.number for row in public_rows(listed.ledger, BATCH)] == [2]
    [objection] = shown(listed).objections
    assert (objection.upheld, objection.row_withdrawn, objection.row_number) == (True, True, 1)
    clear = read_objection(listed.ledger, listed.act("A-X01"), NOTICE, 1, "检查")
    assert clear["answer"] == "经查属实"
    listed.review("B1")
    assert listed.approve("B1").result["paid"] == 1
    listed.check_log()


def test_money_that_is_under_way_is_not_called_back_by_an_objection(listed: World) -> None:
    put_up(listed)
    listed.review("B1")
    listed.approve("B1")
    object_to(listed)

    assert answer(listed).result == {
        "row_number": 1,
        "row_withdrawn": False,
        "payment": "stopped",
    }
    assert len(public_rows(listed.ledger, BATCH)) == 2


def test_of_an_objection_about_nobody_it_is_said_who_falls(listed: World) -> None:
    put_up(listed)
    object_to(listed, row=None)
    object_to(listed, row=None, key="o2")

    assert isinstance(nothing_more(listed, lambda: answer(listed)), RowNotSaid)
    assert shown(listed).open_objections == 2
    told = replace(UPHELD, row_number=2)
    said = answer_objection(listed.ledger, listed.act("R-X01"), told)
    assert said.result == {"row_number": 2, "row_withdrawn": True, "payment": None}
    about_none = replace(UPHELD, number=2, no_row=True)
    said = answer_objection(listed.ledger, listed.act("R-X01"), about_none)
    assert said.result == {"row_number": None, "row_withdrawn": False, "payment": None}
    assert [row.number for row in public_rows(listed.ledger, BATCH)] == [1]


def test_who_is_objected_to_rightly_signs_no_more(world: World) -> None:
    world.receive("X01", 500_000)
    world.sheet("B1", ONE, TWO)
    put_up(world)
    object_to(world)
    world.reopen()

    assert answer(world).result["payment"] == "stopped"
    signed = world.sign("B1", signature(1, ONE.name), signature(2, TWO.name))
    assert signed.result["signed"] == 1
    assert [each["code"] for each in signed.result["refused"]] == ["disbursement.objection_upheld"]
    withdraw_payment(world.ledger, world.act("A-X01"), world.payment_id(ONE), "异议成立")
    reissue_payment(world.ledger, world.act("A-X01"), Reissue(world.payment_id(ONE), "复查有误"))
    assert world.sign("B1", signature(1, ONE.name)).result["signed"] == 1, "decided anew"
    world.check_log()


def test_who_had_signed_by_then_has_the_money(world: World) -> None:
    world.receive("X01", 500_000)
    world.sheet("B1", ONE, TWO)
    put_up(world)
    object_to(world)
    world.sign("B1", signature(1, ONE.name))

    said = answer_objection(world.ledger, world.act("R-X01", AFTER), UPHELD)
    assert said.result["payment"] == "paid"
    object_to(world, 2, key="o2")
    late = replace(UPHELD, number=2)
    answer_objection(world.ledger, world.act("R-X01", date(2017, 1, 22)), late)
    before = replace(signature(2, TWO.name), signed_at="2017-01-21T09:00:00+08:00")
    sheet = SignedSheet("B1", "ef" * 32, [before])
    later = world.act("H-X01", date(2017, 1, 23))
    assert record_signatures(world.ledger, later, sheet).result["signed"] == 1


def test_no_bank_file_holds_who_is_objected_to_rightly(listed: World) -> None:
    put_up(listed)
    listed.review("B1")
    listed.approve("B1")
    object_to(listed)
    answer(listed)

    file = export_batch(listed.ledger, listed.act(), BankFileOrder("B1"))
    assert (file.count, file.total_fen, file.stopped) == (1, 70_000, (1,))
    object_to(listed, 2, key="o2")
    late = replace(UPHELD, number=2)
    said = answer_objection(listed.ledger, listed.act("R-X01"), late)
    assert said.result["payment"] == "sent"
    with pytest.raises(PaymentObjected):
        export_batch(listed.ledger, listed.act(), BankFileOrder("B1"))
    listed.check_log()


@pytest.mark.parametrize("approved_too", [False, True], ids=["drafted", "fell at the approval"])
def test_drawn_up_again_a_list_pays_nobody_who_was_objected_to(
    listed: World, *, approved_too: bool
) -> None:
    put_up(listed)
    object_to(listed)
    listed.file(Person(9))
    listed.draft("B2", roster_row(1, Person(9), 70_000), roster_row(2, ONE, 60_000))
    listed.review("B2")
    listed.approve("B2")
    if approved_too:
        listed.review("B1")
        assert listed.approve("B1").result["paid"] == 1

    assert answer(listed).result == {
        "row_number": 1,
        "row_withdrawn": True,
        "payment": "stopped",
    }

    payment = payment_of(listed.ledger, BATCH, 1)
    assert payment is not None
    assert (payment.id, payment.is_stopped) == (listed.payment_id(ONE), True)
    file = export_batch(listed.ledger, listed.act(), BankFileOrder("B2"))
    assert (file.count, file.total_fen, file.stopped) == (1, 70_000, (2,))
    with catch_up(listed.ledger, listed.home.read_models).asking() as model:
        assert people_objected_to(model, payment.campaign_id) == {payment.person_id}
    listed.check_log()


@pytest.mark.parametrize(
    ("staff", "code"),
    [("H-X01", "notice.same_person"), ("R-X02", "duty.role_missing")],
)
def test_who_may_not_answer_is_put_on_record(listed: World, staff: str, code: str) -> None:
    put_up(listed)
    object_to(listed)
    act = listed.act(staff)

    # The handler holds a reviewer's post too, and still drew the list up.
    listed.appoint_without_key("H-X01", "X01", "复核")
    refused = answer_objection(
        listed.ledger,
        type(act)(act.actor, act.happened_on, act.recorded_at, signed_in=True),
        Answering(NOTICE, 1, upheld=False, reason="不属实"),
    )

    assert refused.refusal_code == code
    assert listed.types()[-1] == "refusal.recorded"
    assert shown(listed).open_objections == 1
    listed.check_log()


def test_whose_list_it_is_does_not_read_who_objects(listed: World) -> None:
    put_up(listed)
    object_to(listed)
    listed.appoint_without_key("H-X01", "X01", "复核")
    own = replace(listed.act("H-X01"), signed_in=True)

    with pytest.raises(SamePersonAnswers):
        read_objection(listed.ledger, own, NOTICE, 1, "答复异议")

    assert listed.types()[-1] == "refusal.recorded"
    assert "notice.objection_read" not in listed.types()
    listed.check_log()


def test_what_is_wrong_is_refused_and_leaves_nothing(listed: World) -> None:
    missing = Raising(NOTICE, 9, TEXT)
    empty = Raising(NOTICE, None, "  ")
    public = listed.act()
    put_up(listed)

    assert isinstance(nothing_more(listed, lambda: put_up(listed)), NoticeRunning)
    for order, refusal in ((missing, RowUnknown), (empty, ObjectionEmpty)):
        tried = nothing_more(listed, lambda o=order: raise_objection(listed.ledger, public, o))  # type: ignore[misc]
        assert isinstance(tried, refusal)
    late = nothing_more(listed, lambda: object_to(listed, day=AFTER))
    assert isinstance(late, NotRunning)


def test_a_list_of_which_no_row_stands_is_not_put_up(world: World) -> None:
    world.draft("B1", roster_row(1, ONE, 10))

    assert isinstance(nothing_more(world, lambda: put_up(world)), NothingToShow)


def test_a_second_notice_follows_when_the_first_was_taken_down(listed: World) -> None:
    put_up(listed)
    act = listed.act("R-X01")
    withdraw_notice(listed.ledger, act, NOTICE, "名单有误")

    again = put_up(listed)

    assert again.result["notice_id"] == str(notice_id(BATCH, 2))
    assert (shown(listed).ended, shown(listed).reason) == ("withdrawn", "名单有误")
    assert not shown(listed).shows_people(DAY)
    with catch_up(listed.ledger, listed.home.read_models).asking() as model:
        assert [each.number for each in hanging(model, DAY, after=None, limit=10)] == [2]
        assert [each.number for each in taken_down(model, DAY, before=None, limit=10)] == [1]
        first = taken_down(model, AFTER, before=None, limit=1)
        assert [each.number for each in first] == [2]
        rest = taken_down(model, AFTER, before=first[0].position, limit=1)
        assert [each.number for each in rest] == [1]


def test_an_objection_does_not_vanish_with_the_notice(listed: World) -> None:
    put_up(listed)
    object_to(listed)
    own = withdraw_notice(listed.ledger, listed.act("H-X01"), NOTICE, "名单有误")

    assert (own.refusal_code, listed.types()[-1]) == ("notice.same_person", "refusal.recorded")
    assert shown(listed).ended is None
    withdraw_notice(listed.ledger, listed.act("R-X01"), NOTICE, "名单有误")
    assert shown(listed).open_objections == 1
    assert answer(listed).result == {"row_number": 1, "row_withdrawn": True, "payment": None}
    listed.check_log()


def test_a_notice_ends_when_all_is_answered(listed: World) -> None:
    put_up(listed)
    object_to(listed)
    answer(listed, upheld=False)
    close_notice(listed.ledger, listed.act("H-X01", AFTER), NOTICE)

    assert (shown(listed).ended, shown(listed).ended_on) == ("closed", "2017-01-16")
    assert len(public_rows(listed.ledger, BATCH)) == 2
    listed.check_log()


def test_who_is_erased_or_restricted_is_not_shown(listed: World) -> None:
    person = listed.ledger.vault.subject_id("id_number", ONE.id_number)
    other = listed.ledger.vault.subject_id("id_number", TWO.id_number)
    erase_person(listed.ledger, listed.act(), person, "本人要求")
    listed.ledger.vault.restrict(other)

    assert [(row.name, row.id_number) for row in public_rows(listed.ledger, BATCH)] == [
        (None, None),
        (None, None),
    ]


def test_an_objector_may_be_forgotten_and_is_answered_all_the_same(listed: World) -> None:
    put_up(listed)
    object_to(listed)
    found = listed.ledger.load(Notice, NOTICE)
    assert found is not None
    listed.ledger.vault.forget(found.objection(1).subject_id)

    with pytest.raises(PersonErased):
        read_objection(listed.ledger, listed.act("R-X01"), NOTICE, 1, "答复异议")
    answer(listed, upheld=False)
    close_notice(listed.ledger, listed.act("H-X01", AFTER), NOTICE)
    listed.check_log()


def test_a_public_list_shows_less_than_officers_see(listed: World) -> None:
    one = public_rows(listed.ledger, BATCH)[0]

    assert one.name == f"{ONE.name[0]}*"
    assert one.id_number == f"{ONE.id_number[:2]}*************{ONE.id_number[-3:]}"
    assert (one.category, one.amount) == ("建档困难职工", 60_000)


def test_officers_of_another_union_change_nothing_of_what_an_objector_wrote(
    listed: World,
) -> None:
    put_up(listed)
    object_to(listed)
    found = listed.ledger.load(Notice, NOTICE)
    assert found is not None
    subject = found.objection(1).subject_id
    elsewhere = replace(listed.act("H-X02"), signed_in=True)

    with pytest.raises(RoleMissing):
        request_change(listed.ledger, elsewhere, subject, Change.ERASE, "要求", "令1号")

    here = replace(listed.act("H-X01"), signed_in=True)
    request_change(listed.ledger, here, subject, Change.ERASE, "要求", "令1号")
