"""Paper sheets: printed on record, matched by row, and paid once a witness certified them."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import pypdfium2
import pytest
from PIL import Image

from ledger.commands import officers, recipients
from ledger.commands.disbursements import Reissue, reissue_payment, withdraw_payment
from ledger.commands.sheets import (
    NoSheetCodes,
    NothingToSign,
    ScanOfOtherBatch,
    ScanOrder,
    SheetOrder,
    print_sheet,
    take_scan,
)
from ledger.commands.signatures import (
    Certification,
    Discarding,
    certify_captured,
    discard_signature,
    signature_image,
)
from ledger.domain.batch import Batch, ScanKnown, WrongChannel, batch_id
from ledger.domain.clear_text import PersonalDataInText, PersonNamedInText
from ledger.domain.disbursement import AnotherWitness, Disbursement, NotCaptured, Status
from ledger.domain.export import Export
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.refusal import Refusal
from ledger.files.scans import read_scan
from ledger.files.sheet import SheetFile
from ledger.store.application import Answer
from projections.findings.asked import Asked
from projections.findings.rules import findings
from projections.findings.sheets import SHEET_TOTAL
from projections.findings.versions import EARLIER
from projections.open_payments import open_payments
from projections.runner import catch_up
from projections.signatures import scans_of
from tests.commands.refusing import nothing_more
from tests.domain.acting import TEvent
from tests.files.paper import (
    as_pdf,
    line,
    on_the_glass,
    seen_by_a_camera,
    turned,
    write_name,
)
from tests.objecting import uphold
from tests.world import RECORDED_AT, Person, World, roster_row

KEY = b"k" * 32
PEOPLE = [Person(60 + number) for number in range(10)]
SHEET, BATCH = "S1", batch_id("S1")
WITNESS = "H-X01"
SIGNED_ON = date(2017, 1, 21)
LATER = "2017-03-02T08:00:00.000Z"


@pytest.fixture
def sheet(world: World) -> World:
    world.receive("X01", 900_000)
    world.sheet(SHEET, *PEOPLE)
    return world


def printed(world: World, code: str = SHEET, at: str = RECORDED_AT) -> SheetFile:
    order = SheetOrder(code, "两节送温暖签字表", "现场签字", "经办人")
    return print_sheet(
        world.ledger, replace(world.act(WITNESS), recorded_at=at), order, KEY, "{} fen".format
    )


def take(
    world: World,
    *pages: Image.Image,
    code: str = SHEET,
    staff: str = WITNESS,
    day: date = SIGNED_ON,
) -> Answer:
    scan = read_scan(as_pdf(pages), KEY)
    act = world.act(staff, day)
    return take_scan(world.ledger, act, ScanOrder(code, scan))


def statuses(world: World) -> list[int]:
    return [n for n, p in enumerate(PEOPLE, 1) if world.payment(p).status is Status.SIGNED]


def test_a_sheet_is_printed_signed_scanned_and_certified(sheet: World) -> None:
    file = printed(sheet)
    handed_over = sheet.ledger.read(sheet.ledger.size() - 1, 1)[0].event
    assert isinstance(handed_over, Export.HandedOver)
    assert (handed_over.kind, handed_over.people) == ("signature_sheet", 10)
    assert (handed_over.file_sha256, handed_over.made_for) == (file.sha256, "经办人")
    one, two = on_the_glass(file.content)
    for place in (0, 1, 3):
        write_name(one, place)
    write_name(two, 1)
    line(one, (200, 130), (204, 130.4))
    scan = [turned(one, 2), two, one]

    answer = take(sheet, *scan)

    assert answer.result["rows"] == {"signed": 4, "doubtful": 1, "empty": 9, "repeated": 4}
    manner, image = signature_image(sheet.ledger, BATCH, 10, officer_id(WITNESS))
    assert manner == "scanned"
    assert image.startswith("iVBOR")
    certify_captured(sheet.ledger, sheet.act(WITNESS, SIGNED_ON), Certification(SHEET, [1, 2, 10]))
    assert statuses(sheet) == [1, 2, 10]
    signed = last(sheet, Disbursement.Signed)
    certified = last(sheet, Batch.SheetCertified)
    assert signed.sheet_sha256 == certified.sheet_sha256 == answer.result["file_sha256"]
    assert signed.signed_at == "2017-01-21"
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        [seen] = scans_of(model, BATCH)
    assert (seen.page_count, seen.happened_on, len(seen.rows)) == (3, "2017-01-21", 18)
    sheet.check_log()


def test_what_is_on_a_scan_and_does_not_count_is_told_row_by_row(sheet: World) -> None:
    one, two = on_the_glass(printed(sheet).content)
    for place in range(3):
        write_name(one, place)
    take(sheet, one)
    certify_captured(sheet.ledger, sheet.act(WITNESS, SIGNED_ON), Certification(SHEET, [1]))
    recipients.erase_person(sheet.ledger, sheet.act(), sheet.payment(PEOPLE[1]).person_id, "要求")
    sheet.sheet("S2", Person(80))
    [elsewhere] = on_the_glass(printed(sheet, "S2").content)
    blank = Image.new("L", two.size, 255)

    answer = take(sheet, one, elsewhere, blank)

    rows = answer.result["rows"]
    assert rows == {"paid": 1, "erased": 1, "signed": 1, "empty": 5, "other_batch": 1, "no_code": 1}
    assert statuses(sheet) == [1]


def test_a_sheet_that_comes_to_more_than_the_ledger_is_found_after_a_week(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    for place in range(3):
        write_name(one, place)
    take(sheet, one)
    certify_captured(sheet.ledger, sheet.act(WITNESS, SIGNED_ON), Certification(SHEET, [1]))

    assert differences(sheet, 7) == [(2, 60_000)]
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        asked = Asked(model, SIGNED_ON + timedelta(days=7), open_payments(model))
        assert list(EARLIER["D3"][0].find(asked)) == [], "version 1 looked at no scans"
    assert differences(sheet, 6) == []
    certify_captured(sheet.ledger, sheet.act(WITNESS, SIGNED_ON), Certification(SHEET, [2, 3]))
    assert differences(sheet, 7) == []


def differences(world: World, days: int) -> list[tuple[int, int | None]]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = Asked(model, SIGNED_ON + timedelta(days=days), open_payments(model))
        found = [each for each in findings(asked) if each.detail == SHEET_TOTAL]
    return [(each.count, each.amount_fen) for each in found]


def test_one_picture_in_two_boxes_counts_once_and_is_a_doubt(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    write_name(one, 0)
    write_name(one, 1)
    scan = read_scan(as_pdf([one]), KEY)
    first, second, *others = scan.pages[0].rows
    rows = [first, replace(second, image=first.image), *others]
    copied = replace(scan, pages=[replace(scan.pages[0], rows=rows)])

    answer = take_scan(sheet.ledger, sheet.act(WITNESS, SIGNED_ON), ScanOrder(SHEET, copied))

    assert answer.result["rows"] == {"signed": 1, "reused": 1, "empty": 6}
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        asked = Asked(model, SIGNED_ON, open_payments(model))
        [found] = [each for each in findings(asked) if each.rule == "D2"]
        assert list(EARLIER["D2"][0].find(asked)) == [], "version 1 looked at no sheets on paper"
    assert (found.detail, found.count, found.batch_id) == ("signature.reused", 1, BATCH)


def test_a_page_laid_on_the_glass_again_once_it_is_signed_counts(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    signed = one.copy()
    write_name(signed, 0)

    answer = take(sheet, one, signed)

    assert answer.result["rows"] == {"empty": 15, "signed": 1}


def test_a_photograph_aslant_counts_and_a_half_of_a_page_does_not(sheet: World) -> None:
    one, two = on_the_glass(printed(sheet).content)
    write_name(one, 0)
    write_name(two, 0)
    wide, high = one.size
    photo = seen_by_a_camera(one, [(60, 0), (wide, 40), (wide - 50, high), (0, high - 60)])
    half = two.crop((1500, 0, wide, high))

    answer = take(sheet, photo, half)

    assert answer.result["rows"] == {"signed": 1, "empty": 7, "bent": 1, "cut": 2}


def test_somebody_erased_keeps_nobody_from_signing_on_paper(sheet: World) -> None:
    recipients.erase_person(sheet.ledger, sheet.act(), sheet.payment(PEOPLE[0]).person_id, "要求")

    one, _ = on_the_glass(printed(sheet).content)
    write_name(one, 0)
    write_name(one, 1)

    assert take(sheet, one).result["rows"] == {"erased": 1, "signed": 1, "empty": 6}


def test_wrong_files_are_refused_whole_and_leave_nothing(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    sheet.sheet("S2", Person(80))
    [elsewhere] = on_the_glass(printed(sheet, "S2").content)
    take(sheet, one)

    assert isinstance(nothing_more(sheet, lambda: take(sheet, one)), ScanKnown)
    assert isinstance(nothing_more(sheet, lambda: take(sheet, elsewhere)), ScanOfOtherBatch)
    blank = Image.new("L", one.size, 255)
    assert isinstance(nothing_more(sheet, lambda: take(sheet, blank)), NoSheetCodes)
    sheet.file(Person(90))
    sheet.pay("B1", roster_row(1, Person(90), 80_000))
    assert isinstance(nothing_more(sheet, lambda: printed(sheet, "B1")), WrongChannel)


def test_a_page_signed_over_counts_for_the_witness_of_the_first_and_for_no_other(
    sheet: World,
) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    write_name(one, 0)
    take(sheet, one)
    again = one.copy()
    write_name(again, 0, shift=30)

    other = take(sheet, again, staff="R-X01")

    assert other.result["rows"] == {"waits_elsewhere": 1, "empty": 7}
    assert waits(sheet, 0)[0] == officer_id(WITNESS)
    write_name(again, 1)
    anew = take(sheet, again)
    assert anew.result["rows"] == {"signed": 2, "empty": 6}
    assert waits(sheet, 0) == (officer_id(WITNESS), anew.result["file_sha256"])


def test_a_sheet_printed_anew_is_of_those_who_are_still_to_sign(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    for place in (0, 1):
        write_name(one, place)
    take(sheet, one)
    act = sheet.act(WITNESS, SIGNED_ON)
    certify_captured(sheet.ledger, act, Certification(SHEET, [1]))
    for person in PEOPLE[2:8]:
        withdraw(sheet, person)

    file = printed(sheet, at=LATER)

    handed_over = last(sheet, Export.HandedOver)
    assert (handed_over.people, handed_over.file_sha256) == (2, file.sha256)
    words = words_on(file)
    assert "合计 2 人" in words
    assert "¥600.00" in words
    assert "60000 fen" in words
    assert "未列入 已撤销 6 行 未列入 已签字待签认 1 行 未列入 已签领 1 行" in words
    assert PEOPLE[8].name in words
    assert not [each.name for each in PEOPLE[:8] if each.name in words]
    [again] = on_the_glass(file.content)
    write_name(again, 1)
    assert take(sheet, again).result["rows"] == {"empty": 1, "signed": 1}
    assert waits(sheet, 9)[0] == officer_id(WITNESS)
    withdraw(sheet, PEOPLE[8])
    assert isinstance(nothing_more(sheet, lambda: printed(sheet, at=LATER)), NothingToSign)


def test_who_an_objection_stopped_stands_on_no_sheet(sheet: World) -> None:
    for number in (1, 2):
        uphold(sheet.ledger, partial(sheet.act, day=SIGNED_ON), BATCH, number)

    file = printed(sheet)

    assert last(sheet, Export.HandedOver).people == 8
    words = words_on(file)
    assert "未列入 异议成立，停止发放 2 行" in words
    assert "¥2,400.00" in words
    assert not [each.name for each in PEOPLE[:2] if each.name in words]
    withdraw(sheet, PEOPLE[0])
    assert "未列入 已撤销 1 行 未列入 异议成立，停止发放 1 行" in words_on(printed(sheet, at=LATER))


def words_on(file: SheetFile) -> str:
    document = pypdfium2.PdfDocument(file.content)
    try:
        return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)
    finally:
        document.close()


def withdraw(world: World, person: Person) -> None:
    act = world.act("A-X01", SIGNED_ON)
    withdraw_payment(world.ledger, act, world.payment_id(person), "未到场")


def test_a_smudge_takes_no_signatures_place(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    smudged = one.copy()
    write_name(one, 0)
    first = take(sheet, one)
    for left in (200, 215):
        line(smudged, (left, 60), (left + 6, 60.4))

    other = take(sheet, smudged, staff="R-X01")
    line(smudged, (200, 74), (206, 74.4))
    own = take(sheet, smudged)

    assert other.result["rows"] == {"waits_elsewhere": 1, "empty": 7}
    assert own.result["rows"] == {"waits": 1, "doubtful": 1, "empty": 6}
    assert waits(sheet, 0) == (officer_id(WITNESS), first.result["file_sha256"])
    certify_captured(sheet.ledger, sheet.act(WITNESS, SIGNED_ON), Certification(SHEET, [1]))
    assert statuses(sheet) == [1]


def test_a_row_dated_later_stops_none_of_the_others(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    early = one.copy()
    for page in (one, early):
        write_name(page, 0)
    take(sheet, one)
    write_name(early, 1)

    answer = take(sheet, early, day=SIGNED_ON - timedelta(days=1))

    assert answer.result["rows"] == {"dated_before": 1, "signed": 1, "empty": 6}
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        seen = scans_of(model, BATCH)[-1].rows
    assert [each.number for each in seen if each.seen == "dated_before"] == [1]
    assert differences(sheet, 0) == [], "it is dated wrong, and was never withdrawn"


def test_who_signed_for_an_attempt_withdrawn_and_made_again_before_the_scan_is_told(
    sheet: World,
) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    before, after, last_day = (SIGNED_ON + timedelta(days=days) for days in (-1, 1, 2))
    for person, gone, made_again in zip(
        PEOPLE, (before, before, last_day), (before, last_day, last_day), strict=False
    ):
        id_ = sheet.payment_id(person)
        withdraw_payment(sheet.ledger, sheet.act("A-X01", gone), id_, "未到场")
        reissue_payment(sheet.ledger, sheet.act("A-X01", made_again), Reissue(id_, "到场"))
    write_name(one, 0)
    take(sheet, one, day=after)
    for place in (1, 2):
        write_name(one, place)

    answer = take(sheet, one)

    # Row 1 had been made again by that day, and is dated before what waits on it.
    assert answer.result["rows"] == {"dated_before": 3, "empty": 5}
    assert differences(sheet, 2) == [(2, 60_000)]
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        asked = Asked(model, SIGNED_ON, open_payments(model))
        assert list(EARLIER["D3"][2].find(asked)) == [], "version 3 looked at the last attempt"
    two, _ = on_the_glass(printed(sheet, at=LATER).content)
    write_name(two, 1)
    took = take(sheet, two, day=SIGNED_ON + timedelta(days=2))
    assert took.result["rows"] == {"signed": 1, "empty": 7}
    assert differences(sheet, 2) == [(2, 60_000)]
    sheet.check_log()


def test_what_its_witness_says_is_no_signature_holds_up_nothing(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    line(one, (200, 60), (206, 60.4))
    take(sheet, one)
    assert [code for code, _ in differences(sheet, 7)] == [1]
    payment = sheet.payment(PEOPLE[0])
    act = sheet.act(WITNESS, SIGNED_ON)
    order = Discarding(SHEET, 1, "未领，划线")
    other = sheet.act("R-X01", SIGNED_ON)
    refused = nothing_more(sheet, lambda: discard_signature(sheet.ledger, other, order))
    assert isinstance(refused, AnotherWitness)
    named = Discarding(SHEET, 1, PEOPLE[0].id_number)
    refused = nothing_more(sheet, lambda: discard_signature(sheet.ledger, act, named))
    assert isinstance(refused, PersonalDataInText)
    with pytest.raises(PersonNamedInText):
        discard_signature(sheet.ledger, act, Discarding(SHEET, 1, f"{PEOPLE[0].name}没有签字"))
    assert last(sheet, Refusal.Recorded).tried == "signature.discard"

    discard_signature(sheet.ledger, act, order)

    told = last(sheet, Disbursement.SignatureDiscarded)
    assert payment.captured is not None
    assert (told.image_sha256, told.reason) == (payment.captured.image_sha256, "未领，划线")
    assert differences(sheet, 7) == []
    refused = nothing_more(sheet, lambda: discard_signature(sheet.ledger, act, order))
    assert isinstance(refused, NotCaptured)
    withdraw(sheet, PEOPLE[0])
    assert sheet.payment(PEOPLE[0]).status is Status.WITHDRAWN
    assert differences(sheet, 7) == []
    sheet.check_log()


def test_what_looks_like_a_signature_and_is_discarded_and_withdrawn_is_told(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    line(one, (200, 60), (206, 60.4))
    write_name(one, 1)
    assert take(sheet, one).result["rows"] == {"signed": 1, "doubtful": 1, "empty": 6}
    for number in (1, 2):
        act = sheet.act(WITNESS, SIGNED_ON)
        discard_signature(sheet.ledger, act, Discarding(SHEET, number, "误签"))
    assert differences(sheet, 0) == []

    for person in PEOPLE[:2]:
        withdraw(sheet, person)

    assert differences(sheet, 0) == [(1, 30_000)]
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        asked = Asked(model, SIGNED_ON, open_payments(model))
        assert list(EARLIER["D3"][2].find(asked)) == [], "version 3 heeded no discarded ones"


def test_what_waits_for_a_witness_who_has_left_another_one_discards(sheet: World) -> None:
    one, _ = on_the_glass(printed(sheet).content)
    write_name(one, 0)
    take(sheet, one)
    left = sheet.act(day=date(2017, 1, 22))
    officers.end_role(
        sheet.ledger, left, officers.Post(officer_id(WITNESS), organisation_id("X01"), Role.HANDLER)
    )

    act = sheet.act("R-X01", date(2017, 1, 22))
    discard_signature(sheet.ledger, act, Discarding(SHEET, 1, "见证人已调离"))

    assert sheet.payment(PEOPLE[0]).captured is None
    write_name(one, 1)
    assert take(sheet, one, staff="R-X01", day=date(2017, 1, 22)).result["rows"]["signed"] == 2


def waits(world: World, place: int) -> tuple[UUID, str | None]:
    """Return under whose eyes what waits on a row was given, and on which sheet."""
    captured = world.payment(PEOPLE[place]).captured
    assert captured is not None
    return captured.witness_id, captured.sheet_sha256


def last(world: World, event: type[TEvent]) -> TEvent:
    return [each.event for each in world.ledger.read(0, 9999) if isinstance(each.event, event)][-1]
