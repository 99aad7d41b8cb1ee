"""Signatures are sealed, certified by who saw them given, and nobody else's."""

from dataclasses import replace
from hashlib import sha256

import pytest

from ledger.commands import disbursements, recipients
from ledger.commands.duties import NotOwnAct
from ledger.commands.sealing import SIGNATURE, seal
from ledger.commands.signatures import (
    Certification,
    DrawnSignature,
    SigningNotBegun,
    begin_signing,
    capture_signature,
    certify_captured,
    masked_rows,
    prepare_captured,
    signature_image,
    signing_rows,
    strokes_of,
    waiting_rows,
)
from ledger.domain.batch import batch_id
from ledger.domain.disbursement import (
    AnotherWitness,
    Disbursement,
    Manner,
    NotCaptured,
    NotInTransit,
    SignedAhead,
    SignedTooEarly,
    Status,
)
from ledger.domain.export import Export
from ledger.domain.officer import RoleMissing, officer_id
from ledger.domain.strokes import SignatureEmpty
from ledger.errors import LedgerError
from ledger.store.application import Answer, Work
from ledger.vault.keys import PersonErased
from projections.findings.asked import Asked
from projections.findings.rules import findings
from projections.findings.sheets import SHEET_TOTAL
from projections.findings.versions import EARLIER
from projections.open_payments import open_payments
from projections.runner import catch_up, compare, rebuild
from projections.signatures import signatures_of
from tests.commands.refusing import nothing_more
from tests.domain.test_strokes import character, longest
from tests.objecting import uphold
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


@pytest.mark.parametrize(
    ("given", "refusal"),
    [("2017-01-09T23:00:00+08:00", SignedTooEarly), ("2031-01-20T10:00:00+08:00", SignedAhead)],
    ids=["before the approval", "to come"],
)
def test_nobody_signs_on_a_screen_before_the_approval_or_in_days_to_come(
    sheet: World, given: str, refusal: type[LedgerError]
) -> None:
    order = replace(drawn(), started_at=given, ended_at=given)

    assert isinstance(nothing_more(sheet, lambda: take(sheet, order)), refusal)

    # As it was taken down before anybody asked.
    payment = sheet.payment(PEOPLE[0])
    taken_down(sheet, payment, order)
    answer = certify(sheet, 1)
    assert [row["code"] for row in answer.result["refused"]] == [refusal.code]
    assert sheet.payment(PEOPLE[0]).status is Status.IN_TRANSIT
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        asked = Asked(model, DAY, open_payments(model))
        early = [each.detail for each in findings(asked) if each.rule == "H4"]
    assert early == ([refusal.code] if refusal is SignedTooEarly else [])


def test_what_was_drawn_for_a_payment_that_was_withdrawn_is_kept_and_counts_for_nothing(
    sheet: World,
) -> None:
    payment = sheet.payment(PEOPLE[0])
    disbursements.withdraw_payment(sheet.ledger, sheet.act("A-X01"), payment.id, "未到场")

    answer = take(sheet, drawn(), key="k1")

    assert answer.refusal_code == "disbursement.withdrawn"
    assert take(sheet, drawn(), key="k1").replayed
    kept = sheet.payment(PEOPLE[0])
    assert kept.status is Status.WITHDRAWN
    assert strokes_of(sheet.ledger, kept) == character()
    assert take(sheet, replace(drawn(form=15), own_hand=False)).refusal_code == "signature.not_own"
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        asked = Asked(model, DAY, open_payments(model))
        [found] = [each for each in findings(asked) if each.rule == "D3"]
        assert list(EARLIER["D3"][2].find(asked)) == [], "version 3 looked at paper alone"
    assert (found.detail, found.count, found.amount_fen) == (SHEET_TOTAL, 1, 30_000)
    again = disbursements.Reissue(payment.id, "到场")
    disbursements.reissue_payment(sheet.ledger, sheet.act("A-X01"), again)
    assert certify(sheet, 1).result["refused"][0]["code"] == NotCaptured.code
    assert take(sheet, drawn(form=16)).refusal_code is None
    assert certify(sheet, 1).result["signed"] == 1
    sheet.check_log()


def test_what_was_drawn_for_a_payment_that_an_objection_stopped_is_kept_and_counts_for_nothing(
    sheet: World,
) -> None:
    payment = sheet.payment(PEOPLE[0])
    uphold(sheet.ledger, sheet.act, BATCH, 1)

    answer = take(sheet, drawn(), key="k1")

    assert answer.refusal_code == "disbursement.objection_upheld"
    assert take(sheet, drawn(), key="k1").replayed
    [kept] = [
        each.event
        for each in sheet.ledger.read(0, 9999)
        if isinstance(each.event, Disbursement.SignatureCaptured)
    ]
    assert (kept.stopped, kept.originator_id) == (True, payment.id)
    assert waiting_rows(sheet.ledger, BATCH, officer_id(WITNESS)) == ([], 0)
    assert [row.stopped for row in masked_rows(sheet.ledger, BATCH)] == [True, False, False]
    assert certify(sheet, 1).result["refused"][0]["code"] == NotCaptured.code
    with catch_up(sheet.ledger, sheet.home.read_models).asking() as model:
        asked = Asked(model, DAY, open_payments(model))
        [found] = [each for each in findings(asked) if each.rule == "D3"]
        assert list(EARLIER["D3"][3].find(asked)) == [], "version 4 looked at withdrawn ones alone"
    assert (found.detail, found.count, found.amount_fen) == (SHEET_TOTAL, 1, 30_000)
    disbursements.withdraw_payment(sheet.ledger, sheet.act("A-X01"), payment.id, "异议成立")
    again = disbursements.Reissue(payment.id, "复查有误")
    disbursements.reissue_payment(sheet.ledger, sheet.act("A-X01"), again)
    assert certify(sheet, 1).result["refused"][0]["code"] == NotCaptured.code
    assert take(sheet, drawn(form=16)).refusal_code is None
    assert certify(sheet, 1).result["signed"] == 1
    sheet.check_log()


def taken_down(world: World, payment: Disbursement, order: DrawnSignature) -> None:
    """Take down what was drawn, whenever that is said to have been."""

    def decide(work: Work) -> None:
        payment.capture_signature(
            work.act,
            own_name=True,
            manner=Manner.DRAWN,
            drawing=seal(work, payment.person_id, SIGNATURE, {"strokes": "", "image": "<svg/>"}),
            image_sha256="ab" * 32,
            strokes_sha256="cd" * 32,
            sheet_sha256=None,
            device=order.device,
            started_at=order.started_at,
            ended_at=order.ended_at,
            witness_id=order.witness_id,
        )
        work.save(payment)

    world.ledger.perform(world.act(WITNESS), "signature.capture", order, decide)


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
