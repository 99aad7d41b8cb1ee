"""A batch: three people, four steps, and a list that is frozen once it is approved."""

from collections.abc import Callable
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from ledger.domain.batch import (
    Batch,
    BatchEmpty,
    Row,
    SamePerson,
    Stage,
    WrongChannel,
    WrongStage,
    batch_id,
)
from ledger.domain.policy import Channel
from ledger.domain.sealed import Sealed
from ledger.domain.values import MONEY_MAX, AmountNotPositive, AmountTooLarge, Money
from tests.domain.acting import ACT, memory, only, replayed, settled

CAMPAIGN, UNION = uuid4(), uuid4()
DRAFTER, REVIEWER, APPROVER = uuid4(), uuid4(), uuid4()
PAYEE = Sealed(ciphertext="c2VhbGVk", commitment="22" * 32)


def drafted(channel: Channel = Channel.BANK_CARD, listed: int = 0) -> Batch:
    return Batch.draft(
        ACT,
        code="B1",
        campaign_id=CAMPAIGN,
        organisation_id=UNION,
        earmark="送温暖",
        channel=channel,
        bank_format="unionpay-df",
        roster_sha256="33" * 32,
        listed_count=2,
        listed_total=Money(listed),
        drafted_by=DRAFTER,
    )


def row(number: int, amount: int) -> Row:
    return Row(number, UUID(int=number), "建档困难职工", Money(amount), PAYEE, "card")


def at(stage: Stage, *amounts: int, channel: Channel = Channel.BANK_CARD) -> Batch:
    batch = drafted(channel)
    for number, amount in enumerate(amounts or (300, 200), 1):
        batch.accept_row(ACT, row(number, amount), line=number + 2)
    if stage is not Stage.DRAFTED:
        batch.review(ACT, reviewed_by=REVIEWER)
    if stage is Stage.APPROVED:
        batch.approve(ACT, approved_by=APPROVER)
    return settled(batch)


def refuse(batch: Batch, number: int) -> None:
    batch.refuse_row(
        ACT,
        number=number,
        line=number + 2,
        refusal_code="id.invalid",
        field="身份证号码",
        subject_id=UUID(int=9),
        category=None,
        amount=None,
        details=PAYEE,
    )


def export(batch: Batch) -> None:
    batch.export(
        ACT,
        bank_format="unionpay-df",
        file_sha256="44" * 32,
        line_count=2,
        total=Money(5),
        numbers=None,
        without=(),
    )


def certify(batch: Batch) -> None:
    batch.certify_sheet(ACT, sheet_sha256="55" * 32, certified_by=DRAFTER, numbers=(2, 1))


def test_a_draft_says_whose_list_it_is() -> None:
    batch = drafted(listed=500)

    event = only(batch, Batch.Drafted)
    assert (event.code, event.campaign_id, event.organisation_id) == ("B1", CAMPAIGN, UNION)
    assert (event.earmark, event.channel, event.bank_format) == (
        "送温暖",
        Channel.BANK_CARD,
        "unionpay-df",
    )
    assert (event.listed_count, event.listed_total_fen, event.drafted_by) == (2, 500, DRAFTER)
    assert (batch.id, batch.stage) == (batch_id("B1"), Stage.DRAFTED)


def test_rows_stand_or_are_refused_and_both_stay_on_record() -> None:
    batch = settled(drafted())
    batch.accept_row(ACT, row(1, 300), line=3)
    accepted = only(batch, Batch.RowAccepted)
    assert (accepted.number, accepted.line, accepted.person_id) == (1, 3, UUID(int=1))
    assert (accepted.category, accepted.amount_fen) == ("建档困难职工", 300)
    assert (accepted.payee, accepted.card_index) == (PAYEE, "card")

    refuse(batch, 2)

    refused = only(batch, Batch.RowRefused)
    assert (refused.number, refused.line, refused.refusal_code) == (2, 4, "id.invalid")
    assert (refused.field, refused.subject_id, refused.details) == (
        "身份证号码",
        UUID(int=9),
        PAYEE,
    )
    assert (list(batch.rows), batch.total) == ([1], 300)


def test_a_row_that_no_longer_stands_is_withdrawn_with_what_it_would_have_paid() -> None:
    batch = at(Stage.REVIEWED)

    batch.withdraw_row(ACT, number=1, refusal_code="archive.closed")

    withdrawn = only(batch, Batch.RowWithdrawn)
    assert (withdrawn.number, withdrawn.refusal_code) == (1, "archive.closed")
    assert (withdrawn.person_id, withdrawn.amount_fen) == (UUID(int=1), 300)
    assert (list(batch.rows), batch.total) == ([2], 200)


def test_review_and_approval_record_who_and_how_much() -> None:
    batch = at(Stage.DRAFTED)

    batch.review(ACT, reviewed_by=REVIEWER)
    reviewed = only(batch, Batch.Reviewed)
    batch.approve(ACT, approved_by=APPROVER)
    approved = only(batch, Batch.Approved)

    facts = (reviewed.reviewed_by, reviewed.accepted_count, reviewed.accepted_total_fen)
    assert facts == (REVIEWER, 2, 500)
    facts = (approved.approved_by, approved.accepted_count, approved.accepted_total_fen)
    assert facts == (APPROVER, 2, 500)
    assert (approved.organisation_id, approved.campaign_id) == (UNION, CAMPAIGN)
    assert approved.COMMITS
    assert batch.stage is Stage.APPROVED


def test_the_approved_list_is_frozen_by_a_hash_that_anybody_can_make() -> None:
    batch = at(Stage.REVIEWED)

    batch.approve(ACT, approved_by=APPROVER)

    lines = f"1 {UUID(int=1)} 300\n2 {UUID(int=2)} 200\n"
    assert only(batch, Batch.Approved).list_sha256 == sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    ("stage", "attempt"),
    [
        (Stage.DRAFTED, lambda b: b.review(ACT, reviewed_by=DRAFTER)),
        (Stage.REVIEWED, lambda b: b.approve(ACT, approved_by=DRAFTER)),
        (Stage.REVIEWED, lambda b: b.approve(ACT, approved_by=REVIEWER)),
        (Stage.REVIEWED, lambda b: b.require_approvable_by(REVIEWER)),
    ],
)
def test_nobody_has_two_parts(stage: Stage, attempt: Callable[[Batch], None]) -> None:
    batch = at(stage)

    with pytest.raises(SamePerson):
        attempt(batch)

    assert (batch.collect_events(), batch.stage) == ([], stage)


@pytest.mark.parametrize(
    ("stage", "attempt"),
    [
        (Stage.DRAFTED, lambda b: b.approve(ACT, approved_by=APPROVER)),
        (Stage.DRAFTED, export),
        (Stage.DRAFTED, certify),
        (Stage.REVIEWED, lambda b: b.review(ACT, reviewed_by=APPROVER)),
        (Stage.REVIEWED, export),
        (Stage.APPROVED, lambda b: b.review(ACT, reviewed_by=uuid4())),
        (Stage.APPROVED, lambda b: b.approve(ACT, approved_by=uuid4())),
    ],
)
def test_each_step_has_its_turn(stage: Stage, attempt: Callable[[Batch], None]) -> None:
    batch = at(stage)

    with pytest.raises(WrongStage):
        attempt(batch)

    assert batch.collect_events() == []


def test_a_list_on_which_no_row_stands_is_not_approved() -> None:
    batch = at(Stage.REVIEWED)
    for number in (1, 2):
        batch.withdraw_row(ACT, number=number, refusal_code="archive.closed")
    settled(batch)

    with pytest.raises(BatchEmpty):
        batch.approve(ACT, approved_by=APPROVER)

    assert batch.collect_events() == []


def test_an_attempt_that_was_stopped_is_kept_and_changes_nothing() -> None:
    batch = at(Stage.REVIEWED)
    before = memory(batch) | {"version": None}

    batch.refuse(ACT, tried="approval", tried_by=DRAFTER, refusal_code="duty.same_person")

    refused = only(batch, Batch.Refused)
    assert (refused.tried, refused.tried_by, refused.refusal_code) == (
        "approval",
        DRAFTER,
        "duty.same_person",
    )
    assert memory(batch) | {"version": None} == before


def test_the_bank_file_and_the_certified_sheet_are_on_record() -> None:
    card = at(Stage.APPROVED)
    export(card)
    exported = only(card, Batch.Exported)
    assert (exported.file_sha256, exported.line_count, exported.total_fen) == ("44" * 32, 2, 5)

    sheet = at(Stage.APPROVED, channel=Channel.SIGNATURE_SHEET)
    certify(sheet)

    certified = only(sheet, Batch.SheetCertified)
    assert (certified.numbers, certified.total_fen, certified.certified_by) == (
        (2, 1),
        500,
        DRAFTER,
    )
    assert certified.COMMITS


def test_bank_files_belong_to_cards_and_signatures_to_sheets() -> None:
    card, sheet = at(Stage.APPROVED), at(Stage.APPROVED, channel=Channel.SIGNATURE_SHEET)

    with pytest.raises(WrongChannel):
        export(sheet)
    with pytest.raises(WrongChannel):
        certify(card)

    assert card.collect_events() == sheet.collect_events() == []


def test_no_amount_that_could_not_be_written_down_gets_into_a_list() -> None:
    with pytest.raises(AmountTooLarge):
        drafted(listed=MONEY_MAX + 1)
    batch = settled(drafted())
    for amount, refusal in ((0, AmountNotPositive), (MONEY_MAX + 1, AmountTooLarge)):
        with pytest.raises(refusal):
            batch.accept_row(ACT, row(1, amount), line=3)
    batch.accept_row(ACT, row(1, MONEY_MAX), line=3)
    batch.accept_row(ACT, row(2, 1), line=4)
    settled(batch)

    with pytest.raises(AmountTooLarge):
        batch.review(ACT, reviewed_by=REVIEWER)

    assert batch.collect_events() == []


def test_a_replayed_batch_is_the_one_that_was() -> None:
    batch = drafted(Channel.SIGNATURE_SHEET)
    for number in (1, 2, 3):
        batch.accept_row(ACT, row(number, 100 * number), line=number + 2)
    refuse(batch, 4)
    batch.refuse(ACT, tried="review", tried_by=DRAFTER, refusal_code="duty.same_person")
    batch.review(ACT, reviewed_by=REVIEWER)
    batch.withdraw_row(ACT, number=3, refusal_code="archive.closed")
    batch.approve(ACT, approved_by=APPROVER)
    certify(batch)

    assert memory(replayed(batch.collect_events())) == memory(batch)
