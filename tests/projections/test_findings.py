"""Each rule finds what breaks it, and nothing where nothing is wrong."""

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from itertools import pairwise
from uuid import UUID

import pytest
from msgspec.structs import replace as replace_struct
from sqlalchemy import Connection

from ledger.commands import batches, disbursements, funds, policies, statements
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.commands.filings import HandingIn, hand_in
from ledger.commands.notices import Opening, close_notice, open_notice
from ledger.commands.witnesses import (
    WitnessAppointment,
    WitnessRefusal,
    appoint_witness,
    record_witness_refusal,
)
from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel, Policy, SurplusTargets
from ledger.domain.values import Money
from ledger.evidence.cosignature import Cosigner
from ledger.evidence.keys import Ed25519Signer
from ledger.files.bank import BankReturn, Lists, ReturnLine
from ledger.store.application import Work
from projections.asked import NOW, Moment
from projections.batches import campaign_list
from projections.findings import (
    adoptions,
    amounts,
    archive,
    banking,
    cards,
    decisions,
    integrity,
    listed,
    lists,
    money,
    notices,
    outside,
    papers,
    payments,
    people,
    sheets,
    signatures,
    witnessing,
)
from projections.findings.asked import Asked, Verification
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding, Severity
from projections.findings.rules import Evaluated, findings
from projections.findings.versions import EARLIER
from projections.followed_lots import Target, followed_lots
from projections.open_payments import open_payments
from projections.organisations import tree_on
from projections.papers_owed import SIGNATURE_SHEETS
from projections.runner import catch_up
from tests.world import (
    CAMPAIGN,
    DAY,
    EARMARK,
    POLICY,
    Person,
    World,
    failed,
    pending,
    roster,
    roster_row,
    settled,
    signature,
    terms,
)

ONE, TWO, THREE = Person(1), Person(2), Person(3)
SOON, LATER, OVER = date(2017, 1, 12), date(2017, 1, 25), date(2017, 3, 1)
X01 = organisation_id("X01")
ROOMS = (
    adoptions,
    amounts,
    archive,
    banking,
    cards,
    decisions,
    integrity,
    listed,
    lists,
    money,
    notices,
    outside,
    papers,
    payments,
    people,
    sheets,
    signatures,
    witnessing,
)


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO, THREE)
    return world


def found(world: World, day: date, moment: Moment = NOW) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        return findings(asked_of(world, model, day, moment))


def asked_of(world: World, model: Connection, day: date, moment: Moment = NOW) -> Asked:
    deadlines = {}
    for campaign in campaign_list(model):
        policy = world.ledger.load(Policy, campaign.policy_id)
        assert policy is not None
        deadlines[campaign.campaign_id] = policy.adoptions[-1].deadlines
    return Asked(
        model,
        day,
        open_payments(model, moment),
        followed_lots(model, 2017, moment),
        2017,
        deadlines,
        list(tree_on(model).by_id),
        moment,
    )


def bank_says(world: World, code: str, day: date, *lines: ReturnLine) -> None:
    """Have a return for a batch come in on a day."""
    sha = sha256(f"{code} {day}".encode()).hexdigest()
    content = BankReturn("unionpay-df", code, Lists.ALL, lines, None, None, sha)
    order = statements.ReturnFile(code, "return.txt", content)
    statements.receive_statement(world.ledger, world.act(day=day), order)


def of(rule: str, every: list[Finding]) -> list[tuple[UUID | None, int, int | None]]:
    return [
        (each.organisation_id, each.count, each.amount_fen) for each in every if each.rule == rule
    ]


def test_what_came_back_is_a_finding_until_it_is_paid_again(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000))
    world.answer("B1", failed(1, ONE, 80_000), settled(2, TWO, 70_000))

    assert of("G5", found(world, SOON)) == []
    assert of("G5", found(world, LATER)) == [(X01, 1, 80_000)]
    known = Moment(at=world.ledger.size() - 1)
    disbursements.reissue_payment(
        world.ledger,
        world.act("A-X01", LATER),
        disbursements.Reissue(world.payment_id(ONE), "新卡", "6299900000000000009"),
    )
    [late] = [each for each in found(world, LATER) if each.rule == "G5"]
    assert (late.severity, late.detail, late.days_late) == (
        Severity.INFORMATION,
        "paid_again_late",
        5,
    )
    assert late.payment_ids == (world.payment_id(ONE),)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        assert list(EARLIER["G5"][0].find(asked_of(world, model, LATER))) == []
    assert of("G5", found(world, LATER, known)) == [(X01, 1, 80_000)]


def test_what_was_paid_again_in_time_is_not_told_and_what_was_then_withdrawn_is_a_doubt(
    world: World,
) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    world.answer("B1", failed(1, ONE, 80_000))
    again = disbursements.Reissue(world.payment_id(ONE), "再发")
    disbursements.reissue_payment(world.ledger, world.act("A-X01", SOON), again)
    assert of("G5", found(world, OVER)) == []

    act = world.act("A-X01", SOON)
    disbursements.withdraw_payment(world.ledger, act, world.payment_id(ONE), "本人已调离")
    assert of("G5", found(world, SOON)) == []
    [doubt] = [each for each in found(world, LATER) if each.rule == "G5"]
    assert (doubt.severity, doubt.detail, doubt.amount_fen) == (
        Severity.WARNING,
        "withdrawn_again",
        80_000,
    )
    disbursements.reissue_payment(world.ledger, world.act("A-X01", LATER), again)
    assert [each.detail for each in found(world, LATER) if each.rule == "G5"] == ["paid_again_late"]


def test_what_arrived_or_was_signed_for_too_late_is_to_be_known(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.sheet("S1", TWO, THREE)
    bank_says(world, "B1", date(2017, 2, 21), settled(1, ONE, 80_000))
    sheet = disbursements.SignedSheet("S1", "ef" * 32, (signature(1, TWO.name),))
    act = world.act("H-X01", date(2017, 2, 9))
    disbursements.record_signatures(world.ledger, act, sheet)

    late = [each for each in found(world, OVER) if each.days_late is not None]

    assert sorted(
        (each.rule, each.detail, each.count, each.amount_fen, each.days_late) for each in late
    ) == [
        ("D3", "signed_late", 1, 30_000, 4),
        ("G2", "reached_late", 1, 80_000, 10),
    ]
    assert {each.severity for each in late} == {Severity.INFORMATION}
    day = date(2017, 2, 8)
    assert [each for each in found(world, day, Moment(day)) if each.days_late is not None] == []


def test_what_the_bank_does_not_know_is_told_from_what_it_never_answered(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000))
    world.pay("B2", roster_row(1, THREE, 60_000))
    world.answer("B1", pending(1, ONE, 80_000), settled(2, TWO, 70_000))

    assert of("J4", found(world, SOON)) == of("F5", found(world, SOON)) == []
    late = found(world, LATER)
    assert of("J4", late) == [(X01, 1, 80_000)]
    assert of("F5", late) == [(X01, 1, 60_000)]
    assert of("G2", late) == []
    assert of("G2", found(world, OVER)) == [(X01, 2, 140_000)]


def test_sheets_and_papers_are_late_after_their_day(world: World) -> None:
    world.sheet("S1", ONE, TWO)

    assert of("D3", found(world, date(2017, 2, 5))) == []
    assert of("D5", found(world, date(2017, 2, 5))) == []
    late = found(world, date(2017, 2, 6))
    assert of("D3", late) == [(X01, 2, 60_000)]
    assert of("D5", late) == [(X01, 1, None)]
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        before = EARLIER["D5"][0].find(asked_of(world, model, date(2017, 2, 6)))
        assert len(list(before)) == 4, "version 1 asked everybody on the register"

    order = HandingIn(CAMPAIGN, "X01", SIGNATURE_SHEETS[-1], "ab" * 32)
    hand_in(world.ledger, world.act("H-X01", date(2017, 2, 8)), order)
    [came] = [each for each in found(world, date(2017, 2, 9)) if each.rule == "D5"]
    assert (came.severity, came.days_late) == (Severity.INFORMATION, 3)


def test_reports_are_due_from_who_listed_people_by_the_day_and_those_above(world: World) -> None:
    world.draft("B1", roster_row(1, ONE, 80_000))
    world.register("X09", "C01", day=date(2018, 5, 1))

    def owing(name: str) -> list[UUID]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            asked = asked_of(world, model, date(2019, 1, 1))
            [(campaign, (deadline, *_)), *_] = asked.deadlines.items()
            asked = replace(asked, deadlines={campaign: [replace_struct(deadline, name=name)]})
            return [
                each.organisation_id for each in papers.filings_late(asked) if each.organisation_id
            ]

    assert set(owing("总结")) == {X01, organisation_id("C01")}
    assert owing(SIGNATURE_SHEETS[-1]) == []


def test_rows_and_attempts_that_were_stopped_are_told_by_their_rules(world: World) -> None:
    world.draft(
        "B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 10), roster_row(3, ONE, 80_000)
    )
    world.review("B1")
    assert world.approve("B1", "R-X01").refusal_code is not None

    every = found(world, SOON)
    assert of("B1", every) == [(X01, 1, 10)]
    assert of("E1", every) == [(X01, 1, 80_000)]
    stopped = [each for each in every if each.rule in ("H1", "H2")]
    assert [(each.organisation_id, each.severity) for each in stopped] == [(X01, Severity.WARNING)]
    assert {each.severity for each in every if each.rule in ("B1", "E1")} == {Severity.INFORMATION}


def test_old_money_is_a_doubt_when_it_lags_and_more_when_it_is_too_late(world: World) -> None:
    world.receive("X01", 200_000, vintage=2016, day=date(2017, 1, 1))

    [doubt] = [each for each in found(world, OVER) if each.rule == "G1"]
    assert (doubt.organisation_id, doubt.amount_fen, doubt.detail) == (X01, 100_000, "forecast")
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000))
    world.answer("B1", settled(1, ONE, 80_000), settled(2, TWO, 70_000))
    assert of("G1", found(world, OVER)) == []
    told = [each for each in found(world, date(2019, 1, 1)) if each.rule == "G1"]
    [late] = [each for each in told if each.detail != "not_opened"]
    assert (late.severity, late.amount_fen) == (Severity.ERROR, 50_000)
    assert found(world, date(2019, 1, 1))[0].severity == Severity.ERROR


def test_too_little_of_old_money_used_in_its_first_year_stays_a_fault(world: World) -> None:
    world.receive("X01", 200_000, vintage=2016, day=date(2017, 1, 1))
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))

    assert [each.detail for each in found(world, date(2017, 12, 31)) if each.rule == "G1"] == [
        "forecast"
    ]
    told = [each for each in found(world, date(2018, 1, 1)) if each.rule == "G1"]
    [missed] = [each for each in told if each.detail != "forecast"]
    assert (missed.severity, missed.detail) == (Severity.ERROR, "missed_first_year")
    assert (missed.amount_fen, missed.since, missed.year) == (20_000, "2017-12-31", 2017)


def test_old_money_is_told_of_when_a_later_year_is_followed(world: World) -> None:
    world.receive("X01", 200_000, vintage=2016, day=date(2017, 1, 1))
    order = funds.FundReceipt(
        "X01", EARMARK, "地方财政", "拨〔2018〕2号", 2018, 1_000, 2019, POLICY
    )
    funds.receive_funds(world.ledger, world.act(day=date(2019, 1, 2)), order)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, date(2019, 1, 3))
        told = findings(replace(asked, year=2019, followed=followed_lots(model, 2019)))

    assert sorted(
        (each.year, each.detail, each.amount_fen) for each in told if each.rule == "G1"
    ) == [
        (2017, "missed", 200_000),
        (2017, "missed_first_year", 100_000),
        (2018, "not_opened", 1_000_000),
        (2019, "forecast", 500),
    ]


def test_old_money_that_had_one_year_is_told_of_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receive("X01", 200_000, vintage=2016, day=date(2017, 1, 1))
    one_year = Target(None, 1)
    monkeypatch.setattr(money, "surplus_targets", lambda *_: {X01: one_year})

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = replace(asked_of(world, model, date(2018, 1, 3)), year=2018, followed=[])
        told = [each for each in findings(asked) if each.rule == "G1"]

    assert [(each.detail, each.amount_fen) for each in told] == [("missed", 200_000)]


def test_a_correction_dated_before_its_lot_came_in_ends_no_findings(world: World) -> None:
    world.receive("X01", 7_000, vintage=2015, day=date(2016, 6, 1))
    world.receive("X01", 1_000, vintage=2015, day=date(2017, 1, 5))
    newest = list(world.fund("X01").lots)[-1]
    before = world.act(day=date(2016, 12, 31))

    def corrected(work: Work) -> None:
        """Correct it as the ledger once let it be corrected."""
        fund = work.get(FundAccount, fund_id(X01, EARMARK))
        fund.trigger_event(
            FundAccount.ReceiptCorrected,
            before,
            organisation_id=X01,
            lot_id=newest,
            vintage=2015,
            carried_into=None,
            corrects_version=fund.lots[newest].receipts[0],
            difference_fen=Money(50),
            reason="少录",
        )
        work.save(fund)

    world.ledger.perform(before, "fund.correct_receipt", "as of before", corrected)

    assert g1(world, date(2017, 1, 20), "not_opened") == [(2016, "not_opened", 7_000)]


def g1(world: World, day: date, *details: str) -> list[tuple[int | None, str | None, int | None]]:
    return sorted(
        (each.year, each.detail, each.amount_fen)
        for each in found(world, day)
        if each.rule == "G1" and (not details or each.detail in details)
    )


def test_old_money_that_no_year_was_opened_with_is_told_of_after_some_weeks(world: World) -> None:
    january = date(2018, 1, 31)

    assert g1(world, january, "not_opened") == []
    told = [each for each in found(world, date(2018, 2, 1)) if each.rule == "G1"]
    [doubt] = told
    assert (doubt.severity, doubt.organisation_id, doubt.since) == (
        Severity.WARNING,
        X01,
        "2018-01-01",
    )
    assert (doubt.detail, doubt.year, doubt.amount_fen) == ("not_opened", 2018, 1_000_000)
    assert g1(world, date(2019, 1, 2)) == [(2018, "not_opened", 1_000_000)]

    act = world.act(day=date(2018, 3, 1))
    funds.open_fiscal_year(world.ledger, act, "X01", EARMARK, 2018, POLICY)
    world.allocate("X01", "X01-01", 300_000)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, date(2018, 3, 2))
        assert list(money.on_no_clock(asked)) == []
        assert list(EARLIER["G1"][1].find(asked)) == [], "version 2 looked at years opened alone"


def test_a_year_without_targets_asks_nothing_until_a_policy_is_named_once(world: World) -> None:
    order = funds.FundReceipt("X01", EARMARK, "地方财政", "拨〔2016〕2号", 2016, 200_000, 2017)
    funds.receive_funds(world.ledger, world.act(day=date(2017, 1, 2)), order)

    for day in (OVER, date(2018, 1, 2), date(2019, 1, 2)):
        assert g1(world, day, "forecast", "missed", "missed_first_year") == []
    assert g1(world, OVER) == [(2017, "nothing_asked", 200_000)]
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, OVER)
        assert [each.detail for each in EARLIER["G1"][1].find(asked)] == ["forecast"]
    before = world.ledger.size()

    for _ in range(2):
        act = world.act(day=date(2017, 1, 20))
        funds.open_fiscal_year(world.ledger, act, "X01", EARMARK, 2017, POLICY)
    assert world.types(before).count("fiscal_year.targets_set") == 1
    assert g1(world, OVER) == [(2017, "forecast", 100_000)]
    unset = found(world, OVER, Moment(at=before - 1))
    assert [each.detail for each in unset if each.rule == "G1"] == ["nothing_asked"]


def test_what_a_year_asks_is_the_reading_in_force_on_the_day_of_its_opening(world: World) -> None:
    asks_nothing = SurplusTargets(first_year_minimum=None, all_within=None)
    next_year = replace_struct(terms(date(2018, 1, 1)), surplus=asks_nothing)
    policies.adopt_policy(world.ledger, world.act("A-C01", date(2017, 1, 3)), next_year)

    world.receive("X01", 200_000, vintage=2016, day=date(2017, 1, 4))
    assert g1(world, OVER) == [(2017, "forecast", 100_000)]


def test_what_was_signed_for_by_mistake_does_not_meet_the_line_of_the_first_year(
    world: World,
) -> None:
    world.receive("X01", 200_000, vintage=2016, day=date(2017, 1, 1))
    world.pay("B1", roster_row(1, ONE, 120_000))
    world.answer("B1", settled(1, ONE, 120_000))
    new_year = date(2018, 1, 5)
    assert g1(world, new_year, "missed_first_year") == []

    payment = world.payment_id(ONE)
    for version, short in ((2, [(2017, "missed_first_year", 100_000)]), (3, [])):
        # A correction of the correction: it had been paid after all.
        disbursements.correct_outcome(
            world.ledger, world.act(day=date(2018, 1, 3)), payment, version, "误记"
        )
        assert g1(world, new_year, "missed_first_year") == short
    bank_says(world, "B1", date(2018, 1, 4), failed(1, ONE, 120_000, "RETURNED"))
    assert g1(world, new_year, "missed_first_year") == [], "it had been with them on the day"


def test_a_witness_that_refuses_concerns_the_whole_ledger(world: World) -> None:
    key = Cosigner("w.example", Ed25519Signer.from_seed(b"w" * 32)).key
    appoint_witness(world.ledger, world.act(), WitnessAppointment(key.vkey()))
    refusal = WitnessRefusal("w.example", 7, 409, None, "other root")
    record_witness_refusal(world.ledger, world.act(), refusal)

    assert of("L2", found(world, DAY)) == [(None, 1, None)]
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        cut_back = Verification("2017-02-01", "verify.cut_back", "5 entries, and 9 before", 5)
        asked = replace(asked_of(world, model, DAY), verified=cut_back)
        assert len(of("L2", findings(asked))) == 2
        before = list(EARLIER["L2"][0].find(asked))
        assert [each.detail for each in before] == ["w.example"], "version 1 asked witnesses alone"


@pytest.mark.parametrize("says", [settled, pending])
def test_what_reached_the_card_before_as_well_is_told_whatever_becomes_of_the_last_attempt(
    world: World, says: Callable[[int, Person, int], ReturnLine]
) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000))
    world.answer("B1", failed(1, ONE, 80_000), settled(2, TWO, 70_000))
    order = disbursements.Reissue(world.payment_id(ONE), "换卡", THREE.card)
    disbursements.reissue_payment(world.ledger, world.act(), order)
    export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    before = Moment(at=world.ledger.size() - 1)
    world.answer("B1", says(1, ONE, 80_000), sha="ee" * 32)

    [told] = [each for each in found(world, LATER) if each.rule == "J5"]
    arrived = says is settled
    assert told.severity is (Severity.ERROR if arrived else Severity.WARNING)
    assert (told.count, told.amount_fen, told.payment_ids) == (1, 80_000, (world.payment_id(ONE),))
    assert told.detail == ("arrived_before" if arrived else "may_have_arrived_before")
    assert of("J5", found(world, LATER, before)) == []
    world.answer("B1", settled(1, ONE, 80_000), sha="ef" * 32)
    [last] = [each for each in found(world, LATER) if each.rule == "J5"]
    assert (last.severity, last.detail) == (Severity.ERROR, "arrived_before")
    assert (last.position == told.position) is arrived


def test_what_the_bank_says_of_a_card_or_takes_back_is_told_by_its_rule(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 70_000))
    world.answer("B1", failed(1, ONE, 80_000, "NAME_MISMATCH"), settled(2, TWO, 70_000))
    before = Moment(at=world.ledger.size() - 1)
    again = (failed(1, ONE, 80_000, "NAME_MISMATCH"), failed(2, TWO, 70_000, "RETURNED"))
    world.answer("B1", *again, sha="ee" * 32)

    assert of("C2", found(world, SOON)) == [(X01, 1, 80_000)]
    assert of("J3", found(world, SOON, before)) == []
    assert of("J3", found(world, SOON)) == [(X01, 1, 70_000)]


def test_who_signs_for_another_is_on_record(world: World) -> None:
    world.sheet("S1", ONE, TWO)
    world.sign("S1", signature(1, "别人"), signature(2, TWO.name))

    [stopped] = [each for each in found(world, SOON) if each.rule == "D1"]
    assert (stopped.organisation_id, stopped.detail) == (X01, "signature.not_own")


def test_money_that_is_kept_back_or_lies_idle_is_a_doubt(world: World) -> None:
    world.allocate("X01", "X01-01", 300_000)

    lower = organisation_id("X01-01")
    sixty_days_on = DAY + timedelta(days=60)
    assert of("F3", found(world, sixty_days_on - timedelta(days=1))) == []
    assert of("F3", found(world, sixty_days_on)) == [(lower, 1, 300_000)]
    assert of("G4", found(world, date(2017, 12, 31))) == []
    held = {(X01, 1, 700_000), (lower, 1, 300_000)}
    assert set(of("G4", found(world, date(2018, 1, 1)))) == held


def test_what_is_spent_in_the_last_days_of_a_year_is_a_doubt(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))
    assert of("G3", found(world, date(2018, 1, 1))) == []

    in_the_end = date(2017, 12, 20)
    world.draft("B2", roster_row(1, TWO, 70_000), day=in_the_end)
    world.review("B2", day=in_the_end)
    world.approve("B2", day=in_the_end)
    content = BankReturn(
        "unionpay-df", "B2", Lists.ALL, (settled(1, TWO, 70_000),), None, None, "ee" * 32
    )
    order = statements.ReturnFile("B2", "return.txt", content)
    statements.receive_statement(world.ledger, world.act(day=in_the_end), order)
    assert of("G3", found(world, date(2018, 1, 1))) == [(X01, 1, 70_000)]
    assert of("G3", found(world, date(2017, 12, 31))) == []


def test_the_season_that_goes_on_after_new_year_is_neither_a_rush_nor_idle(world: World) -> None:
    season = policies.CampaignOpening(
        "2018-lianjie", "两节", date(2017, 12, 15), date(2018, 2, 20), 2018, POLICY
    )
    policies.open_campaign(world.ledger, world.act(day=date(2017, 12, 1)), season)
    december, january = date(2017, 12, 20), date(2018, 1, 10)

    def paid(code: str, day: date, person: Person, amount: int) -> None:
        draft = batches.Draft(
            code,
            "2018-lianjie",
            "X01",
            EARMARK,
            Channel.BANK_CARD,
            "unionpay-df",
            "H-X01",
            roster(roster_row(1, person, amount)),
        )
        batches.draft_batch(world.ledger, world.act("H-X01", day), draft)
        world.review(code, day=day)
        assert world.approve(code, day=day).refusal_code is None
        bank_says(world, code, day, settled(1, person, amount))

    paid("B1", december, ONE, 90_000)
    order = funds.ReceiptCorrection(
        "X01", EARMARK, next(iter(world.fund("X01").lots)), 2, -800_000, "多录"
    )
    funds.correct_receipt(world.ledger, world.act(day=december), order)
    paid("B2", january, TWO, 90_000)

    spring, over = date(2018, 2, 20), date(2018, 2, 21)
    for day in (spring, over):
        assert of("G3", found(world, day)) == of("G4", found(world, day)) == []
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, over)
        assert of("G3", list(EARLIER["G3"][0].find(asked))) == [(X01, 1, 90_000)]
        assert of("G4", list(EARLIER["G4"][0].find(asked))) == [(X01, 1, 110_000)]
    world.receive("X01", 500_000, day=december)
    assert of("G4", found(world, spring)) == []
    assert of("G4", found(world, over)) == [(X01, 1, 520_000)]


def test_a_campaign_of_the_season_looks_over_nothing_of_those_without_a_part_in_it(
    world: World,
) -> None:
    world.receive("C01", 500_000)
    world.allocate("C01", "X01-01", 300_000)

    def opened(code: str, begins: date) -> None:
        season = policies.CampaignOpening(code, "两节", begins, date(2018, 2, 20), 2018, POLICY)
        policies.open_campaign(world.ledger, world.act(day=begins), season, "C01")
        order = batches.Draft(
            f"B-{code}",
            code,
            "X01",
            EARMARK,
            Channel.BANK_CARD,
            "unionpay-df",
            "H-X01",
            roster(roster_row(1, ONE, 90_000)),
        )
        batches.draft_batch(world.ledger, world.act("H-X01", date(2017, 12, 20)), order)

    def idle(campaign: str) -> set[UUID | None]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            asked = asked_of(world, model, date(2018, 1, 20))
            mine = replace(asked, reach={campaign_id(campaign): {X01}})
            return {each.organisation_id for each in findings(mine) if each.rule == "G4"}

    c01, below = organisation_id("C01"), organisation_id("X01-01")
    opened("all-year", date(2017, 9, 30))
    assert idle("none") == {X01, below}, "a long one has no year looked over"
    opened("season", date(2017, 10, 1))
    assert idle("season") == {below}, "who listed nobody in it"
    world.receive("C01", 900_000, day=date(2017, 6, 1))
    assert idle("season") == {c01, below}, "it is another's"
    assert idle("none") == {below}, "what those above hold is for it"


def test_what_is_recorded_long_after_its_day_is_told_but_not_what_came_before_the_ledger(
    world: World,
) -> None:
    assert of("H4", found(world, OVER)) == []

    months_on = replace(world.act(day=date(2017, 3, 5)), recorded_at="2017-05-01T08:00:00.000Z")
    order = funds.FundReceipt("X01", EARMARK, "社会捐赠", "捐1号", 2017, 500, None, POLICY)
    funds.receive_funds(world.ledger, months_on, order)
    assert of("H4", found(world, OVER)) == [(X01, 1, 500)]


def test_what_is_recorded_in_time_or_late_goes_by_the_day_in_china(world: World) -> None:
    """Thirty days after 5 March is 4 April, which ends in China when London has four o'clock."""
    order = funds.FundReceipt("X01", EARMARK, "社会捐赠", "捐1号", 2017, 500, None, POLICY)
    act = world.act(day=date(2017, 3, 5))
    for moment, late in (("15:59:59.999", []), ("16:00:00.000", [(X01, 1, 500)])):
        recorded = replace(act, recorded_at=f"2017-04-04T{moment}Z")
        funds.receive_funds(world.ledger, recorded, order)
        assert of("H4", found(world, OVER)) == late
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, OVER)
        assert list(EARLIER["H4"][1].find(asked)) == [], "it was still the day in London"


def test_a_paper_recorded_long_after_its_day_is_told_though_it_stands_in_time(
    world: World,
) -> None:
    begun = replace(world.act(), recorded_at="2017-01-10T08:00:00.000Z")
    receipt = funds.FundReceipt("X01", EARMARK, "社会捐赠", "捐1号", 2017, 500, None, POLICY)
    funds.receive_funds(world.ledger, begun, receipt)
    for union, recorded in (("X01", "2017-05-01"), ("X02", "2017-02-01")):
        said = replace(
            world.act(f"H-{union}", date(2017, 1, 30)), recorded_at=f"{recorded}T08:00:00.000Z"
        )
        order = HandingIn(CAMPAIGN, union, SIGNATURE_SHEETS[-1], f"{union[-1]}b" * 32)
        hand_in(world.ledger, said, order)

    told = [each for each in found(world, OVER) if each.rule == "H4" and each.detail == "filing"]

    assert [(each.organisation_id, each.count, each.since) for each in told] == [
        (X01, 1, "2017-01-30")
    ]
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, OVER)
        assert list(EARLIER["H4"][2].find(asked)) == [], "version 3 looked at no papers"


def test_one_document_handed_in_twice_is_a_doubt(world: World) -> None:
    for union in ("X01", "X02"):
        assert of("I3", found(world, SOON)) == []
        order = HandingIn(CAMPAIGN, union, SIGNATURE_SHEETS[-1], "ab" * 32)
        hand_in(world.ledger, world.act(f"H-{union}"), order)

    both = {(X01, 2, None), (organisation_id("X02"), 2, None)}
    assert set(of("I3", found(world, SOON))) == both


def test_where_others_put_up_notices_a_list_without_one_is_a_doubt(world: World) -> None:
    world.draft("B1", roster_row(1, ONE, 60_000))
    world.pay("B2", roster_row(1, TWO, 60_000))
    assert of("K1", found(world, LATER)) == []

    period = Period(5, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")
    opening = Opening(batch_id("B1"), period, "单位公告栏", "工会办公室")
    open_notice(world.ledger, world.act("H-X01"), opening)
    after = date(2017, 1, 16)
    close_notice(world.ledger, world.act("H-X01", after), notice_id(batch_id("B1"), 1))
    world.review("B1", day=after)
    world.approve("B1", day=after)
    assert of("K1", found(world, LATER)) == [(X01, 1, 60_000)]


def test_rules_are_asked_again_when_what_they_look_at_has_changed(world: World) -> None:
    kept = Evaluated()

    def everything() -> list[Finding]:
        with catch_up(world.ledger, world.home.read_models).asking() as model:
            asked = asked_of(world, model, date(2017, 4, 1))
            found = kept.found(asked).findings
            assert found == findings(asked)
            return found

    seen = [everything()]
    steps_taken: tuple[Callable[[], object], ...] = (
        lambda: world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 5)),
        lambda: world.answer("B1", failed(1, ONE, 80_000, "NAME_MISMATCH")),
        lambda: world.allocate("X01", "X01-01", 300_000),
        lambda: world.sheet("S1", THREE),
        lambda: hand_in(
            world.ledger,
            world.act("H-X01"),
            HandingIn(CAMPAIGN, "X01", SIGNATURE_SHEETS[-1], "ab" * 32),
        ),
    )
    for step in steps_taken:
        step()
        seen.append(everything())
    assert all(before != after for before, after in pairwise(seen))


def test_every_rule_that_finds_something_is_known_by_name_clause_and_version() -> None:
    used = set(re.findall(r'"([A-L][0-9]+)"', "".join(map(inspect.getsource, ROOMS))))

    assert used == set(RULES_KNOWN)


def test_where_nothing_is_wrong_nothing_is_found(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))

    assert found(world, LATER) == []
