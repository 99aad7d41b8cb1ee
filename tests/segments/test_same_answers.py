"""DuckDB over sealed segments says what the service says, to the fen."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ledger.domain.officer import Role
from ledger.store.home import Home
from projections.asked import Moment
from projections.findings.asked import Patience
from projections.findings.people import paid_again_elsewhere
from projections.runner import catch_up
from projections.segments.asking import QUESTIONS, Asking, QuestionUnknown, ask
from projections.segments.duck import duck
from tests.campaign import copied as home_copied
from tests.commands.test_refused_remittances import RefusingSide, taker_at
from tests.projections.test_findings import asked_of
from tests.segments.sealed import (
    ASKED_ON,
    LENGTH,
    RULES,
    answers,
    in_order,
    manifests_in,
    odd_world,
    padded,
    sealed,
    service_balances,
    service_findings,
    service_surplus,
    service_trial_balance,
    told,
)
from tests.world import DAY, RECORDED_AT, World

LOW = Patience(yearly_maximum_fen=650_000, again_days=30, reissue_days=5)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger with something for each rule, sealed into `segments` beside it."""
    folder = tmp_path_factory.mktemp("odd")
    world = padded(odd_world(folder), 2 * LENGTH + 3)
    sealed(world.ledger, world.home, folder / "segments")
    yield world
    world.ledger.close()


def asking_of(world: World, moment: Moment | None = None, patience: Patience = LOW) -> Asking:
    folder = world.home.path.parent / "segments"
    manifests = manifests_in(folder)
    return Asking(folder, manifests, ASKED_ON, moment or Moment(), patience)


def moments(world: World) -> list[Moment]:
    """Return the end of what is sealed, a day, a position, and both."""
    stop = manifests_in(world.home.path.parent / "segments")[-1].stop
    middle = stop // 3
    day = date(2017, 1, 10)
    return [Moment(at=stop - 1), Moment(day, stop - 1), Moment(at=middle), Moment(day, middle)]


def test_balances_and_surplus_are_those_of_the_service_at_any_moment(odd: World) -> None:
    with catch_up(odd.ledger, odd.home.read_models).asking() as model, duck() as engine:
        for moment in moments(odd):
            asking = asking_of(odd, moment)
            assert in_order(answers(engine, asking, "balances")) == in_order(
                service_balances(model, moment)
            )
            trial = answers(engine, asking, "trial_balance")
            assert {each["account"]: each["amount_fen"] for each in trial} == {
                account: amount
                for account, amount in service_trial_balance(model, moment).items()
                if amount or account in {each["account"] for each in trial}
            }
            assert sum(each["amount_fen"] for each in trial) == 0
            ours = answers(engine, asking, "surplus")
            theirs = service_surplus(model, moment, ASKED_ON)
            assert in_order(ours) == in_order([each for each in theirs if each["opening_fen"]])
        assert any(each["consumed_fen"] for each in answers(engine, asking_of(odd), "surplus"))


def test_money_on_its_way_to_another_ledger_and_taken_back_is_where_the_service_has_it(
    tmp_path: Path,
) -> None:
    world = World.at(tmp_path).settle_in()
    world.receive("C01", 300_000, vintage=2015)
    world.receive("C01", 500_000)
    giver, taker = RefusingSide(world), taker_at(tmp_path / "other")
    giver.know(taker)
    back = giver.send(taker, 400_000)
    taker.refuse(giver.proof(back))
    world.appoint("K-C01", "C01", Role.CASHIER, date(2016, 12, 1))
    giver.take_back(taker.proof(back), 400_000)
    giver.send(taker, 350_000)
    padded(world, 2 * LENGTH + 3)
    sealed(world.ledger, world.home, tmp_path / "segments")

    with catch_up(world.ledger, world.home.read_models).asking() as model, duck() as engine:
        for moment in moments(world):
            ours = in_order(answers(engine, asking_of(world, moment), "balances"))
            assert ours == in_order(service_balances(model, moment))
        gone = [each["remitted_fen"] for each in answers(engine, asking_of(world), "balances")]
        assert [each for each in gone if each] == [300_000, 50_000]
    for side in (giver, taker):
        side.world.ledger.close()


@pytest.mark.parametrize("patience", [LOW, Patience()])
def test_rules_find_what_the_service_finds_at_any_moment(odd: World, patience: Patience) -> None:
    seen: set[str] = set()
    with duck() as engine:
        for moment in moments(odd):
            theirs = service_findings(odd, moment, patience)
            for rule in RULES:
                found = ask(engine, asking_of(odd, moment, patience), rule.lower())
                ours = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
                of_rule = [told(each, found.columns) for each in theirs if each.rule == rule]
                assert in_order(ours) == in_order(of_rule), (rule, moment)
                seen |= {rule} if ours else set()
    assert seen == set(RULES) if patience is LOW else seen, "each rule has something to find"


def test_duplicates_are_the_payments_behind_the_finding(odd: World) -> None:
    moment = moments(odd)[0]
    with duck() as engine:
        ours = answers(engine, asking_of(odd, moment), "duplicates")
    behind = {
        str(id_)
        for each in service_findings(odd, moment, LOW)
        if each.rule == "E2"
        for id_ in each.payment_ids
    }
    assert {each["disbursement_id"] for each in ours} == behind != set()
    with catch_up(odd.ledger, odd.home.read_models).asking() as model:
        asked = replace(asked_of(odd, model, ASKED_ON, moment), patience=LOW)
        before = {id_ for each in paid_again_elsewhere(asked) for id_ in each.payment_ids}
    of_nine = {each["disbursement_id"] for each in ours} - {str(id_) for id_ in before}
    assert len(of_nine) == 2, "paid twice by one union, for the same and out of the same money"


def test_the_2017_campaign_comes_to_the_same_figures(campaign_2017: Home, tmp_path: Path) -> None:
    home = home_copied(campaign_2017, tmp_path)
    folder = tmp_path / "segments"
    with closing(home.open(RECORDED_AT, DAY)) as ledger:
        made = sealed(ledger, home, folder)
        moment = Moment(at=made[-1].stop - 1)
        asking = Asking(folder, made, ASKED_ON, moment)
        with catch_up(ledger, home.read_models).asking() as model, duck() as engine:
            balances = service_balances(model, moment)
            assert in_order(answers(engine, asking, "balances")) == in_order(balances)
            surplus = [x for x in service_surplus(model, moment, ASKED_ON) if x["opening_fen"]]
            assert in_order(answers(engine, asking, "surplus")) == in_order(surplus)
            assert (len(balances) > 50, len(surplus) > 10) == (True, True)


def test_an_unknown_question_is_refused_by_name(odd: World) -> None:
    with duck() as engine, pytest.raises(QuestionUnknown, match="balances"):
        ask(engine, asking_of(odd), "profits")
    assert len(set(QUESTIONS)) == len(QUESTIONS)
