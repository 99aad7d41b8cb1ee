"""One payment: where it stands, what may come next, and how a mistake is put right."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.disbursement import (
    NOT_PAID,
    AlreadySent,
    AnotherWitness,
    DatedBackwards,
    Disbursement,
    Manner,
    NotCaptured,
    NothingToCorrect,
    NotInTransit,
    NotReturned,
    PaymentObjected,
    SignatureWaits,
    SignedForByAnother,
    Status,
    disbursement_id,
)
from ledger.domain.lots import Part
from ledger.domain.refusal import Refusal
from ledger.domain.sealed import Sealed
from ledger.domain.statement import Statement, statement_id
from ledger.domain.values import Money
from ledger.errors import LedgerError
from tests.domain.acting import ACT, memory, on, only, replayed, settled

CAMPAIGN, BATCH, UNION, FUND, PERSON = (uuid4() for _ in range(5))
STATEMENT, WITNESS = uuid4(), uuid4()
PAYEE = Sealed(ciphertext="c2VhbGVk", commitment="66" * 32)
PARTS = (Part(lot_id=UUID(int=1), origin_id=UUID(int=2), vintage=2015, amount_fen=Money(300)),)
AGAIN = (Part(lot_id=UUID(int=3), origin_id=UUID(int=3), vintage=2017, amount_fen=Money(300)),)


def instructed() -> Disbursement:
    return Disbursement.instruct(
        ACT,
        campaign_id=CAMPAIGN,
        batch_id=BATCH,
        number=7,
        organisation_id=UNION,
        fund_id=FUND,
        person_id=PERSON,
        category="建档困难职工",
        channel="银行卡",
        amount=Money(300),
        parts=PARTS,
        payee=PAYEE,
        card_index="card",
    )


def settle(payment: Disbursement) -> None:
    payment.settle(ACT, statement_id=STATEMENT)


def give_back(payment: Disbursement) -> None:
    payment.return_(ACT, statement_id=STATEMENT, reason="ACCT_CLOSED", raw_code="3018")


def leave(payment: Disbursement) -> None:
    payment.leave_unresolved(ACT, statement_id=STATEMENT, reason="UNKNOWN", raw_code="03")


def sign(payment: Disbursement, *, own_name: bool = True) -> None:
    payment.sign(
        ACT,
        own_name=own_name,
        signed_at="2017-01-21T09:00:00+08:00",
        image_sha256="77" * 32,
        sheet_sha256="88" * 32,
        witness_id=WITNESS,
    )


def capture(payment: Disbursement, *, own_name: bool = True) -> None:
    payment.capture_signature(
        ACT,
        own_name=own_name,
        manner=Manner.DRAWN,
        drawing=PAYEE,
        image_sha256="77" * 32,
        strokes_sha256="55" * 32,
        sheet_sha256=None,
        device="tablet",
        started_at="2017-01-21T09:00:00+08:00",
        ended_at="2017-01-21T09:00:03+08:00",
        witness_id=WITNESS,
    )


def reissue(payment: Disbursement) -> None:
    payment.reissue(ACT, parts=AGAIN, payee=PAYEE, card_index="other", reason="换卡")


def withdraw(payment: Disbursement) -> None:
    payment.withdraw(ACT, reason="本人已调离")


def correct(payment: Disbursement) -> None:
    payment.correct(ACT, corrects_version=payment.version, reason="误记")


def after(*acts: Callable[[Disbursement], None]) -> Disbursement:
    payment = instructed()
    for act in acts:
        act(payment)
    return settled(payment)


def test_nothing_happens_to_a_payment_before_what_was_recorded_of_it() -> None:
    payment = instructed()
    before = replace(ACT, happened_on=ACT.happened_on - timedelta(days=1))

    with pytest.raises(DatedBackwards) as refused:
        payment.settle(before, statement_id=STATEMENT)

    assert refused.value.code == "disbursement.dated_backwards"
    assert payment.outcomes == []
    settle(payment)
    assert payment.status is Status.SETTLED


def test_an_instruction_says_whose_money_goes_to_whom() -> None:
    payment = instructed()

    event = only(payment, Disbursement.Instructed)
    assert (event.campaign_id, event.batch_id, event.number) == (CAMPAIGN, BATCH, 7)
    assert (event.organisation_id, event.fund_id, event.person_id) == (UNION, FUND, PERSON)
    assert (event.amount_fen, event.parts, event.channel) == (300, PARTS, "银行卡")
    assert (event.payee, event.card_index) == (PAYEE, "card")
    assert payment.id == disbursement_id(CAMPAIGN, PERSON)
    assert payment.status is Status.IN_TRANSIT


def test_what_arrived_says_from_which_lots() -> None:
    payment = after()

    settle(payment)

    event = only(payment, Disbursement.Settled)
    assert (event.statement_id, event.fund_id, event.parts) == (STATEMENT, FUND, PARTS)
    assert event.amount_fen == 300
    assert payment.status is Status.SETTLED


@pytest.mark.parametrize(("before", "was"), [((), "in_transit"), ((settle,), "settled")])
def test_what_came_back_says_why_what_it_was_and_which_lots_get_it(
    before: tuple[Callable[[Disbursement], None], ...], was: str
) -> None:
    payment = after(*before)

    parts = payment.return_(ACT, statement_id=STATEMENT, reason="ACCT_CLOSED", raw_code="3018")

    event = only(payment, Disbursement.Returned)
    assert (event.reason, event.raw_code, event.was) == ("ACCT_CLOSED", "3018", was)
    assert parts == event.parts == PARTS
    assert payment.status is Status.RETURNED


def test_what_was_never_paid_out_goes_back_to_its_lots_and_may_be_paid_later() -> None:
    payment = after()

    parts = payment.withdraw(ACT, reason="本人已调离")

    event = only(payment, Disbursement.Withdrawn)
    assert (event.reason, event.amount_fen, event.fund_id) == ("本人已调离", 300, FUND)
    assert parts == event.parts == PARTS
    assert payment.status is Status.WITHDRAWN
    reissue(payment)
    assert (payment.status, payment.parts) == (Status.IN_TRANSIT, AGAIN)


@pytest.mark.parametrize("again", [(), (withdraw, reissue), (capture, give_back, reissue)])
def test_an_attempt_begins_where_it_is_instructed(
    again: tuple[Callable[[Disbursement], None], ...],
) -> None:
    assert after(*again).attempt == 1 + len(again)


def test_what_the_bank_does_not_know_stays_on_its_way() -> None:
    payment = after()

    leave(payment)

    event = only(payment, Disbursement.Unresolved)
    assert (event.reason, event.raw_code, event.amount_fen) == ("UNKNOWN", "03", 300)
    assert payment.status is Status.IN_TRANSIT


def test_a_signature_says_when_under_whose_eyes_and_on_which_sheet() -> None:
    payment = after()

    sign(payment)

    event = only(payment, Disbursement.Signed)
    assert (event.signed_at, event.witness_id) == ("2017-01-21T09:00:00+08:00", WITNESS)
    assert (event.image_sha256, event.sheet_sha256) == ("77" * 32, "88" * 32)
    assert (event.parts, payment.status) == (PARTS, Status.SIGNED)


@pytest.mark.parametrize(
    ("held_on", "signed_at", "stopped"),
    [
        (date(2017, 1, 20), "2017-01-20T15:59:59+08:00", False),
        (date(2017, 1, 20), "2017-01-20T07:59:59.999Z", False),
        (date(2017, 1, 20), "2017-01-20T16:00:00", True),
        (date(2017, 1, 20), "2017-01-20T08:00:00.000Z", True),
        (date(2017, 1, 20), "2017-01-19", False),
        (date(2017, 1, 20), "2017-01-20", True),
        (date(2017, 1, 22), "2017-01-21T15:59:59.000Z", False),
        (date(2017, 1, 22), "2017-01-21T16:00:00.000Z", True),
    ],
)
def test_who_signed_before_an_objection_was_upheld_had_signed(
    held_on: date, signed_at: str, *, stopped: bool
) -> None:
    payment = instructed()
    payment.uphold_objection(on(held_on), notice_id=uuid4(), number=1)

    assert isinstance(payment.stopped_by(signed_at), PaymentObjected) is stopped


def test_what_is_paid_again_comes_from_lots_drawn_anew() -> None:
    payment = after(give_back)

    reissue(payment)

    event = only(payment, Disbursement.Reissued)
    assert (event.parts, event.card_index, event.reason) == (AGAIN, "other", "换卡")
    assert (payment.status, payment.parts) == (Status.IN_TRANSIT, AGAIN)
    settle(payment)
    assert only(payment, Disbursement.Settled).parts == AGAIN


def test_a_captured_signature_waits_and_is_forgotten_with_what_it_was_for() -> None:
    payment = after()

    capture(payment)

    event = only(payment, Disbursement.SignatureCaptured)
    assert (event.batch_id, event.number, event.manner) == (BATCH, 7, "drawn")
    assert (event.ended_at, event.device) == ("2017-01-21T09:00:03+08:00", "tablet")
    assert payment.status is Status.IN_TRANSIT
    assert payment.require_captured_by(WITNESS).image_sha256 == "77" * 32
    with pytest.raises(AnotherWitness):
        payment.require_captured_by(UNION)
    for ended in (after(capture, sign, correct), after(capture, give_back, reissue)):
        with pytest.raises(NotCaptured):
            ended.require_captured_by(WITNESS)


def by_another(payment: Disbursement) -> None:
    sign(payment, own_name=False)


def captured_of_another(payment: Disbursement) -> None:
    capture(payment, own_name=False)


def certify(payment: Disbursement) -> None:
    payment.require_captured_by(WITNESS)


@pytest.mark.parametrize(
    ("before", "attempt", "refusal"),
    [
        ((settle,), settle, NotInTransit),
        ((settle,), sign, NotInTransit),
        ((settle,), leave, NotInTransit),
        ((settle,), reissue, NotReturned),
        ((sign,), sign, NotInTransit),
        ((sign,), settle, NotInTransit),
        ((sign,), give_back, NotInTransit),
        ((give_back,), give_back, NotInTransit),
        ((give_back,), settle, NotInTransit),
        ((), reissue, NotReturned),
        ((), by_another, SignedForByAnother),
        ((sign,), by_another, NotInTransit),
        ((), captured_of_another, SignedForByAnother),
        ((), certify, NotCaptured),
        ((sign,), capture, NotInTransit),
        ((capture, sign), certify, NotInTransit),
        ((capture,), correct, NothingToCorrect),
        ((), correct, NothingToCorrect),
        ((leave,), correct, NothingToCorrect),
        ((give_back,), correct, NothingToCorrect),
        ((settle, give_back), correct, NothingToCorrect),
        ((give_back, reissue), correct, NothingToCorrect),
        ((settle,), withdraw, NotInTransit),
        ((sign,), withdraw, NotInTransit),
        ((give_back,), withdraw, NotInTransit),
        ((withdraw,), withdraw, NotInTransit),
        ((withdraw,), settle, NotInTransit),
        ((withdraw,), give_back, NotInTransit),
        ((withdraw,), capture, NotInTransit),
        ((withdraw,), correct, NothingToCorrect),
        ((leave,), withdraw, AlreadySent),
        ((settle, correct), withdraw, AlreadySent),
        ((capture,), withdraw, SignatureWaits),
    ],
)
def test_what_cannot_come_next_is_refused_and_leaves_nothing(
    before: tuple[Callable[[Disbursement], None], ...],
    attempt: Callable[[Disbursement], None],
    refusal: type[LedgerError],
) -> None:
    payment = after(*before)
    remembered = memory(payment)

    with pytest.raises(refusal) as refused:
        attempt(payment)

    assert str(payment.id) in str(refused.value)
    assert payment.collect_events() == []
    assert memory(payment) == remembered


def test_a_correction_names_what_it_corrects_what_that_was_and_what_counts_now() -> None:
    payment = after(settle)

    payment.correct(ACT, corrects_version=2, reason="误记")

    event = only(payment, Disbursement.Corrected)
    assert (event.corrects_version, event.reason) == (2, "误记")
    assert (event.was, event.now, event.amount_fen) == ("settled", "in_transit", 300)
    assert payment.status is Status.IN_TRANSIT


@pytest.mark.parametrize("version", [0, 1, 2, 4])
def test_only_the_last_outcome_is_corrected(version: int) -> None:
    payment = after(settle, correct)

    with pytest.raises(NothingToCorrect):
        payment.correct(ACT, corrects_version=version, reason="误记")

    assert payment.collect_events() == []


@given(st.sampled_from([settle, sign]), st.integers(0, 9))
def test_a_correction_of_a_correction_brings_back_what_was_corrected(
    outcome: Callable[[Disbursement], None], times: int
) -> None:
    payment = after(outcome)
    recorded = payment.status

    for _ in range(times):
        correct(payment)

    assert payment.status is (Status.IN_TRANSIT if times % 2 else recorded)
    assert len(payment.collect_events()) == times


ACTS = st.lists(
    st.sampled_from(
        [settle, give_back, leave, sign, capture, by_another, reissue, correct, withdraw]
    ),
    max_size=25,
)


@given(ACTS)
def test_whatever_happens_replay_equals_live_and_money_is_in_one_place(
    acts: list[Callable[[Disbursement], None]],
) -> None:
    payment = instructed()
    in_lots = 0
    for act in acts:
        try:
            act(payment)
        except LedgerError:
            continue
        in_lots += (act in (give_back, withdraw)) - (act is reissue)
        assert in_lots == (payment.status in NOT_PAID)

    events = payment.collect_events()

    assert memory(replayed(events)) == memory(payment)
    assert [event.originator_version for event in events] == list(range(1, len(events) + 1))


def test_a_statement_says_what_the_file_decided_in_all_and_line_by_line() -> None:
    statement = Statement.receive(
        ACT,
        batch_id=BATCH,
        bank_format="unionpay-df",
        file_sha256="99" * 32,
        line_count=3,
        settled_count=1,
        settled_total=Money(100),
        returned_count=1,
        returned_total=Money(200),
        unresolved_count=1,
    )
    received = only(statement, Statement.Received)
    assert (received.line_count, received.unresolved_count) == (3, 1)
    assert (received.settled_count, received.settled_total_fen) == (1, 100)
    assert (received.returned_count, received.returned_total_fen) == (1, 200)
    assert statement.id == statement_id(BATCH, "99" * 32)

    statement.match_line(
        ACT,
        batch_id=BATCH,
        number=7,
        line=9,
        disbursement_id=PERSON,
        outcome="failed",
        reason="ACCT_CLOSED",
        raw_code="3018",
        amount=Money(200),
    )

    matched = only(statement, Statement.LineMatched)
    assert (matched.number, matched.line, matched.disbursement_id) == (7, 9, PERSON)
    assert (matched.outcome, matched.reason, matched.raw_code) == ("failed", "ACCT_CLOSED", "3018")
    assert matched.amount_fen == 200


def test_a_refusal_says_who_tried_what_and_which_rule_stopped_it() -> None:
    refusal = Refusal.record(
        ACT,
        FUND,
        tried="fund.allocate",
        refusal_code="fund.insufficient",
        subject_id=UNION,
        explanation="needs 2.00 yuan, has 1.00",
    )

    recorded = only(refusal, Refusal.Recorded)
    assert (recorded.tried, recorded.refusal_code) == ("fund.allocate", "fund.insufficient")
    assert (recorded.subject_id, recorded.explanation) == (UNION, "needs 2.00 yuan, has 1.00")
