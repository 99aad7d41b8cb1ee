"""Each rule finds what breaks it, and nothing where nothing is wrong."""

from datetime import date
from uuid import UUID

import pytest

from ledger.commands import disbursements
from ledger.commands.witnesses import (
    WitnessAppointment,
    WitnessRefusal,
    appoint_witness,
    record_witness_refusal,
)
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Policy
from ledger.evidence.cosignature import Cosigner
from ledger.evidence.keys import Ed25519Signer
from projections.asked import NOW, Moment
from projections.batches import campaign_list
from projections.findings import Asked, Finding, Severity, findings
from projections.followed_lots import followed_lots
from projections.open_payments import open_payments
from projections.organisations import tree_on
from projections.runner import catch_up
from tests.world import DAY, Person, World, failed, pending, roster_row, settled

ONE, TWO, THREE = Person(1), Person(2), Person(3)
SOON, LATER, OVER = date(2017, 1, 12), date(2017, 1, 25), date(2017, 3, 1)
X01 = organisation_id("X01")


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO, THREE)
    return world


def found(world: World, day: date, moment: Moment = NOW) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        deadlines = {}
        for campaign in campaign_list(model):
            policy = world.ledger.load(Policy, campaign.policy_id)
            assert policy is not None
            deadlines[campaign.campaign_id] = policy.adoptions[-1].deadlines
        return findings(
            Asked(
                model,
                day,
                open_payments(model, moment),
                followed_lots(model, 2017, moment),
                2017,
                deadlines,
                list(tree_on(model).by_id),
                moment,
            )
        )


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
    assert of("G5", found(world, LATER)) == []
    assert of("G5", found(world, LATER, known)) == [(X01, 1, 80_000)]


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
    assert sorted(str(place) for place, *_ in of("D5", late)) == sorted(
        str(organisation_id(code)) for code in ("C01", "X01", "X01-01", "X02")
    )


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
    [late] = [each for each in found(world, date(2019, 1, 1)) if each.rule == "G1"]
    assert (late.severity, late.amount_fen) == (Severity.ERROR, 50_000)
    assert found(world, date(2019, 1, 1))[0].severity == Severity.ERROR


def test_a_witness_that_refuses_concerns_the_whole_ledger(world: World) -> None:
    key = Cosigner("w.example", Ed25519Signer.from_seed(b"w" * 32)).key
    appoint_witness(world.ledger, world.act(), WitnessAppointment(key.vkey()))
    refusal = WitnessRefusal("w.example", 7, 409, None, "other root")
    record_witness_refusal(world.ledger, world.act(), refusal)

    assert of("L2", found(world, DAY)) == [(None, 1, None)]


def test_where_nothing_is_wrong_nothing_is_found(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))

    assert found(world, LATER) == []
