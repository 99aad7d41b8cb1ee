"""What people do in a campaign, through the commands, on a real ledger."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

import msgspec
import pytest

from ledger.commands import (
    batches,
    disbursements,
    funds,
    officers,
    organisations,
    policies,
    recipients,
)
from ledger.domain.batch import WrongStage
from ledger.domain.disbursement import (
    NothingToCorrect,
    NotInTransit,
    NotReturned,
    Status,
)
from ledger.domain.officer import KeyTaken, KeyUnknown, RoleMissing
from ledger.domain.organisation import OrganisationInCircle, organisation_id
from ledger.domain.policy import Channel
from ledger.errors import LedgerError
from ledger.evidence.envelope import PAYLOAD_TYPE, Signature, decode, pae
from ledger.evidence.keys import Ed25519Signer, PublicKey, SignatureBroken
from ledger.files.faults import FileRefused
from ledger.store.application import Answer, IdempotencyKeyReused
from ledger.store.signing import (
    KeyHolder,
    OfficerSignatureMissing,
    PreparedDiffers,
    PresentedSignature,
)
from ledger.vault.keys import PersonErased
from tests.world import (
    DAY,
    EARMARK,
    MODEL_CLASS,
    SHEET_CLASS,
    Person,
    World,
    failed,
    pending,
    roster_row,
    settled,
    signature,
    terms,
)

ONE, TWO, THREE = Person(1), Person(2), Person(3)


def refusals(world: World) -> list[str]:
    return [t for t in world.types() if t in ("refusal.recorded", "batch.refused")]


def test_money_reaches_people_by_card_and_comes_back_to_its_lots(world: World) -> None:
    world.receive("X01", 100_000, vintage=2015)
    world.receive("X01", 200_000)
    world.file(ONE, TWO)

    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 60_000))
    assert world.fund("X01").balance == 160_000
    answer = world.answer("B1", settled(1, ONE, 80_000), failed(2, TWO, 60_000))

    assert answer.result["settled"] == answer.result["returned"] == 1
    assert world.payment(ONE).status is Status.SETTLED
    assert world.payment(TWO).status is Status.RETURNED
    assert [lot.remaining for lot in world.fund("X01").live] == [20_000, 200_000]
    world.check_log()


def test_money_passed_down_keeps_its_vintage_and_source(world: World) -> None:
    world.receive("C01", 100_000, vintage=2015)
    world.receive("C01", 100_000)

    world.allocate("C01", "X01", 150_000)

    lots = world.fund("X01").live
    assert [(lot.vintage, lot.remaining) for lot in lots] == [(2015, 100_000), (2017, 50_000)]
    assert {lot.source for lot in lots} == {"地方财政"}
    world.check_log()


def test_passing_on_more_than_there_is_is_put_on_record_and_moves_nothing(world: World) -> None:
    world.receive("C01", 100_000)

    answer = world.allocate("C01", "X01", 100_001)

    assert answer.refusal_code == "fund.insufficient"
    assert world.fund("C01").balance == 100_000
    assert refusals(world) == ["refusal.recorded"]
    world.check_log()


def test_money_is_not_passed_up_or_across(world: World) -> None:
    world.receive("X01", 100_000)

    for taker in ("C01", "X02", "X01"):
        with pytest.raises(funds.NotBelow):
            world.allocate("X01", taker, 1)


def test_an_organisation_that_moved_gets_its_money_from_its_new_parent(world: World) -> None:
    world.receive("X02", 100_000)
    move = organisations.Move("X01-01", "X02", "区划调整")
    organisations.move_organisation(world.ledger, world.act(day=date(2017, 1, 5)), move)

    world.allocate("X02", "X01-01", 50_000)

    with pytest.raises(funds.NotBelow):
        world.allocate("X01", "X01-01", 1)


def test_an_organisation_cannot_be_put_below_itself(world: World) -> None:
    with pytest.raises(OrganisationInCircle):
        organisations.move_organisation(
            world.ledger, world.act(), organisations.Move("C01", "X01-01", "误")
        )


@pytest.mark.parametrize(
    ("reviewer", "approver"), [("H-X01", "A-X01"), ("R-X01", "H-X01"), ("R-X01", "R-X01")]
)
def test_two_parts_in_one_batch_are_refused_and_put_on_record(
    world: World, reviewer: str, approver: str
) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))

    answer = world.review("B1", reviewer)
    if answer.refusal_code is None:
        answer = world.approve("B1", approver)

    assert answer.refusal_code == "duty.same_person"
    assert refusals(world) == ["batch.refused"]
    assert world.fund("X01").balance == 100_000
    world.check_log()


def test_an_attempt_that_was_refused_does_not_end_the_batch(world: World) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")
    assert world.approve("B1", "R-X01").refusal_code == "duty.same_person"

    assert world.approve("B1").refusal_code is None
    assert world.payment(ONE).status is Status.IN_TRANSIT


def test_nobody_approves_for_a_union_where_they_hold_no_office(world: World) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")

    assert world.approve("B1", "A-X02").refusal_code == "duty.role_missing"
    assert world.approve("B1", "A-C01").refusal_code is None  # stands above


def test_too_little_money_refuses_the_batch_as_a_whole(world: World) -> None:
    world.receive("X01", 100_000)
    world.file(ONE, TWO)

    answer = world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))

    assert answer.refusal_code == "fund.insufficient"
    assert world.fund("X01").balance == 100_000
    assert "disbursement.instructed" not in world.types()


def test_each_row_is_refused_with_the_first_rule_it_breaks(world: World) -> None:
    world.file(ONE)
    world.file(TWO, closed_on=DAY)
    world.file(THREE, income=500_000)
    rows = [
        roster_row(1, ONE, 60_000, given=frozenset({"姓名"})),
        roster_row(2, ONE, 60_000, id_number="", id_is_text=False),
        roster_row(3, ONE, 60_000, id_number="340101197001010011"),
        roster_row(4, ONE, 60_000, card_number="", card_is_text=False),
        roster_row(5, ONE, 60_000, category="无此类别"),
        roster_row(6, Person(9), 60_000),
        roster_row(7, TWO, 60_000),
        roster_row(8, THREE, 90_000, category=MODEL_CLASS),
        roster_row(9, ONE, 59_999),
        roster_row(10, Person(8), 50_001, category=SHEET_CLASS),
        roster_row(11, ONE, 60_000),
        roster_row(12, ONE, 60_000),
    ]

    answer = world.draft("B1", *rows)

    assert [(row["number"], row["code"]) for row in answer.result["refused"]] == [
        (1, "field.missing"),
        (2, "id.not_text"),
        (3, "id.invalid"),
        (4, "card.not_text"),
        (5, "category.not_in_policy"),
        (6, "archive.not_on_file"),
        (7, "archive.closed"),
        (8, "model_worker.income_above_line"),
        (9, "amount.below_minimum"),
        (10, "amount.above_maximum"),
        (12, "person.duplicate_in_campaign"),
    ]
    assert answer.result["accepted"] == 1


def test_who_must_be_paid_by_card_is_not_paid_by_sheet(world: World) -> None:
    world.file(ONE)

    answer = world.draft("B1", roster_row(1, ONE, 60_000), channel=Channel.SIGNATURE_SHEET)

    assert answer.result["refused"][0]["code"] == "channel.card_required"


def test_a_person_is_paid_once_in_a_campaign_whichever_batch_comes_first(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.draft("B2", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    world.review("B1")
    world.review("B2")
    world.approve("B2")

    with pytest.raises(LedgerError) as refused:
        world.approve("B1")

    assert refused.value.code == "batch.empty"
    assert world.fund("X01").balance == 380_000


def test_a_row_that_no_longer_stands_on_the_day_of_approval_is_withdrawn(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    world.review("B1")
    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipients.close_file(world.ledger, world.act(), person, "DA1", "脱困")

    answer = world.approve("B1")

    assert answer.result["withdrawn"] == [{"number": 1, "code": "archive.closed"}]
    assert answer.result["paid"] == 1
    world.check_log()


def test_a_batch_is_approved_once(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))

    with pytest.raises(WrongStage):
        world.approve("B1")


def test_the_same_key_answers_again_and_writes_nothing(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")
    first = world.approve("B1", key="approve B1")
    size = world.ledger.size()

    again = world.approve("B1", key="approve B1")

    assert again == msgspec.structs.replace(first, replayed=True)
    assert world.ledger.size() == size
    with pytest.raises(IdempotencyKeyReused):
        world.approve("B2", key="approve B1")


def test_a_refusal_is_replayed_as_the_refusal_it_was(world: World) -> None:
    order = funds.Allocation("C01", "X01", EARMARK, "文", 1)
    act = world.act("A-C01", key="k")
    first = funds.allocate(world.ledger, act, order)
    world.receive("C01", 100)

    again = funds.allocate(world.ledger, act, order)

    assert (first.refusal_code, again.refusal_code) == ("fund.insufficient", "fund.insufficient")
    assert again.replayed


def test_a_dry_run_takes_the_same_path_and_stores_nothing(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.review("B1")
    size, files = world.ledger.size(), world.home.vault.read_bytes()
    act = replace(world.act("A-X01"), dry_run=True)

    answer = batches.approve_batch(world.ledger, act, batches.Step("B1", "A-X01"))

    assert answer.dry_run
    assert answer.result["paid"] == 1
    assert world.ledger.size() == size
    assert world.home.vault.read_bytes() == files
    assert world.fund("X01").balance == 500_000
    assert world.approve("B1").result["paid"] == 1


# Prepare, sign, commit.


def test_an_officer_signs_the_very_bytes_that_are_stored(world: World) -> None:
    world.receive("C01", 100_000)
    order = funds.Allocation("C01", "X01", EARMARK, "文", 100)
    act = replace(world.act("A-C01"), signer=None)
    payload = funds.prepare_allocation(world.ledger, act, order)

    made = KeyHolder(world.officers["A-C01"]).sign(payload)
    presented = PresentedSignature(payload, made, act.actor)
    answer = funds.allocate(world.ledger, replace(act, signer=presented), order)

    assert answer.first_position is not None
    ((_, _, envelope),) = [
        row
        for row in world.ledger.log.select_states(answer.first_position, 2)
        if row[1] == "fund.allocated"
    ]
    stored = decode(envelope)
    assert stored.payload == payload
    assert stored.signatures[1] == made
    world.check_log()


def test_a_signature_is_refused_when_the_stream_has_moved(world: World) -> None:
    world.receive("C01", 100_000)
    order = funds.Allocation("C01", "X01", EARMARK, "文", 100)
    act = replace(world.act("A-C01"), signer=None)
    payload = funds.prepare_allocation(world.ledger, act, order)
    made = KeyHolder(world.officers["A-C01"]).sign(payload)
    world.receive("C01", 5)
    size = world.ledger.size()

    with pytest.raises(PreparedDiffers):
        funds.allocate(
            world.ledger,
            replace(act, signer=PresentedSignature(payload, made, act.actor)),
            order,
        )

    assert world.ledger.size() == size


def test_without_the_officers_signature_nothing_that_commits_is_stored(world: World) -> None:
    world.receive("C01", 100_000)
    size = world.ledger.size()

    with pytest.raises(OfficerSignatureMissing):
        funds.allocate(
            world.ledger,
            replace(world.act("A-C01"), signer=None),
            funds.Allocation("C01", "X01", EARMARK, "文", 100),
        )

    assert world.ledger.size() == size


def test_another_officers_key_an_unknown_one_and_a_revoked_one_are_refused(world: World) -> None:
    world.receive("C01", 100_000)
    order = funds.Allocation("C01", "X01", EARMARK, "文", 100)
    act = world.act("A-C01")
    for signer in (world.officers["R-C01"], Ed25519Signer.generate()):
        with pytest.raises(KeyUnknown):
            funds.allocate(world.ledger, replace(act, signer=KeyHolder(signer)), order)
    key_id = world.officers["A-C01"].public_key.key_id
    officers.revoke_key(world.ledger, world.act(), officers.KeyRevocation("A-C01", key_id, "遗失"))

    with pytest.raises(KeyUnknown):
        funds.allocate(world.ledger, act, order)

    world.check_log()


def test_a_signature_over_other_bytes_is_refused(world: World) -> None:
    world.receive("C01", 100_000)
    key = world.officers["A-C01"]

    class Careless:
        def sign(self, payload: bytes) -> Signature:
            message = pae(PAYLOAD_TYPE, payload.replace(b"100", b"101"))
            return Signature(key.public_key.key_id, key.sign(message))

    with pytest.raises(SignatureBroken):
        funds.allocate(
            world.ledger,
            replace(world.act("A-C01"), signer=Careless()),
            funds.Allocation("C01", "X01", EARMARK, "文", 100),
        )


def test_a_key_belongs_to_one_officer_and_is_sound(world: World) -> None:
    taken = world.officers["A-C01"].public_key
    service = world.home.note_key().public_key
    weak = PublicKey(taken.algorithm, bytes(32))

    for key, refusal in ((taken, KeyTaken), (service, KeyTaken), (weak, SignatureBroken)):
        with pytest.raises(refusal):
            officers.register_key(
                world.ledger, world.act(), officers.KeyRegistration("H-X01", key, "officer")
            )

    world.check_log()


def test_a_policy_is_adopted_by_an_approver_alone(world: World) -> None:
    with pytest.raises(RoleMissing):
        policies.adopt_policy(world.ledger, world.act("H-C01"), terms())

    policies.adopt_policy(world.ledger, world.act("A-C01"), terms(date(2017, 1, 1)))
    assert world.types()[-1] == "policy.adopted"


# What came back.


def test_an_unresolved_payment_stays_in_transit_until_the_bank_knows(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))

    first = world.answer("B1", settled(1, ONE, 60_000), pending(2, TWO, 60_000))
    assert (first.result["settled"], first.result["unresolved"]) == (1, 1)
    assert world.payment(TWO).status is Status.IN_TRANSIT
    second = world.answer("B1", settled(1, ONE, 60_000), settled(2, TWO, 60_000), sha="01" * 32)

    assert (second.result["settled"], second.result["returned"]) == (1, 0)
    assert world.payment(TWO).status is Status.SETTLED
    world.check_log()


def test_a_success_is_not_final(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", settled(1, ONE, 60_000))

    world.answer("B1", failed(1, ONE, 60_000, "RETURNED"), sha="02" * 32)

    assert world.payment(ONE).status is Status.RETURNED
    assert world.fund("X01").balance == 500_000
    world.check_log()


@pytest.mark.parametrize("case", ["other amount", "other card", "unknown row", "row left out"])
def test_a_file_that_does_not_answer_the_instructions_is_refused_whole(
    world: World, case: str
) -> None:
    world.receive("X01", 500_000)
    world.file(ONE, TWO)
    world.pay("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 60_000))
    lines = {
        "other amount": (settled(1, ONE, 60_000), settled(2, TWO, 60_001)),
        "other card": (settled(1, ONE, 60_000), settled(2, THREE, 60_000)),
        "unknown row": (settled(1, ONE, 60_000), settled(3, TWO, 60_000)),
        "row left out": (settled(1, ONE, 60_000),),
    }[case]
    size = world.ledger.size()

    with pytest.raises(FileRefused) as refused:
        world.answer("B1", *lines)

    assert refused.value.code in ("bank_file.unknown_line", "bank_file.incomplete")
    assert world.ledger.size() == size
    assert world.payment(ONE).status is Status.IN_TRANSIT


def test_a_file_is_taken_in_once(world: World) -> None:
    world.receive("X01", 500_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", settled(1, ONE, 60_000))

    with pytest.raises(LedgerError) as refused:
        world.answer("B1", settled(1, ONE, 60_000))

    assert refused.value.code == "statement.known"


def test_what_came_back_is_paid_again_to_another_card(world: World) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", failed(1, ONE, 60_000))
    order = disbursements.Reissue(world.payment_id(ONE), "换卡", "6299900000000000077")

    disbursements.reissue_payment(world.ledger, world.act(), order)

    assert world.payment(ONE).status is Status.IN_TRANSIT
    assert world.fund("X01").balance == 40_000
    file = batches.export_batch(world.ledger, world.act(), "B1")
    assert b"6299900000000000077" in file.content
    with pytest.raises(NotReturned):
        disbursements.reissue_payment(world.ledger, world.act(), order)
    world.check_log()


def test_a_settlement_recorded_by_mistake_is_taken_back_and_the_taking_back_too(
    world: World,
) -> None:
    world.receive("X01", 100_000)
    world.file(ONE)
    world.pay("B1", roster_row(1, ONE, 60_000))
    world.answer("B1", settled(1, ONE, 60_000))
    id_, correct = world.payment_id(ONE), disbursements.correct_outcome

    correct(world.ledger, world.act(), id_, 2, "误记")
    assert world.payment(ONE).status is Status.IN_TRANSIT
    with pytest.raises(NothingToCorrect):
        correct(world.ledger, world.act(), id_, 2, "误记")
    correct(world.ledger, world.act(), id_, 3, "更正有误")

    assert world.payment(ONE).status is Status.SETTLED
    assert world.fund("X01").balance == 40_000
    world.check_log()


def test_a_receipt_entered_wrongly_is_put_right_by_addition(world: World) -> None:
    lot = world.receive("X01", 100_000).result["lot_id"]

    def order(difference: int) -> funds.ReceiptCorrection:
        return funds.ReceiptCorrection("X01", EARMARK, UUID(lot), None, 2, difference, "少录一个零")

    funds.correct_receipt(world.ledger, world.act(), order(900_000))
    assert world.fund("X01").balance == 1_000_000
    with pytest.raises(LedgerError) as refused:
        funds.correct_receipt(world.ledger, world.act(), order(-1_000_001))

    assert refused.value.code == "fund.insufficient"
    world.check_log()


# Signature sheets.


def test_a_row_is_paid_when_its_recipient_signed_by_their_own_name(world: World) -> None:
    world.receive("X01", 100_000)
    people = [Person(20 + number) for number in range(3)]
    rows = [roster_row(n, p, 30_000, SHEET_CLASS) for n, p in enumerate(people, 1)]
    world.pay("S1", *rows, channel=Channel.SIGNATURE_SHEET)

    answer = world.sign(
        "S1",
        signature(1, people[0].name),
        signature(2, people[2].name),  # signs for another
        signature(9, people[0].name),  # no such row
    )

    assert answer.result["signed"] == 1
    assert [row["code"] for row in answer.result["refused"]] == [
        "signature.not_own",
        "signature.row_unknown",
    ]
    assert world.payment(people[0]).status is Status.SIGNED
    assert world.payment(people[1]).status is Status.IN_TRANSIT
    assert world.types().count("refusal.recorded") == 2
    assert world.types().count("batch.sheet_certified") == 1
    world.check_log()


def test_nobody_signs_twice(world: World) -> None:
    world.receive("X01", 100_000)
    person = Person(20)
    world.pay("S1", roster_row(1, person, 30_000, SHEET_CLASS), channel=Channel.SIGNATURE_SHEET)
    world.sign("S1", signature(1, person.name))

    answer = world.sign("S1", signature(1, person.name))

    assert answer.result["refused"][0]["code"] == NotInTransit.code


# Personal data.


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
