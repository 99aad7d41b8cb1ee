"""Signatures are sealed, certified by who saw them given, and nobody else's."""

from dataclasses import replace
from hashlib import sha256

import pytest

from ledger.commands import disbursements, recipients
from ledger.commands.duties import NotOwnAct
from ledger.commands.signatures import (
    Certification,
    DrawnSignature,
    SigningNotBegun,
    begin_signing,
    capture_signature,
    certify_captured,
    prepare_captured,
    signature_image,
    signing_rows,
    strokes_of,
    waiting_rows,
)
from ledger.domain.batch import batch_id
from ledger.domain.disbursement import AnotherWitness, NotCaptured, NotInTransit, Status
from ledger.domain.export import Export
from ledger.domain.officer import RoleMissing, officer_id
from ledger.domain.strokes import SignatureEmpty
from ledger.store.application import Answer
from ledger.vault.keys import PersonErased
from projections.runner import catch_up, compare, rebuild
from projections.signatures import signatures_of
from tests.commands.refusing import nothing_more
from tests.domain.test_strokes import character, longest
from tests.world import DAY, Person, World, signature

SHEET = "S1"
BATCH = batch_id(SHEET)
PEOPLE = [Person(40 + number) for number in range(3)]
WITNESS = "H-X01"


@pytest.fixture
def sheet(world: World) -> World:
    world.receive("X01", 500_000)
    world.sheet(SHEET, *PEOPLE)
    return world


def drawn(number: int = 1, *, form: int = 12, staff: str = WITNESS) -> DrawnSignature:
    return DrawnSignature(
        batch_code=SHEET,
        number=number,
        signer_name=PEOPLE[number - 1].name,
        own_hand=True,
        strokes=character(points=form),
        witness_id=officer_id(staff),
        device="tablet-1",
        started_at="2017-01-20T10:00:00+08:00",
        ended_at="2017-01-20T10:00:04+08:00",
    )


def take(world: World, order: DrawnSignature, staff: str = WITNESS, key: str = "") -> Answer:
    return capture_signature(world.ledger, world.act(staff, key=key or None), order)


def certify(world: World, *numbers: int, staff: str = WITNESS) -> Answer:
    return certify_captured(world.ledger, world.act(staff), Certification(SHEET, numbers))


def test_a_signature_waits_sealed_until_its_witness_certifies_it(sheet: World) -> None:
    taken = take(sheet, drawn(), key="k1")
    assert take(sheet, drawn(), key="k1").replayed

    payment = sheet.payment(PEOPLE[0])
    assert payment.status is Status.IN_TRANSIT
    assert payment.captured is not None
    assert strokes_of(sheet.ledger, payment) == character()
    manner, image = signature_image(sheet.ledger, BATCH, 1, officer_id(WITNESS))
    assert manner == "drawn"
    assert sha256(image.encode()).hexdigest() == taken.result["image_sha256"]
    [recorded] = sheet.ledger.read((taken.last_position or 0) - 1, 1)
    assert image not in repr(recorded.event)

    take(sheet, drawn(2, form=13))
    answer = certify(sheet, 1, 2, 3)

    assert answer.result["signed"] == 2
    assert [row["code"] for row in answer.result["refused"]] == [NotCaptured.code]
    assert [sheet.payment(person).status for person in PEOPLE] == [
        Status.SIGNED,
        Status.SIGNED,
        Status.IN_TRANSIT,
    ]
    assert sheet.types().count("disbursement.signature_captured") == 2
    assert sheet.types().count("batch.sheet_certified") == 1
    sheet.check_log()


def test_the_same_signature_stands_for_one_payment_and_the_try_is_on_record(sheet: World) -> None:
    take(sheet, drawn())
    shifted = [
        [point._replace(x=point.x + 30, ms=point.ms + 5) for point in stroke]
        for stroke in character()
    ]

    reused = take(sheet, replace(drawn(2), strokes=shifted))

    assert reused.refusal_code == "signature.reused"
    assert sheet.types()[-1] == "refusal.recorded"
    assert sheet.payment(PEOPLE[1]).captured is None
    assert take(sheet, drawn()).refusal_code is None  # of the same person it is the same again
    assert take(sheet, drawn(2, form=14)).refusal_code is None
    sheet.check_log()


@pytest.mark.parametrize(
    "changes", [{"own_hand": False}, {"signer_name": PEOPLE[2].name}], ids=["another hand", "name"]
)
def test_nobody_signs_for_another(sheet: World, changes: dict[str, object]) -> None:
    answer = take(sheet, replace(drawn(), **changes))  # type: ignore[arg-type]

    assert answer.refusal_code == "signature.not_own"
    assert sheet.types()[-1] == "refusal.recorded"
    assert "signature.claimed" not in sheet.types()
    assert sheet.payment(PEOPLE[0]).captured is None
    assert take(sheet, drawn(2)).refusal_code is None  # the form was not given away


def test_what_is_refused_leaves_nothing(sheet: World) -> None:
    empty = replace(drawn(), strokes=[])
    assert isinstance(nothing_more(sheet, lambda: take(sheet, empty)), SignatureEmpty)
    later = drawn(staff="R-X01")
    assert isinstance(nothing_more(sheet, lambda: take(sheet, later)), NotOwnAct)
    act = replace(sheet.act("A-X01"), signed_in=True)
    refused = nothing_more(sheet, lambda: capture_signature(sheet.ledger, act, drawn()))
    assert isinstance(refused, RoleMissing)
    order = Certification(SHEET, [1])
    refused = nothing_more(sheet, lambda: prepare_captured(sheet.ledger, sheet.act(WITNESS), order))
    assert refused.code == "signature.none_stands"


def test_only_the_witness_certifies_and_sees_what_they_saw_given(sheet: World) -> None:
    take(sheet, drawn())
    take(sheet, drawn(2, form=13, staff="R-X01"), "R-X01")
    other = officer_id("R-X01")

    with pytest.raises(AnotherWitness):
        signature_image(sheet.ledger, BATCH, 1, other)
    mine, elsewhere = waiting_rows(sheet.ledger, BATCH, other)
    assert ([row.number for row in mine], mine[0].name, elsewhere) == ([2], None, 1)
    answer = certify(sheet, 1, 2, staff="R-X01")

    assert [row["code"] for row in answer.result["refused"]] == [AnotherWitness.code]
    assert sheet.payment(PEOPLE[1]).status is Status.SIGNED
    with pytest.raises(NotInTransit):
        signature_image(sheet.ledger, BATCH, 2, other)


def test_what_waits_under_anothers_eyes_is_neither_drawn_over_nor_certified_by_a_file(
    sheet: World,
) -> None:
    taken = take(sheet, drawn())

    with pytest.raises(AnotherWitness):
        take(sheet, drawn(form=17, staff="R-X01"), "R-X01")
    filed = sheet.sign(SHEET, signature(1, PEOPLE[0].name), witness="R-X01")

    assert [row["code"] for row in filed.result["refused"]] == [AnotherWitness.code]
    payment = sheet.payment(PEOPLE[0])
    assert payment.captured is not None
    assert payment.captured.image_sha256 == taken.result["image_sha256"]
    assert sheet.sign(SHEET, signature(1, PEOPLE[0].name)).result["signed"] == 1


def test_drawn_again_the_last_one_counts_and_after_a_correction_none(sheet: World) -> None:
    take(sheet, drawn())
    again = take(sheet, drawn(form=15))
    certify(sheet, 1)
    payment = sheet.payment(PEOPLE[0])
    assert payment.captured is not None
    assert payment.captured.image_sha256 == again.result["image_sha256"]

    act = sheet.act("A-X01")
    disbursements.correct_outcome(sheet.ledger, act, payment.id, payment.version, "误记")

    assert certify(sheet, 1).result["refused"][0]["code"] == NotCaptured.code


def test_an_erased_persons_signature_is_gone_and_the_log_still_holds(sheet: World) -> None:
    take(sheet, drawn())
    person = sheet.payment(PEOPLE[0]).person_id

    recipients.erase_person(sheet.ledger, sheet.act(), person, "本人要求")

    with pytest.raises(PersonErased):
        signature_image(sheet.ledger, BATCH, 1, officer_id(WITNESS))
    with pytest.raises(PersonErased):
        strokes_of(sheet.ledger, sheet.payment(PEOPLE[0]))
    with pytest.raises(PersonErased):
        take(sheet, drawn(form=16))
    assert certify(sheet, 1).result["refused"][0]["code"] == PersonErased.code
    sheet.check_log()


def test_names_are_in_clear_for_who_said_why_and_for_that_day(sheet: World) -> None:
    me = officer_id(WITNESS)
    with pytest.raises(SigningNotBegun):
        signing_rows(sheet.ledger, BATCH, me, DAY)

    for _ in range(2):
        begin_signing(sheet.ledger, sheet.act(WITNESS), SHEET, "现场签字", "领款人")

    assert [row.name for row in signing_rows(sheet.ledger, BATCH, me, DAY)] == [
        person.name for person in PEOPLE
    ]
    handed_over = [e.event for e in sheet.ledger.read(0, 9999)][-1]
    assert isinstance(handed_over, Export.HandedOver)
    assert (handed_over.kind, handed_over.people) == ("signing_screen", 3)
    assert sheet.types().count("export.handed_over") == 1
    with pytest.raises(SigningNotBegun):
        signing_rows(sheet.ledger, BATCH, officer_id("R-X01"), DAY)


def test_the_longest_signature_fits_an_entry_and_the_read_model_is_rebuilt_alike(
    sheet: World,
) -> None:
    taken = take(sheet, replace(drawn(), strokes=longest()))
    take(sheet, drawn(2))

    assert taken.refusal_code is None
    model = catch_up(sheet.ledger, sheet.home.read_models)
    with model.asking() as connection:
        found = signatures_of(connection, BATCH)
    assert [(each.number, each.device, each.manner) for each in found] == [
        (1, "tablet-1", "drawn"),
        (2, "tablet-1", "drawn"),
    ]
    fresh = sheet.home.path / "fresh.sqlite"
    rebuild(sheet.ledger, fresh)
    assert compare(model.path, fresh) == []
