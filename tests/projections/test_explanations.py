"""A payment explains itself: by the policy of its day, by what became of it, and by who acted."""

import json
from datetime import date
from uuid import uuid4

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from api.callers import Reach
from api.cli.main import app
from api.explaining import asked_about
from api.known import Kept
from ledger.commands import disbursements, policies
from ledger.commands.bank_files import BankFileOrder, export_batch
from ledger.commands.notices import Opening, close_notice, open_notice
from ledger.domain.batch import batch_id
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.officer import officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel, LimitName, LimitRule
from ledger.store.application import NotOnRecord
from projections.asked import NOW
from projections.explanation.checked import Checked, Outcome, Scope
from projections.explanation.explain import Explanation, explain
from projections.findings.catalogue import RULES_KNOWN
from projections.runner import catch_up
from tests.projections.test_findings import bank_says
from tests.world import (
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

ONE, TWO = Person(1), Person(2)
SOON, LATER = date(2017, 1, 22), date(2017, 3, 1)


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 1_000_000)
    world.file(ONE, TWO)
    return world


def explained(world: World, person: Person, day: date = SOON, place: str = "C01") -> Explanation:
    return explained_beside_findings(world, person, day, place)[0]


def explained_beside_findings(
    world: World, person: Person, day: date, place: str = "C01"
) -> tuple[Explanation, set[str]]:
    """Explain a payment, and return the rules that the list of findings has at its union."""
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        places = [organisation_id(each) for each in ("C01", "X01", "X01-01", "X02")]
        reach = Reach(frozenset(places if place == "C01" else [organisation_id(place)]), day)
        asked = asked_about(model, world.ledger, reach, Kept(), world.payment_id(person))
        return explain(asked), {each.rule for each in asked.findings}


def of(found: Explanation, rule: str) -> Checked:
    [each] = [each for each in found.checked if each.rule == rule]
    return each


def facts(found: Explanation, rule: str) -> dict[str, object]:
    return dict(of(found, rule).facts)


def test_every_rule_is_answered_once_and_with_the_limit_that_was_applied(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", settled(1, ONE, 80_000))

    found = explained(world, ONE)

    assert [each.rule for each in found.checked] == sorted(RULES_KNOWN)
    assert found.reading is not None
    assert (found.reading.number, found.later) == (1, None)
    floor = of(found, "B1")
    assert floor.outcome is Outcome.HELD
    assert facts(found, "B1") == {
        "amount_fen": 80_000,
        "minimum_fen": 60_000,
        "source": "通知 二(二)",
        "confidence": "uncertain",
    }
    assert of(found, "B2").outcome is Outcome.NOT_ASKED
    assert of(found, "C1").outcome is of(found, "C2").outcome is Outcome.HELD
    assert facts(found, "A1")["opened_on"] == "2016-01-01"
    assert of(found, "A2").outcome is Outcome.HELD
    assert of(found, "K1").outcome is Outcome.UNRECORDED
    assert facts(found, "G2")["waited_days"] == 0
    assert of(found, "G3").scope is Scope.ORGANISATION
    assert "L2" not in {each.rule for each in explained(world, ONE, place="X01").checked}


def test_who_acted_stands_with_their_post_and_what_was_stopped_with_its_rule(world: World) -> None:
    world.draft("B1", roster_row(1, ONE, 80_000))
    world.review("B1")
    assert world.approve("B1", "R-X01").refusal_code is not None
    world.approve("B1")

    found = explained(world, ONE)

    assert [(each.what, each.officer_id) for each in found.acts] == [
        ("drafted", officer_id("H-X01")),
        ("reviewed", officer_id("R-X01")),
        ("approved", officer_id("A-X01")),
    ]
    assert found.acts[2].posts == (("审批", organisation_id("X01")),)
    assert of(found, "H1").outcome is of(found, "H2").outcome is Outcome.HELD
    [stopped] = of(found, "H1").grounds
    assert (stopped.what, stopped.officer_id, stopped.code) == (
        "stopped",
        officer_id("R-X01"),
        "duty.same_person",
    )


def test_a_return_waits_then_is_broken_and_holds_once_it_is_paid_again(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", failed(1, ONE, 80_000, "NAME_MISMATCH"))

    assert of(explained(world, ONE, world.act().happened_on), "G5").outcome is Outcome.OPEN
    late = explained(world, ONE, LATER)
    assert of(late, "G5").outcome is of(late, "C2").outcome is Outcome.BROKEN
    assert of(late, "G2").outcome is Outcome.BROKEN
    disbursements.reissue_payment(
        world.ledger,
        world.act("A-X01"),
        disbursements.Reissue(world.payment_id(ONE), "换卡", "6299900000000000009"),
    )
    again = of(explained(world, ONE), "G5")
    assert again.outcome is Outcome.HELD
    [ground] = again.grounds
    assert (ground.what, ground.officer_id, ground.reason) == (
        "reissued",
        officer_id("A-X01"),
        "换卡",
    )


def test_what_was_sent_again_waits_for_an_answer_as_what_was_sent_first_did(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 80_000))
    assert outcomes(world, "F5", "J4") == [Outcome.BROKEN, Outcome.HELD]
    world.answer("B1", pending(1, ONE, 80_000), settled(2, TWO, 80_000))
    assert outcomes(world, "F5", "J4") == [Outcome.HELD, Outcome.BROKEN]
    world.answer("B1", failed(1, ONE, 80_000), settled(2, TWO, 80_000), sha="01" * 32)
    assert outcomes(world, "F5", "J4") == [Outcome.HELD, Outcome.HELD]

    order = disbursements.Reissue(world.payment_id(ONE), "再付")
    disbursements.reissue_payment(world.ledger, world.act("A-X01", LATER), order)

    assert outcomes(world, "F5", "J4") == [Outcome.HELD, Outcome.OPEN]
    assert outcomes(world, "F5", "J4", day=date(2017, 3, 31)) == [Outcome.HELD, Outcome.BROKEN]


def test_what_was_withdrawn_is_asked_for_nothing_that_waits_for_it_to_arrive(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.sheet("S1", TWO)
    for person in (ONE, TWO):
        disbursements.withdraw_payment(
            world.ledger, world.act("A-X01"), world.payment_id(person), "调离"
        )

    assert outcomes(world, "C2", "G2") == [Outcome.NOT_ASKED, Outcome.NOT_ASKED]
    assert outcomes(world, "F5", "J4", "G5") == [Outcome.HELD] * 3
    assert outcomes(world, "D1", "D3", "G2", person=TWO) == [Outcome.NOT_ASKED] * 3


def test_what_was_made_good_late_says_by_how_many_days(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", failed(1, ONE, 80_000))
    late = date(2017, 2, 20)

    order = disbursements.Reissue(world.payment_id(ONE), "再付")
    disbursements.reissue_payment(world.ledger, world.act("A-X01", late), order)

    assert outcomes(world, "G5") == [Outcome.BROKEN]
    came_back = world.act().happened_on
    assert facts(explained(world, ONE, LATER), "G5")["days_late"] == (late - came_back).days - 10
    bank_says(world, "B1", late, settled(1, ONE, 80_000))
    assert outcomes(world, "G2") == [Outcome.BROKEN]
    found = explained(world, ONE, LATER)
    ends_on = date.fromisoformat(str(facts(found, "G2")["ends_on"]))
    assert facts(found, "G2")["days_late"] == (late - ends_on).days


def test_what_came_back_is_judged_by_the_limits_of_that_day(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    world.answer("B1", failed(1, ONE, 80_000))
    late = date(2017, 2, 20)
    order = disbursements.Reissue(world.payment_id(ONE), "再付")
    disbursements.reissue_payment(world.ledger, world.act("A-X01", late), order)
    borne = LimitRule(source="细则", confidence="stated", name=LimitName.REISSUE_DAYS, value=90)
    policies.adopt_policy(
        world.ledger,
        world.act("A-C01", late),
        replace(terms(), effective_from=date(2017, 2, 21), limits=(borne,)),
    )
    bank_says(world, "B1", date(2017, 2, 25), settled(1, ONE, 80_000))

    found, told = explained_beside_findings(world, ONE, LATER)
    assert (of(found, "G5").outcome, "G5" in told) == (Outcome.BROKEN, True)
    assert facts(found, "G5")["reissue_within_days"] == 10


def test_what_was_withdrawn_after_it_was_paid_again_waits_and_then_is_broken(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    export_batch(world.ledger, world.act(), BankFileOrder("B1"))
    world.answer("B1", failed(1, ONE, 80_000))
    order = disbursements.Reissue(world.payment_id(ONE), "再付")
    disbursements.reissue_payment(world.ledger, world.act("A-X01"), order)
    disbursements.withdraw_payment(world.ledger, world.act("A-X01"), world.payment_id(ONE), "调离")

    assert outcomes(world, "G5", day=world.act().happened_on) == [Outcome.OPEN]
    assert outcomes(world, "G5") == [Outcome.BROKEN]
    assert "days_late" not in facts(explained(world, ONE, LATER), "G5"), "nobody got it"


def test_sheets_are_late_by_the_deadline_that_counts(world: World) -> None:
    world.sheet("S1", ONE)
    (due,) = terms().deadlines
    later = date(2017, 2, 15)
    put_off = replace(due, due_on=date(2017, 3, 20))
    adopted = replace(terms(later), deadlines=(put_off,))
    policies.adopt_policy(world.ledger, world.act("A-C01", later), adopted)
    assert outcomes(world, "D3") == [Outcome.BROKEN]

    signed = disbursements.SignedSheet("S1", "ef" * 32, (signature(1, ONE.name),))
    late = world.act("H-X01", date(2017, 2, 20))
    disbursements.record_signatures(world.ledger, late, signed)

    assert outcomes(world, "D3") == [Outcome.BROKEN]
    said = facts(explained(world, ONE, LATER), "D3")
    assert (said["due_on"], said["days_late"]) == (due.due_on.isoformat(), 15)


def outcomes(world: World, *rules: str, person: Person = ONE, day: date = LATER) -> list[Outcome]:
    """Return what of a payment comes out by these rules, which the list of findings agrees with."""
    found, listed = explained_beside_findings(world, person, day)
    for rule in rules:
        assert (of(found, rule).outcome is Outcome.BROKEN) == (rule in listed), rule
    return [of(found, rule).outcome for rule in rules]


def test_a_sheet_is_open_until_it_is_signed_and_its_witness_is_named(world: World) -> None:
    world.sheet("S1", ONE, TWO)

    waiting = explained(world, ONE)
    assert of(waiting, "D1").outcome is of(waiting, "D3").outcome is Outcome.OPEN
    assert of(explained(world, ONE, LATER), "D3").outcome is Outcome.BROKEN
    assert of(waiting, "J3").outcome is of(waiting, "A1").outcome is Outcome.NOT_ASKED
    assert facts(waiting, "B2")["maximum_fen"] == 50_000
    world.sign("S1", signature(1, ONE.name), signature(2, Person(9).name))
    signed = of(explained(world, ONE), "D1")
    assert (signed.outcome, signed.grounds[0].officer_id) == (Outcome.HELD, officer_id("H-X01"))
    assert of(explained(world, TWO), "D1").grounds[0].code == "signature.not_own"
    assert of(waiting, "H1").outcome is Outcome.HELD
    assert of(explained(world, ONE), "H1").outcome is Outcome.BROKEN, "their own list"


def test_a_reading_adopted_later_does_not_change_what_counted_but_says_what_would(
    world: World,
) -> None:
    world.draft("S1", roster_row(1, ONE, 45_000, SHEET_CLASS), channel=Channel.SIGNATURE_SHEET)
    world.review("S1")
    world.approve("S1")
    corrected = terms()
    [rule] = [each for each in corrected.categories if each.name == SHEET_CLASS]
    assert rule.maximum is not None
    limit = type(rule.maximum)(source="更正", confidence="certain", amount_fen=40_000)  # type: ignore[arg-type]
    lower = type(rule)(
        **{name: getattr(rule, name) for name in rule.__struct_fields__} | {"maximum": limit}
    )
    others = [each for each in corrected.categories if each.name != SHEET_CLASS]
    changed = type(corrected)(
        **{name: getattr(corrected, name) for name in corrected.__struct_fields__}
        | {"categories": (*others, lower)}
    )
    policies.adopt_policy(world.ledger, world.act("A-C01"), changed)

    found = explained(world, ONE)

    assert found.later is not None
    assert (found.later.number, found.changed) == (2, ("B2",))
    assert facts(found, "B2")["maximum_fen"] == 50_000


@pytest.mark.parametrize(("days", "outcome"), [(5, Outcome.HELD), (4, Outcome.BROKEN)])
def test_a_notice_that_ran_its_time_is_what_the_list_was_passed_on(
    world: World, days: int, outcome: Outcome
) -> None:
    world.draft("B1", roster_row(1, ONE, 80_000))
    period = Period(days, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")
    opening = Opening(batch_id("B1"), period, "单位公告栏", "工会办公室")
    open_notice(world.ledger, world.act("H-X01"), opening)
    close_notice(world.ledger, world.act("H-X01", SOON), notice_id(batch_id("B1"), 1))
    world.review("B1", day=SOON)
    world.approve("B1", day=SOON)

    shown = of(explained(world, ONE), "K1")

    assert shown.outcome is outcome
    assert dict(shown.facts)["source"] == "公示办法 第三条"
    assert dict(shown.facts)["notice_days"] == 5


def test_the_command_says_it_in_words_and_as_json_at_a_position(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pay("B1", roster_row(1, ONE, 80_000))
    monkeypatch.setenv("NUANZHANG_HOME", str(world.home.path))
    payment, runner = str(world.payment_id(ONE)), CliRunner()
    found = {each.rule: each for each in explained(world, ONE).checked}

    said = runner.invoke(app, ["explain", payment], catch_exceptions=False).output
    told = json.loads(
        runner.invoke(app, ["explain", payment, "--json"], catch_exceptions=False).output
    )

    assert [each["rule"] for each in told["explanation"]["rules"]] == list(found)
    assert (told["at"], told["proven"]) == (world.ledger.size() - 1, False)
    assert told["checkpoint_size"] == told["at"] + 1
    assert all(f"\n{rule} " in said for rule in found)
    assert "不是证明" in said
    with pytest.raises(NotOnRecord):
        runner.invoke(app, ["explain", str(uuid4())], catch_exceptions=False)


def test_what_is_found_at_other_unions_is_told_of_no_payment(world: World) -> None:
    """Findings are looked up by union: the payment's own, and the ledger's for who sees it all."""
    world.receive("X02", 100_000)
    world.sheet("S9", Person(9), union="X02")
    world.pay("B1", roster_row(1, ONE, 80_000))
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        places = [organisation_id(each) for each in ("C01", "X01", "X01-01", "X02")]
        reach = Reach(frozenset(places), LATER)
        kept = Kept()
        asked = asked_about(model, world.ledger, reach, kept, world.payment_id(ONE))
        known = kept.known(model, world.ledger, NOW, LATER)

    of_union = [each for each in known.findings if each.organisation_id == places[1]]
    assert {each.organisation_id for each in asked.findings} <= {places[1], None}
    assert [each for each in asked.findings if each.organisation_id is not None] == of_union
    assert len(of_union) < len(known.findings)
