"""What an earlier version of a rule would say, and what other limits would have said."""

from datetime import date

import msgspec
import pytest
from sqlalchemy import Connection

from api.known import Kept, Known
from ledger.commands import policies
from ledger.domain.policy import LimitName
from ledger.errors import LedgerError
from projections.asked import NOW, Moment
from projections.findings.asked import Patience
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.limits import LIMITS_OF
from projections.findings.rules import RULES
from projections.findings.supposing import (
    NoSuchAdoption,
    PolicyNotNamed,
    RuleNotNamed,
    Supposition,
)
from projections.findings.versions import (
    EARLIER,
    Compared,
    Comparison,
    NoSuchRule,
    NoSuchVersion,
    compared,
)
from projections.runner import catch_up
from tests.projections.test_findings import asked_of
from tests.projections.test_findings_of_people import next_campaign, pay_in_summer
from tests.projections.test_policy_limits import ONE, TODAY, TWO, adopt, limit
from tests.world import POLICY, Person, World, roster_row, terms


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 10_000_000)
    world.receive("X02", 10_000_000)
    world.file(ONE, TWO)
    return world


def supposed(
    world: World, supposing: Supposition, moment: Moment = NOW
) -> tuple[Known, Comparison]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        return _held(world, model, supposing, moment)


def _held(
    world: World, model: Connection, supposing: Supposition, moment: Moment
) -> tuple[Known, Comparison]:
    kept = Kept()
    known = kept.known(model, world.ledger, moment, TODAY)
    other = kept.supposing(model, world.ledger, moment, TODAY, supposing)
    assert kept.supposing(model, world.ledger, moment, TODAY, supposing) is other
    of = {supposing.rule} if supposing.rule else set(RULES_KNOWN)
    return other, compared(
        (each for each in other.findings if each.rule in of),
        (each for each in known.findings if each.rule in of),
    )


def test_every_rule_keeps_all_versions_before_the_one_that_counts() -> None:
    assert {code: len(each) + 1 for code, each in EARLIER.items()} == {
        code: about.version for code, about in RULES_KNOWN.items() if about.version > 1
    }


def test_rules_say_which_limits_they_look_at(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000))
    looked: set[str] = set()

    class Watched(Patience):
        def __getattribute__(self, name: str) -> object:
            looked.add(name)
            return super().__getattribute__(name)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, TODAY, NOW)
        object.__setattr__(asked, "patience", Watched())
        for rule in RULES:
            looked.clear()
            list(rule.find(asked))
            assert looked <= {each.value for each in rule.limits}, rule.find
    of_rules = {each for rule in RULES for each in rule.limits}
    assert of_rules == {each for several in LIMITS_OF.values() for each in several}


def test_an_earlier_version_tells_each_odd_amount_by_itself(world: World) -> None:
    people = [Person(10 + each) for each in range(6)]
    world.file(*people)
    rows = [roster_row(at, each, 60_000) for at, each in enumerate(people[:4], 1)]
    odd = [roster_row(at, people[at - 1], 100_000 + at) for at in (5, 6)]
    world.pay("B1", *rows, *odd)
    few = (
        limit(LimitName.MANY, 6),
        limit(LimitName.ODD_SHARE_BP, 2_000),
        limit(LimitName.ODD_AMOUNTS, 1),
    )
    adopt(world, *few, since=date(2017, 1, 5), on=date(2017, 1, 5))

    _, held = supposed(world, Supposition("B4", 1))
    assert [(each.count, stands) for each, stands in held.supposed] == [
        (1, Compared.ONLY_SUPPOSED),
        (1, Compared.ONLY_SUPPOSED),
    ]
    assert [each.count for each in held.only_now] == [2]
    assert held.counted[Compared.ONLY_NOW] == 1
    _, same = supposed(world, Supposition("B4", 2))
    assert [stands for _, stands in same.supposed] == [Compared.SAME]
    before = Moment(at=world.ledger.size() - 2)
    assert supposed(world, Supposition("B4", 1), before)[1].supposed == [], "before the limits"


def test_the_limits_of_another_adoption_are_held_against_those_that_count(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000))
    next_campaign(world, date(2017, 2, 1))
    pay_in_summer(world, ONE, 70_000, date(2017, 2, 2), "X02")
    adopt(world, limit(LimitName.AGAIN_DAYS, 10))

    known, held = supposed(world, Supposition("E2", adoption=1))
    assert {stands for _, stands in held.supposed} == {Compared.ONLY_SUPPOSED}
    assert [each.value for each in known.limits.of("E2")] == [60], "usual: adoption 1 is silent"
    _, backwards = supposed(world, Supposition(None, policy=POLICY, adoption=2))
    assert {stands for _, stands in backwards.supposed} == {Compared.SAME}
    assert backwards.only_now == []


@pytest.mark.parametrize(
    ("supposing", "refusal"),
    [
        (Supposition("B4", 3), NoSuchVersion),
        (Supposition("Z9", 1), NoSuchRule),
        (Supposition(None, 1), RuleNotNamed),
        (Supposition("B4", None, None, 2), NoSuchAdoption),
        (Supposition(None, None, "NONE", 1), NoSuchAdoption),
    ],
)
def test_what_never_was_cannot_be_supposed(
    world: World, supposing: Supposition, refusal: type[LedgerError]
) -> None:
    with pytest.raises(refusal):
        supposed(world, supposing)


def test_of_several_policies_one_is_named(world: World) -> None:
    other = msgspec.structs.replace(terms(), code="OTHER", limits=())
    policies.adopt_policy(world.ledger, world.act("A-C01", date(2017, 1, 20)), other)

    with pytest.raises(PolicyNotNamed):
        supposed(world, Supposition(adoption=1))
    assert supposed(world, Supposition(policy="OTHER", adoption=1))[1].only_now == []
